"""The page's templates: package data, escaped by default."""

import re
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup


@cache
def environment() -> Environment:
    """Templates of ``templates/``, in which every text is escaped unless it is already markup."""
    found = Environment(
        loader=PackageLoader("bench.reporting", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["breakable"] = breakable
    found.filters["coded"] = coded
    return found


@cache
def markups() -> Any:
    """The macros of ``parts.html``, each a function that returns safe markup."""
    return environment().get_template("parts.html").module


@cache
def asset(name: str) -> Markup:
    """A style sheet or script of the package, as it stands."""
    text = resources.files("bench.reporting").joinpath("templates", name).read_text(encoding="utf-8")
    return Markup(text)


def breakable(name: str) -> Markup:
    """An escaped name that may be broken where its words end, ``timm:|vit_|tiny``, in a narrow column."""
    return Markup("<wbr>").join(re.findall(r"[^:_@./-]*[:_@./-]*", name))


def coded(text: str) -> Markup:
    """Prose with what stands between backticks as code; everything is escaped."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if odd % 2 else part for odd, part in enumerate(parts)
    )
