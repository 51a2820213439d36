"""Scaffold: the files of a new provider, derived from the declaration of its dataset, to be filled in.

They are complete enough to be imported and checked, and each gap is marked: the tests of the source fail and name the
gaps until none is left, and no run asks the source before.
"""

import re
import textwrap
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import SequenceMatcher
from functools import cache
from keyword import iskeyword
from pathlib import Path

import orjson
import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined

from expectations.contract import POLARS, STAMPS, Column, Dataset, datasets
from expectations.errors import BadRequest
from warehouse.store.archive import Snapshot

GAP = "FILL IN"
"""What marks a place that the engineer has to fill in."""
TESTS = "tests/test_scaffold.py tests/test_layers.py tests/transforms tests/sources"
FOLDERS = ("flows/sources", "flows/simulator/pages", "transforms", "tests/fixtures")
MODULE = re.compile(r"[a-z][a-z0-9_]{0,29}")
WIDTH = 110  # of a line of text
# The unit of names that a venue gives to its own contracts, events and accounts: each row of an answer has its own.
IN_THE_ANSWER = "the venue's own name"
SOME_MORNING = datetime(2024, 12, 10, 0, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Shown:
    """A column of the dataset as the transform computes it.

    Attributes:
        name: The column.
        comment: Meaning, unit and measure, in lines.
        value: The expression.
        gap: Whether the expression has to be filled in.
    """

    name: str
    comment: tuple[str, ...]
    value: str
    gap: bool


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        root: The clone.
        files: The files, relative to the clone, in the order in which they are filled in.
        examples: Other providers that feed the same dataset.
    """

    root: Path
    files: tuple[str, ...]
    examples: tuple[str, ...]


def new_source(name: str, dataset: str, here: Path) -> Written:
    """Write the files of a new provider into a clone; none of them may exist.

    Args:
        name: Our name of the provider, which is the name of its modules.
        dataset: The name of the dataset that it feeds.
        here: A folder of the clone.

    Raises:
        BadRequest: The name is no module name, the dataset does not exist, the folder lies in no clone, or one of the
            files exists; nothing was written.
    """
    if not MODULE.fullmatch(name) or iskeyword(name):
        raise BadRequest(
            f"expected a module name of at most 30 lower-case letters, digits and _, such as bitstamp, found {name!r}"
        )
    texts = files(name, known(dataset))
    root = clone_around(here)
    taken = [path for path in texts if (root / path).exists()]
    if taken:
        raise BadRequest(f"expected new files only, found {', '.join(taken)}: nothing is overwritten")
    package = root / "transforms" / dataset
    examples = tuple(sorted(path.stem for path in package.glob("[a-z]*.py")))
    if not package.is_dir():
        texts[f"transforms/{dataset}/__init__.py"] = f'"""Rows of `{dataset}`, one file per provider."""\n'
    write(root, texts)
    return Written(root, tuple(texts), examples)


def what_next(name: str, dataset: str, written: Written) -> str:
    """What was written, and what to do with it."""
    lines = [f"written into {written.root}:", *(f"  {file}" for file in written.files), ""]
    if written.examples:
        lines.append(f"{dataset} is also fed by {', '.join(written.examples)}: read one of them beside it.")
    lines += [
        f"Fill in what is marked {GAP}, file by file; CONTRIBUTING.md explains how. What is left is named by",
        f"  python -m pytest {TESTS} -k {name}",
        f"No run asks {name} until its `verified_against` is stated.",
    ]
    return "\n".join(lines)


def known(name: str) -> Dataset:
    """A dataset by name.

    Raises:
        BadRequest: There is none with this name; the message lists the names, the most similar one first.
    """
    found = datasets().get(name)
    if found is None:
        similar = sorted(datasets(), key=lambda other: SequenceMatcher(None, name, other).ratio(), reverse=True)
        raise BadRequest(f"unknown dataset {name!r}: there are {', '.join(similar)}")
    return found


def clone_around(folder: Path) -> Path:
    """The clone of tidemark that a folder lies in.

    Raises:
        BadRequest: It lies in none.
    """
    for parent in (folder, *folder.parents):
        if is_clone(parent):
            return parent
    raise BadRequest(f"expected a clone of tidemark to write into, found none at {folder} or above it")


def is_clone(folder: Path) -> bool:
    """Whether a folder is the root of a clone, with its tests."""
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
    except (OSError, ValueError):
        return False
    return project.get("name") == "tidemark" and all((folder / inner).is_dir() for inner in FOLDERS)


def write(root: Path, texts: Mapping[str, str]) -> None:
    """Write files that do not exist yet: all of them, or none if the system refuses one."""
    written: list[Path] = []
    try:
        for name, text in texts.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                written.append(path)
                file.write(text)
    except OSError:
        for path in written:
            path.unlink()
        raise


def files(name: str, dataset: Dataset) -> dict[str, str]:
    """The files of a provider that feeds a dataset: path in the clone to text, in the order of filling in."""
    facts = {
        "name": name,
        "title": name.replace("_", " ").capitalize(),
        "host": f"api.{name.replace('_', '-')}.example",
        "dataset": dataset,
        "constant": dataset.name.upper(),
        "labels": {label: described(label, column) for label, column in labels(dataset).items()},
        "columns": [*shown(name, dataset)],
    }
    fixtures = f"tests/fixtures/{name}/{dataset.name}"
    pages = {
        f"flows/sources/{name}.py": "source.py.j2",
        f"transforms/{dataset.name}/{name}.py": "transform.py.j2",
        f"flows/simulator/pages/{name}.py": "page.py.j2",
    }
    return {
        **{path: _templates().get_template(template).render(**facts) for path, template in pages.items()},
        f"{fixtures}/day.json": fixture(name, dataset, 200, f'"{GAP} a small answer as the provider sends it"'),
        f"{fixtures}/day.csv": ",".join(dataset.schema()) + "\n",
        f"{fixtures}/refused.json": fixture(name, dataset, 400, f'"{GAP} an error as the provider sends it"'),
        f"{fixtures}/refused.error": f"SourceRefused\n{GAP} words of the error\n",
    }


def labels(dataset: Dataset) -> dict[str, Column]:
    """What the request is about: columns of the key that an answer rarely contains, so that the transform is told."""
    columns = {name: dataset.column(name) for name in dataset.key if name != "venue"}
    return {name: column for name, column in columns.items() if column.type == "text" and column.unit != IN_THE_ANSWER}


def described(label: str, column: Column) -> str:
    """A label as an argument in a docstring, with its unit."""
    text = f"{label}: {column.meaning} Unit: {column.unit}."
    return textwrap.fill(text, WIDTH, initial_indent=" " * 8, subsequent_indent=" " * 12, break_on_hyphens=False)


def shown(source: str, dataset: Dataset) -> Iterator[Shown]:
    """The columns that the transform returns, in order."""
    told = labels(dataset)
    for name in dataset.schema():
        column = dataset.column(name)
        unknown = " Null where it is unknown." if name in dataset.nullable else ""
        lines = tuple(textwrap.wrap(column.comment + unknown, WIDTH, break_long_words=False, break_on_hyphens=False))
        value, settled = _value(source, name, column, told)
        yield Shown(name, lines, value, gap=not settled)


def _value(source: str, name: str, column: Column, told: Collection[str]) -> tuple[str, bool]:
    """The expression of a column, and whether it can stay as it is."""
    if name in told:
        return f"pl.lit({name})", True
    if name == "venue":
        return f'pl.lit("{source}")', True
    if name == "date":
        return 'day_of(pl.col("stamped_at"))', False
    if name == STAMPS[0]:
        return f'pl.col("{name}")', True
    if name == STAMPS[1]:
        return 'end_of(day_of(pl.col("stamped_at")))', False
    kind = POLARS[column.type]
    literal = 'pl.Datetime("us", "UTC")' if isinstance(kind, pl.Datetime) else f"pl.{kind!r}"
    return f"pl.lit(None, {literal})", False


def fixture(source: str, dataset: Dataset, status: int, body: str) -> str:
    """An answer as the archive keeps it."""
    snapshot = Snapshot(
        source=source,
        dataset=dataset.name,
        series=f"{GAP} our name of the series",
        method="GET",
        url=f"https://{GAP} the address that was asked for",
        request_body=None,
        status=status,
        headers={"content-type": "application/json"},
        observed_at=SOME_MORNING,
        body=body.encode(),
        form="json",
        transform="normalize",
        labels=dict.fromkeys(labels(dataset), GAP),
    )
    return orjson.dumps(snapshot.dump(), option=orjson.OPT_INDENT_2).decode() + "\n"


def gaps(root: Path, name: str) -> list[str]:
    """What is left to fill in of a source, as `path:line: text`."""
    folders = (*(root / "transforms").iterdir(), root / "flows" / "sources", root / "flows" / "simulator" / "pages")
    paths = [folder / f"{name}.py" for folder in folders]
    paths += (root / "tests" / "fixtures" / name).rglob("*.*")
    return [
        f"{path.relative_to(root).as_posix()}:{number}: {line.strip()}"
        for path in sorted(paths)
        if path.is_file()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if GAP in line
    ]


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("flows", "templates"),
        autoescape=False,  # noqa: S701  Python, not markup
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
