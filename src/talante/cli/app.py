"""The `talante` program: its commands, and what becomes of errors."""

import errno
import os
import sys
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from talante import __version__
from talante.cli import compare, corpus, drift, evaluate, explain, export, models, predict, retrain, train
from talante.cli.log import log_error
from talante.errors import TalanteError, WriteError

_INTERRUPTED = 130  # 128 + SIGINT, as shells report it
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def _discard_stdout() -> None:
    # Python flushes stdout once more when it ends, and would complain about what it cannot write
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report_bug(error: Exception) -> NoReturn:
    if os.environ.get("TALANTE_TRACEBACK"):
        raise error
    log_error(error)
    sys.exit(1)


class _Commands(TyperGroup):
    """Translates errors into one line on stderr and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except TalanteError as error:
            log_error(error)
            sys.exit(error.exit_code)
        except KeyboardInterrupt as interruption:
            log_error(interruption)
            sys.exit(_INTERRUPTED)
        except BrokenPipeError:
            # The reader, such as `head`, has had enough
            _discard_stdout()
            sys.exit(0)
        except OSError as error:
            if error.errno not in _NO_ROOM:
                _report_bug(error)
            _discard_stdout()
            log_error(WriteError(f"cannot write: {str(error.strerror).lower()}", place="stdout"))
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


app.command("predict")(predict.predict)
app.command("explain")(explain.explain)
app.command("train")(train.train)
app.command("retrain")(retrain.retrain)
app.command("evaluate")(evaluate.evaluate)
app.command("compare")(compare.compare)
app.command("drift")(drift.drift)
app.command("export")(export.export)
app.add_typer(models.app, name="models")
app.add_typer(corpus.app, name="corpus")


def main() -> None:
    """Run the program."""
    app(prog_name="talante")
