"""Which model is used: --model, TALANTE_MODELS, ./models, the one that came along; and putting another into use."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.strategies import sampled_from
from typer.testing import CliRunner, Result

from talante.cli.app import app
from talante.corpus.files import locked
from talante.corpus.records import Corpus
from talante.errors import BusyError, ModelError, UsageError, WriteError
from talante.evaluation.outcomes import outcome
from talante.jobs.models import list_models, reason, verify_registry
from talante.model import registry as module
from talante.model.files import load, save
from talante.model.fit import fit
from talante.model.model import Model
from talante.model.records import Record
from talante.model.registry import Registry, find_model, find_registry
from talante.text.prepare import Prepared
from tests.conftest import MINI, SETTINGS


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    monkeypatch.delenv("TALANTE_MODELS", raising=False)
    monkeypatch.setattr(module, "_PACKAGED", tmp_path / "packaged")
    monkeypatch.setattr(module, "_CHECKOUT", tmp_path / "checkout")


@pytest.fixture(scope="session")
def four_models(corpus: Corpus, articles: list[Prepared], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with four models and no history; only their folder names are told to tests, in order."""
    folder = tmp_path_factory.mktemp("four")
    for number in range(4):
        model = fit(articles[: 20 - number], corpus.schema, SETTINGS)
        save(model, folder)
    return folder


@pytest.fixture
def four(four_models: Path, tmp_path: Path) -> Registry:
    shutil.copytree(four_models, tmp_path / "four")
    return Registry(tmp_path / "four", "")


def promote(registry: Registry, *ids: str) -> None:
    for model_id in ids:
        with registry.changing("promoting"):
            registry.promote(model_id, by="ana")


def roll_back(registry: Registry) -> None:
    with registry.changing("rolling back"):
        registry.rollback(by="ana")


def events(registry: Registry) -> list[str]:
    return [event["event"] for event in registry.history()]


def unwritable(*_: object) -> None:
    raise OSError(30, "Read-only file system")


def test_the_order_of_looking(registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match="no models found"):
        find_registry()
    registry.rename(tmp_path / "packaged")
    assert find_registry().why == "it came with talante"
    Path("models").mkdir()
    assert find_registry().why == "it came with talante", "an empty ./models hides nothing"
    (tmp_path / "packaged").rename("elsewhere")
    Path("models").rmdir()
    Path("elsewhere").rename("models")
    assert find_registry().why == "it is ./models"
    monkeypatch.setenv("TALANTE_MODELS", str(tmp_path / "cwd/models"))
    assert find_registry().why == "TALANTE_MODELS names it"
    monkeypatch.setenv("TALANTE_MODELS", "nowhere")
    with pytest.raises(ModelError, match="nowhere: no such folder"):
        find_registry()


def test_a_model_is_named_by_id_or_folder_and_is_otherwise_the_current_one(
    registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALANTE_MODELS", str(registry))
    current = find_model(None)
    assert find_model(current.name) == find_model(str(current)) == current
    with pytest.raises(ModelError, match="did you mean"):
        find_model(current.name[:-1] + "z")
    with pytest.raises(ModelError, match="no model here"):
        find_model(str(registry))


@pytest.mark.parametrize(("current", "message"), [(None, "no model is in use"), ("gone\n", "no model 'gone'")])
def test_a_current_that_is_missing_or_wrong_is_said(
    registry: Path, monkeypatch: pytest.MonkeyPatch, current: str | None, message: str
) -> None:
    monkeypatch.setenv("TALANTE_MODELS", str(registry))
    (registry / "current").unlink() if current is None else (registry / "current").write_text(current)
    with pytest.raises(ModelError, match=message):
        find_model(None)


def test_promoting_points_current_and_writes_history(four: Registry) -> None:
    first, second, *_ = four.ids()
    promote(four, first, second)
    assert four.current() == second
    told = [(e["event"], e["model"], e["before"], e["by"]) for e in four.history()]
    assert told == [("promoted", first, None, "ana"), ("promoted", second, first, "ana")]


def test_rolling_back_twice_goes_two_models_back_and_then_no_further(four: Registry) -> None:
    a, b, c, _ = four.ids()
    promote(four, a, b, c)
    roll_back(four)
    assert four.current() == b
    roll_back(four)
    assert four.current() == a
    with pytest.raises(UsageError, match="no model was in use before"):
        roll_back(four)
    assert four.current() == a and events(four) == ["promoted"] * 3 + ["rolled back"] * 2


def test_a_rollback_is_undone_by_promoting_and_can_be_done_again(four: Registry) -> None:
    a, b, *_ = four.ids()
    promote(four, a, b)
    roll_back(four)
    promote(four, b)
    roll_back(four)
    assert four.current() == a


def test_promoting_the_model_in_use_again_is_no_step_to_roll_back(four: Registry) -> None:
    a, b, *_ = four.ids()
    promote(four, a, b, b)
    roll_back(four)
    assert four.current() == a


def test_a_rollback_knows_the_model_that_was_in_use_before_there_was_a_history(four: Registry) -> None:
    a, b, *_ = four.ids()
    (four.folder / "current").write_text(a + "\n")
    promote(four, b)
    roll_back(four)
    assert four.current() == a


def test_a_rollback_to_a_model_that_is_gone_or_damaged_changes_nothing(four: Registry) -> None:
    a, b, *_ = four.ids()
    promote(four, a, b)
    before = (four.folder / "history.jsonl").read_bytes()
    (four.folder / a / "near.idf.npy").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"near.idf.npy: changed"):
        roll_back(four)
    shutil.rmtree(four.folder / a)
    with pytest.raises(ModelError, match=f"{a}, is no longer here; put any other into use"):
        roll_back(four)
    assert four.current() == b and (four.folder / "history.jsonl").read_bytes() == before


def test_a_model_with_a_damaged_file_is_not_promoted(four: Registry) -> None:
    a, b, *_ = four.ids()
    promote(four, a)
    (four.folder / b / "topics.coef.npy").write_bytes(b"x")
    with pytest.raises(ModelError, match="changed since it was written"):
        promote(four, b)
    with pytest.raises(ModelError, match="no model 'nothing'"):
        promote(four, "nothing")
    assert four.current() == a and len(four.history()) == 1


def test_a_folder_that_cannot_be_written_to_keeps_its_model_and_history(
    four: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b, *_ = four.ids()
    promote(four, a)
    before = sorted(path.name for path in four.folder.iterdir()), (four.folder / "history.jsonl").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", unwritable)
        with pytest.raises(WriteError, match="cannot write: read-only file system"):
            promote(four, b)
    assert four.current() == a
    assert (sorted(path.name for path in four.folder.iterdir()), (four.folder / "history.jsonl").read_bytes()) == before


def test_a_promotion_interrupted_before_current_is_replaced_is_noted_and_never_happened(four: Registry) -> None:
    a, b, *_ = four.ids()
    promote(four, a)
    with four.changing("promoting"):
        four.record("promoted", model=b, before=a)  # and the process dies
    with four.changing("looking"):
        pass
    assert four.current() == a and four.in_use() == [a]
    last = four.history()[-1]
    assert (last["event"], last["model"], last["in_use"]) == ("interrupted", b, a)
    with four.changing("looking again"):
        pass
    assert len(four.history()) == 3, "it is noted once"


def test_the_first_promotion_can_be_interrupted_too(four: Registry) -> None:
    a, b, *_ = four.ids()
    with four.changing("promoting"):
        four.record("promoted", model=a, before=None)
    promote(four, b)
    assert four.current() == b and four.in_use() == [b]
    assert events(four) == ["promoted", "interrupted", "promoted"]


def test_an_interrupted_rollback_leaves_the_way_back_as_it_was(four: Registry) -> None:
    a, b, c, _ = four.ids()
    promote(four, a, b, c)
    with four.changing("rolling back"):
        four.record("rolled back", model=b, before=c)
    roll_back(four)
    assert four.current() == b and four.in_use() == [a, b]


def test_a_current_that_was_edited_by_hand_is_noted_and_can_be_rolled_back(four: Registry) -> None:
    a, b, c, _ = four.ids()
    promote(four, a, b)
    (four.folder / "current").write_text(c + "\n")
    with four.changing("looking"):
        pass
    last = four.history()[-1]
    assert (last["event"], last["model"], last["before"], last["by"]) == ("promoted", c, b, "unknown")
    assert "by hand" in last["why"]
    roll_back(four)
    assert four.current() == b


def test_a_current_by_hand_that_is_no_model_can_be_rolled_back(four: Registry) -> None:
    a, *_ = four.ids()
    promote(four, a)
    (four.folder / "current").write_text("nonsense\n")
    roll_back(four)
    assert four.current() == a


def test_events_stand_in_their_order_when_the_clock_is_set_back(four: Registry) -> None:
    a, b, *_ = four.ids()
    promote(four, a)
    (line,) = (four.folder / "history.jsonl").read_text().splitlines()
    later = {**json.loads(line), "time": "2999-01-01T00:00:00+00:00"}
    (four.folder / "history.jsonl").write_text(json.dumps(later) + "\n")
    promote(four, b)
    assert [e["model"] for e in four.history()] == [a, b]
    assert four.history()[1]["clock"].startswith("set back: an event before this one has 2999")
    roll_back(four)
    assert four.current() == a


@pytest.mark.parametrize(
    "line",
    ["half a li", "[]", '"x"', "{}", '{"event": 5, "time": "now"}', '{"event": "promoted", "time": "now"}',
     '{"event": "promoted", "model": "a"}', '{"event": ["promoted"], "time": "now"}', "[" * 100_000],
)  # fmt: skip
def test_a_broken_line_of_the_history_is_named_and_nothing_changes(four: Registry, line: str) -> None:
    a, b, *_ = four.ids()
    promote(four, a)
    with (four.folder / "history.jsonl").open("a") as stream:
        stream.write(line + "\n")
    with pytest.raises(ModelError, match=r"history.jsonl:2: not an event of the history"):
        promote(four, b)
    assert four.current() == a
    assert find_model(str(four.folder / a)).name == a, "predicting needs no history"


def test_an_event_may_hold_any_text_and_the_last_line_may_lack_its_end(four: Registry) -> None:
    a, *_ = four.ids()
    with four.changing("promoting"):
        four.promote(a, by="ana\u2028\x85\n", why="« sí » \udcff")
    path = four.folder / "history.jsonl"
    path.write_text(path.read_text(encoding="utf-8").rstrip("\n"), encoding="utf-8")
    with four.changing("deciding"):
        four.record("refused", model="x")
    assert [e["event"] for e in four.history()] == ["promoted", "refused"]
    assert (four.history()[0]["by"], four.history()[0]["why"]) == ("ana\u2028\x85\n", "« sí » ?")


HOLD = """
import sys
from pathlib import Path
from talante.model.registry import Registry
with Registry(Path(sys.argv[1]), "").changing("turning the page"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(four: Registry) -> Iterator["subprocess.Popen[bytes]"]:
    """Another process that holds the lock of the registry."""
    command = [sys.executable, "-c", HOLD, str(four.folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_one_at_a_time_changes_a_registry_and_the_other_is_told_who(
    four: Registry, holder: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LOCK_SECONDS", 0.1)
    with pytest.raises(BusyError, match=f"busy: turning the page, process {holder.pid} on .+ since 20"):
        promote(four, four.ids()[0])
    assert four.current() is None and four.history() == []
    holder.kill()
    holder.wait()
    promote(four, four.ids()[0])
    assert four.current() == four.ids()[0], "the lock of a killed process is free"


def test_pruning_keeps_the_last_in_use_the_one_in_use_and_the_needed(four: Registry) -> None:
    a, b, c, d = four.ids()
    promote(four, a, b, c)
    with four.changing("pruning"):
        assert four.prune(1, {a}, dry_run=True) == [b, d]
    assert four.ids() == [a, b, c, d] and events(four) == ["promoted"] * 3
    with four.changing("pruning"):
        assert four.prune(2, {a}) == [d]
        assert four.prune(1, {a}) == [b]
        assert four.prune(1, {a}) == []
    assert four.ids() == [a, c] and events(four)[3:] == ["pruned", "pruned"]
    assert load(four.path(c)).id == c and not list(four.folder.glob(".removing-*"))


def test_pruning_keeps_the_model_in_use_whatever_the_history_says(four: Registry) -> None:
    _, b, *_ = four.ids()
    (four.folder / "current").write_text(b)
    with four.changing("pruning"):
        four.prune(1, set())
        with pytest.raises(UsageError, match="cannot keep 0 models"):
            four.prune(0, set())
    assert four.ids() == [b]


def test_what_a_killed_run_left_is_removed_and_other_files_stay(four: Registry) -> None:
    for name in (".writing-0123abcd", ".removing-0123abcd"):
        (four.folder / name).mkdir()
        (four.folder / name / "x").touch()
    (four.folder / ".current.0123abcd").touch()
    (four.folder / ".keep-12345678").mkdir()
    with four.changing("looking"):
        pass
    hidden = {path.name for path in four.folder.glob(".*")} - {".lock", ".lock.holder"}
    assert hidden == {".keep-12345678"} and len(four.ids()) == 4


def test_the_list_says_what_became_of_each_model_and_why_one_is_in_use(four: Registry) -> None:
    a, b, c, d = four.ids()
    promote(four, a, b)
    with four.changing("deciding"):
        four.record("refused", model=c, before=b, why="worse")
    roll_back(four)
    (four.folder / d / "model.json").write_text("{")
    listed = {model.model: model for model in list_models(four, four.history())}
    last = {model_id: model.last for model_id, model in listed.items()}
    assert last == {a: "back in use", b: "rolled back", c: "refused", d: None}
    assert [m.model for m in listed.values() if m.in_use] == [a]
    assert "not valid JSON" in str(listed[d].damaged) and listed[a].damaged is None
    since = reason(a, four.history())
    assert since is not None and since["event"] == "rolled back"


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("current", "nonsense\n", "no model 'nonsense'"),
        ("current", "", "empty"),
        ("history.jsonl", "{}\n", "history.jsonl:1: not an event"),
        ("floors.json", "{}", "floors.json: cannot be read"),
        ("gate.toml", "[margin]\n", "gate.toml: margin"),
    ],
)
def test_verifying_checks_the_files_of_the_registry(four: Registry, name: str, content: str, fault: str) -> None:
    promote(four, four.ids()[0])
    assert not [error for _, error in verify_registry(four) if error]
    (four.folder / name).write_text(content)
    ((path, error),) = [(path, error) for path, error in verify_registry(four) if error]
    assert path.name == name and fault in str(error)


class WaysBack(RuleBasedStateMachine):
    """Promotions and rollbacks, some of them interrupted, beside a plain list of what was in use."""

    models = Path()

    @initialize()
    def begin(self) -> None:
        self.temporary = TemporaryDirectory()
        shutil.copytree(self.models, Path(self.temporary.name) / "models")
        self.registry = Registry(Path(self.temporary.name) / "models", "")
        self.stack: list[str] = []

    @rule(number=sampled_from(range(3)))
    def promote(self, number: int) -> None:
        model_id = self.registry.ids()[number]
        promote(self.registry, model_id)
        if self.stack[-1:] != [model_id]:
            self.stack.append(model_id)

    @rule()
    def roll_back(self) -> None:
        with suppress(UsageError):
            roll_back(self.registry)
            self.stack.pop()

    @rule(number=sampled_from(range(3)))
    def die_promoting(self, number: int) -> None:
        with self.registry.changing("dying"):
            self.registry.record("promoted", model=self.registry.ids()[number], before=self.registry.current())

    @rule()
    def die_rolling_back(self) -> None:
        if len(self.stack) > 1:
            with self.registry.changing("dying"):
                self.registry.record("rolled back", model=self.stack[-2], before=self.stack[-1])

    @invariant()
    def the_last_of_the_list_is_in_use(self) -> None:
        if hasattr(self, "registry"):
            assert self.registry.current() == (self.stack[-1] if self.stack else None)

    def teardown(self) -> None:
        if hasattr(self, "registry"):
            with self.registry.changing("looking"):
                assert self.registry.in_use() == self.stack
            self.temporary.cleanup()


def test_any_order_of_promotions_and_rollbacks_is_that_of_a_list(four_models: Path) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    WaysBack.models = four_models
    run_state_machine_as_test(WaysBack, settings=settings(max_examples=15, stateful_step_count=12, deadline=None))


def run(registry: Registry, *args: str) -> Result:
    """Run `talante models` in this process: a second one for each call takes its time."""
    return CliRunner(env={"TALANTE_MODELS": str(registry.folder), "COLUMNS": "120"}).invoke(app, ["models", *args])


def test_the_commands_promote_roll_back_and_prune_and_say_how_to_undo(four: Registry) -> None:
    a, b, c, d = four.ids()
    promote(four, a)
    result = run(four, "promote", b, "--by", "ana")
    told = f"{b} is in use in {four.folder}; before it was {a}; undo it with `talante models rollback`"
    assert told in result.stderr and result.exit_code == 0
    assert "is in use already" in run(four, "promote", b).stderr and len(four.history()) == 2
    result = run(four, "rollback", "--by", "eva")
    assert f"{a} is in use" in result.stderr and f"undo it with `talante models promote {b}`" in result.stderr
    assert [e["by"] for e in four.history()] == ["ana", "ana", "eva"]
    result = run(four, "rollback")
    assert result.exit_code == 2 and "no model was in use before this one" in result.stderr
    dry = run(four, "prune", "--keep", "1", "--dry-run")
    assert dry.stdout.split() == [b, c, d] == four.ids()[1:] and "3 models would be removed" in dry.stderr
    (four.folder / "floors.json").write_text(json.dumps({"model": d, "floors": {}}))
    assert run(four, "prune", "--keep", "1").stdout.split() == [b, c] and four.ids() == [a, d]


def test_nothing_is_pruned_while_a_retraining_runs(four: Registry) -> None:
    with locked(four.folder / ".lock-retrain", "retraining"):
        result = run(four, "prune")
    assert result.exit_code == 10 and "busy: retraining" in result.stderr and len(four.ids()) == 4


def test_the_list_and_verify_tell_a_broken_history(four: Registry) -> None:
    promote(four, four.ids()[0])
    listed = json.loads(run(four, "list", "--json").stdout)
    assert listed["in_use"] == listed["since"]["model"] == four.ids()[0] and len(listed["models"]) == 4
    assert "promoted by hand; by ana" in run(four, "list").stdout
    assert run(four, "verify").exit_code == 0
    (four.folder / "history.jsonl").write_text("{\n")
    result = run(four, "list")
    assert result.exit_code == 0 and "history.jsonl:1: not an event" in result.stderr
    assert "the history does not say why" in result.stdout
    result = run(four, "verify")
    assert result.exit_code == 4 and result.stderr.count("error:") == 1


def test_floors_are_pinned_and_shown(model: Model, articles: list[Prepared], registry: Path, tmp_path: Path) -> None:
    records = []
    for prepared in articles:
        o = outcome(model, prepared)
        record = Record(prepared.article.id, prepared.article.digest, 0)
        records.append(replace(record, topics=o.predicted_topics, stances=o.predicted_stances))
    saved, pinned = save(model, tmp_path / "pinned", records), Registry(tmp_path / "pinned", "")
    promote(pinned, saved.id)
    result = run(pinned, "pin", "--data", str(MINI), "--by", "ana")
    assert result.exit_code == 0 and "topics, micro-F1" in result.stdout
    assert f"pinned with {saved.id}" in result.stderr
    assert pinned.history()[-1]["event"] == "pinned" and pinned.history()[-1]["by"] == "ana"
    never = run(Registry(registry, ""), "pin", "--data", str(MINI))
    assert never.exit_code == 7 and "train without --quick" in never.stderr and not (registry / "floors.json").exists()
