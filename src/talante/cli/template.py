"""The templates of pages: every text is escaped, and a name that is missing is an error."""

from typing import Any


def template(name: str, **filters: Any) -> Any:
    """Return a template of this folder; jinja2 is imported here, since only pages need it."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("talante.cli", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(filters)
    return environment.get_template(name)
