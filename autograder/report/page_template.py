"""The templates of our pages, and the filters that all of them know."""

from __future__ import annotations

from collections.abc import Callable

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from autograder.wording import number


def page_template(
    name: str, filters: dict[str, Callable] | None = None, **functions: Callable
) -> Template:
    """Return a template of autograder/report/templates, with filters and functions of its own.

    What it writes is escaped, and a name that it does not get is an error.
    """
    environment = Environment(
        loader=PackageLoader("autograder.report", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"number": number, "words": lambda name: name.replace("_", " ")}
    environment.filters |= filters or {}
    environment.globals |= functions
    return environment.get_template(name)
