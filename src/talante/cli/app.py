"""The `talante` program: its commands, and what becomes of errors."""

import errno
import gc
import os
import sys
from typing import Annotated, Any, NoReturn

import typer

from talante import __version__
from talante.cli.lazy import Group, LazyCommand
from talante.errors import TalanteError, WriteError

#: The commands, each with the first paragraph of its help, for the list of them; a test compares.
COMMANDS = {
    "predict": "Tag articles: topics, and the stance toward each target that an article treats.",
    "explain": "Show why: for each label the sentences and terms that speak for and against it.",
    "train": "Fit a candidate model to the labelled corpus, measure it, and write it beside the others.",
    "retrain": "Train a candidate, compare it with the model in use, and put it into use only if it is no worse.",
    "evaluate": "Measure a model on a gold file, or cross-validate the corpus with groups held out.",
    "compare": 'Compare two systems on the same articles, paired: for each figure which is better, or "cannot tell".',
    "drift": "Tell what new articles have that earlier ones had not; exit code 6 when a figure is beyond its limit.",
    "export": "Write the model as scikit-learn pipelines, for people who live there.",
    "models": "List, compare, verify, promote, roll back and prune models.",
    "corpus": "Check and count the labelled articles.",
}

_INTERRUPTED = 130  # 128 + SIGINT, as shells report it
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def _discard_stdout() -> None:
    # Python flushes stdout once more when it ends, and would complain about what it cannot write
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _log_error(error: BaseException) -> None:
    from talante.cli.log import log_error

    log_error(error)


def _report_bug(error: Exception) -> NoReturn:
    if os.environ.get("TALANTE_TRACEBACK"):
        raise error
    _log_error(error)
    sys.exit(1)


class _Commands(Group):
    """Knows the commands, and translates errors into one line on stderr and an exit code."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name, summary in COMMANDS.items():
            self.add_command(LazyCommand(name, help=summary, rich_markup_mode=self.rich_markup_mode))

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except TalanteError as error:
            _log_error(error)
            sys.exit(error.exit_code)
        except KeyboardInterrupt as interruption:
            _log_error(interruption)
            sys.exit(_INTERRUPTED)
        except BrokenPipeError:
            # The reader, such as `head`, has had enough
            _discard_stdout()
            sys.exit(0)
        except OSError as error:
            if error.errno not in _NO_ROOM:
                _report_bug(error)
            _discard_stdout()
            _log_error(WriteError(f"cannot write: {str(error.strerror).lower()}", place="stdout"))
            sys.exit(WriteError.exit_code)
        except Exception as error:
            # typer's own exceptions (usage, exit) pass: typer knows what to say
            if type(error).__module__.startswith(("typer", "click")):
                raise
            _report_bug(error)


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 a bug, 2 wrong usage, 3 bad input data, 4 model missing or damaged, 5 the gate "
    "refused the candidate, 6 drift, 7 not enough data, 8 some rows could not be tagged, 9 output could not be "
    "written, 10 another run holds the lock, 130 interrupted.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"talante {__version__}")
        raise typer.Exit


@app.callback()
def talante(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Tag news and opinion articles, English and Spanish, by topic and by stance toward named targets.

    Start with `talante predict FILE`. Labels are defined in data/schema.toml, articles to learn from
    lie in data/articles/, models in models/.
    """


def main() -> None:
    """Run the program."""
    try:
        app(prog_name="talante")
    finally:
        gc.freeze()  # the process ends: Python need not search all its objects for garbage once more, 0.03 s
