"""A retraining as a file of metrics: what Prometheus reads back, and what stays from the runs before."""

import logging
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from talante.errors import UsageError, WriteError
from talante.jobs.metrics_file import _HELP, check_path, write_failure, write_metrics

PROMOTED = "talante_retrain_last_promotion_timestamp_seconds"
LAST_RUN = "talante_retrain_last_run_timestamp_seconds"


def check(figure: str, answer: str = "passed", floor: float | None = None) -> dict[str, Any]:
    return {
        "on": "held-out groups", "figure": figure, "kind": "overall", "champion": 0.74, "candidate": 0.75,
        "difference": {"value": 0.01, "low": -0.004, "high": 0.02, "n": 40}, "margin": 0.02, "floor": floor,
        "pinned": floor and 0.72, "answer": answer, "more_articles": None,
    }  # fmt: skip


EXIT_CODES = {"promoted": 0, "nothing new": 0, "refused": 5, "cannot tell": 7}


def retrained(outcome: str, *checks: dict[str, Any], dry_run: bool = False) -> dict[str, Any]:
    return {
        "outcome": outcome, "why": "", "candidate": None if outcome == "nothing new" else "c1", "champion": "c0",
        "dry_run": dry_run, "exit_code": EXIT_CODES[outcome], "new_labels": None, "checks": list(checks),
        "seconds": {"prepare": 3.1, "fit": 9.0},
        "corpus": {"digest": "d", "articles": 20, "added": 3, "removed": 0, "changed": 1},
    }  # fmt: skip


Values = dict[tuple[str, frozenset[str]], float]


def values(path: Path) -> Values:
    """Return what the file says, by the name of a metric and the values of its labels."""
    families = list(text_string_to_metric_families(path.read_text(encoding="utf-8")))
    assert all(f.type == "gauge" and f.documentation == _HELP[f.name] for f in families)
    return {(s.name, frozenset(s.labels.values())): s.value for f in families for s in f.samples}


def of(found: Values, name: str, *labels: str) -> float | None:
    return found.get((name, frozenset(labels)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "talante.prom"


def test_a_promotion_is_written_with_its_figures(path: Path) -> None:
    write_metrics(path, retrained("promoted", check("stances, macro-F1", floor=0.7)), 1000.5)
    found = values(path)
    assert of(found, LAST_RUN) == of(found, PROMOTED) == 1000.5
    assert of(found, "talante_retrain_exit_code") == 0
    assert of(found, "talante_retrain_stage_seconds", "fit") == 9.0
    assert of(found, "talante_corpus_articles") == 20 and of(found, "talante_corpus_articles_added") == 3
    assert of(found, "talante_model_info", "c1") == 1
    where = ("held-out groups", "stances, macro-F1", "overall")
    assert of(found, "talante_figure", *where, "champion") == 0.74
    assert of(found, "talante_figure", *where, "candidate") == 0.75
    assert [of(found, "talante_gate_difference", *where, b) for b in ("low", "value", "high")] == [-0.004, 0.01, 0.02]
    assert of(found, "talante_gate_margin", *where) == 0.02 and of(found, "talante_gate_floor", *where) == 0.7
    assert of(found, "talante_gate_pinned_figure", *where) == 0.72


@pytest.mark.parametrize("outcome", ["promoted", "refused", "cannot tell", "nothing new"])
def test_exactly_one_outcome_is_one(outcome: str, path: Path) -> None:
    write_metrics(path, retrained(outcome), 1.0)
    found = values(path)
    outcomes = ("promoted", "refused", "cannot tell", "nothing new", "failed")
    assert [o for o in outcomes if of(found, "talante_retrain_outcome", o) == 1] == [outcome]
    assert sum(name == "talante_retrain_outcome" for name, _ in found) == 5


@pytest.mark.parametrize("answer", ["passed", "worse", "cannot tell", "below floor"])
def test_exactly_one_answer_of_a_figure_is_one(answer: str, path: Path) -> None:
    write_metrics(path, retrained("refused", check("topics", answer)), 1.0)
    said = {labels: v for (name, labels), v in values(path).items() if name == "talante_gate_answer"}
    assert len(said) == 4 and [labels for labels, v in said.items() if v] == [
        frozenset({"held-out groups", "topics", "overall", answer})
    ]


def test_a_refusal_keeps_the_time_of_the_last_promotion_and_the_champion(path: Path) -> None:
    write_metrics(path, retrained("promoted", check("stances", floor=0.7)), 1000.0)
    write_metrics(path, retrained("refused", check("stances", "worse")), 2000.0)
    found = values(path)
    assert (of(found, PROMOTED), of(found, LAST_RUN), of(found, "talante_retrain_exit_code")) == (1000.0, 2000.0, 5)
    assert of(found, "talante_model_info", "c0") == 1 and of(found, "talante_model_info", "c1") is None
    assert of(found, "talante_gate_floor", "held-out groups", "stances", "overall") is None  # it has none any more


def test_a_dry_run_promotes_nothing(path: Path) -> None:
    write_metrics(path, retrained("promoted", dry_run=True), 1000.0)
    found = values(path)
    assert of(found, PROMOTED) is None and of(found, "talante_retrain_dry_run") == 1
    assert of(found, "talante_model_info", "c0") == 1


def test_the_exit_code_is_that_of_the_program_where_it_is_another(path: Path) -> None:
    write_metrics(path, retrained("promoted"), 1.0, exit_code=9)
    assert of(values(path), "talante_retrain_exit_code") == 9


@pytest.mark.parametrize("contradicted", [True, False])
def test_new_labels_that_contradict_the_champion_show(contradicted: bool, path: Path) -> None:
    write_metrics(path, {**retrained("refused"), "new_labels": {"contradicted": contradicted}}, 1.0)
    assert of(values(path), "talante_gate_new_labels_contradicted") == contradicted


def test_where_nothing_was_measured_the_figures_of_the_last_gate_stay(path: Path) -> None:
    write_metrics(path, retrained("refused", check("stances")), 1000.0)
    write_metrics(path, retrained("nothing new"), 2000.0)
    assert of(values(path), "talante_figure", "held-out groups", "stances", "overall", "champion") == 0.74
    write_metrics(path, retrained("refused", check("topics")), 3000.0)
    assert of(values(path), "talante_figure", "held-out groups", "stances", "overall", "champion") is None


def test_a_failure_changes_only_what_it_knows(path: Path) -> None:
    write_metrics(path, retrained("promoted", check("stances", floor=0.7)), 1000.0)
    before = values(path)
    write_failure(path, 3, 2000.0)
    after = values(path)
    assert of(after, "talante_retrain_outcome", "failed") == 1 and of(after, "talante_retrain_outcome", "promoted") == 0
    assert (of(after, "talante_retrain_exit_code"), of(after, LAST_RUN)) == (3, 2000.0)
    changed = {name for (name, labels), value in after.items() if before[name, labels] != value}
    assert changed == {LAST_RUN, "talante_retrain_exit_code", "talante_retrain_outcome"}
    assert before.keys() == after.keys()


def test_a_failure_of_the_first_run_is_written(path: Path) -> None:
    write_failure(path, 1, 5.0)
    assert of(values(path), "talante_retrain_outcome", "failed") == 1


def test_labels_with_quotes_backslashes_and_accents_come_back_as_they_were(path: Path) -> None:
    odd = 'gold "año"\\\n.jsonl'
    write_metrics(path, retrained("refused", {**check("stances"), "on": odd}), 1.0)
    write_failure(path, 1, 2.0)  # read and written again
    assert of(values(path), "talante_gate_margin", odd, "stances", "overall") == 0.02


def test_what_is_not_known_is_left_out(path: Path) -> None:
    unknown = {**check("stances"), "champion": None, "difference": {"value": None, "low": None, "high": None, "n": 0}}
    write_metrics(path, retrained("cannot tell", unknown), 1.0)
    found = values(path)
    assert of(found, "talante_figure", "held-out groups", "stances", "overall", "candidate") == 0.75
    assert not [name for name, _ in found if name == "talante_gate_difference"]


def test_only_prom_files_are_written_since_only_they_are_read(tmp_path: Path) -> None:
    for name in ("metrics.txt", "prom", ".prom"):
        with pytest.raises(UsageError, match=r"not the name of a file of metrics; the node exporter reads `\*\.prom`"):
            check_path(tmp_path / name)
    with pytest.raises(UsageError, match="no such folder"):
        write_failure(tmp_path / "sub/talante.prom", 1, 1.0)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"\xff\xd8\xff\xe0\x00", b"# TYPE\nhalf{", b"<html>\n"])
def test_a_damaged_file_is_written_anew_and_said_to_be(
    content: bytes, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING, "talante"):
        write_failure(path, 1, 7.0)
    assert of(values(path), LAST_RUN) == 7.0
    assert "not a file of metrics; written anew" in caplog.text


def test_a_folder_of_that_name_cannot_be_written(path: Path) -> None:
    path.mkdir()
    with pytest.raises(WriteError, match=r"talante\.prom: cannot write: is a directory"):
        write_failure(path, 1, 1.0)
    assert [p.name for p in path.parent.iterdir()] == ["talante.prom"]


def test_every_metric_follows_the_rules_of_names() -> None:
    for name, text in _HELP.items():
        assert name.startswith("talante_") and not name.endswith(("_total", "_created", "_count", "_sum", "_bucket"))
        assert text.endswith(".") and len(text) < 100
