"""A retraining as a text file of metrics that Prometheus' node exporter reads."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile
from prometheus_client.parser import text_string_to_metric_families

from talante.corpus.files import cannot_write
from talante.errors import UsageError

log = logging.getLogger("talante")

#: The values of a metric, each with its labels.
_Samples = Sequence[tuple[dict[str, str], float]]

_OUTCOMES = ("promoted", "refused", "cannot tell", "nothing new", "failed")
_ANSWERS = ("passed", "worse", "cannot tell", "below floor")
_PROMOTION = "talante_retrain_last_promotion_timestamp_seconds"

#: What each metric says; whatever else is in a file of metrics is not kept.
_HELP = {
    "talante_retrain_last_run_timestamp_seconds": "When the last run of talante retrain ended, well or not.",
    _PROMOTION: "When a run of talante retrain last put a new model into use; absent while none has.",
    "talante_retrain_outcome": "1 for what came of the last run, 0 for the others; failed: it ended in an error.",
    "talante_retrain_exit_code": "Exit code of the last run; 0: done.",
    "talante_retrain_dry_run": "1 if the last run that ended well only tried and changed nothing.",
    "talante_retrain_stage_seconds": "How long each stage of the last run that ended well took.",
    "talante_corpus_articles": "Articles in the corpus.",
    "talante_corpus_articles_added": "Articles that the model that was in use before did not learn from.",
    "talante_corpus_articles_removed": "Articles that the model that was in use before learned from, gone since.",
    "talante_corpus_articles_changed": "Articles whose text or labels changed since the model in use before.",
    "talante_figure": "What the gate measured of the champion, in use before the run, and of the candidate.",
    "talante_gate_difference": "Candidate less champion on the same articles, with the bounds of its 95 % interval.",
    "talante_gate_margin": "How much worse the candidate may be before the gate refuses it.",
    "talante_gate_floor": "What the candidate must reach whatever the champion does; absent where there is no floor.",
    "talante_gate_pinned_figure": "What the candidate does reach on the articles of the floor.",
    "talante_gate_new_labels_contradicted": "1 if labels new to the champion contradict its answers beyond the limit.",
    "talante_gate_answer": "1 for what the gate said of a figure, 0 for the other answers.",
    "talante_model_info": "Always 1; the label is the id of the model in use after the run.",
}


def check_path(path: Path) -> None:
    """Make sure, before the work, that a file of metrics can be written there.

    Raises UsageError when its name does not end in `.prom` or its folder does not exist.
    """
    if path.suffix != ".prom":
        raise UsageError(
            "not the name of a file of metrics", place=str(path), remedy="the node exporter reads `*.prom` only"
        )
    if not path.parent.is_dir():
        raise UsageError(
            "no such folder", place=str(path.parent), remedy="name the one that the node exporter reads, and create it"
        )


def write_metrics(path: Path, found: Mapping[str, Any], now: float, *, exit_code: int | None = None) -> None:
    """Write what a run found, as `Retrained.to_json` gives it; ``now`` in seconds since 1970.

    ``exit_code``: of the program where it is not that of ``found``, as when another exporter failed.
    The file is whole at any time. The time of the last promotion stays when this run promoted nothing, and what the
    gate last measured stays when it measured nothing, since nothing was new.
    Raises UsageError as `check_path` does, WriteError when it cannot be written.
    """
    check_path(path)
    before = _read(path)
    if found["checks"]:
        before = {name: samples for name, samples in before.items() if name == _PROMOTION}
    code = found["exit_code"] if exit_code is None else exit_code
    _write(path, {**before, **dict(_run(found["outcome"], code, now)), **dict(_found(found, now))})


def write_failure(path: Path, exit_code: int, now: float) -> None:
    """Write that a run ended in an error at ``now``, seconds since 1970; what earlier runs found stays.

    Raises as `write_metrics` does.
    """
    check_path(path)
    _write(path, {**_read(path), **dict(_run("failed", exit_code, now))})


def _run(outcome: str, exit_code: int, now: float) -> Iterator[tuple[str, _Samples]]:
    yield "talante_retrain_last_run_timestamp_seconds", [({}, now)]
    yield "talante_retrain_outcome", [({"outcome": name}, float(name == outcome)) for name in _OUTCOMES]
    yield "talante_retrain_exit_code", [({}, exit_code)]


def _found(found: Mapping[str, Any], now: float) -> Iterator[tuple[str, _Samples]]:
    promoted = found["outcome"] == "promoted" and not found["dry_run"]
    if promoted:
        yield _PROMOTION, [({}, now)]
    yield "talante_retrain_dry_run", [({}, float(found["dry_run"]))]
    yield "talante_retrain_stage_seconds", [({"stage": stage}, spent) for stage, spent in found["seconds"].items()]
    for name in ("", "added", "removed", "changed"):
        yield f"talante_corpus_articles_{name}".rstrip("_"), [({}, found["corpus"][name or "articles"])]
    if in_use := found["candidate"] if promoted else found["champion"]:
        yield "talante_model_info", [({"model": in_use}, 1)]
    if found["checks"]:
        yield from _gate(found["checks"])
    if new := found.get("new_labels"):
        yield "talante_gate_new_labels_contradicted", [({}, float(new["contradicted"]))]


def _gate(checks: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, _Samples]]:
    labelled = [({name: check[name] for name in ("on", "figure", "kind")}, check) for check in checks]
    yield (
        "talante_figure",
        [({**labels, "model": who}, c[who]) for labels, c in labelled for who in ("champion", "candidate")],
    )
    yield (
        "talante_gate_difference",
        [({**labels, "bound": b}, c["difference"][b]) for labels, c in labelled for b in ("value", "low", "high")],
    )
    yield "talante_gate_margin", [(labels, c["margin"]) for labels, c in labelled]
    yield "talante_gate_floor", [(labels, c["floor"]) for labels, c in labelled]
    yield "talante_gate_pinned_figure", [(labels, c["pinned"]) for labels, c in labelled]
    yield (
        "talante_gate_answer",
        [({**labels, "answer": answer}, float(c["answer"] == answer)) for labels, c in labelled for answer in _ANSWERS],
    )


def _read(path: Path) -> dict[str, _Samples]:
    values: dict[str, list[tuple[dict[str, str], float]]] = {}
    try:
        for family in text_string_to_metric_families(path.read_text(encoding="utf-8")):
            for sample in family.samples:
                if sample.name in _HELP:
                    values.setdefault(sample.name, []).append((sample.labels, sample.value))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise cannot_write(path, error) from None
    except ValueError:
        log.warning("%s: not a file of metrics; written anew, without the time of the last promotion", path)
        return {}
    return dict(values)


def _write(path: Path, values: Mapping[str, _Samples]) -> None:
    registry = CollectorRegistry()
    for name, text in _HELP.items():
        known = [(labels, value) for labels, value in values.get(name, ()) if value is not None]
        if known:
            gauge = Gauge(name, text, list(known[0][0]), registry=registry)
            for labels, value in known:
                (gauge.labels(**labels) if labels else gauge).set(value)
    try:
        write_to_textfile(str(path), registry)
    except OSError as error:
        raise cannot_write(path, error) from None
