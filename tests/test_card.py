"""The card says what was measured, in JSON and in Markdown, and nothing that was not."""

import json
from pathlib import Path

import pytest

from talante.corpus.records import Corpus
from talante.evaluation.card import scores
from talante.evaluation.crossval import cross_validate
from talante.evaluation.report import Extras, Report, build_report
from talante.jobs.train import train
from talante.model.card import card_text
from talante.model.files import read_card
from talante.model.model import Model
from talante.text.prepare import Prepared
from tests.conftest import MINI, ROOT, SETTINGS


@pytest.fixture(scope="module")
def report(corpus: Corpus, articles: list[Prepared]) -> Report:
    found = cross_validate(articles, corpus.schema, SETTINGS, jobs=1)
    return build_report(
        found.outcomes, corpus.schema, what="the mini corpus", model="", extras=Extras(random=found.random)
    )


def test_the_figures_of_a_card_are_those_of_the_report(report: Report) -> None:
    found = scores(report)
    assert report.pooled
    pooled = report.pooled.macro_f1
    assert found["figures"]["stance, all targets: macro-F1"] == pytest.approx(
        [pooled.value, pooled.low, pooled.high, pooled.n], abs=1e-4
    )
    assert set(found["controls"]) == {c.name for c in report.controls}
    assert found["verdict"] == report.verdict
    assert json.loads(json.dumps(found)) == found


def test_the_page_has_every_figure_and_reads_no_name_as_markup(report: Report) -> None:
    card = {
        "id": "abc", "format": "talante-model", "format_version": 4, "languages": ["en"],
        "schema": {"topics": [], "targets": []},
        "scores": [{**scores(report), "slices": {"outlet: *<b>|x*": {"stances right": [0.1, 0.0, 0.2, 30]}}}],
    }  # fmt: skip
    text = card_text(card)
    for name, (value, *_) in card["scores"][0]["figures"].items():  # type: ignore[index]
        assert f"| {name} | {value:.2f} [" in text
    assert r"\*\<b\>\|x\*" in text
    assert "Nobody has measured it" in card_text({**card, "scores": []})


def test_training_measures_and_writes_the_card(tmp_path: Path) -> None:
    gold = next((MINI / "articles").glob("*.jsonl"))
    model = train(MINI, tmp_path, SETTINGS, golds=[gold])
    card = read_card(tmp_path / model.id)
    assert [s["what"].split(",")[0] for s in card["scores"]] == ["the corpus", gold.name]
    assert any("learned from" in warning for warning in card["scores"][1]["warnings"])
    assert (tmp_path / model.id / "README.md").read_text(encoding="utf-8") == card_text(card)
    quick = train(MINI, tmp_path, SETTINGS, measure=False)
    assert read_card(tmp_path / quick.id)["scores"] == []


def test_the_page_of_the_shipped_model_is_made_from_its_card(shipped: Model) -> None:
    folder = ROOT / "models" / shipped.id
    assert (folder / "README.md").read_text(encoding="utf-8") == card_text(shipped.card)
    assert len(shipped.card["scores"]) >= 1
