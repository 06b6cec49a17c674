"""What the documents say is what the program does."""

import inspect
import re
import shlex
import tomllib
from typing import Any

import pytest
import typer.main

from talante import errors
from talante.cli.app import app
from talante.corpus.schema import load_schema
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands() -> list[str]:
    top = typer.main.get_command(app)
    names = []
    for name, command in top.commands.items():  # type: ignore[attr-defined]
        inner = getattr(command.load(), "commands", {})
        names += [f"{name} {sub}" for sub in inner] or [name]
    return names


def lines_of_commands() -> list[str]:
    """The lines of all documents that run talante, without what a pipe leads to or a comment says."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    lines = [
        line.strip() for path in pages for line in path.read_text(encoding="utf-8").splitlines() if line[:4] == "    "
    ]
    return [re.split(r" [|#>&] ", line)[0] for line in lines if line.startswith("talante ")]


@pytest.mark.parametrize("line", lines_of_commands())
def test_a_command_in_a_document_has_the_options_that_it_is_given(line: str) -> None:
    command: Any = typer.main.get_command(app)
    words = shlex.split(line)[1:]
    while hasattr(command, "commands") and words[0] in command.commands:
        command = command.commands[words.pop(0)]
        command = command.load() if hasattr(command, "load") else command
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {word.partition("=")[0] for word in words if word.startswith("-") and word != "-"} <= known | {"--help"}


def test_every_command_is_documented() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    for command in commands():
        group, _, name = command.partition(" ")
        assert f"talante {command}" in README or (group in changelog and name in changelog), command


def test_the_list_of_commands_says_what_each_says_of_itself() -> None:
    for command in typer.main.get_command(app).commands.values():  # type: ignore[attr-defined]
        loaded = command.load()
        assert loaded.help.partition("\n\n")[0] == command.help
        assert (loaded.name, loaded.short_help, loaded.hidden, loaded.deprecated) == (command.name, None, False, False)


def test_the_table_of_exit_codes_is_that_of_the_errors() -> None:
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    raised = {e.exit_code for _, e in inspect.getmembers(errors, inspect.isclass) if issubclass(e, errors.TalanteError)}
    assert documented == raised | {0, 130, errors.REFUSED, errors.DRIFT_ALARM, errors.SOME_ROWS_FAILED}


def test_the_guidelines_define_every_label() -> None:
    guidelines = (ROOT / "docs/guidelines.md").read_text(encoding="utf-8")
    schema = load_schema(ROOT / "data/schema.toml")
    for label in (*schema.topic_ids, *schema.target_ids):
        assert f"| `{label}` |" in guidelines


def test_the_codes_of_the_topics_carry_their_release() -> None:
    data = tomllib.loads((ROOT / "data/schema.toml").read_text(encoding="utf-8"))
    for topic in data["topic"]:
        assert "country" in topic or {"code", "label", "release"} == set(topic["iptc"])
    codes = {t["id"]: t["iptc"]["code"] for t in data["topic"] if "iptc" in t}
    assert codes["foreign-policy"] == "medtop:20000638" and codes["conflict"] == "medtop:16000000"
