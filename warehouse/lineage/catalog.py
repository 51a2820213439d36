"""The data dictionary: the comments of the DuckDB file as pages, one per table, with an index.

`python -m flows.catalog` writes them, because only flows know the sources; a test fails if they are stale.
"""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime

import duckdb
import polars as pl

from expectations.contract import Dataset, datasets, polars_schema
from expectations.curated import curated
from warehouse.build import models
from warehouse.build.database import OPS, SERIES, create_books, create_core, describe, insert_dimensions
from warehouse.build.models import Model
from warehouse.build.promises import promises
from warehouse.lineage.tables import Supply, parents, readers, sources_of, supply
from warehouse.saved_queries import questions
from warehouse.store.ledger import Books
from warehouse.text import markdown_table

FOLDER = "docs/catalog"
_ROOT = "../.."  # from the folder's index to the repository
_ASSETS = ("asset", "sector", "valid_from", "valid_to")
NEVER = datetime(2000, 1, 1, tzinfo=UTC)
_KINDS = {"main": "Marts", "core": "Typed facts", "ops": "Books"}
_ABOUT = {
    "main": "Analytical tables that readers may rely on. Schema `main`.",
    "core": (
        "Checked data of the providers, and tables kept by hand. Schema `core`. Each dataset has two views: "
        "`core.<dataset>_preferred` has one row per key, by the declared preference of sources; "
        "`core.<dataset>_in_time` has those of them that were public by noon (UTC) after the day that they describe."
    ),
    "ops": "What the pipeline records about itself. Schema `ops`.",
}


def catalog(sources: pl.DataFrame) -> dict[str, str]:
    """The pages, from the promises alone: an empty warehouse is built in memory and described.

    Args:
        sources: What every source declares, as in `ops.sources`.

    Returns:
        The path of each page below `FOLDER`, and its text.
    """
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        create_core(connection, {}, Books([]), NEVER)
        assets, series = (pl.DataFrame(schema=polars_schema(columns)) for columns in (_ASSETS, SERIES))
        insert_dimensions(connection, assets, series, NEVER)
        for model in models.models():
            models.create(connection, model)
        create_books(connection, {"sources": sources})
        describe(connection)
        columns = connection.sql('from ops.catalog order by "table"').pl()
    supplied = supply(sources)
    tables = [*_marts(supplied), *_facts(supplied), *_books()]
    pages = {f"{name.replace('.', '/')}.md": _page(name, [meaning, *text], columns) for name, meaning, text in tables}
    pages["README.md"] = _joined(_index([(name, meaning) for name, meaning, _ in tables]))
    pages["questions.md"] = _joined(_questions())
    pages["sources.md"] = _joined(_sources(sources))
    return pages


_Entry = tuple[str, str, list[str]]
"""A table, what it holds, and the paragraphs of its page before its columns."""


def _marts(supplied: Supply) -> Iterator[_Entry]:
    everyone = {source for sources in supplied.values() for source in sources}
    for model in sorted((model for model in models.models() if model.schema == "main"), key=lambda model: model.name):
        supplying = _those(sources_of(model.table, supplied), everyone) or "none: kept by hand"
        facts = [
            f"One row: {model.grain}. Key: {_named(model.key)}.",
            f"Formula: [`{model.name}.sql`]({_ROOT}/../warehouse/models/marts/{model.name}.sql). {_reach(model)}",
            f"Reads {_linked(parents(model.table))}. Original sources: {supplying}.",
        ]
        yield model.table, model.sentence, [*facts, *_bullets(model.caveats), _drawn(model.table)]


def _facts(supplied: Supply) -> Iterator[_Entry]:
    for dataset in datasets().values():
        table = f"core.{dataset.name}"
        facts = [
            f"One row: {dataset.grain}. Key: {_named(('source', *dataset.key))}.",
            f"Supplied by {_named(supplied.get(table, ()))}.",
            _promised(dataset),
        ]
        yield table, dataset.meaning, [*facts, *_bullets(dataset.caveats), _drawn(table, supplied.get(table, ()))]
    for kept in curated().values():
        facts = [f"Kept by hand. One row: {kept.grain}. Key: {_named(kept.key)}."]
        yield f"core.{kept.name}", kept.meaning, [*facts, *_bullets(kept.caveats)]
    yield "core.assets", "The sector baskets: tidemark's own, fixed, equal-weighted.", []
    yield "core.series", "What can be requested from each source, and when it exists.", []
    apart = "core.disagreements_in_time"
    yield apart, promises(OPS)[apart].meaning, [f"Made of {_linked(parents(apart))}."]
    yield "core.days", "The UTC days that are over, from the first day with any data.", []


def _books() -> Iterator[_Entry]:
    for name, (meaning, key, _) in OPS.items():
        yield f"ops.{name}", meaning, [f"Key: {_named(key)}."]


def _page(name: str, text: Sequence[str], columns: pl.DataFrame) -> str:
    """The page of one table."""
    mine = columns.filter(pl.col("table") == name)
    with_formulas = name.startswith("main.")
    titles = ["Column", "Type", "Unit", "Measure", "Meaning", *(["Formula"] if with_formulas else [])]
    rows = []
    for row in mine.iter_rows(named=True):
        cells = [f"`{row['column']}`", row["type"], row["unit"], row["measure"], row["meaning"]]
        if with_formulas:
            cells.append(f"`{row['formula']}`" if row["formula"] else "")
        rows.append(cells)
    return _joined([f"# {name}", *text, markdown_table(titles, rows), "[All tables](../README.md)"])


def _index(tables: Sequence[tuple[str, str]]) -> list[str]:
    text = [
        "# Catalog",
        (
            "Every table and column of `warehouse.duckdb`: meaning, unit, and how it may be rolled up. Generated by "
            "`python -m flows.catalog` from the contracts and models; the file holds the same text as comments and in "
            "`ops.catalog`. See also [what every source declares](sources.md) and "
            "[what the saved questions' answers mean](questions.md)."
        ),
        (
            "Rates are fractions per year, returns and premiums are fractions, and a column of money ends with its "
            "currency. Unknown is NULL, never 0. *Measure* says how a column may be rolled up: sum a flow, take the "
            "last of a stock, never sum a rate. *Formula* is the expression in the mart's model, in the names of the "
            "model's steps; for a column that is passed through, it is the column of the table that it comes from."
        ),
    ]
    for schema, title in _KINDS.items():
        mine = [(name, meaning) for name, meaning in tables if name.startswith(f"{schema}.")]
        rows = [[f"[`{name.partition('.')[2]}`]({name.replace('.', '/')}.md)", meaning] for name, meaning in mine]
        text += [f"## {title}", _ABOUT[schema], markdown_table(["Table", "What it holds"], rows)]
    return [
        *text,
        "## Lineage",
        "From the datasets of `core` to the marts, without the intermediate tables, which are dropped.",
        _overview(),
    ]


def _overview() -> str:
    """The whole lineage as one diagram: datasets on the left, then each mart to the right of what it reads."""
    marts = [model.table for model in models.models() if model.schema == "main"]
    return _mermaid(
        [
            (parent, mart)
            for mart in marts
            for parent in parents(mart)
            if parent.partition(".")[2] in datasets() or parent in marts
        ]
    )


def _drawn(table: str, supplying: Sequence[str] = ()) -> str:
    """The diagram of a table between the tables that it reads and those that read it."""
    before = [(source, table) for source in supplying] or [(parent, table) for parent in parents(table)]
    return _mermaid([*before, *((table, reader) for reader in readers(table))])


def _mermaid(links: Iterable[tuple[str, str]]) -> str:
    lines = [f"    {_node(start)} --> {_node(end)}" for start, end in links]
    return "\n".join(["```mermaid", "flowchart LR", *lines, "```"])


def _node(name: str) -> str:
    """A node of the diagram: a table in the shape of its schema, a source in the plain shape."""
    schema, _, table = name.rpartition(".")
    opened, closed = {"main": ("[[", "]]"), "core": ("[(", ")]")}.get(schema, ("(", ")"))
    return f'{name.replace(".", "_")}{opened}"{table}"{closed}'


def _linked(tables: Iterable[str]) -> str:
    """Tables, each linked to its page from another table's page."""
    return ", ".join(f"[`{name}`](../{name.replace('.', '/')}.md)" for name in tables)


def _bullets(sentences: Sequence[str]) -> list[str]:
    return ["\n".join(f"- {sentence}" for sentence in sentences)] if sentences else []


def _joined(blocks: Iterable[str]) -> str:
    return "\n\n".join(blocks) + "\n"


def _sources(sources: pl.DataFrame) -> list[str]:
    """What every source declares about itself."""
    titles = [
        "Source",
        "Supplies",
        "Verified",
        "From",
        "Settles after",
        "Requested again for",
        "Kept",
        "Limit",
        "Access",
        "Docs",
    ]
    rows = []
    for row in sources.iter_rows(named=True):
        access = "key" if row["keyed"] else "free"
        rows.append(
            (
                f"`{row['source']}`",
                ", ".join(f"[`{name}`](core/{name}.md)" for name in row["datasets"]),
                f"{row['verified']}, {row['verified_at']:%Y-%m-%d}",
                row["history_start"],
                row["settles"],
                row["restates"],
                row["kept"],
                row["rate_limit"],
                f"{access}, unofficial" if row["unofficial"] else access,
                f"<{row['docs']}>",
            )
        )
    return [
        "# Sources",
        (
            "What each provider supplies, and what tidemark's reading of it was verified against: answers that others "
            "recorded (`recorded`) or documentation alone (`documented`). None was verified against live answers when "
            "this page was written; `tidemark doctor` does that for a home, whose `ops.sources` then says `live`. That "
            "table also says which facts about each source are only believed, its terms, and how it asks to be named. "
            "The limits are tidemark's own, within what the provider allows."
        ),
        markdown_table(titles, rows),
    ]


def _questions() -> list[str]:
    """The saved questions, with what their answers mean."""
    rows = [
        (f"[`{question.name}`]({_ROOT}/warehouse/queries/{question.name}.sql)", question.question, question.meaning)
        for question in questions().values()
    ]
    return [
        "# Saved questions",
        "`tidemark sql --saved NAME` runs one; `tidemark sql --list` lists them.",
        markdown_table(["Name", "Question", "What the answer means"], rows),
    ]


def _named(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _promised(dataset: Dataset) -> str:
    blocking = [check.name for check in dataset.checks if check.severity == "blocking"]
    warning = [check.name for check in dataset.checks if check.severity == "warning"]
    text = f"Held back unless: {'; '.join(blocking)}."
    return text + (f" Warning unless: {'; '.join(warning)}." if warning else "")


def _those(names: Sequence[str], everyone: AbstractSet[str]) -> str:
    """The names, or, if shorter, "all but" the missing ones."""
    missing = sorted(everyone - set(names))
    return f"all but {', '.join(missing)}" if 0 < len(missing) < len(names) else ", ".join(names)


def _reach(model: Model) -> str:
    """How many days back the columns read."""
    default = model.lookback.get("default", 0)
    apart = [f"`{name}` {days:,}" for name, days in model.lookback.items() if name != "default"]
    text = f"Days read before its own day: {default:,}" + (f"; {', '.join(apart)}." if apart else ".")
    carried = [f"`{table}` {days:,}" for table, days in model.reach.items()]
    return text + (f" Values are carried forward for at most this many days: {', '.join(carried)}." if carried else "")
