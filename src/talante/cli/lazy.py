"""Commands that are imported when somebody runs them: `talante predict` waits for nothing that only others need."""

import gc
import os
from importlib import import_module
from typing import Any

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

#: Commands that are often called for a single article.
_QUICK = ("predict", "explain")


class LazyCommand(TyperCommand):
    """A command of which only name and summary are known until it is run or asked for its own help.

    It stands in `talante.cli.<name>`: a function of that name, or a group of commands called `app`.
    """

    def load(self) -> Any:
        """Import the command and return it."""
        name = str(self.name)
        if name in _QUICK:
            # A thread for each core, which OpenBLAS starts when numpy is imported, takes 0.05 s and has nothing to do
            os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
            gc.set_threshold(100_000)  # imports and models are many objects and no garbage: 0.01 s
        module = import_module(f"talante.cli.{name}")
        around = typer.Typer(add_completion=False, rich_markup_mode=self.rich_markup_mode)
        if hasattr(module, "app"):
            around.add_typer(module.app, name=name, cls=Group)
        else:
            around.command(name, cls=_Command)(getattr(module, name))
        return typer.main.get_group(around).commands[name]

    def make_context(self, *args: Any, **settings: Any) -> Any:
        """Begin to run the command itself."""
        return self.load().make_context(*args, **settings)


class Group(TyperGroup):
    """A group of commands; see `_spare_pydantic`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options of the group and the name of a command."""
        _spare_pydantic(self.get_params(ctx))
        return super().parse_args(ctx, args)


class _Command(TyperCommand):
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        _spare_pydantic(self.get_params(ctx))
        return super().parse_args(ctx, args)


def _spare_pydantic(params: list[Any]) -> None:
    """Let typer convert only what needs it: since 0.29 it imports pydantic, 0.1 s, even for what is None or text.

    A typer that does not use pydantic never calls what is set here.
    """
    for param in params:
        param.get_runtime_param = _AsGiven


class _AsGiven:
    """Takes None, text, and defaults that are numbers as they are, and leaves all else to typer."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the value that a command is called with."""
        wanted = param.type_descriptor.annotation
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        if wanted in (str, float) and type(value) is wanted:
            return value
        if wanted == list[str] and all(type(item) is str for item in value):
            return list(value)
        return type(param).get_runtime_param(param).coerce(value, param=param, ctx=ctx)
