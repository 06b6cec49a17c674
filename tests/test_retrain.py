"""The nightly job: nothing new, promoted, refused, cannot tell, faulty data; each with its exit code and its event."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from talante.cli.retrain_report import report_text, tells
from talante.corpus.records import load_corpus
from talante.errors import DataError, ModelError, NotEnoughDataError
from talante.evaluation import crossval
from talante.jobs import retrain as module
from talante.jobs.floors import load_floors, pin
from talante.jobs.retrain import Retrained, retrain
from talante.jobs.train import train
from talante.model.files import load, read_records
from talante.model.registry import Registry
from tests.conftest import MINI, SETTINGS, Run
from tests.test_crash import LENIENT, NEW


@pytest.fixture(autouse=True)
def few_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crossval, "FOLDS", 3)
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    site = tmp_path_factory.mktemp("first") / "site"
    shutil.copytree(MINI, site / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crossval, "FOLDS", 3)
        found = retrain(site / "data", site / "models", SETTINGS, by="the first night")
    assert (found.outcome, found.exit_code, found.champion) == ("promoted", 0, None)
    (site / "models/gate.toml").write_text(LENIENT)
    yield site


@pytest.fixture
def site(first: Path, tmp_path: Path) -> Path:
    shutil.copytree(first, tmp_path / "site")
    return tmp_path / "site"


def night(site: Path, *records: dict[str, object], **options: object) -> Retrained:
    with (site / "data/articles/new.jsonl").open("a") as stream:
        stream.writelines(json.dumps(record) + "\n" for record in records)
    return retrain(site / "data", site / "models", SETTINGS, **options)  # type: ignore[arg-type]


def last(site: Path) -> dict[str, object]:
    return Registry(site / "models", "").history()[-1]


def test_nothing_new_does_nothing(site: Path) -> None:
    before = (site / "models/history.jsonl").read_bytes()
    found = night(site)
    assert (found.outcome, found.exit_code, found.candidate) == ("nothing new", 0, None)
    assert "nothing new: " in str(found) and "has learned from this corpus already" in str(found)
    assert (site / "models/history.jsonl").read_bytes() == before


def test_a_candidate_that_is_no_worse_is_promoted_and_the_history_says_why(site: Path) -> None:
    champion = Registry(site / "models", "").current()
    found = night(site, NEW, by="cron")
    assert (found.outcome, found.exit_code, found.champion) == ("promoted", 0, champion)
    assert Registry(site / "models", "").current() == found.candidate != champion
    event = last(site)
    assert (event["event"], event["model"], event["before"], event["by"]) == (
        "promoted", found.candidate, champion, "cron",
    )  # fmt: skip
    assert event["corpus"]["added"] == 1 and event["seed"] == 0 and event["talante"]  # type: ignore[index]
    assert event["corpus"]["digest"] == load_corpus(site / "data").digest  # type: ignore[index]
    checks = event["gate"]["checks"]  # type: ignore[index]
    assert {"stances, macro-F1", "topics, micro-F1", "en: topics, micro-F1"} <= {c["figure"] for c in checks}
    assert all(c["on"] == "held-out groups" and len(c["difference"]) == 4 for c in checks)
    assert f"promoted {found.candidate}: none of {len(checks)} figures" in str(found)
    assert night(site).outcome == "nothing new"


def test_candidate_and_champion_are_compared_on_the_same_held_out_groups(site: Path) -> None:
    registry = Registry(site / "models", "")
    before = read_records(registry.path(str(registry.current())))
    night(site, NEW)
    after = read_records(registry.path(str(registry.current())))
    folds = {record.id: record.fold for record in after}
    assert all(folds[record.id] == record.fold is not None for record in before)
    assert len(after) == len(before) + 1 and all(record.topics is not None for record in after)


def test_a_strict_gate_cannot_tell_and_says_so_again_without_training(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = "[margins]\noverall = 0.0\nlanguage = 0.0\nlabel = 0.0\n[corpus]\nmost_removed = 1\n"
    (site / "models/gate.toml").write_text(strict)
    champion = Registry(site / "models", "").current()
    records = (site / "data/articles/mini.jsonl").read_text().splitlines()
    (site / "data/articles/mini.jsonl").write_text("\n".join(records[::2]) + "\n")
    found = night(site, NEW)
    assert (found.outcome, found.exit_code) == ("cannot tell", 7), found
    assert Registry(site / "models", "").current() == champion
    assert last(site)["event"] == "undecided"
    events = len(Registry(site / "models", "").history())
    with monkeypatch.context() as patch:
        patch.delattr(module, "fit_and_measure")
        again = night(site)
    assert (again.outcome, again.candidate) == ("cannot tell", found.candidate)
    assert "nothing has changed since" in again.why and found.why in again.why
    assert len(Registry(site / "models", "").history()) == events
    # another gate is another question
    (site / "models/gate.toml").write_text(LENIENT + "[corpus]\nmost_removed = 1\n")
    assert night(site).outcome == "promoted"


def test_a_dry_run_writes_nothing(site: Path) -> None:
    with (site / "data/articles/new.jsonl").open("a") as stream:
        stream.write(json.dumps(NEW) + "\n")
    before = {path: path.read_bytes() for path in site.rglob("*") if path.is_file()}
    found = night(site, dry_run=True)
    assert found.outcome == "promoted" and found.dry_run and "dry run: nothing was written" in str(found)
    assert {path: path.read_bytes() for path in site.rglob("*") if path.is_file()} == before


def test_labels_turned_around_are_refused_and_the_articles_named(site: Path) -> None:
    with (site / "data/articles/mini.jsonl").open() as stream:
        records = [json.loads(line) for line in stream]
    opposite = {"against": "favor", "favor": "against", "neutral": "neutral"}
    turned = [
        {**r, "id": f"{r['id']}-{n}", "group": f"{r.get('group', r['id'])}-{n}",
         "text": r["text"] + f" It was day {n}" * n,
         "stances": {t: opposite[s] for t, s in (r.get("stances") or {}).items()}}
        for n in (9, 14) for r in records if r.get("stances")
    ]  # fmt: skip
    registry = Registry(site / "models", "")
    gate = "[new]\nmost_opposite = 0.1\n" + LENIENT
    (site / "models/gate.toml").write_text(gate)
    champion = registry.current()
    try:
        found = night(site, *turned)
    except DataError as error:  # a near-duplicate with other labels is found even earlier
        assert "with other labels" in str(error)
    else:
        assert (found.outcome, found.exit_code) == ("refused", 5) and "contradict the model in use" in found.why
        assert last(site)["event"] == "refused"
    assert registry.current() == champion


def test_faulty_data_stop_the_run_with_their_place_and_stand_in_the_history(site: Path) -> None:
    with (site / "data/articles/new.jsonl").open("w") as stream:
        stream.write(json.dumps(NEW) + "\n" + json.dumps(NEW)[:40])
    champion = Registry(site / "models", "").current()
    with pytest.raises(DataError, match=r"new.jsonl:2: not valid JSON"):
        retrain(site / "data", site / "models", SETTINGS)
    event = last(site)
    assert (event["event"], event["exit_code"]) == ("stopped", 3) and "new.jsonl:2" in str(event["why"])
    assert Registry(site / "models", "").current() == champion


def test_the_same_article_in_another_group_is_faulty_data(site: Path) -> None:
    copied = json.loads((site / "data/articles/mini.jsonl").read_text().splitlines()[0])
    with pytest.raises(DataError, match=r"near-duplicate of .* in another group"):
        night(site, {**copied, "id": "again", "group": "another"})


def test_a_champion_trained_without_cross_validation_is_cross_validated_now(site: Path) -> None:
    registry = Registry(site / "models", "")
    quick = train(site / "data", site / "models", SETTINGS, measure=False)
    with registry.changing("promoting"):
        registry.promote(quick.id)
    assert read_records(registry.path(quick.id))[0].topics is None
    found = night(site, NEW)
    assert found.outcome == "promoted" and len(found.judged.checks) > 4


def test_without_one_article_in_common_it_cannot_tell(site: Path) -> None:
    records = [json.loads(line) for line in (site / "data/articles/mini.jsonl").read_text().splitlines()]
    renamed = [{**record, "id": f"other-{record['id']}"} for record in records]
    (site / "data/articles/mini.jsonl").write_text("".join(json.dumps(record) + "\n" for record in renamed))
    (site / "models/gate.toml").write_text(LENIENT + "[corpus]\nmost_removed = 1\n")
    found = night(site)
    assert (found.outcome, found.exit_code) == ("cannot tell", 7) and "cannot be compared" in found.why


def test_floors_are_raised_and_not_lowered_unless_told(site: Path) -> None:
    (site / "models/gate.toml").unlink()
    floors = pin(site / "data", site / "models")
    name = "topics, micro-F1"
    value = floors.of("held-out groups")[name]
    path = site / "models/floors.json"
    for planted, lower, expected in ((0.99, False, 0.99), (0.01, False, value), (0.99, True, value)):
        told = json.loads(path.read_text())
        told["floors"]["held-out groups"][name] = planted
        path.write_text(json.dumps(told))
        assert pin(site / "data", site / "models", lower=lower).of("held-out groups")[name] == expected
    assert load_floors(site / "models") == replace(floors, values=pin(site / "data", site / "models").values)
    assert last(site)["event"] == "pinned"


def test_a_candidate_below_a_floor_is_refused(site: Path) -> None:
    pin(site / "data", site / "models")
    path = site / "models/floors.json"
    told = json.loads(path.read_text())
    told["floors"]["held-out groups"]["topics, micro-F1"] = 1.01
    path.write_text(json.dumps(told))
    found = night(site, NEW)
    assert (found.outcome, found.exit_code) == ("refused", 5)
    assert found.why.startswith("below its floor: topics, micro-F1 on held-out groups")


def test_damaged_floors_are_named(site: Path) -> None:
    (site / "models/floors.json").write_text("{")
    with pytest.raises(DataError, match=r"floors.json: cannot be read: .*pin anew"):
        night(site, NEW)


def test_a_pinned_gold_file_is_measured_on_too(site: Path) -> None:
    gold = site / "models/gold.jsonl"
    gold.write_text(
        json.dumps({**NEW, "id": "gold-1", "text": "Toral opened a school for sailors at the old pier."}) + "\n"
    )
    digest = hashlib.sha256(gold.read_bytes()).hexdigest()
    (site / "models/gate.toml").write_text(LENIENT + f'[[gold]]\npath = "gold.jsonl"\nsha256 = "{digest}"\n')
    floors = pin(site / "data", site / "models")
    assert "topics, micro-F1" in floors.of(digest)
    found = night(site, NEW)
    assert {"held-out groups", "gold.jsonl"} == {check.on for check in found.judged.checks}
    assert any(check.on == "gold.jsonl" and check.floor is not None for check in found.judged.checks)
    card = load(Registry(site / "models", "").path(str(found.candidate))).card
    assert [score["what"] for score in card["scores"]][1:] == ["gold.jsonl"]


def test_a_gold_file_that_the_corpus_repeats_stops_the_run(site: Path) -> None:
    gold = site / "models/gold.jsonl"
    gold.write_bytes((MINI / "articles/mini.jsonl").read_bytes())
    digest = hashlib.sha256(gold.read_bytes()).hexdigest()
    (site / "models/gate.toml").write_text(LENIENT + f'[[gold]]\npath = "gold.jsonl"\nsha256 = "{digest}"\n')
    with pytest.raises(DataError, match=r"gold.jsonl: the model has learned from 20 of 20 articles .*take them out"):
        night(site, NEW)


def test_articles_that_are_gone_are_a_lost_file_until_somebody_says_otherwise(site: Path) -> None:
    path = site / "data/articles/mini.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    for left, told in (
        (records[:17], "3 of 20 articles that the model in use has learned from are gone from the corpus; restore"),
        ([r for r in records if r["lang"] == "en"], "are gone from the corpus, all in es among them; restore"),
    ):
        path.write_text("".join(json.dumps(record) + "\n" for record in left))
        found = night(site)
        assert (found.outcome, found.exit_code) == ("refused", 5) and told in found.why


def test_a_lost_current_is_not_a_first_model(site: Path) -> None:
    pin(site / "data", site / "models")
    current = Registry(site / "models", "").current()
    (site / "models/current").unlink()
    with pytest.raises(ModelError, match=f"current: is missing or empty, and by the history {current} is in use"):
        night(site, NEW)
    assert last(site)["event"] == "pinned"


def test_a_topic_that_only_the_candidate_knows_does_not_hinder_the_comparison(site: Path) -> None:
    schema = (site / "data/schema.toml").read_text()
    (site / "data/schema.toml").write_text(
        schema + '\n[[topic]]\nid = "cranes"\nname = { en = "cranes", es = "grúas" }\ndefinition = "Cranes."\n'
        'words = { en = ["crane"], es = ["grúa"] }\n'
    )
    found = night(site, {**NEW, "topics": ["harbor", "cranes"]})
    assert found.outcome == "promoted"
    assert "cranes, F1" not in {check.figure for check in found.judged.checks}


def test_one_group_is_not_enough(tmp_path: Path) -> None:
    (tmp_path / "data/articles").mkdir(parents=True)
    shutil.copy(MINI / "schema.toml", tmp_path / "data")
    records = [json.loads(line) for line in (MINI / "articles/mini.jsonl").read_text().splitlines()]
    (tmp_path / "data/articles/a.jsonl").write_text(
        "".join(json.dumps({**record, "group": "one"}) + "\n" for record in records)
    )
    with pytest.raises(NotEnoughDataError, match="two groups"):
        retrain(tmp_path / "data", tmp_path / "models", SETTINGS)
    assert Registry(tmp_path / "models", "").current() is None


def test_the_command_ends_with_one_line_and_writes_report_and_metrics(site: Path, talante: Run) -> None:
    where = ("--data", site / "data", "--models", site / "models", "--cache", site / "cache")
    (site / "data/articles/new.jsonl").write_text(json.dumps(NEW) + "\n")
    result = talante(
        "retrain", *where, "--report", site / "r.md", "--metrics-file", site / "t.prom", "--log-format", "json"
    )
    # The settings of the program are not those of the first night, so figures differ: any verdict is one line
    assert result.returncode in (0, 5, 7), result.stderr
    assert len(result.stdout.decode().strip().splitlines()) == 1
    assert b"(21 articles, 1 added)" in result.stdout
    assert all(json.loads(line)["time"] for line in result.stderr.decode().splitlines())
    assert "| held-out groups | stances, macro-F1 |" in (site / "r.md").read_text()
    assert f"talante_retrain_exit_code {result.returncode}.0" in (site / "t.prom").read_text()
    (site / "data/articles/new.jsonl").write_text("{")
    assert talante("retrain", *where[:3], site / "modles").returncode == 2
    assert not (site / "modles").exists()
    assert talante("retrain", *where, "--report", site).returncode == 2
    broken = talante("retrain", *where, "--metrics-file", site / "t.prom", "--json")
    assert broken.returncode == 3 and b"new.jsonl:1" in broken.stderr and broken.stdout == b""
    assert 'talante_retrain_outcome{outcome="failed"} 1.0' in (site / "t.prom").read_text()


def test_a_report_stays_only_where_it_tells_the_same(site: Path) -> None:
    report = site / "r.md"
    promoted = night(site, NEW)
    report.write_text(report_text(promoted))
    registry = Registry(site / "models", "")
    with registry.changing("rolling back"):
        registry.rollback(by="editor")
    found = night(site)
    assert found.outcome == "refused" and not tells(report, found)
    report.write_text(report_text(found))
    assert tells(report, night(site)) and not tells(site / "nowhere.md", found)
    report.write_bytes(b"\xff")
    assert not tells(report, found)


def test_floors_whose_articles_are_not_measured_any_more_are_left_out(
    site: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin(site / "data", site / "models")
    monkeypatch.setattr("talante.model.fit.ENOUGH", 5)  # one fold of three
    night(site, NEW)
    assert "are as they were, and" in caplog.text and "of them measured; pin anew" in caplog.text


def test_floors_whose_articles_are_gone_are_left_out_and_said(site: Path, caplog: pytest.LogCaptureFixture) -> None:
    pin(site / "data", site / "models")
    path = site / "models/floors.json"
    told = json.loads(path.read_text())
    told["floors"]["held-out groups"]["topics, micro-F1"] = 1.01
    told["model"] = "0123456789ab"
    path.write_text(json.dumps(told))
    assert night(site, NEW).outcome == "promoted"
    assert "the model 0123456789ab that they were pinned for is gone; pin anew" in caplog.text
    assert "0123456789ab" in last(site)["gate"]["floors_left_out"]  # type: ignore[index]


def test_a_rollback_is_not_undone_by_the_next_night(site: Path) -> None:
    registry = Registry(site / "models", "")
    before = registry.current()
    promoted = night(site, NEW)
    with registry.changing("rolling back"):
        registry.rollback(by="editor")
    found = night(site)
    assert (found.outcome, found.exit_code, found.candidate) == ("refused", 5, promoted.candidate)
    assert "was rolled back on" in found.why and "by editor; mend the articles" in found.why
    assert registry.current() == before
    path = site / "data/articles/new.jsonl"
    as_it_was = path.read_bytes()
    path.write_text(json.dumps({**NEW, "date": "2026-11-29"}) + "\n")  # the file is another one, and teaches the same
    assert night(site).outcome == "refused"
    path.write_bytes(as_it_was)
    shutil.rmtree(site / "models" / str(promoted.candidate))  # pruned, or damaged: it makes no difference
    assert night(site).outcome == "refused"
    other = {**NEW, "id": "another", "text": NEW["text"] + " Nobody had asked for it, said the fishermen at the pier."}
    assert night(site, other).outcome != "refused"
