"""`build --out` replaces a file only if it is a warehouse, and never one that belongs to a home."""

import os
from pathlib import Path

import pytest

from tests.tool import Tool, bytes_of, same, tables

pytestmark = pytest.mark.slow


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


INSIDE = (
    *(
        "ledger/2024.jsonl",
        "home.json",
        "warehouse.duckdb",
        "writer.lock",
        "notes.txt",
        "raw/new.duckdb",
        "new/x.duckdb",
    ),
    *("lake/krw_prices/x.duckdb", "reports/latest.html", "staging/x.duckdb", "prefect/x.duckdb", "ledger", "."),
)


@pytest.mark.parametrize("inside", INSIDE)
@pytest.mark.parametrize("how", ["as it is", "through a link", "past a folder"])
def test_no_file_of_a_home_is_replaced(tool: Tool, inside: str, how: str, elsewhere: Path) -> None:
    before = bytes_of(tool.home)
    out = tool.home / inside
    if how == "through a link":
        (elsewhere / "link").symlink_to(tool.home, target_is_directory=True)
        out = elsewhere / "link" / inside
    elif how == "past a folder":
        out = elsewhere / ".." / tool.home.name / inside
    said = tool("build", "--out", out)
    assert said.code == 2
    assert said.sentence.startswith("Error: ")
    assert bytes_of(tool.home) == before


def test_another_home_is_left_alone_too(tool: Tool, small: Tool) -> None:
    before = bytes_of(small.home)
    for inside in ("warehouse.duckdb", "ledger/2024.jsonl"):
        said = tool("build", "--out", small.home / inside)
        assert said.code == 2
        assert "which keeps its own files: name one outside of it" in said.sentence
    assert bytes_of(small.home) == before


def strange(folder: Path, kind: str) -> Path:
    """Something that is not a warehouse and has the name of one."""
    out = folder / "x.duckdb"
    if kind == "text":
        out.write_text("dear diary")
    elif kind == "empty":
        out.touch()
    elif kind == "a link to nothing":
        out.symlink_to(folder / "gone")
    elif kind == "a pipe":
        os.mkfifo(out)
    elif kind == "a folder":
        out.mkdir()
    elif kind == "in a file":
        out.write_text("dear diary")
        return out / "y.duckdb"
    elif kind == "a log without its database":
        (folder / "x.duckdb.wal").write_text("dear diary")
    elif kind == "a link in a circle":
        out.symlink_to(out)
        return out / "y.duckdb"
    else:
        return folder / kind
    return out


STRANGE = (
    *("text", "empty", "a link to nothing", "a pipe", "a folder", "in a file", "a log without its database"),
    *("a link in a circle", "what?.duckdb", "a\\b.duckdb", "a\nb.duckdb", "a" * 300, "x.duckdb/"),
)


@pytest.mark.parametrize("kind", STRANGE)
def test_what_is_no_warehouse_is_not_replaced(tool: Tool, kind: str, elsewhere: Path) -> None:
    out = strange(elsewhere, kind)
    before, listed = bytes_of(elsewhere), sorted(elsewhere.rglob("*"))
    held = bytes_of(tool.home)
    said = tool("build", "--out", f"{out}/" if kind.endswith("/") else out)
    assert said.code == (0 if kind == "x.duckdb/" else 2), said.err
    if said.code:
        assert said.sentence.startswith("Error: ")
        assert (bytes_of(elsewhere), sorted(elsewhere.rglob("*"))) == (before, listed)
    assert bytes_of(tool.home) == held


def test_a_warehouse_is_replaced_and_its_neighbours_stay(tool: Tool, elsewhere: Path) -> None:
    out = elsewhere / "x.duckdb"
    neighbours = [elsewhere / name for name in ("x.building.duckdb", "x.building.spilled", "x.txt")]
    for neighbour in neighbours:
        neighbour.write_text("dear diary")
    for _ in range(2):
        said = tool("build", "--out", out)
        assert said.code == 0, said.err
        assert same(tables(out), tables(tool.home / "warehouse.duckdb")) == []
    assert {neighbour.read_text() for neighbour in neighbours} == {"dear diary"}
    assert sorted(elsewhere.iterdir()) == sorted([out, *neighbours])


def test_a_new_warehouse_may_lie_beside_the_homes_own(tool: Tool) -> None:
    said = tool("build", "--out", tool.home / "then.duckdb")
    assert said.code == 0, said.err
    assert same(tables(tool.home / "then.duckdb"), tables(tool.home / "warehouse.duckdb")) == []
    assert tool("run").code == 0
