"""`tidemark new-source`: what it writes for every dataset, what it refuses, and that no source is left half written."""

import csv
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from expectations.contract import Dataset, datasets
from expectations.errors import PayloadChanged
from expectations.interval import Interval
from flows import jobs, scaffold
from flows.settings import Settings
from flows.simulator.page import Page
from flows.source import Ask, Source
from flows.sources import sources
from tests.fixture import put
from tests.tool import ROOT, Tool
from warehouse.store.archive import Snapshot

EVERY_DATASET = pytest.mark.parametrize("dataset", datasets().values(), ids=list(datasets()))
DAY = Interval.of_days(date(2024, 12, 9), date(2024, 12, 9))


def name_for(dataset: Dataset) -> str:
    return f"vendor_{dataset.name}"[:30]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree with the modules and no fixtures, where every dataset has got a further provider."""
    root = tmp_path_factory.mktemp("clone")
    for package in ("expectations", "flows", "transforms", "warehouse"):
        shutil.copytree(ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "tests" / "fixtures").mkdir(parents=True)
    shutil.copy(ROOT / "pyproject.toml", root)
    for dataset in datasets().values():
        scaffold.new_source(name_for(dataset), dataset.name, root / "flows")
    return root


def imported(path: Path) -> ModuleType:
    """A module of another tree, without a trace of it in this process."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def source_in(clone: Path, dataset: Dataset) -> Source:
    source: Source = imported(clone / "flows" / "sources" / f"{name_for(dataset)}.py").SOURCE
    return source


def answer_in(clone: Path, dataset: Dataset, case: str) -> Snapshot:
    path = clone / "tests" / "fixtures" / name_for(dataset) / dataset.name / f"{case}.json"
    return Snapshot.load(json.loads(path.read_text(encoding="utf-8")))


# What it writes.


def test_what_is_written_is_formatted_and_passes_the_linter(clone: Path) -> None:
    ruff = Path(sys.executable).with_name("ruff")
    for words in (["format", "--check"], ["check"]):
        said = subprocess.run([ruff, *words, "--no-cache", "."], cwd=clone, capture_output=True, text=True, check=False)
        assert said.returncode == 0, said.stdout + said.stderr


@EVERY_DATASET
def test_the_source_feeds_its_dataset_and_asks_one_host_that_has_a_limit(clone: Path, dataset: Dataset) -> None:
    source = source_in(clone, dataset)
    (feed,) = source.feeds
    assert (source.name, feed.dataset) == (name_for(dataset), dataset)
    (series,) = feed.series
    request = next(feed.plan(Ask(series, DAY, datetime(2024, 12, 10, tzinfo=UTC))))
    assert list(source.limits) == [request.host]
    (page,) = imported(clone / "flows" / "simulator" / "pages" / f"{name_for(dataset)}.py").PAGES
    assert isinstance(page, Page)
    assert page.hosts == (request.host,)
    assert set(request.labels) == set(answer_in(clone, dataset, "day").labels)


@EVERY_DATASET
def test_the_transform_lists_every_column_with_unit_and_meaning(clone: Path, dataset: Dataset) -> None:
    path = clone / "transforms" / dataset.name / f"{name_for(dataset)}.py"
    text = re.sub(r"\n +# ", " ", path.read_text(encoding="utf-8"))
    for name in dataset.schema():
        assert re.search(rf"{re.escape(dataset.column(name).comment)}.*\n +{name}=", text), name
    assert f"{dataset.grain}." in text
    normalize = imported(path).normalize
    labels = answer_in(clone, dataset, "day").labels
    assert list(normalize([{"time": 1_733_702_400}], **labels).columns) == list(dataset.schema())


@EVERY_DATASET
def test_what_is_written_reads_no_answer_until_it_is_filled_in(clone: Path, dataset: Dataset) -> None:
    snapshot = answer_in(clone, dataset, "day")
    normalize = imported(clone / "transforms" / dataset.name / f"{name_for(dataset)}.py").normalize
    with pytest.raises(PayloadChanged, match="expected a list of objects, found str"):
        normalize(json.loads(snapshot.body), **snapshot.labels)


@EVERY_DATASET
def test_the_fixtures_are_as_the_archive_writes_them_and_have_no_rows(clone: Path, dataset: Dataset) -> None:
    folder = clone / "tests" / "fixtures" / name_for(dataset) / dataset.name
    for case, status in (("day", 200), ("refused", 400)):
        snapshot = answer_in(clone, dataset, case)
        assert json.loads((folder / f"{case}.json").read_text(encoding="utf-8")) == snapshot.dump()
        assert (snapshot.source, snapshot.dataset, snapshot.status) == (name_for(dataset), dataset.name, status)
    with (folder / "day.csv").open(encoding="utf-8") as rows:
        assert list(csv.reader(rows)) == [list(dataset.schema())]
    kind, words = (folder / "refused.error").read_text(encoding="utf-8").splitlines()
    assert (kind, scaffold.GAP in words) == ("SourceRefused", True)


@EVERY_DATASET
def test_each_file_that_is_not_filled_in_is_named_with_its_line(clone: Path, dataset: Dataset) -> None:
    name = name_for(dataset)
    gaps = scaffold.gaps(clone, name)
    assert {gap.partition(":")[0] for gap in gaps} == {
        f"flows/sources/{name}.py",
        f"transforms/{dataset.name}/{name}.py",
        f"flows/simulator/pages/{name}.py",
        f"tests/fixtures/{name}/{dataset.name}/day.json",
        f"tests/fixtures/{name}/{dataset.name}/refused.json",
        f"tests/fixtures/{name}/{dataset.name}/refused.error",
    }
    path, number, text = gaps[0].split(":", 2)
    assert (clone / path).read_text(encoding="utf-8").splitlines()[int(number) - 1].strip() == text.strip()


@pytest.mark.parametrize("name", sorted(sources()))
def test_nothing_of_a_source_is_left_to_fill_in(name: str) -> None:
    gaps = scaffold.gaps(ROOT, name)
    assert not gaps, f"{len(gaps)} places to fill in, as CONTRIBUTING.md explains:\n" + "\n".join(gaps)


def test_a_source_that_is_not_filled_in_is_skipped_and_says_so(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = source_in(clone, datasets()["spot_prices"])
    every = {"upbit": sources()["upbit"], source.name: source}
    monkeypatch.setattr(jobs, "sources", lambda: every)
    for chosen in (None, (source.name, "upbit")):
        settings = Settings.model_validate({"provider_keys": {}, "sources": chosen})
        assert set(jobs.enabled(settings)) == {"upbit"}
        assert jobs.skipped(settings) == {
            source.name: f"unfinished: flows/sources/{source.name}.py does not state what it was verified against"
        }
    every[source.name] = replace(source, verified_against="the documentation")
    assert set(jobs.enabled(Settings.model_validate({"provider_keys": {}}))) == set(every)


# The command.


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone without any provider, in which the command is given."""
    for folder in scaffold.FOLDERS:
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    monkeypatch.chdir(tmp_path / "flows" / "sources")
    return tmp_path


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_it_says_what_it_wrote_and_what_to_do_next(empty: Path) -> None:
    before = files_in(empty)
    said = Tool(empty / "home")("new-source", "vendor", "--dataset", "krw_prices")
    assert (said.code, said.err) == (0, "")
    written = files_in(empty) - before
    assert written == {line.strip() for line in said.out.splitlines() if line.startswith("  ") and "python" not in line}
    assert {"flows/sources/vendor.py", "transforms/krw_prices/__init__.py"} < written
    assert "CONTRIBUTING.md" in said.out
    (command,) = (line.split() for line in said.out.splitlines() if "python -m pytest" in line)
    assert all((ROOT / word).exists() for word in command if word.startswith("tests/"))


def test_it_names_providers_to_read_beside_it(clone: Path) -> None:
    written = scaffold.new_source("vendor", "spot_prices", clone)
    assert {"binance", "coinbase", "kraken"} < set(written.examples)
    assert "is also fed by binance, bitfinex, " in scaffold.what_next("vendor", "spot_prices", written)


@pytest.mark.parametrize(
    "taken", ["flows/sources/vendor.py", "flows/simulator/pages/vendor.py", "tests/fixtures/vendor/krw_prices/day.csv"]
)
def test_it_overwrites_nothing_and_writes_nothing_beside_it(empty: Path, taken: str) -> None:
    (empty / taken).parent.mkdir(parents=True, exist_ok=True)
    (empty / taken).write_text("kept", encoding="utf-8")
    before = files_in(empty)
    said = Tool(empty / "home")("new-source", "vendor", "--dataset", "krw_prices")
    assert said.code == 2
    assert said.sentence == f"Error: expected new files only, found {taken}: nothing is overwritten"
    assert files_in(empty) == before
    assert (empty / taken).read_text(encoding="utf-8") == "kept"


def test_a_file_that_cannot_be_written_leaves_none(empty: Path) -> None:
    (empty / "flows" / "simulator" / "pages").rmdir()
    (empty / "flows" / "simulator" / "pages").write_text("no folder", encoding="utf-8")
    before = files_in(empty)
    with pytest.raises(OSError, match="pages"):
        scaffold.write(empty, scaffold.files("vendor", datasets()["krw_prices"]))
    assert files_in(empty) == before


@pytest.mark.parametrize(
    ("wrong", "first"),
    [("spot_price", "spot_prices"), ("fundingrates", "funding_rates"), ("", None), ("candles", None)],
)
def test_a_dataset_that_does_not_exist_is_refused_with_those_that_do(
    empty: Path, wrong: str, first: str | None
) -> None:
    said = Tool(empty / "home")("new-source", "vendor", "--dataset", wrong)
    assert said.code == 2
    refused, _, names = said.sentence.partition(": there are ")
    assert refused == f"Error: unknown dataset {wrong!r}"
    assert set(names.split(", ")) == set(datasets())
    assert first is None or names.startswith(f"{first}, ")
    assert files_in(empty) == {"pyproject.toml"}


@pytest.mark.parametrize(
    "wrong", ["", "Vendor", "vendor-x", "1vendor", "_vendor", "import", "a/b", "../x", "é", "x" * 31]
)
def test_a_name_that_is_no_module_name_is_refused(empty: Path, wrong: str) -> None:
    said = Tool(empty / "home")("new-source", "--dataset", "krw_prices", "--", wrong)
    assert said.code == 2
    assert said.sentence.startswith("Error: expected a module name")
    assert files_in(empty) == {"pyproject.toml"}


@pytest.mark.parametrize(
    "project", [None, "", "[project]\nname = 'other'\n", "not TOML", "[project]\nname = 'tidemark'\n"]
)
def test_outside_of_a_clone_it_says_so(tmp_path: Path, project: str | None) -> None:
    if project is not None:
        (tmp_path / "pyproject.toml").write_text(project, encoding="utf-8")
    before = files_in(tmp_path)
    said = Tool(tmp_path / "home")("new-source", "vendor", "--dataset", "krw_prices")
    assert said.code == 2
    assert said.sentence == f"Error: expected a clone of tidemark to write into, found none at {tmp_path} or above it"
    assert files_in(tmp_path) == before


# What CONTRIBUTING.md shows.


def shown(language: str) -> list[str]:
    """The blocks of a language in CONTRIBUTING.md."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_the_fixture_that_is_shown_is_one() -> None:
    (text,), (rows,) = shown("json"), shown("csv")
    facts = json.loads(text)
    snapshot = Snapshot.load(facts)
    assert facts == snapshot.dump()
    dataset = datasets()[snapshot.dataset]
    assert set(snapshot.labels) == set(scaffold.labels(dataset))
    header, *lines = csv.reader(rows.splitlines())
    assert header == list(dataset.schema())
    (candle,) = json.loads(snapshot.body)["data"]["ohlc"]
    (values,) = (dict(zip(header, line, strict=True)) for line in lines)
    assert [values[f"{name}_usd"] for name in ("open", "high", "low", "close")] == [
        candle[name] for name in ("open", "high", "low", "close")
    ]
    assert datetime.fromtimestamp(int(candle["timestamp"]), UTC) == datetime.fromisoformat(values["stamped_at"])


def test_the_command_that_is_shown_is_the_one_that_the_scaffold_names() -> None:
    assert f"python -m pytest {scaffold.TESTS} -k bitstamp\n" in shown("sh")
    assert "tidemark new-source bitstamp --dataset spot_prices\n" in shown("sh")


# The body of a fixture.


def test_a_body_is_put_into_a_fixture_with_its_hash(tmp_path: Path) -> None:
    case = tmp_path / "day.json"
    text = scaffold.fixture("vendor", datasets()["krw_prices"], 200, "[]")
    case.write_text(text.replace('"sha256": "4f', '"sha256": "00'), encoding="utf-8")
    before: dict[str, Any] = json.loads(case.read_text(encoding="utf-8"))
    for body in (b'[{"price":"1"}]', b"PK\xff"):
        put(case, body)
        facts = json.loads(case.read_text(encoding="utf-8"))
        snapshot = Snapshot.load(facts)
        assert snapshot.body == body
        assert facts == snapshot.dump()
        assert {name: facts[name] for name in before if name not in {"body", "sha256"}} == {
            name: value for name, value in before.items() if name not in {"body", "sha256"}
        }
