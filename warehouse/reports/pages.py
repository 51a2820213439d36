"""HTML pages from the templates in `reports`: self-contained, and all data are escaped."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

FOLDER = "reports"


def render(
    template: str, *styles: str, simulated: bool, told_to_programs: Mapping[str, str] | None = None, **facts: Any
) -> str:
    """Render a page.

    Args:
        template: Its template.
        styles: The style sheets that it embeds; later ones override earlier ones.
        simulated: Whether its numbers are simulated; the page then says so.
        told_to_programs: Metadata for programs, by name.
        facts: The template's other variables.
    """
    folder = files("warehouse") / FOLDER
    style = "\n".join((folder / name).read_text(encoding="utf-8") for name in ("page.css", *styles))
    shared = {"style": style, "simulated": simulated, "told_to_programs": told_to_programs}
    return _templates(markup=True).get_template(template).render(**shared, **facts)


def render_text(template: str, **facts: Any) -> str:
    """Render a text, such as Markdown; nothing in it is escaped.

    Args:
        template: Its template.
        facts: The template's variables.
    """
    return _templates(markup=False).get_template(template).render(**facts)


@cache
def _templates(*, markup: bool) -> Environment:
    return Environment(
        loader=PackageLoader("warehouse", FOLDER),
        # On for every page, whatever its template's name: an error may quote what a provider sent.
        autoescape=markup,  # noqa: S701  off for texts alone
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
