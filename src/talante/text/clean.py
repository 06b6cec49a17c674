"""A scraped page is not an article: take the page chrome off and find the title."""

import re
import unicodedata
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from talante.corpus.article import Article
from talante.errors import DataError

# Whole lines that belong to the page. English and Spanish sites mix them, so both are tried on both.
_CHROME = re.compile(
    r"""(?xi)
    \[?\s*(?:
      fbpx
    | (?:skip|jump)\ to\ (?:main\ )?(?:content|navigation) | (?:saltar|ir)\ al\ contenido(?:\ principal)?
    | (?:leer|leer\ esto|versión)\ en\ (?:español|inglés) | (?:read|read\ this|leer)\ in\ (?:english|spanish)
    | read\ (?:more|also|next|full\ article).{0,3}
    | (?:(?:leer|lea|lee|ver)\ (?:más|también) | seguir\ leyendo | te\ puede\ interesar).{0,3}
    | (?:total|shares?|tweet|pin|email|print|whatsapp|facebook|twitter|telegram|linkedin|instagram|x)
    | (?:share|compartir|comparte|tuitear|imprimir|síguenos|follow\ us)(?:\ (?:this|on|en|esto|via|con).{0,40})?
    | \d{1,6}(?:\ (?:shares?|comments?|comentarios?|views?|vistas?|compartido))?
    | (?:advertisement|publicidad|anuncio|sponsored(?:\ content)?|contenido\ patrocinado)
    | (?:subscribe|suscr[ií]bete|sign\ up|log\ in|register|newsletter|regístrate|iniciar\ sesión)
      (?:\ (?:to|for|now|here|a|al|aquí|ahora|con|with)\b.{0,60})?
    | (?:accept|aceptar)(?:\ (?:all|todas\ las|las))?\ cookies | (?:we|this\ site)\ uses?\ cookies.{0,200}
    | (?:home|inicio|menu|menú|search|buscar|close|cerrar|toggle\ navigation)
    | (?:©|\(c\)|copyright\b).{0,120} | (?:all\ rights\ reserved|todos\ los\ derechos\ reservados).{0,60}
    )\s*\]?""",
)

# What follows the end of an article: from such a line on, everything is chrome.
_END = re.compile(
    r"""(?xi)
      (?:leave|post)\ a\ (?:reply|comment)
    | (?:deja|dejar|escribe)\ (?:una\ respuesta|un\ comentario|tu\ comentario).{0,20}
    | cancel\ reply | cancelar\ respuesta | your\ email\ address\ will\ not\ be\ published.*
    | tu\ dirección\ de\ correo\ electrónico\ no\ será\ publicada.*
    | (?:related|more|recommended)\ (?:articles|posts|stories|news|reading).{0,20} | you\ may\ also\ like.{0,20}
    | (?:artículos|notas|noticias|entradas)\ relacionad[ao]s.{0,20} | te\ puede\ interesar.{0,20}
    | \d*\ ?(?:comments|comentarios)
    """,
)

_ROLE = re.compile(
    r"(?i)\b(?:analyst|columnist|journalist|professor|lecturer|editor|author|contributor|researcher|lawyer|economist"
    r"|sociologist|historian|correspondent|analista|columnista|periodista|profesora?|catedrátic[oa]|editora?|autora?"
    r"|colaboradora?|investigadora?|abogad[oa]|economista|sociólog[oa]|historiadora?|corresponsal)\b"
)

_LONGEST_TITLE = 200  # characters

#: What `_CHROME` matches has no more characters, runs of blanks aside.
_LONGEST_CHROME = 260

# Control and invisible characters split words for the tokenizer and not for the reader.
_INVISIBLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\xad\u200b-\u200f\u2060\ufeff\u202a-\u202e\u2066-\u2069]")


#: Characters that `plain` lets stand, whatever is beside them, as ranges: nearly all articles have no others, which is
#: seen faster than they are cleaned.
_UNTOUCHED = (("\t", "\n"), (" ", "~"), ("\xa0", "\xac"), ("\xae", "\u02ff"), ("‐", "‧"), ("₠", "₿"))


@cache
def _touched() -> NDArray[np.bool_]:
    """Say of each code point whether it is none of these; of all beyond the last, in the last place."""
    touched = np.ones(ord(_UNTOUCHED[-1][1]) + 2, dtype=np.bool_)
    for first, last in _UNTOUCHED:
        touched[ord(first) : ord(last) + 1] = False
    return touched


def clean(article: Article, chrome: bool = True) -> Article:
    """Return the article as plain text without page chrome, its title apart from its text.

    Without ``chrome`` every line stays, and so does a title in the first one. Raises DataError when no text is left.
    """
    if article.format == "html":
        article = _from_html(article)
    text, title = plain(article.text), " ".join(plain(article.title).split())
    if article.format == "markdown":
        text = plain(_from_markdown(text))  # which may have written characters as entities
    text = _strip_chrome(text) if chrome else text.strip()
    first, _, rest = text.partition("\n")
    if (
        chrome
        and not title
        and rest.strip()
        and len(first) <= _LONGEST_TITLE
        and not first.endswith((".", ",", ";", ":"))
    ):
        title = " ".join(first.split())
    # All of a text may be one line: split it only if it begins like the title
    if title and first.startswith(title.partition(" ")[0]) and " ".join(first.split()) == title:
        text = rest.strip()
    if not text and not title:
        raise DataError("no article text is left after the page chrome was taken off")
    if text == article.text and title == article.title and article.format == "plain":
        return article  # a copy takes longer than this
    return replace(article, text=text, title=title, format="plain")


def full_text(article: Article) -> str:
    """Return title and text as one string, the way features see a cleaned article."""
    return f"{article.title}\n\n{article.text}" if article.title and article.text else article.title or article.text


def plain(text: str) -> str:
    """Return a text with composed characters, plain line breaks, no invisible characters and no mask brackets."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    if not _touched().take(codes, mode="clip").any():
        return text
    text = _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    # The brackets mark masks (contexts.py), so no text may bring its own
    return unicodedata.normalize("NFC", text).replace("⟦", "[").replace("⟧", "]")


def _from_html(article: Article) -> Article:
    import trafilatura  # 0.3 s, for pages only

    page = trafilatura.bare_extraction(article.text, with_metadata=True, include_comments=False)
    text = getattr(page, "text", None)
    if not text:
        raise DataError("no article text found in this page")
    return replace(
        article,
        text="\n\n".join(text.splitlines()),
        title=article.title or getattr(page, "title", None) or "",
        date=article.date or getattr(page, "date", None) or "",
        author=article.author or getattr(page, "author", None) or "",
        outlet=article.outlet or getattr(page, "sitename", None) or "",
        url=article.url or getattr(page, "url", None) or "",
    )


def _from_markdown(text: str) -> str:
    from markdown_it import MarkdownIt

    if front := re.match(r"---\n.*?\n---\n", text, re.DOTALL):
        text = text[front.end() :]
    blocks = (token.children or () for token in MarkdownIt().parse(text) if token.type == "inline")
    kept = {"text": None, "code_inline": None, "softbreak": "\n", "hardbreak": "\n"}
    paragraphs = ("".join(kept[c.type] or c.content for c in block if c.type in kept) for block in blocks)
    return "\n\n".join(p for p in paragraphs if p.strip())


def chrome_lines(text: str) -> list[str]:
    """Return the lines of a text that belong to its page, not to the article."""
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line and (_CHROME.fullmatch(line) or _END.fullmatch(line))]


def _strip_chrome(text: str) -> str:
    lines = [line.strip() for line in text.split("\n")]
    # An article may quote such a line early; only in its second half does it end the article.
    for number in range(len(lines) // 2, len(lines)):
        if _END.fullmatch(lines[number]):
            del lines[number:]
            break
    # A very short text is all there is: a page whose every line looks like chrome keeps them.
    kept = [line for line in lines if len(line) > _LONGEST_CHROME or not _CHROME.fullmatch(line)]
    text = "\n".join(kept)
    if "\n\n\n" in text:  # which is seen faster than a pattern is tried
        text = re.sub(r"\n{3,}", "\n\n", text)
    text = text.strip()
    head, _, last = text.rpartition("\n\n")
    return head.rstrip() if head and _is_author_footer(last) else text


def _is_author_footer(paragraph: str) -> bool:
    """Say whether a last paragraph presents the author: a profession, and no full stop at the end."""
    return len(paragraph) < 400 and paragraph[-1:] not in '.!?…”"»)' and bool(_ROLE.search(paragraph[:120]))
