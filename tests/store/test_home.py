"""The home may have any name that a folder can have; a name that cannot work is refused before anything is done."""

import shutil
from pathlib import Path

import pytest

from tests.tool import Tool, same, tables

pytestmark = pytest.mark.slow

ODD = (
    *("*", "a[b]c", "[!a]", "{a,b}", "#1 100%41", "it's", 'a "b"', " ~", "한국 é e\u0301 😀"),
    *("a;b&c=d", "md:x", ":memory:", "--out $HOME `b`"),
)


@pytest.mark.parametrize("name", ODD)
def test_a_home_works_whatever_its_folder_is_called(
    name: str, small: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    home = Path(name)
    shutil.copytree(small.home, home)
    matched = tmp_path / name.replace("*", "x").replace("[b]", "b").replace("[!a]", "b")
    if not matched.exists():  # a folder that the name matches if it is read as a pattern
        shutil.copytree(small.home / "lake", matched / "lake")
        for partition in (matched / "lake").rglob("*.parquet"):
            partition.write_bytes(b"of somebody else")
    (home / "warehouse.duckdb").unlink()
    said = small.at(home)("build")
    assert said.code == 0, said.err
    assert same(tables(home.absolute() / "warehouse.duckdb"), tables(small.home / "warehouse.duckdb")) == []
    assert small.at(home)("sql", "select 1 a", "--format", "csv").out == "a\n1\n"
    assert small.at(home.absolute())("run").code == 0
    assert {path.name for path in tmp_path.iterdir()} == {name, matched.name}


WRONG = {"control characters": ["a\nb", "\t", "\x1b[31m", "a\x7f", "a\udcff"], "? and \\": ["what?", "a\\b"]}


@pytest.mark.parametrize(("name", "what"), [(name, what) for what, names in WRONG.items() for name in names])
@pytest.mark.parametrize(
    "words", [["demo"], ["run"], ["status"], ["sql", "select 1"], ["build"], ["serve"], ["doctor"]]
)
def test_a_home_that_cannot_be_opened_is_refused_before_anything_is_done(
    name: str, what: str, words: list[str], tmp_path: Path
) -> None:
    said = Tool(tmp_path / name)(*words)
    assert said.code == 2
    assert f"Error: TIDEMARK_HOME: expected a path without {what}" in said.err
    assert said.out == ""
    assert list(tmp_path.iterdir()) == []
