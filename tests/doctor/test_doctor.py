"""`tidemark doctor`: what it finds, what it keeps, its exit status, and how it changes the standing of a source."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import orjson
import polars as pl
import pytest

from expectations.contract import datasets
from expectations.errors import StorageDamaged
from flows import http, jobs, pipeline
from flows.doctor import report
from flows.doctor.examine import Outcome, asked_days, worst
from flows.invariants import invariants
from flows.settings import Settings
from flows.simulator import Misbehaviour, Simulator
from flows.source import Key, Limit, Source
from flows.sources import sources
from flows.verification import declarations, declared_standing, in_time, latest, standing
from tests.replay import Replay
from tests.tool import NOW, Said, Tool, bytes_of
from transforms.borrow_rates import okx as okx_rates
from warehouse.build.database import OPS
from warehouse.store.home import open_home, writing

FEW = "upbit,frankfurter,gate"


@pytest.fixture
def unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests are not throttled: the server is on this machine, and a test would only wait."""
    monkeypatch.setattr("flows.http.Budgets.take", lambda *_: None)


pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unlimited")]


@pytest.fixture
def market() -> Iterator[Simulator]:
    """A simulator of the test alone, which it may make misbehave."""
    with Simulator(NOW) as running:
        yield running


def report_of(said: Said) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said.out)
    return found


def entry_of(report: dict[str, Any], source: str) -> dict[str, Any]:
    (found,) = [entry for entry in report["sources"] if entry["source"] == source]
    return dict(found)


# What it finds.


@pytest.fixture(scope="module")
def whole(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> tuple[Tool, Said]:
    """Every keyless source of the simulated market, examined."""
    tool = Tool(tmp_path_factory.mktemp("whole") / "home", simulator.url)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flows.http.Budgets.take", lambda *_: None)
        return tool, tool("doctor", "--json")


def test_a_market_as_it_is_believed_is_as_known(whole: tuple[Tool, Said]) -> None:
    _, said = whole
    assert said.code == 0, said.err
    report = report_of(said)
    assert (report["origin"], report["outcome"]) == ("gateway", "as_known")
    asked = {entry["source"]: entry for entry in report["sources"] if entry["outcome"] != "skipped"}
    assert set(asked) == set(jobs.enabled(Settings(home=Path("x"), now=NOW)))
    for name, entry in asked.items():
        assert entry["outcome"] == "as_known", entry
        assert [one["dataset"] for one in entry["feeds"]] == [feed.dataset.name for feed in sources()[name].feeds]
        for feed in entry["feeds"]:
            assert [feed[name] for name in ("reachable", "authorised", "shape", "units")] == [True] * 4, feed
            # The BIS publishes a month a quarter after it has ended.
            oldest = "2024-08-31" if feed["dataset"] == "macro_series" else "2024-12-02"
            assert feed["freshest_day"] >= oldest, feed


def test_every_invariant_is_decided(whole: tuple[Tool, Said]) -> None:
    report = report_of(whole[1])
    for name, mine in invariants().items():
        entry = entry_of(report, name)
        if entry["outcome"] == "skipped":
            continue
        assert [one["name"] for one in entry["invariants"]] == [one.name for one in mine]
        assert {one["outcome"] for one in entry["invariants"]} == {"as_known"}, entry


def test_it_asks_little_and_says_how_much(whole: tuple[Tool, Said]) -> None:
    for entry in report_of(whole[1])["sources"]:
        for limit in entry["limits"]:
            assert limit["requests"] <= 10, (entry["source"], limit)
            assert limit["requests"] <= limit["of"] or limit["seconds"] <= 10, (entry["source"], limit)
    binance = entry_of(report_of(whole[1]), "binance")["limits"]
    assert any("x-mbx-used-weight-1m" in limit["told"] for limit in binance)


def test_a_table_tells_people_the_same(simulator: Simulator, tmp_path: Path) -> None:
    said = Tool(tmp_path / "home", simulator.url, sources=FEW)("doctor")
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert lines[0] == "asked gateway at 2024-12-10 00:30 UTC"
    assert any(line.split()[:2] == ["gate", "liquidations"] and line.endswith("as known") for line in lines)
    assert any(line.split()[:3] == ["-", "day", "boundary"] for line in lines)
    assert "verified, documented: gate" in said.out
    assert "verified, recorded: frankfurter, upbit" in said.out


# A change.


def test_a_renamed_field_is_a_change_of_shape(market: Simulator, tmp_path: Path) -> None:
    market.misbehave([Misbehaviour("api.gateio.ws", "shape", "always", key="long_liq_usd", rename="long_usd")])
    tool = Tool(tmp_path / "home", market.url, sources=FEW)
    said = tool("doctor", "--json")
    assert said.code == 1
    report = report_of(said)
    gate = entry_of(report, "gate")
    assert (report["outcome"], gate["outcome"]) == ("changed", "changed")
    assert (gate["feeds"][0]["shape"], gate["feeds"][0]["units"]) == (False, None)
    assert "long_liq_usd" in gate["feeds"][0]["reason"]
    assert entry_of(report, "upbit")["outcome"] == "as_known"
    assert "changed: gate, liquidations BTC" in said.err
    assert "PayloadChanged" in tool("doctor").out


def test_a_day_that_is_not_there_is_a_change(market: Simulator, tmp_path: Path) -> None:
    market.misbehave([Misbehaviour("api.upbit.com", "empty", "always")])
    said = Tool(tmp_path / "home", market.url, sources="upbit")("doctor", "--json")
    assert said.code == 1
    (feed,) = entry_of(report_of(said), "upbit")["feeds"]
    assert (feed["outcome"], feed["shape"], feed["freshest_day"]) == ("changed", False, None)


def test_an_invariant_that_no_longer_holds_is_a_change(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (boundary,) = invariants()["upbit"]
    in_seoul = invariants()["korbit"][0]
    turned = replace(boundary, sentence="A day begins at 15:00 UTC.", holds=lambda answers: _not(boundary, answers))
    monkeypatch.setattr(report, "invariants", lambda: {"upbit": (turned,), "korbit": (in_seoul,)})
    said = Tool(tmp_path / "home", simulator.url, sources="upbit")("doctor")
    assert said.code == 1
    assert "upbit, day boundary: expected: A day begins at 15:00 UTC. Found: " in said.err
    assert "Changed:" in said.out


def _not(invariant: Any, answers: Any) -> Any:
    found = invariant.holds(answers)
    return replace(found, holds=not found.holds)


def test_units_that_break_a_check_are_a_change(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = okx_rates.normalize
    monkeypatch.setattr(
        okx_rates,
        "normalize",
        lambda payload, **labels: right(payload, **labels).with_columns(pl.col("borrow_apr", "borrow_apr_max") * 8760),
    )
    said = Tool(tmp_path / "home", simulator.url, sources="okx")("doctor", "--json")
    assert said.code == 1
    rates = next(feed for feed in entry_of(report_of(said), "okx")["feeds"] if feed["dataset"] == "borrow_rates")
    assert (rates["shape"], rates["units"], rates["outcome"]) == (True, False, "changed")


def test_a_witness_is_asked_in_its_own_manner(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hyperliquid refuses with an object, and OKX answers with one."""
    unit = next(one for one in invariants()["okx"] if one.name == "unit of borrowing rates")
    monkeypatch.setattr(report, "invariants", lambda: {"hyperliquid": (unit,)})
    said = Tool(tmp_path / "home", simulator.url, sources="hyperliquid")("doctor", "--json")
    assert said.code == 0, said.err
    entry = entry_of(report_of(said), "hyperliquid")
    assert [limit["bound"].partition("/")[0] for limit in entry["limits"]] == [
        "api.hyperliquid.xyz",
        *["www.okx.com"] * 2,
    ]


# What could not be determined.


def test_a_host_that_is_silent_tells_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.clock.Clock.wait", lambda *_: None)
    said = Tool(tmp_path / "home", "http://127.0.0.1:9", sources="upbit")("doctor", "--json")
    assert said.code == 1
    entry = entry_of(report_of(said), "upbit")
    assert entry["outcome"] == "untold"
    assert (entry["feeds"][0]["reachable"], entry["feeds"][0]["authorised"]) == (False, None)
    assert "could not be determined: upbit, krw_prices BTC; day boundary: SourceUnavailable" in said.err


@pytest.mark.parametrize(("status", "outcome", "authorised"), [(451, "untold", False), (404, "changed", True)])
def test_who_and_where_we_are_is_told_from_what_we_ask(
    market: Simulator, tmp_path: Path, status: int, outcome: str, authorised: bool
) -> None:
    market.misbehave([Misbehaviour("api.upbit.com", "status", "always", status=status)])
    said = Tool(tmp_path / "home", market.url, sources="upbit")("doctor", "--json")
    assert said.code == 1
    (feed,) = entry_of(report_of(said), "upbit")["feeds"]
    assert (feed["outcome"], feed["reachable"], feed["authorised"]) == (outcome, True, authorised)
    assert {one["outcome"] for one in entry_of(report_of(said), "upbit")["invariants"]} == {outcome}


def test_a_source_without_its_key_is_skipped_and_no_error(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyed = replace(sources()["gate"], key=Key("GATE", header="KEY"))
    every = {"gate": keyed, "upbit": sources()["upbit"]}
    monkeypatch.setattr(jobs, "sources", lambda: every)
    monkeypatch.setattr(report, "sources", lambda: every)
    tool = Tool(tmp_path / "home", simulator.url)
    said = tool("doctor", "--json")
    assert said.code == 0, said.err
    gate = entry_of(report_of(said), "gate")
    assert (gate["outcome"], gate["reason"], gate["keyed"]) == ("skipped", "no key: set TIDEMARK_KEY_GATE", True)
    assert entry_of(report_of(said), "upbit")["keyed"] is False
    alone = tool("doctor", "--source", "gate")
    assert alone.code == 0
    assert "skipped: no key: set TIDEMARK_KEY_GATE" in alone.out


def test_the_replay_is_asked_too_and_its_gaps_are_named(replay: Replay, tmp_path: Path) -> None:
    tool = Tool(tmp_path / "home", replay.url, sources="binance,coinbase,kraken,fred")
    said = tool("doctor", "--json")
    report = report_of(said)
    known = {entry["source"] for entry in report["sources"] if entry["outcome"] == "as_known"}
    assert known >= {"fred"}, said.err
    days = next(one for one in entry_of(report, "coinbase")["feeds"] if one["dataset"] == "spot_prices")
    assert days["outcome"] == "as_known", days
    low = next(one for one in entry_of(report, "binance")["invariants"] if one["name"] == "low of 9 December 2024")
    assert low["outcome"] == "as_known", low
    assert {entry["verified"] for entry in report["sources"]} <= {"recorded", "documented"}


# Wrong usage, and homes that it may not write to.


def test_an_unknown_source_is_wrong_usage(tmp_path: Path) -> None:
    said = Tool(tmp_path / "home")("doctor", "--source", "nobody")
    assert said.code == 2
    assert "unknown source 'nobody'" in said.err
    assert not (tmp_path / "home").exists()


def test_a_strangers_folder_is_left_alone(simulator: Simulator, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_text("mine")
    said = Tool(tmp_path, simulator.url, sources="upbit")("doctor")
    assert said.code == 1
    assert "is not a tidemark home" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]


def test_findings_of_another_origin_are_not_mixed(simulator: Simulator, tool: Tool) -> None:
    said = replace(tool, gateway=None)("doctor")
    assert said.code == 1
    assert "holds gateway data and this command would add live data" in said.err
    first = Tool(tool.home.parent / "new", simulator.url, sources="upbit")
    assert first("doctor").code == 0
    said = replace(first, gateway=None)("doctor")
    assert said.code == 1
    assert "holds findings of gateway answers" in said.err


# What it keeps.


def test_nothing_of_a_home_is_changed_but_its_own_folder(tool: Tool) -> None:
    before = bytes_of(tool.home)
    assert tool("doctor").code == 0
    after = bytes_of(tool.home)
    new = {name for name in after if name not in before}
    assert {name: after[name] for name in before} == before
    assert all(name.startswith("doctor/") for name in new)
    assert {"doctor/2024-12-10.json", "doctor/latest.json"} <= new
    assert any(name.startswith("doctor/raw/2024-12/") for name in new)


def test_it_runs_beside_a_writer(tool: Tool) -> None:
    with writing(tool.home, who="somebody", wait=False, tell=lambda _: None):
        assert tool("doctor", "--no-wait").code == 0


def test_a_home_can_begin_with_the_doctor(simulator: Simulator, tmp_path: Path) -> None:
    tool = Tool(tmp_path / "home", simulator.url, sources="frankfurter", start="2024-12-01")
    assert tool("doctor").code == 0
    assert tool("backfill", "2024-12-01", "2024-12-05").code == 0
    assert tool.one("select count(*) from ops.sources") == len(sources())


def test_findings_about_other_sources_stay(simulator: Simulator, tmp_path: Path) -> None:
    tool = Tool(tmp_path / "home", simulator.url, sources=FEW)
    assert tool("doctor").code == 0
    assert tool("doctor", "--source", "gate").code == 0
    assert set(latest(tool.home)["sources"]) == set(FEW.split(","))
    day = orjson.loads((tool.home / "doctor" / "2024-12-10.json").read_bytes())
    assert [entry["source"] for entry in day["sources"]] == ["gate"]


def test_damaged_findings_are_named(simulator: Simulator, tmp_path: Path) -> None:
    tool = Tool(tmp_path / "home", simulator.url, sources="gate")
    assert tool("doctor").code == 0
    (tool.home / "doctor" / "latest.json").write_text("{")
    with pytest.raises(StorageDamaged, match=r"remove it and run `tidemark doctor` again"):
        latest(tool.home)
    assert tool("doctor").code == 1


# A source's standing.


def live(monkeypatch: pytest.MonkeyPatch, simulator: Simulator) -> None:
    """Let the simulator be the providers themselves, without a gateway in the settings."""
    right = http.Fetcher.__init__

    def through(self: Any, source: Source, *, gateway: str | None, **rest: Any) -> None:
        assert gateway is None
        right(self, source, gateway=simulator.url, **rest)

    monkeypatch.setattr(http.Fetcher, "__init__", through)


def test_a_gateway_never_makes_a_source_live(tool: Tool) -> None:
    assert tool("doctor").code == 0
    assert tool("build").code == 0
    assert tool.ask("select distinct verified from ops.sources order by 1") == [("documented",), ("recorded",)]


def test_live_answers_as_known_make_it_live_until_something_changed(
    market: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(monkeypatch, market)
    tool = Tool(tmp_path / "home", None, sources="frankfurter,gate", start="2024-12-01")
    assert tool("doctor").code == 0
    assert tool("backfill", "2024-12-01", "2024-12-05").code == 0
    standing_of = "select verified, verified_at from ops.sources where source = '{}'"
    assert tool.ask(standing_of.format("gate")) == [("live", NOW)]
    assert tool.one("select verified from ops.sources where source = 'binance'") == "recorded"
    assert "live: frankfurter (2024-12-10), gate (2024-12-10)" in tool("status").out
    told = json.loads(tool("status", "--json").out)["sources"]
    assert {row["source"] for row in told if row["verified"] == "live"} == {"frankfurter", "gate"}

    monkeypatch.setattr("flows.clock.Clock.wait", lambda *_: None)
    later = replace(tool, now=NOW + timedelta(hours=1))
    market.misbehave([Misbehaviour("api.gateio.ws", "status", "always", status=503)])
    assert later("doctor").code == 1
    assert later("build").code == 0
    assert later.ask(standing_of.format("gate")) == [("live", NOW)], "silence changes nothing"
    assert later.ask(standing_of.format("frankfurter")) == [("live", later.now)]

    before = later("build", "--as-of", NOW - timedelta(minutes=5), "--out", tmp_path / "before.duckdb")
    assert before.code == 0, before.err
    with duckdb.connect(str(tmp_path / "before.duckdb"), read_only=True) as connection:
        assert connection.execute("select count(*) from ops.sources where verified = 'live'").fetchone() == (0,)

    market.misbehave([Misbehaviour("api.gateio.ws", "shape", "always", key="long_liq_usd", rename="other")])
    assert later("doctor").code == 1
    assert later("build").code == 0
    ((verified, at),) = later.ask(standing_of.format("gate"))
    assert (verified, at.date()) == ("documented", sources()["gate"].verified_on)

    market.misbehave([])
    assert later("doctor", "--source", "gate").code == 0
    assert standing(sources()["gate"], latest(later.home)).verified == "live"


def test_no_source_claims_in_its_code_to_be_verified_live() -> None:
    for source in sources().values():
        assert source.verified in {"recorded", "documented"}, source.name
        found = declared_standing(source)
        assert len(found.against) > 15, f"{source.name}: its module says nothing of how it was verified"
        assert found.at.date() <= date(2030, 1, 1)


def test_declarations_derive_from_feeds_and_series() -> None:
    frame = declarations(sources().values(), {})
    assert frame.columns == list(OPS["sources"][2])
    rows = {row["source"]: row for row in frame.iter_rows(named=True)}
    assert set(rows) == set(sources())
    gate = replace(sources()["gate"], feeds=sources()["gate"].feeds[:1], limits={"api.gateio.ws": Limit(40, 10)})
    one = declarations([gate], {}).row(0, named=True)
    assert [one[name] for name in ("datasets", "kept", "restates", "settles", "rate_limit")] == [
        *(["liquidations"], "177 d", "3 d", "15 min", "api.gateio.ws: 40 in 10 s"),
    ]
    assert rows["fred"]["restates"] == "for ever"
    assert rows["bis"]["restates"] == "for ever"
    assert rows["fred"]["history_start"] == date(1954, 7, 1)
    assert rows["okx"]["kept"].startswith("borrow_rates: for ever; funding_rates: for ever; ")
    for row in rows.values():
        assert row["docs"].startswith("https://"), row["source"]
        assert all(row[name] for name in ("terms", "attribution", "verified_against")), row["source"]
        assert set(row["datasets"]) <= set(datasets())
        assert {type(row["keyed"]), type(row["unofficial"])} == {bool}


def test_a_home_of_another_origin_stands_as_declared() -> None:
    gate = sources()["gate"]
    entry = {"verified_live_at": "2026-12-01T00:00:00+00:00", "feeds": [1], "invariants": [1, 2]}
    assert standing(gate, {"origin": "gateway", "sources": {"gate": entry}}) == declared_standing(gate)
    found = standing(gate, {"origin": "live", "sources": {"gate": entry}})
    assert (found.verified, found.at) == ("live", datetime(2026, 12, 1, tzinfo=UTC))
    assert found.against == "live answers: 1 feed and 2 invariants were as known"


# Small parts.


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=6), "6 s"),
        (timedelta(minutes=25), "25 min"),
        (timedelta(hours=21, minutes=30), "21.5 h"),
        (timedelta(days=10), "10 d"),
        (timedelta(0), "0 s"),
    ],
)
def test_spans_of_time_in_words(span: timedelta, words: str) -> None:
    assert in_time(span) == words


def test_the_worst_is_what_a_person_should_look_at() -> None:
    assert worst([Outcome.as_known, Outcome.untold]) is Outcome.untold
    assert worst([Outcome.untold, Outcome.changed, Outcome.as_known]) is Outcome.changed
    assert worst([]) is Outcome.untold


@pytest.mark.parametrize("name", sorted(sources()))
def test_the_days_that_are_asked_for_are_few_and_due(name: str) -> None:
    for feed in sources()[name].feeds:
        chosen = asked_days(sources()[name], feed, NOW)
        assert chosen is not None, (name, feed.dataset.name)
        series, wanted = chosen
        assert series in feed.series
        assert 1 <= wanted.height <= 2
        assert wanted["expected"].all()
        assert (wanted["due_at"] <= NOW).all()


def test_inputs_of_a_build_hold_what_the_sources_declare(tool: Tool) -> None:
    settings = Settings(home=tool.home, now=NOW, gateway=tool.gateway)
    assert pipeline.inputs(open_home(tool.home), settings).sources.height == len(sources())
