"""Sources with a key: each key reaches its provider, and is found in no file, no output and no plan afterwards."""

import logging
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote_plus

import duckdb
import polars as pl
import pytest
from pydantic import SecretStr

from expectations.interval import Interval
from flows import pipeline
from flows.demo import demo_settings
from flows.jobs import backfill_job, enabled, skipped
from flows.settings import Settings
from flows.simulator import Misbehaviour, Simulator
from flows.sources import sources
from tests.tool import NOW, Tool
from warehouse.store.archive import Archive

pytestmark = [pytest.mark.slow, pytest.mark.marts()]

DAYS = Interval.of_days(NOW.date().replace(day=7), NOW.date().replace(day=9))
KEYED = {name: source.key for name, source in sources().items() if source.key is not None}
PLANTED = {key.name: f"planted+{key.name}/7" for key in KEYED.values()}
ENVIRONMENT = {f"TIDEMARK_KEY_{name}": planted for name, planted in PLANTED.items()}
SPELT = {spelling for planted in PLANTED.values() for spelling in (planted, quote_plus(planted))}


@pytest.fixture(scope="module")
def market() -> Iterator[Simulator]:
    with Simulator(NOW) as served:
        yield served


def found_in(text: str) -> set[str]:
    return {spelling for spelling in SPELT if spelling in text}


def everything_in(home: Path) -> Iterator[tuple[Path, str]]:
    """Every file as it is, and unpacked if it is packed."""
    for path in sorted(path for path in home.rglob("*") if path.is_file()):
        yield path, path.read_bytes().decode("latin-1")
        if path.suffix == ".parquet":
            yield path, pl.read_parquet(path).write_json()
        elif path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as connection:
                names = connection.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
                for (name,) in names:
                    yield path, str(connection.sql(f"from {name}").fetchall())
    for run in sorted((home / "raw").rglob("*.jsonl.zst")):
        yield run, str([shot.dump() for _, shot in Archive(home / "raw").scan(run.name.removesuffix(".jsonl.zst"))])


def test_there_are_sources_with_a_key() -> None:
    assert set(KEYED) >= {"coinalyze", "coinglass", "fred_api"}


def test_every_keyed_feed_is_filled_and_its_key_lies_nowhere(
    tmp_path: Path, market: Simulator, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Requests to the demo's simulator are not throttled."""
    caplog.set_level(logging.DEBUG)
    market.misbehave([])
    settings = Settings(
        home=tmp_path / "home",
        now=NOW,
        gateway=market.url,
        start=DAYS.start,
        sources=tuple(KEYED),
        provider_keys={name: SecretStr(planted) for name, planted in PLANTED.items()},
    )
    assert skipped(settings) == {}
    told: list[object] = []
    job = backfill_job(settings, DAYS.start, DAYS.last)
    with pipeline.begin(settings, job, simulated=True) as run:
        pipeline.ingest_all(run, told.append)
        pipeline.finish(run)
    feeds = {(name, feed.dataset.name) for name in KEYED for feed in sources()[name].feeds}
    assert {(one.source, one.dataset) for one in run.outcomes} == feeds
    assert [one.problems for one in run.outcomes if one.problems] == []
    assert all(one.rows for one in run.outcomes)
    # It was sent: where it is a parameter, the simulator saw it; where it is a header, it would have been refused.
    assert any(f"api_key={PLANTED['FRED']}" in asked.query for asked in market.requests)
    looked_at = {path.suffix for path, text in everything_in(settings.home) if not found_in(text)}
    assert looked_at >= {".parquet", ".duckdb", ".zst", ".jsonl", ".html"}
    assert any("https://api.coinalyze.net/v1" in text for _, text in everything_in(settings.home))
    assert [path for path, text in everything_in(settings.home) if found_in(text)] == []
    shown = capfd.readouterr()
    assert found_in(f"{told!r} {run!r} {settings!r} {shown.out} {shown.err} {caplog.text}") == set()


def test_no_command_says_a_key(tmp_path: Path, market: Simulator) -> None:
    """Neither when all goes well nor when the provider refuses; a few series, because limits are kept here."""
    tool = Tool(tmp_path / "home", market.url, sources=",".join(KEYED), start=str(DAYS.start))
    few = [word for name in ("BTC-ALL", "BTC-inverse-binance", "fed_assets") for word in ("--series", name)]
    backfill = ("backfill", DAYS.start, DAYS.last, *few)
    market.misbehave([Misbehaviour("coinglass|coinalyze|stlouisfed", "status", times="always", status=403)])
    said = [tool(*backfill, "--plan", **ENVIRONMENT), tool(*backfill, **ENVIRONMENT)]
    assert [one.code for one in said] == [0, 1]
    market.misbehave([])
    said += [
        tool(*backfill, **ENVIRONMENT),
        tool("status", **ENVIRONMENT),
        tool("status", "--json", **ENVIRONMENT),
        tool("sql", "select * from ops.ledger", "--format", "csv", **ENVIRONMENT),
    ]
    assert {one.code for one in said[2:]} <= {0, 1}
    assert set(tool.states("series in ('BTC-ALL', 'BTC-inverse-binance') and date < '2024-12-10'")) == {"loaded"}
    assert found_in("".join(one.out + one.err for one in said)) == set()
    assert [path for path, text in everything_in(tool.home) if found_in(text)] == []


def test_without_a_key_each_is_skipped_and_listed() -> None:
    settings = Settings(provider_keys={})
    reasons = skipped(settings)
    for name, key in KEYED.items():
        assert (name in enabled(settings)) is not key.required
        if key.required:
            assert reasons[name] == f"no key: set {key.setting}"


def test_the_demo_asks_no_keyed_source_whatever_keys_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its numbers are the same for everybody, and no key is needed to see them."""
    for name, planted in ENVIRONMENT.items():
        monkeypatch.setenv(name, planted)
    monkeypatch.setenv("TIDEMARK_UNOFFICIAL", "1")
    asked = enabled(demo_settings(Settings()))
    assert not [name for name, source in sources().items() if name in asked and source.key and source.key.required]
    assert not [name for name, source in asked.items() if source.unofficial]
