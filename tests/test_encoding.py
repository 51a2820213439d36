"""Output to a stream that is not UTF-8, and input that is not text: letters are escaped, and there is no traceback."""

import json
import os
import subprocess
import sys

import pytest

from tests.tool import COMMAND, ROOT, Tool

pytestmark = pytest.mark.slow

KOREAN = "한국 “é” 😀"


def run(tool: Tool, *words: str | bytes, encoding: str = "utf-8", text: bytes = b"") -> tuple[int, bytes, bytes]:
    """Run the command in a process of its own whose output has this encoding."""
    environment = {**os.environ, **{name: value for name, value in tool.environment.items() if value is not None}}
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *words],
        input=text,
        env={**environment, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": f"{encoding}:strict"},
        capture_output=True,
        check=False,
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode("utf-8", "replace")
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp949", "cp1252"])
@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_rows_are_printed_in_any_encoding(small: Tool, encoding: str, form: str) -> None:
    code, out, err = run(small, "sql", "--format", form, f"select '{KOREAN}' a", encoding=encoding)
    assert code == 0, err
    shown = out.decode(encoding)
    if form == "json":
        assert json.loads(shown) == [{"a": KOREAN}]
    else:
        for letter in KOREAN:
            held = letter.encode(encoding, "backslashreplace").decode(encoding)
            assert held in shown


@pytest.mark.parametrize(
    "words", [["status"], ["status", "--json"], ["sql", "--list"], ["--help"], ["sql", "--help"], ["sql", "select"]]
)
def test_every_command_prints_in_ascii(small: Tool, words: list[str]) -> None:
    code, _, err = run(small, *words, encoding="ascii")
    assert code == (2 if words == ["sql", "select"] else 0), err


@pytest.mark.parametrize("words", [["sql", b"select '\xff'"], ["sql", "--saved", b"\xff"], ["explain", b"\xff", "a"]])
def test_words_that_are_no_text_are_wrong_usage(small: Tool, words: list[str | bytes]) -> None:
    code, out, err = run(small, *words)
    assert code == 2
    assert out == b""
    assert b"Error: expected text in utf-8, found" in err or b"Error: expected text in" in err


def test_input_that_is_no_text_is_wrong_usage(small: Tool) -> None:
    code, out, err = run(small, "sql", text=b"select '\xff'")
    assert (code, out) == (2, b"")
    assert b"Error: expected SQL in utf-8 on standard input, found b" in err
    code, out, err = run(small, "sql", text="select 'é' a".encode("latin-1"), encoding="latin-1")
    assert code == 0, err
    assert "é".encode("latin-1") in out


def test_one_sentence_is_one_line(small: Tool) -> None:
    """An error releases what it refers to before the process ends; otherwise DuckDB prints eighty lines about it."""
    code, out, err = run(Tool(small.home, gateway="localhost:8900"), "status")
    assert (code, out) == (2, b"")
    assert err.decode().splitlines()[-1] == (
        "Error: TIDEMARK_GATEWAY: expected an address such as http://127.0.0.1:8900, found 'localhost:8900'"
    )
