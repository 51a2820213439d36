"""The pages for people, from templates that lie in `reports`: self-contained, and nothing that came in is markup."""

from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

FOLDER = "reports"


def render(template: str, *styles: str, simulated: bool, **facts: Any) -> str:
    """A page.

    Args:
        template: Its template.
        styles: The style sheets that it holds, the later one over the earlier.
        simulated: Whether its numbers are invented: then it says so.
        facts: What else the template asks for.
    """
    pages = Environment(
        loader=PackageLoader("warehouse", FOLDER),
        autoescape=True,  # whatever the template is called: an error quotes what a provider sent
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    folder = files("warehouse") / FOLDER
    style = "\n".join((folder / name).read_text(encoding="utf-8") for name in ("page.css", *styles))
    return pages.get_template(template).render(style=style, simulated=simulated, **facts)
