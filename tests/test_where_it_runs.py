"""The page on retraining and its examples name commands, options, limits and files that exist."""

import configparser
import hashlib
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from talante.cli.app import app
from talante.errors import BusyError, DataError, ModelError, UsageError, WriteError
from talante.evaluation.drift import Limits
from talante.evaluation.gate import Gate, load_gate
from talante.jobs.drift import load_limits
from talante.jobs.retrain import EXIT_CODES
from tests.conftest import ROOT

PAGE = (ROOT / "docs/retraining.md").read_text(encoding="utf-8")
EXAMPLES = ROOT / "docs/examples"
WORKFLOW = ROOT / ".github/workflows/retrain.yml"


def parse(line: str) -> None:
    """Parse a command line of talante as the program would, without running it; usage errors are raised."""
    words = shlex.split(re.split(r"\s\d?(?:>|<|\||;|&&)", line)[0], comments=True)
    assert Path(words[0]).name == "talante", line
    command: Any = typer.main.get_command(app)
    rest = words[1:]
    while hasattr(command, "commands"):
        assert rest and rest[0] in command.commands, line
        command, rest = loaded(command.commands[rest[0]]), rest[1:]
    command.make_context(line, rest)


def loaded(command: Any) -> Any:
    """Return a command with all its options, which are known only when it is imported."""
    return command.load() if hasattr(command, "load") else command


def lines_of(text: str) -> list[str]:
    spans = re.findall(r"`(talante [a-z][^`]*)`", text)
    return spans + re.findall(r"^\s*(talante [a-z].*)$", text, re.MULTILINE)


@pytest.mark.parametrize("line", [line for line in lines_of(PAGE) if "..." not in line])
def test_a_command_line_of_the_page_is_one_that_the_program_takes(line: str) -> None:
    parse(line)


def test_a_command_line_that_the_program_does_not_take_would_be_found() -> None:
    for line in ("talante retrain --reports x", "talante models promote", "talante models rollbak"):
        with pytest.raises(Exception, match=r"(?i)no such option|missing|rollbak"):
            parse(line)


def test_every_option_that_the_page_names_exists() -> None:
    top: Any = typer.main.get_command(app)
    commands = [loaded(top.commands["retrain"]), *loaded(top.commands["models"]).commands.values()]
    known = {option for command in commands for parameter in command.params for option in parameter.opts}
    named = {option for span in re.findall(r"`(--[^`]*)`", PAGE) for option in re.findall(r"--[a-z][a-z-]*\b", span)}
    assert {"--report", "--metrics-file", "--mlflow", "--log-format", "--aa", "--wait", "--lower"} <= named | {
        word for line in lines_of(PAGE) for word in line.split()
    }
    assert named - {"--collector"} <= known


def test_every_option_of_the_job_is_on_the_page() -> None:
    top: Any = typer.main.get_command(app)
    for parameter in loaded(top.commands["retrain"]).params:
        assert parameter.opts[0] in PAGE or parameter.opts[0] == "--help"


def test_the_exit_codes_of_the_page_are_those_of_the_job() -> None:
    table = PAGE.partition("| exit code | meaning for a scheduler |")[2].partition("\n\n")[0]
    cells = re.findall(r"^\| ([\d, ]+) \|", table, re.MULTILINE)
    raised = {error.exit_code for error in (BusyError, DataError, ModelError, UsageError, WriteError)}
    assert {int(code) for cell in cells for code in cell.split(",")} == {*EXIT_CODES.values(), *raised, 1, 130}


def test_the_example_of_a_gate_is_read_and_has_the_defaults(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    gold = tmp_path / "gold/desk.jsonl"
    gold.parent.mkdir()
    gold.write_text("{}\n")
    (tmp_path / "models").mkdir()
    told = example.replace("0" * 64, hashlib.sha256(gold.read_bytes()).hexdigest())
    (tmp_path / "models/gate.toml").write_text(told)
    gate = load_gate(tmp_path / "models")
    assert [g.path.resolve() for g in gate.golds] == [gold]
    assert (gate.margins, gate.enough) == (Gate().margins, Gate().enough)
    assert (gate.most_opposite, gate.least_topics) == (Gate().most_opposite, Gate().least_topics)
    assert load_limits(tmp_path / "models/gate.toml") == Limits()
    assert set(tomllib.loads(told)) == {"margins", "labels", "new", "corpus", "gold", "drift"}


def test_links_lead_to_files_that_exist() -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", PAGE)
    assert links
    for link in links:
        assert (ROOT / "docs" / link).exists(), link


def unit(name: str) -> configparser.ConfigParser:
    read = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read_string((EXAMPLES / name).read_text(encoding="utf-8"))
    return read


def test_the_service_runs_a_command_that_the_program_takes_and_lets_verdicts_pass() -> None:
    service = unit("talante-retrain.service")["Service"]
    parse(service["ExecStart"])
    verdicts = {str(code) for code in EXIT_CODES.values()} - {"0"}
    assert set(service["SuccessExitStatus"].split()) == verdicts


def test_the_service_can_write_where_it_says_so_only() -> None:
    service = unit("talante-retrain.service")["Service"]
    words = shlex.split(service["ExecStart"])
    state, models = (f"/var/lib/{folder}" for folder in service["StateDirectory"].split())
    assert service["ProtectSystem"] == "strict" and service["WorkingDirectory"] == state
    written = [words[words.index(option) + 1] for option in ("--models", "--report")]
    assert written[0] == models and all(path.startswith(state) for path in written)
    assert service["Environment"] == "XDG_CACHE_HOME=/var/cache" and service["CacheDirectory"] == "talante"


def test_the_timer_runs_the_service() -> None:
    timer = unit("talante-retrain.timer")
    assert timer["Timer"]["OnCalendar"] and timer["Install"]["WantedBy"] == "timers.target"
    assert (EXAMPLES / "talante-retrain.service").exists()  # a timer starts the service of its own name


def test_the_crontab_has_one_job_that_the_program_takes() -> None:
    text = (EXAMPLES / "retrain.cron").read_text(encoding="utf-8")
    (job,) = re.findall(r"^[\d*].*$", text, re.MULTILINE)
    assert text.endswith("\n") and "%" not in job  # to cron a percent sign is the end of a line
    *when, user, command = job.split(maxsplit=6)
    assert len(when) == 5 and user == "talante"
    parse(command.partition("$TALANTE")[2].join(["talante", ""]))


def workflow() -> dict[Any, Any]:
    read = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    assert isinstance(read, dict)
    return read


def test_the_workflow_runs_commands_that_the_program_takes() -> None:
    scripts = [step["run"] for step in workflow()["jobs"]["retrain"]["steps"] if "run" in step]
    found = [line for script in scripts for line in lines_of(script)]
    assert [line.split()[1] for line in found] == ["retrain", "models"]
    for line in found:
        parse(line)


def test_the_workflow_uses_outputs_that_it_makes() -> None:
    text = WORKFLOW.read_text(encoding="utf-8")
    used = set(re.findall(r"steps\.retrain\.outputs\.(\w+)", text))
    assert used == set(re.findall(r'echo "(\w+)=\$\(', text))


def test_the_workflow_may_do_no_more_than_it_must_and_never_runs_twice_at_once() -> None:
    read = workflow()
    assert read["permissions"] == {}
    assert read["jobs"]["retrain"]["permissions"] == {"contents": "write", "pull-requests": "write"}
    assert read["concurrency"] == {"group": "retrain", "cancel-in-progress": False}
    scripts = [step["run"] for step in read["jobs"]["retrain"]["steps"] if "run" in step]
    assert not [script for script in scripts if "${{" in script]  # what a run found must not become shell code


def test_no_step_before_the_pull_request_gets_the_token() -> None:
    steps = workflow()["jobs"]["retrain"]["steps"]
    assert steps[0]["with"]["persist-credentials"] is False
    assert [step["name"] for step in steps if "GH_TOKEN" in step.get("env", {})] == ["Open or renew the pull request"]
