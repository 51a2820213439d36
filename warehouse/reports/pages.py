"""The pages for people, from templates that lie in `reports`: self-contained, and nothing that came in is markup."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

FOLDER = "reports"


def render(
    template: str, *styles: str, simulated: bool, told_to_programs: Mapping[str, str] | None = None, **facts: Any
) -> str:
    """A page.

    Args:
        template: Its template.
        styles: The style sheets that it holds, the later one over the earlier.
        simulated: Whether its numbers are invented: then it says so.
        told_to_programs: What the page says of itself to programs, by name.
        facts: What else the template asks for.
    """
    folder = files("warehouse") / FOLDER
    style = "\n".join((folder / name).read_text(encoding="utf-8") for name in ("page.css", *styles))
    shared = {"style": style, "simulated": simulated, "told_to_programs": told_to_programs}
    return _templates(markup=True).get_template(template).render(**shared, **facts)


def render_text(template: str, **facts: Any) -> str:
    """A text, such as Markdown; nothing in it is escaped.

    Args:
        template: Its template.
        facts: What the template asks for.
    """
    return _templates(markup=False).get_template(template).render(**facts)


@cache
def _templates(*, markup: bool) -> Environment:
    return Environment(
        loader=PackageLoader("warehouse", FOLDER),
        # Whatever the template is called: an error quotes what a provider sent. A text is read as it stands.
        autoescape=markup,  # noqa: S701  off for texts alone
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
