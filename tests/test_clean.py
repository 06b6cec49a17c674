"""Page chrome goes, the article stays."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talante.corpus.article import Article
from talante.corpus.read import find_inputs, read_articles
from talante.errors import DataError
from talante.features.tokens import terms
from talante.text.clean import _INVISIBLE, _touched, clean, full_text, plain
from tests.conftest import ROOT

BODY = "The council met on Monday. It voted for the bridge.\n\nThe works begin in May."


def cleaned(text: str, **fields: str) -> Article:
    return clean(Article(id="a", text=text, **fields))  # type: ignore[arg-type]


def test_the_scraped_seed_keeps_title_and_body_and_nothing_of_its_page() -> None:
    (scraped,) = read_articles(find_inputs([str(ROOT / "data/seed")]))
    assert isinstance(scraped, Article)
    article = clean(scraped)
    assert article.title == "Peru Providing Food Assistance to Maduro Regime in Venezuela"
    assert article.text.startswith("With the justification that they will coordinate")
    assert article.text.endswith("survival and expansion of this lethal power.")
    chrome = {"fbpx", "skip", "leer", "espanol", "reply", "share", "analista", "columnista", "columnist", "enfocado"}
    assert chrome.isdisjoint(terms(full_text(article)))


@pytest.mark.parametrize(
    "line",
    ["Skip to content", "fbpx", "[Leer en español]", "Compartir en Facebook", "12 comentarios", "Advertisement",
     "Suscríbete a nuestro boletín", "Subscribe to our newsletter", "© 2021 El Diario", "Share", "0"],
)  # fmt: skip
def test_a_line_of_page_chrome_is_dropped(line: str) -> None:
    assert cleaned(f"{line}\n\nThe bridge\n\n{BODY}") == cleaned(f"The bridge\n\n{BODY}")


@pytest.mark.parametrize(
    "line", ["Share prices fell.", "Total war", "Suscríbete o muere, decía el cartel.", "Home rule"]
)
def test_a_sentence_that_begins_like_chrome_stays(line: str) -> None:
    assert line in full_text(cleaned(f"The bridge\n\n{line}\n\n{BODY}"))


@pytest.mark.parametrize("end", ["Leave a Reply", "Deja un comentario", "Related posts", "3 Comments"])
def test_nothing_after_the_end_of_the_article_is_kept(end: str) -> None:
    assert cleaned(f"{BODY}\n\n{end}\n\nNice one!\nName\nEmail") == cleaned(BODY)


def test_the_words_leave_a_reply_early_in_a_text_do_not_cut_it() -> None:
    assert "bridge" in cleaned(f"Leave a reply\n\nHe wrote.\n\n{BODY}").text


@pytest.mark.parametrize(
    "footer",
    ["Political analyst and columnist focused on risk // Analista político y columnista enfocado en riesgo",
     "Ana Pérez es periodista y profesora de la Universidad del Norte"],
)  # fmt: skip
def test_an_author_footer_is_dropped(footer: str) -> None:
    assert cleaned(f"{BODY}\n\n{footer}") == cleaned(BODY)


def test_a_last_paragraph_about_a_journalist_stays() -> None:
    last = "A journalist asked why. Nobody answered."
    assert cleaned(f"{BODY}\n\n{last}").text.endswith(last)


def test_a_title_that_the_text_repeats_is_not_counted_twice() -> None:
    assert cleaned(f"The bridge\n\n{BODY}", title="The bridge").text == BODY


def test_a_title_that_begins_the_first_sentence_stays_in_it() -> None:
    assert cleaned("Toral says no. She left.", title="Toral").text == "Toral says no. She left."


def test_a_first_line_without_a_full_stop_is_the_title() -> None:
    assert (cleaned(f"The  bridge\n{BODY}").title, cleaned(BODY).title) == ("The bridge", "")


def test_markdown_loses_its_marks_and_keeps_its_words() -> None:
    article = cleaned(
        "---\nlayout: post\n---\n# The *bridge*\n\n> He [said](http://x.example/a_b) **no**.\n\n![cat](c.png)\n- one",
        format="markdown",
    )
    assert full_text(article) == "The bridge\n\nHe said no.\n\none"


def test_html_is_reduced_to_the_article() -> None:
    paragraphs = "".join(f"<p>The council met on Monday and voted for bridge number {i}.</p>" for i in range(8))
    page = (
        "<html><head><title>The bridge</title></head><body><nav><a href='/'>Home</a><a href='/s'>Sport</a></nav>"
        f"<article><h1>The bridge</h1>{paragraphs}</article><footer>Cookie policy</footer></body></html>"
    )
    article = cleaned(page, format="html")
    assert article.title == "The bridge"
    assert "bridge number 7" in article.text
    assert "Cookie" not in full_text(article)


@pytest.mark.parametrize(("text", "form"), [("fbpx\nShare\n0", "plain"), ("<html><body></body></html>", "html")])
def test_a_page_without_an_article_is_an_error(text: str, form: str) -> None:
    with pytest.raises(DataError, match="no article text"):
        cleaned(text, format=form)


def test_markdown_cannot_bring_a_mask() -> None:
    page = Article(id="a", text="&#10214;target&#10215; lies, said nobody.", format="markdown")
    assert clean(page).text == "[target] lies, said nobody."


def test_what_is_taken_for_plain_at_a_glance_stays_as_it_is() -> None:
    codes = [code for code, touched in enumerate(_touched()[:-1].tolist()) if not touched]
    assert {"a", "é", "—", "”", "\n"} <= set(map(chr, codes))
    chars = [chr(code) for code in codes]
    for text in ("".join(chars), "".join(first + char for first in "aé’" for char in chars)):
        assert unicodedata.is_normalized("NFC", text)
        assert not _INVISIBLE.search(text) and not set("\r⟦⟧") & set(text)
        assert plain(text) == text


@given(st.text(st.characters(codec="utf-8") | st.sampled_from("\r\n\xad\u200b\u0301e⟦⟧\ufeff\x00"), max_size=8))
def test_plain_text_has_nothing_that_splits_words_unseen(text: str) -> None:
    kept = re.sub(_INVISIBLE, "", re.sub("\r\n?", "\n", text))
    assert plain(text) == unicodedata.normalize("NFC", kept).translate({ord("⟦"): "[", ord("⟧"): "]"})
