"""What lint finds in a corpus, one fault at a time."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from talante.corpus.article import Article
from talante.corpus.records import Finding
from talante.evaluation.confounds import ALL_CUES, DESK, audit
from talante.jobs.lint import Lint, lint
from tests.conftest import MINI

TEXT = (
    "The dockers' union met on the harbor in the evening. Some of its members had waited for a year, others had come "
    "from the ships. Mayor Toral did not attend, and the town hall gave no reason."
)
OTHER = (
    "Rain kept the children at home on Monday, so the teachers read to one another. Nobody in the school could say "
    "when the roof would be mended; the caretaker had put buckets in two of the classrooms."
)
SOUND = {"id": "a", "lang": "en", "title": "", "text": TEXT, "group": "g", "topics": ["harbor"], "origin": "written"}


def check(folder: Path, *records: dict[str, Any]) -> Lint:
    (folder / "articles").mkdir(exist_ok=True)
    (folder / "schema.toml").write_bytes((MINI / "schema.toml").read_bytes())
    (folder / "articles/a.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    return lint(folder)


def test_a_sound_record_has_no_finding(tmp_path: Path) -> None:
    assert check(tmp_path, SOUND).findings == []


@pytest.mark.parametrize(
    ("change", "name", "fact"),
    [
        ({"stances": {"mayor": "against"}, "text": OTHER}, "mention", "names by no alias"),
        ({"lang": "es"}, "language", "looks like 'en'"),
        ({"topics": None, "stances": None}, "label", "neither topics nor stances"),
        ({"disputed_topics": ["harbor"]}, "label", "'harbor' is both a label and disputed"),
        ({"text": TEXT + "\x07"}, "text", "U+0007"),
        ({"text": TEXT + " El seÃ±or."}, "text", "decoded wrongly"),
        ({"text": TEXT + "\n\nShare this\n\n" + OTHER}, "chrome", "such as 'Share this'"),
        ({"text": "Ships came and went."}, "length", "only 4 words"),
        ({"text": f"{TEXT} {OTHER} " * 200}, "length", "00 words"),
        ({"date": "2019-02-30"}, "date", "2019-02-30"),
        ({"date": "last May"}, "date", "last May"),
        ({"group": ""}, "group", "no group, outlet or author"),
    ],
)
def test_a_doubt_is_a_warning_that_names_the_line(tmp_path: Path, change: Any, name: str, fact: str) -> None:
    found = check(tmp_path, {**SOUND, **change})
    (finding,) = found.findings
    assert (finding.check, finding.level, found.errors) == (name, "warning", 0)
    assert finding.place.endswith("a.jsonl:1") and fact in finding.fact


@pytest.mark.parametrize("given", ["2019", "2019-02", "2019-02-28", ""])
def test_a_date_may_be_as_precise_as_it_is_known(tmp_path: Path, given: str) -> None:
    assert check(tmp_path, {**SOUND, "date": given}).findings == []


def test_nothing_but_page_chrome_is_an_error(tmp_path: Path) -> None:
    found = check(tmp_path, {**SOUND, "text": "Share this\n\nRead more"})
    assert [(f.check, f.level) for f in found.findings] == [("empty", "error")]


@pytest.mark.parametrize(
    ("change", "fact", "level"),
    [
        ({}, "(similarity", "warning"),
        ({"group": "h"}, "in another group", "error"),
        ({"topics": []}, "with other labels", "error"),
    ],
)
def test_near_duplicates_are_errors_where_they_leak_or_contradict(
    tmp_path: Path, change: Any, fact: str, level: str
) -> None:
    copy = {**SOUND, "id": "b", "text": TEXT.replace("evening", "morning"), "origin": "added", **change}
    (finding,) = check(tmp_path, SOUND, copy).findings
    assert (finding.check, finding.level) == ("near-duplicate", level)
    assert fact in finding.fact and "a.jsonl:1" in finding.fact


def test_written_articles_must_not_share_ten_words(tmp_path: Path) -> None:
    run = " ".join(TEXT.split()[:11])
    (finding,) = check(tmp_path, SOUND, {**SOUND, "id": "b", "text": f"{OTHER} {run}"}).findings
    assert finding.check == "repeat" and "the dockers union met on the harbor" in finding.fact
    assert check(tmp_path, SOUND, {**SOUND, "id": "b", "text": f"{OTHER} {run}", "origin": "added"}).findings == []


def test_a_desk_of_one_stance_is_named_unless_it_speaks_for_itself(tmp_path: Path) -> None:
    letters = "abcdefgh"
    records = [
        {**SOUND, "id": x, "text": f"Mayor Toral lies about {x * 3}. " + " ".join(x * n for n in range(4, 40)),
         "stances": {"mayor": "against"}, "topics": ["harbor"]}
        for x in letters
    ]  # fmt: skip
    (finding,) = [f for f in check(tmp_path, *records).findings if f.check == "one-sided"]
    assert "all 8 articles of 'g' are 'against' toward 'mayor'" in finding.fact
    spoken = [{**r, "genre": "statement"} for r in records]
    assert not [f for f in check(tmp_path, *spoken).findings if f.check == "one-sided"]


def test_errors_come_before_warnings(tmp_path: Path) -> None:
    found = check(tmp_path, {**SOUND, "group": ""}, {"id": "x"})
    assert [f.level for f in found.findings] == ["error"] * 3 + ["warning"]
    assert isinstance(found.findings[0], Finding)


def made(seed: int, confounded: bool) -> list[Article]:
    """Return 240 articles of 24 groups whose length, and that alone, depends on the stance or does not."""
    random = np.random.default_rng(seed)
    articles = []
    for i in range(240):
        stance = ("against", "neutral", "favor")[random.integers(3)]
        usual = {"against": 100, "neutral": 200, "favor": 400}[stance] if confounded else 200
        text = " ".join(["word"] * int(usual * random.uniform(0.7, 1.3)))
        articles.append(Article(str(i), text, lang="en", group=str(i % 24), stances={"mayor": stance}))
    return articles


def test_the_audit_finds_what_tells_the_stance() -> None:
    (found,) = audit(made(0, confounded=True), ["mayor"])
    assert found.confounded and found.recall["length"].value > 0.8
    assert found.recall["digits"].value == pytest.approx(found.chance)


def test_the_audit_is_at_chance_where_nothing_tells_it() -> None:
    """An interval of 95 % may miss chance from above in one draw of forty; in three of ten it must not."""
    audits = [audit(made(seed, confounded=False), ["mayor", "union"])[0] for seed in range(1, 11)]
    assert sum(a.confounded for a in audits) < 3
    assert np.mean([a.recall[ALL_CUES].value for a in audits]) == pytest.approx(1 / 3, abs=0.03)
    assert {a.chance for a in audits} == {1 / 3} and DESK in audits[0].recall


def test_too_few_articles_are_not_audited() -> None:
    assert audit(made(0, confounded=True)[:20], ["mayor"]) == []
