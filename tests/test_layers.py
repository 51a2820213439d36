"""Imports only go down, and nothing that is forbidden is used, by the syntax trees of the four packages."""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from expectations.contract import datasets
from flows.sources import sources
from tests.tool import ROOT
from warehouse.build.models import models

PACKAGES = ("expectations", "transforms", "warehouse", "flows")
MODULES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}

OURS = {
    "expectations": {"expectations"},
    "transforms": {"transforms", "expectations"},
    "warehouse": {"warehouse", "expectations"},
    "flows": {"flows", "transforms", "warehouse", "expectations"},
}
THEIRS = {
    "expectations": {"polars", "pyarrow"},
    "transforms": {"polars", "orjson"},
    "warehouse": {"duckdb", "polars", "pyarrow", "orjson"},
    "flows": {"click", "rich", "pydantic", "pydantic_settings", "polars", "orjson"},
}
ONLY_IN = {
    "requests": {"flows/http.py"},
    "urllib3": {"flows/http.py"},
    "dotenv": {"flows/settings.py"},
    "jinja2": {"flows/scaffold.py", "warehouse/reports/pages.py"},
    "matplotlib": {"warehouse/reports/charts.py"},
    "sqlglot": {"warehouse/lineage/trace.py"},
    "prefect": {
        *("flows/daily.py", "flows/backfill.py", "flows/serve/tasks.py"),
        *("flows/serve/deployments.py", "flows/serve/runner.py", "flows/serve/server.py"),
    },
    "uvicorn": {"flows/serve/server.py"},
    "fastapi": {"flows/serve/server.py"},
    "holidays": {"expectations/releases.py"},
    "dateutil": {"expectations/releases.py"},
    "great_expectations": {"expectations/suite.py"},
    "pandas": {"expectations/suite.py"},
}
# Modules that open files, sockets or a clock; `transforms/payload.py` alone may use `io`, for bytes in memory.
CLOSED_TO_TRANSFORMS = {
    *("os", "pathlib", "shutil", "tempfile", "glob", "io", "socket", "ssl", "http", "urllib", "subprocess"),
    *("asyncio", "threading", "time", "sqlite3", "importlib", "ctypes", "mmap", "fileinput", "secrets", "random"),
}
CLOCKS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    *(("time", name) for name in ("time", "time_ns", "localtime", "gmtime", "strftime", "ctime", "sleep")),
}


def package(module: str) -> str:
    return module.partition("/")[0]


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported, by statement or by name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide who imports whom"
            yield node.module or ""
        elif isinstance(node, ast.Call) and node.args and called(node)[1] in {"import_module", "__import__"}:
            first = node.args[0]
            if isinstance(first, ast.Constant):
                yield str(first.value)
            elif isinstance(first, ast.JoinedStr) and isinstance(first.values[0], ast.Constant):
                yield str(first.values[0].value)


def called(node: ast.Call) -> tuple[str, str]:
    """What a call calls: the name before the last dot, and the last name."""
    function = node.func
    if isinstance(function, ast.Name):
        return "", function.id
    if isinstance(function, ast.Attribute):
        owner = function.value
        before = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
        return before, function.attr
    return "", ""


def calls(tree: ast.AST) -> Iterator[tuple[str, str]]:
    return (called(node) for node in ast.walk(tree) if isinstance(node, ast.Call))


def everywhere(test: Callable[[str], None]) -> Callable[[str], None]:
    return pytest.mark.parametrize("module", MODULES)(test)


def test_there_is_something_to_read() -> None:
    assert {package(module) for module in MODULES} == set(PACKAGES)
    assert {f"flows/sources/{name}.py" for name in sources()} <= set(MODULES)


@everywhere
def test_imports_only_go_down(module: str) -> None:
    for name in imported(MODULES[module]):
        root = name.partition(".")[0]
        if root in sys.stdlib_module_names or not root:
            continue
        if root in PACKAGES:
            assert root in OURS[package(module)], f"{module} imports {name}"
        elif root in ONLY_IN:
            assert module in ONLY_IN[root], f"{module} imports {name}"
        else:
            assert root in THEIRS[package(module)], f"{module} imports {name}"


def test_the_bans_are_about_modules_that_exist() -> None:
    found = {(name.partition(".")[0], module) for module, tree in MODULES.items() for name in imported(tree)}
    for root, allowed in ONLY_IN.items():
        if root != "pandas":  # reached through Polars
            assert {module for name, module in found if name == root} <= allowed
            assert any(name == root for name, _ in found), root


@everywhere
def test_the_pipeline_and_the_sources_know_no_prefect(module: str) -> None:
    if module in ONLY_IN["prefect"]:
        return
    behind = {path.removesuffix(".py").replace("/", ".") for path in ONLY_IN["prefect"]}
    assert not behind & set(imported(MODULES[module])), f"{module} brings Prefect with it"


@everywhere
def test_polars_never_waits_for_python(module: str) -> None:
    """Its threads would wait for Python's lock while the thread that holds it, in `to_pandas`, waits for them."""
    from_within = {"map_batches", "map_columns", "map_elements", "map_groups", "map_rows", "register_io_source"}
    found = {name for _, name in calls(MODULES[module])} & from_within
    assert not found, f"{module} calls {found}"


@everywhere
def test_only_the_clock_reads_the_clock(module: str) -> None:
    if module == "flows/clock.py":
        return
    read = set(calls(MODULES[module])) & CLOCKS
    assert not read, f"{module} calls {read}"
    names = {
        alias.name
        for node in ast.walk(MODULES[module])
        if isinstance(node, ast.ImportFrom) and node.module == "time"
        for alias in node.names
    }
    assert not names & {name for owner, name in CLOCKS if owner == "time"}


@pytest.mark.parametrize("model", sorted((ROOT / "warehouse" / "models").rglob("*.sql")), ids=lambda path: path.name)
def test_no_model_reads_the_clock_or_a_file(model: Path) -> None:
    text = re.sub(r"--[^\n]*|/\*.*?\*/", "", model.read_text(encoding="utf-8").lower(), flags=re.DOTALL)
    banned = r"current_date|current_time|current_timestamp|localtime|\b(now|today|get_current_\w+)\s*\("
    assert not re.search(banned, text)
    assert not re.search(r"\b(read_\w+|glob|parquet_scan)\s*\(|from\s+'", text)


@everywhere
def test_a_transform_opens_nothing(module: str) -> None:
    if package(module) != "transforms":
        return
    roots = {name.partition(".")[0] for name in imported(MODULES[module])}
    allowed = {"io"} if module == "transforms/payload.py" else set()
    assert not (roots & CLOSED_TO_TRANSFORMS) - allowed, module
    opened = {call for call in calls(MODULES[module]) if call[1] in {"open", "fdopen", "read_text", "read_bytes"}}
    zipped = {("", "open"), ("archive", "open"), ("folder", "open")} if module == "transforms/payload.py" else set()
    assert not opened - zipped, f"{module} calls {opened}"
    readers = {name for owner, name in calls(MODULES[module]) if owner == "pl" and name.startswith(("read_", "scan_"))}
    assert not readers, f"{module} calls {readers}"


@everywhere
def test_expectations_and_transforms_ask_nobody(module: str) -> None:
    if package(module) in {"expectations", "transforms"}:
        roots = {name.partition(".")[0] for name in imported(MODULES[module])}
        assert not roots & {"socket", "http", "urllib", "subprocess", "os"}, module


@everywhere
def test_no_error_is_swallowed(module: str) -> None:
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"{module}:{node.lineno}: a bare except"
            if names_of(node.type) & {"Exception", "BaseException"}:
                assert isinstance(node.body[-1], ast.Raise), f"{module}:{node.lineno}: everything is swallowed"
        elif isinstance(node, ast.Call) and called(node)[1] == "suppress":
            for argument in node.args:
                assert not names_of(argument) & {"Exception", "BaseException"}, f"{module}:{node.lineno}"


def names_of(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


@everywhere
def test_no_list_by_hand_of_what_a_folder_lists(module: str) -> None:
    folders = {
        "flows/sources": set(sources()),
        "expectations/datasets": set(datasets()),
        "warehouse/models/marts": {model.name for model in models()},
    }
    for node in ast.walk(MODULES[module]):
        items: list[ast.expr | None] = []
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            items = list(node.elts)
        elif isinstance(node, ast.Dict):
            items = list(node.keys)
        texts = {item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)}
        for folder, listed in folders.items():
            assert len(texts & listed) <= 2, f"{module}:{node.lineno} lists what {folder} lists"  # type: ignore[attr-defined]


def test_no_package_imports_its_tests() -> None:
    for module, tree in MODULES.items():
        assert not {name.partition(".")[0] for name in imported(tree)} & {"tests", "benchmarks"}, module
