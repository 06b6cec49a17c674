"""The program as a person or a job meets it: output, messages, exit codes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import typer

from talante.cli import predict
from talante.cli.lazy import LazyCommand
from tests.conftest import MINI, Run

TEXT = "Toral lies again. The corrupt town hall wastes our money, and the harbor rots at its docks."
ROW_FIELDS = {"id", "title", "lang", "topics", "stances", "model"}


def rows(result: subprocess.CompletedProcess[bytes]) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.stdout.decode().splitlines()]


def said(result: subprocess.CompletedProcess[bytes]) -> str:
    """What was said on stderr; never a traceback."""
    text = result.stderr.decode()
    assert "Traceback" not in text
    return text


def test_predict_tags_a_file_as_one_row(talante: Run, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    result = talante("predict", "a.txt")
    (row,) = rows(result)
    assert (result.returncode, said(result)) == (0, "")
    assert set(row) == ROW_FIELDS
    assert (row["id"], row["lang"]) == ("a.txt", "en")
    assert list(row["topics"]) == ["harbor"]  # type: ignore[call-overload]
    assert row["stances"]["mayor"]["stance"] == "against"  # type: ignore[index]


def test_predict_reads_stdin_with_a_dash_or_without_arguments(talante: Run) -> None:
    assert rows(talante("predict", "-", stdin=TEXT.encode())) == rows(talante("predict", stdin=TEXT.encode()))
    lines = "\n".join(json.dumps({"id": i, "text": TEXT}) for i in "ab").encode()
    assert [r["id"] for r in rows(talante("predict", "-", stdin=lines))] == ["a", "b"]


def test_all_adds_every_score(talante: Run) -> None:
    (row,) = rows(talante("predict", "--all", stdin=TEXT.encode()))
    assert set(row["all_topics"]) == {"harbor", "schools"}  # type: ignore[call-overload]
    assert set(row["all_stances"]["mayor"]) == {"against", "neutral", "favor"}  # type: ignore[index]


def test_one_row_out_for_each_article_in_errors_too(talante: Run, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/1.txt").write_text(TEXT)
    (tmp_path / "in/2.txt").write_text("")
    (tmp_path / "in/3.txt").write_bytes(b"Caf\xe9")
    (tmp_path / "in/4.txt").write_text("Der Hafen der Stadt ist heute ruhig, und die Schiffe liegen still am Kai.")
    (tmp_path / "in/5.jsonl").write_text(json.dumps({"id": "x", "text": TEXT}) + '\n{"id": "y", "te')
    result = talante("predict", "in")
    assert result.returncode == 8
    assert "4 of the articles could not be tagged" in said(result)
    found = [(r["id"], r.get("error", "")) for r in rows(result)]
    assert [i for i, _ in found] == ["in/1.txt", "in/2.txt", "in/3.txt", "in/4.txt", "x", "in/5.jsonl:2"]
    assert [e for _, e in found][1:4] == [
        "empty file",
        "not UTF-8 at byte 3; save it as UTF-8",
        "language is 'de', and the model was trained on en, es; if that is wrong, name the language with --lang",
    ]


def test_output_to_a_file_appears_whole(talante: Run, tmp_path: Path) -> None:
    result = talante("predict", "-o", "out.jsonl", stdin=TEXT.encode())
    assert (result.returncode, result.stdout) == (0, b"")
    assert json.loads((tmp_path / "out.jsonl").read_text())["id"] == "stdin"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["models", "out.jsonl"]


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["predict", "missing.txt"], 2, "error: missing.txt: no such file or folder"),
        (["predict", "*.txt"], 2, "error: *.txt: no file matches this pattern"),
        (["predict", "empty"], 3, "error: empty: no articles in this folder; looked for .txt"),
        (["predict", "--lang", "de", "-"], 2, "error: --lang: unknown language 'de'; known: en, es"),
        (["predict", "-o", "x.xlsx", "-"], 2, "error: --output: 'x.xlsx' ends in none of .jsonl"),
        (["predict", "-o", "no/such/folder/x.jsonl", "-"], 9, "x.jsonl: cannot write: no such file or directory"),
        (["predict", "-m", "nothing", "-"], 4, "no model 'nothing'"),
        (["predict", "-m", "empty", "-"], 4, "error: empty: no model here: no model.json"),
        (["predict", "--nonsense"], 2, "No such option"),
        (["nonsense"], 2, "No such command"),
        (["evaluate", "missing.jsonl"], 2, "error: missing.jsonl: no such file"),
        (["evaluate", "empty"], 2, "error: empty: is a folder, not a file"),
        (["evaluate", "--model", "x"], 2, "error: --model: needs GOLD"),
        (["evaluate", "--predictions", "gold.jsonl"], 2, "error: --predictions: needs GOLD"),
        (["evaluate", "gold.jsonl", "--predictions", "gold.jsonl", "--probe"], 2, "error: --probe: needs a model"),
        (["evaluate", "gold.jsonl", "--curve"], 2, "error: --curve: is about the corpus; leave out GOLD"),
        (["evaluate", "gold.jsonl", "--html", "x.pdf"], 2, "error: --html: 'x.pdf' does not end in .html"),
        (["evaluate", "gold.jsonl", "--html", "no/x.html"], 2, "error: --html: no such folder: no"),
        (["compare", "nothing", "nothing", "gold.jsonl"], 4, "no model 'nothing'"),
        (["evaluate", "--data", "empty"], 3, "error: empty/schema.toml: no schema here"),
        (["evaluate", "gold.jsonl"], 3, "error: gold.jsonl:1: unknown topic 'harbr'; did you mean 'harbor'?"),
        (["train", "--data", "empty"], 3, "error: empty/schema.toml: no schema here"),
        (["train", "--data", "little"], 7, "error: no article has a stance toward a target that it mentions"),
        (["corpus", "lint", "--data", "empty"], 3, "no schema here"),
        (["corpus", "stats", "--data", "empty"], 3, "no schema here"),
        (["models", "show", "nothing"], 4, "no model 'nothing'"),
        (["models", "promote", "nothing"], 4, "no model 'nothing'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_its_exit_code(
    talante: Run, tmp_path: Path, args: list[str], code: int, message: str
) -> None:
    (tmp_path / "empty").mkdir()
    record = {"id": "a", "lang": "en", "title": "", "text": "Toral.", "topics": ["harbr"]}
    (tmp_path / "gold.jsonl").write_text(json.dumps(record))
    (tmp_path / "little/articles").mkdir(parents=True)
    (tmp_path / "little/schema.toml").write_bytes((MINI / "schema.toml").read_bytes())
    (tmp_path / "little/articles/a.jsonl").write_text(json.dumps({**record, "topics": ["harbor"]}))
    result = talante(*args, stdin=TEXT.encode())
    assert (result.returncode, result.stdout) == (code, b"")
    assert message in said(result)


def test_train_writes_a_candidate_and_promotes_nothing(talante: Run, tmp_path: Path) -> None:
    result = talante("train", "--data", MINI, "--models", "new")
    model_id = result.stdout.decode().strip()
    assert result.returncode == 0, said(result)
    assert [p.name for p in (tmp_path / "new").iterdir() if p.is_dir()] == [model_id]
    assert f"TALANTE_MODELS=new talante models promote {model_id}" in said(result)
    assert talante("predict", stdin=TEXT.encode(), TALANTE_MODELS="new").returncode == 4
    assert talante("models", "promote", model_id, TALANTE_MODELS="new").returncode == 0
    (row,) = rows(talante("predict", stdin=TEXT.encode(), TALANTE_MODELS="new"))
    assert row["model"] == model_id


def test_the_model_is_the_same_whatever_the_number_of_workers(talante: Run) -> None:
    ids = {talante("train", "--data", MINI, "--models", n, LOKY_MAX_CPU_COUNT=n).stdout for n in ("1", "3")}
    assert len(ids) == 1 and len(ids.pop().strip()) == 12  # the id is a digest of every file of a model


def test_training_into_a_file_says_that_it_cannot_be_written(talante: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = talante("train", "--data", MINI, "--models", "file")
    assert result.returncode == 9
    assert "error: file: cannot write: file exists" in said(result)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_stdout_is_an_error(tmp_path: Path, registry: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run(
            [sys.executable, "-m", "talante", "predict", "a.txt"], stdout=full, stderr=subprocess.PIPE, cwd=tmp_path,
            env={**os.environ, "TALANTE_MODELS": str(registry)}, timeout=60,
        )  # fmt: skip
    assert result.returncode == 9
    assert b"error: stdout: cannot write: no space left on device" in result.stderr
    assert b"Traceback" not in result.stderr and b"Exception" not in result.stderr


def test_lint_prints_every_fault_and_warning(talante: Run, tmp_path: Path) -> None:
    assert talante("corpus", "lint", "--data", MINI).returncode == 0
    (tmp_path / "articles").mkdir()
    (tmp_path / "schema.toml").write_bytes((MINI / "schema.toml").read_bytes())
    german = {
        "id": "g",
        "lang": "en",
        "title": "",
        "text": "Der Hafen der Stadt ist heute ruhig, die Schiffe liegen still.",
    }
    unnamed = {
        "id": "u",
        "lang": "en",
        "title": "",
        "text": "She lies about the docks.",
        "stances": {"mayor": "against"},
    }
    (tmp_path / "articles/a.jsonl").write_text("\n".join(map(json.dumps, (german, unnamed, {"id": "x"}))))
    result = talante("corpus", "lint", "--data", tmp_path)
    lines = result.stdout.decode().replace(str(tmp_path), "").splitlines()
    assert result.returncode == 3
    assert lines[:3] == [f"error: /articles/a.jsonl:3: {f}: field required" for f in ("lang", "title", "text")]
    assert lines[3].startswith(
        "warning: /articles/a.jsonl:2: stance toward 'mayor', which the article names by no alias"
    )
    assert lines[4] == "warning: /articles/a.jsonl:1: lang is 'en', the text looks like 'de'"
    assert "3 errors, " in said(result)
    report = json.loads(talante("corpus", "lint", "--data", tmp_path, "--format", "json").stdout)
    assert (report["errors"], report["findings"][3]["check"]) == (3, "mention")


def test_stats_counts_the_corpus_beside_its_goals(talante: Run, tmp_path: Path) -> None:
    text = talante("corpus", "stats", "--data", MINI).stdout.decode()
    rows = [line.split() for line in text.splitlines()]
    assert ["all", "12", "8", "20"] in rows and ["mayor", "favor", "3", "2", "5"] in rows
    shutil.copytree(MINI, tmp_path / "data")
    (tmp_path / "data/goals.toml").write_text("[stances]\nmayor = { favor = 7 }\n[topics]\narticles = 1\ngenres = 6\n")
    rows = [line.split() for line in talante("corpus", "stats", "--plot", "a.svg").stdout.decode().splitlines()]
    assert ["mayor", "favor", "3", "2", "5", "7", "2"] in rows
    assert (tmp_path / "a.svg").read_text().count("<svg") == 1
    assert "unknown" not in said(talante("corpus", "stats", "--plot", "a.svg"))
    assert talante("corpus", "stats", "--plot", "a.xyz").returncode == 2
    (tmp_path / "data/goals.toml").write_text("[stances]\nmajor = { favor = 7 }\n")
    refused = talante("corpus", "stats")
    assert (refused.returncode, "unknown goal or target 'major'" in said(refused)) == (3, True)


def test_agreement_compares_two_annotators(talante: Run, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": "m01", "topics": ["harbor"], "stances": {"mayor": "against"}}\n')
    (tmp_path / "b.jsonl").write_text('{"id": "m01", "topics": ["schools"], "stances": {"mayor": "favor"}}\n')
    result = talante("corpus", "agreement", "a.jsonl", "b.jsonl", "--data", MINI)
    assert "1 articles labelled by both" in result.stdout.decode()
    (tmp_path / "b.jsonl").write_text('{"id": "m01", "topics": ["ports"]}\n')
    wrong = talante("corpus", "agreement", "a.jsonl", "b.jsonl", "--data", MINI)
    assert (wrong.returncode, "b.jsonl:1: unknown topic 'ports'" in said(wrong)) == (3, True)


def test_models_lists_shows_and_verifies(talante: Run, registry: Path) -> None:
    listed = talante("models", "list").stdout.decode()
    assert "in use" in listed and "TALANTE_MODELS names it" in listed
    assert json.loads(talante("models", "show").stdout)["format"] == "talante-model"
    assert talante("models", "verify").returncode == 0
    (folder,) = (p for p in registry.iterdir() if p.is_dir())
    (folder / "near.terms.txt").write_text("x")
    result = talante("models", "verify")
    assert result.returncode == 4 and "near.terms.txt: changed" in said(result)
    assert "error: " in said(talante("predict", stdin=TEXT.encode()))


def test_evaluate_prints_a_verdict_first_and_all_figures_as_json(talante: Run) -> None:
    gold = MINI / "articles/mini.jsonl"
    verdict, warning, *_ = talante("evaluate", gold).stdout.decode().splitlines()
    assert verdict.startswith("Stances ")
    assert warning.startswith("Leak: the model has learned from 20 of 20 articles")
    report = json.loads(talante("evaluate", gold, "--json").stdout)
    assert report["articles"] == 20
    assert report["pooled"]["macro_f1"]["n"] == 21


def test_evaluate_without_a_file_cross_validates_the_corpus(talante: Run) -> None:
    text = talante("evaluate", "--data", MINI).stdout.decode()
    assert "cross-validated with groups held out" in text and "A random split" in text


def test_the_answers_of_any_system_are_measured_and_compared(talante: Run, tmp_path: Path) -> None:
    gold = MINI / "articles/mini.jsonl"
    answers = talante("predict", gold, "--all").stdout
    (tmp_path / "own.jsonl").write_bytes(answers)
    theirs = json.loads(talante("evaluate", gold, "--predictions", "own.jsonl", "--json").stdout)
    own = json.loads(talante("evaluate", gold, "--json").stdout)
    for figures in ("pooled", "topics_macro_f1", "opposed"):
        assert theirs[figures] == own[figures] or figures == "pooled"  # scores in the file have four digits
    assert theirs["pooled"]["macro_f1"] == own["pooled"]["macro_f1"]
    model = next(p.name for p in (tmp_path / "models").iterdir() if p.is_dir())
    same = talante("compare", model, "own.jsonl", gold).stdout.decode()
    assert same.startswith("no difference: the two give the same answers on every article")
    ids = [json.loads(line)["id"] for line in gold.read_text().splitlines()]
    (tmp_path / "none.csv").write_text("id,topics\n" + "".join(f"{i},\n" for i in ids))
    worse = json.loads(talante("compare", model, "none.csv", gold, "--json").stdout)
    assert {row["answer"] for row in worse["rows"]} >= {"A better"}


def test_evaluate_writes_a_page_whole(talante: Run, tmp_path: Path) -> None:
    result = talante("evaluate", MINI / "articles/mini.jsonl", "--probe", "--html", "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert result.returncode == 0 and said(result).startswith("written: report.html")
    assert page.startswith("<!DOCTYPE html>") and page.rstrip().endswith("</html>")
    assert "Leak" in page and "targets swapped" in page


def test_a_closed_pipe_is_no_error(tmp_path: Path, registry: Path) -> None:
    lines = "\n".join(json.dumps({"id": i, "text": TEXT}) for i in range(3000))
    (tmp_path / "a.jsonl").write_text(lines)
    command = f"{sys.executable} -m talante predict a.jsonl | head -1; exit ${{PIPESTATUS[0]}}"
    env = {**os.environ, "TALANTE_MODELS": str(registry)}
    result = subprocess.run(["bash", "-c", command], capture_output=True, cwd=tmp_path, env=env, timeout=120)
    assert (result.returncode, result.stderr) == (0, b"")
    assert len(rows(result)) == 1


def test_ctrl_c_ends_with_130_and_leaves_no_half_file(tmp_path: Path, registry: Path) -> None:
    env = {**os.environ, "TALANTE_MODELS": str(registry)}
    command = [sys.executable, "-m", "talante", "predict", "-", "-o", "out.jsonl"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, env=env)
    assert process.stdin
    process.stdin.write(json.dumps({"text": TEXT}).encode() + b"\n")
    process.stdin.flush()
    while not list(tmp_path.glob(".out.jsonl.*")):  # until it writes
        assert process.poll() is None
        time.sleep(0.02)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=30)
    assert (process.returncode, error) == (130, b"interrupted\n")
    assert [p.name for p in tmp_path.iterdir()] == ["models"]


def test_a_bug_is_named_without_a_traceback_unless_asked_for(talante: Run, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import talante.jobs.tag as t\ndef rows(*a, **k): 1 / 0\nt.Tagger.rows = rows\n"
    )
    result = talante("predict", "-", stdin=TEXT.encode(), PYTHONPATH=str(tmp_path))
    assert result.returncode == 1
    assert said(result).startswith("error: a bug in talante: ZeroDivisionError: division by zero")
    loud = talante("predict", "-", stdin=TEXT.encode(), PYTHONPATH=str(tmp_path), TALANTE_TRACEBACK="1")
    assert loud.returncode == 1 and b"Traceback" in loud.stderr


def test_help_and_version(talante: Run) -> None:
    assert talante("--version").stdout.startswith(b"talante 0.")
    for command in (
        [],
        ["predict"],
        ["train"],
        ["evaluate"],
        ["compare"],
        ["models"],
        ["models", "list"],
        ["corpus"],
        ["corpus", "lint"],
    ):
        result = talante(*command, "--help")
        assert result.returncode == 0 and b"Usage: talante" in result.stdout, command


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["a.txt", "-", "--all"],
        ["", "--model", "", "--target", "a=b", "--target", "c=d"],
        ["--min-score", "0.5", "--output", "x.jsonl", "--lang", "es"],
        ["--min-score", "2"],
        ["--min-score", "x"],
    ],
)
def test_values_are_those_that_typer_makes_of_them(args: list[str]) -> None:
    def parsed(command: Any) -> Any:
        try:
            return command.make_context("predict", list(args)).params
        except Exception as wrong:
            return type(wrong), str(wrong)

    plain = typer.Typer()
    plain.command()(predict.predict)
    assert parsed(LazyCommand("predict").load()) == parsed(typer.main.get_command(plain))


def test_shell_completion_can_be_shown(talante: Run) -> None:
    result = talante("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert result.returncode == 0 and b"complete" in result.stdout


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("tr", {"train"}),
        ("models ro", {"rollback"}),
        ("predict --min", {"--min-score"}),
        ("retrain --log-format j", {"json"}),
    ],
)
def test_the_shell_completes_commands_and_options(talante: Run, line: str, found: set[str]) -> None:
    words = f"talante {line}"
    asked = {"_TALANTE_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    assert set(talante(**asked).stdout.decode().split()) == found


def test_article_text_is_never_terminal_markup(tmp_path: Path, registry: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"id": "a", "title": "[red]x[/red] [/nope]", "text": TEXT}))
    script = f"{sys.executable} -m talante predict a.jsonl"
    env = {**os.environ, "TALANTE_MODELS": str(registry), "COLUMNS": "120", "NO_COLOR": "1", "TERM": "xterm"}
    result = subprocess.run(
        ["script", "-qec", script, "/dev/null"], capture_output=True, cwd=tmp_path, env=env, timeout=60
    )
    assert result.returncode == 0, result.stdout
    assert b"[red]x[/red] [/nope]" in result.stdout and b"against" in result.stdout


def test_a_target_can_be_named_on_the_spot(talante: Run) -> None:
    text = b"Captain Oda lies. Corrupt and arrogant, Captain Oda wastes our money. A shameful plan, Captain Oda."
    row = json.loads(talante("predict", "-", "--lang", "en", "--target", "captain=Captain Oda,Oda", stdin=text).stdout)
    assert row["stances"]["captain"]["stance"] == "against"
    unsure = talante("predict", "-", "--lang", "en", "--target", "captain=Oda", "--min-score", "1", stdin=text)
    assert json.loads(unsure.stdout)["stances"]["captain"]["stance"] is None
    for wrong, message in [
        ("captain", "is not NAME=ALIAS,ALIAS"),
        ("captain=", "is not NAME=ALIAS,ALIAS"),
        ("captain=,*", "is not NAME=ALIAS,ALIAS"),
        ("mayor=Oda", "knows 'mayor' already"),
        ("captain=toral", "is an alias of 'mayor'"),
        ("captain=Castro", "is an alias of 'union'"),
    ]:
        result = talante("predict", "-", "--target", wrong, stdin=text)
        assert result.returncode == 2 and message in result.stderr.decode(), wrong
    twice = talante("predict", "-", "--target", "a=Oda", "--target", "b=oda", stdin=text)
    assert twice.returncode == 2 and b"is an alias of 'a'" in twice.stderr


def test_half_a_character_is_replaced(talante: Run) -> None:
    line = b'{"id": "\\ud83d", "text": "Toral lies again \\ud83d and the harbor rots at its docks.", "lang": "en"}'
    for command in ("predict", "explain"):
        result = talante(command, "-", stdin=line)
        assert result.returncode == 0, result.stderr
        assert json.loads(result.stdout)["id"] == "\ufffd"
