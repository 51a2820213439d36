"""DefiLlama's list of lending pools: when it is read, for which day, the rows of each pool, and what is refused."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from expectations.errors import PayloadChanged, SourceUnavailable
from expectations.tolerances import comparisons
from flows.invariant import Finding
from flows.invariants.defillama_lendborrow import available_is_the_rest, simple_and_of_borrowers
from flows.simulator import Misbehaviour, Simulator
from flows.simulator.pages import defillama as page
from flows.sources import defillama, defillama_lendborrow, ethereum
from flows.steps.collect import drive
from tests.asking import Wire, answer, ask_of, days_back, feed_of, walk
from tests.gathering import broken_rules, rows_of
from tests.replay import Replay
from tests.tool import Tool, bytes_of, same, tables

pytestmark = [pytest.mark.slow, pytest.mark.marts("lending_rates_daily")]

NIGHT = datetime(2024, 12, 10, 0, 30, tzinfo=UTC)
DAY = date(2024, 12, 9)
SOURCE, DATASET = "defillama_lendborrow", "lending_rates"
STATE = feed_of(defillama_lendborrow.SOURCE, DATASET)
USDC, USDT, COMPOUND = "aave-v3-ethereum-usdc", "aave-v3-ethereum-usdt", "compound-v3-ethereum-usdc"
NUMBERS = {name: number for name, (*_, number, _) in defillama.POOLS.items()}
LISTED = [{"pool": number} for number in NUMBERS.values()]
STATES = "select series, date, state from ops.ledger where state <> 'not_yet' order by all"


@pytest.fixture
def wire() -> Iterator[Wire]:
    with Simulator(now=NIGHT) as served:
        yield Wire(served)


def chart(*stamps: str) -> dict[str, Any]:
    return {"status": "success", "data": [{"timestamp": stamp, "tvlUsd": 1, "apyBase": 1} for stamp in stamps]}


def read(wire: Wire, name: str, day: date = DAY, now: datetime = NIGHT) -> pl.DataFrame:
    """The rows of one answer, of all the pools that it holds."""
    return rows_of(SOURCE, DATASET, drive(STATE, ask_of(SOURCE, DATASET, name, day, day, now=now), wire.fetch))


# What is asked -------------------------------------------------------------------------------------------------------


def test_the_list_serves_every_pool_and_the_chart_says_when_one_was_looked_at() -> None:
    looked = chart("2024-12-08T23:01:00.000Z", "2024-12-10T00:01:00.000Z")
    asked = {name: walk(STATE.plan(ask_of(SOURCE, DATASET, name)), [LISTED, looked]) for name in NUMBERS}
    lists, charts = zip(*asked.values(), strict=True)
    assert {(one.address, one.shared, tuple(one.labels.items())) for one in lists} == {
        (
            "https://yields.llama.fi/lendBorrow",
            True,
            (
                (NUMBERS[USDC], "aave-v3/ethereum/USDC"),
                (NUMBERS[USDT], "aave-v3/ethereum/USDT"),
                (NUMBERS[COMPOUND], "compound-v3/ethereum/USDC"),
            ),
        )
    }
    assert [one.address for one in charts] == [f"https://yields.llama.fi/chart/{each}" for each in NUMBERS.values()]
    assert {(one.transform, one.shared) for one in charts} == {(None, False)}


def test_pools_are_those_of_the_charts_and_are_told_apart_by_their_names() -> None:
    theirs = {series.name: (series.symbol, series.labels) for series in feed_of(defillama.SOURCE, DATASET).series}
    assert {series.name: (series.symbol, series.labels) for series in STATE.series} == theirs
    names = [tuple(series.labels[name] for name in STATE.told_apart_by) for series in STATE.series]
    assert len(set(names)) == len(names)
    assert list(defillama_lendborrow.NAMES.values()) == ["/".join(name) for name in names]


@pytest.mark.parametrize(
    ("stamps", "last"),
    [
        (["2024-12-09T18:29:59.000Z"], "2024-12-09 18:29 UTC"),
        (["2024-12-04T23:01:00.000Z", "2024-12-03T23:01:00.000Z"], "2024-12-04 23:01 UTC"),
        ([], "none"),
    ],
)
def test_a_list_that_repeats_an_old_look_is_not_believed(stamps: list[str], last: str) -> None:
    with pytest.raises(
        SourceUnavailable, match=f"expected a reading of {USDC} within six hours, found the last: {last}"
    ):
        walk(STATE.plan(ask_of(SOURCE, DATASET, USDC)), [LISTED, chart(*stamps)])


def test_a_look_within_six_hours_is_believed() -> None:
    assert len(walk(STATE.plan(ask_of(SOURCE, DATASET, USDC)), [LISTED, chart("2024-12-09T18:30:00.000Z")])) == 2


def test_a_pool_that_is_not_in_the_list_is_refused() -> None:
    with pytest.raises(PayloadChanged, match=f"expected {COMPOUND} in the list, found 2 other pools"):
        walk(STATE.plan(ask_of(SOURCE, DATASET, COMPOUND)), [LISTED[:2]])


# The rows ------------------------------------------------------------------------------------------------------------


def test_the_first_reading_after_a_day_is_that_day(wire: Wire) -> None:
    rows = read(wire, USDC)
    assert rows.select("protocol", "chain", "asset").rows() == [
        ("aave-v3", "ethereum", "USDC"),
        ("aave-v3", "ethereum", "USDT"),
        ("compound-v3", "ethereum", "USDC"),
    ]
    assert set(rows["date"]) == {DAY}
    assert set(rows["available_at"]) == {NIGHT}
    assert set(rows["sampling"]) == {"daily_last"}
    assert rows["borrow_apr"].is_between(0.05, 1).all()  # in percent it would be a hundred times as much
    assert rows["utilization"].is_between(0.5, 1, closed="none").all()
    assert rows["available_usd"].is_between(1e7, 1e9).all()
    told = ("stamped_at", "supply_apr", "supply_apr_last", "borrow_apr_max", "borrow_apr_last", "borrow_apy_realised")
    assert all(rows[name].null_count() == rows.height for name in told)
    assert broken_rules(DATASET, rows) == set()


def test_a_renamed_field_and_an_empty_page_fail(wire: Wire) -> None:
    for rule in (
        Misbehaviour("lendBorrow", "shape", key="totalBorrowUsd", rename="borrowed"),
        Misbehaviour("lendBorrow", "shape", key="pool", rename="id"),
        Misbehaviour("lendBorrow", "empty"),
    ):
        wire.simulator.misbehave([rule])
        gathered = drive(STATE, ask_of(SOURCE, DATASET, USDT, now=NIGHT), wire.fetch)
        if gathered.error is None:
            with pytest.raises(PayloadChanged):
                rows_of(SOURCE, DATASET, gathered)
        else:
            assert isinstance(gathered.error, PayloadChanged)


def test_it_agrees_with_the_chain_through_the_wildest_days(wire: Wire) -> None:
    days = [days_back(14) + timedelta(days=passed) for passed in range(14)]
    readings = []
    for day in days:
        now = wire.simulator.now = datetime(day.year, day.month, day.day, 0, 30, tzinfo=UTC) + timedelta(days=1)
        readings.append(read(wire, COMPOUND, day, now))
    feed = feed_of(ethereum.SOURCE, DATASET)
    asks = [ask_of("ethereum", DATASET, series.name, days[0], days[-1], now=NIGHT) for series in feed.series]
    chain = pl.concat([rows_of("ethereum", DATASET, drive(feed, ask, wire.fetch)) for ask in asks])
    key = ["date", "protocol", "chain", "asset"]
    both = pl.concat(readings).join(chain, on=key, suffix="_chain")
    assert both.height == 3 * len(days)
    (within,) = (one for one in comparisons() if one.metric == "lending_borrow_apr")
    mine, theirs = pl.col("borrow_apr"), pl.col("borrow_apr_chain")
    gap = (mine - theirs).abs() / pl.max_horizontal(mine, theirs)
    assert both.filter(gap > within.tolerance).is_empty()
    last = both.filter(pl.col("borrow_apr_last_chain").is_not_null())
    assert last.height == 2 * len(days)
    assert ((last["borrow_apr"] / last["borrow_apr_last_chain"] - 1).abs() < 0.15).all()
    share = both.filter(pl.col("utilization_chain").is_not_null())
    assert share.height == len(days)
    assert ((share["utilization"] - share["utilization_chain"]).abs() < 0.05).all()


# The pipeline --------------------------------------------------------------------------------------------------------


def test_one_list_serves_all_pools_and_is_asked_for_once_a_day(tmp_path: Path, wire: Wire) -> None:
    tool = Tool(tmp_path / "home", wire.simulator.url, sources=SOURCE, start="2024-12-09", now=NIGHT)
    assert tool("run").code == 0
    paths = Counter(asked.path for asked in wire.simulator.requests)
    assert paths == {"/lendBorrow": 1} | {f"/chart/{number}": 1 for number in NUMBERS.values()}
    assert tool.ask(STATES) == [(name, DAY, "loaded") for name in sorted(NUMBERS)]
    assert tool.ask("select series, protocol, chain, asset from core.lending_rates order by 1") == [
        (USDC, "aave-v3", "ethereum", "USDC"),
        (USDT, "aave-v3", "ethereum", "USDT"),
        (COMPOUND, "compound-v3", "ethereum", "USDC"),
    ]
    lake = bytes_of(tool.home / "lake")
    assert replace(tool, now=NIGHT + timedelta(hours=3))("run").code == 0
    assert Counter(asked.path for asked in wire.simulator.requests) == paths
    assert bytes_of(tool.home / "lake") == lake


def test_the_archived_list_is_read_again_for_each_pool(tmp_path: Path, wire: Wire) -> None:
    tool = Tool(tmp_path / "home", wire.simulator.url, sources=SOURCE, start="2024-12-09", now=NIGHT)
    assert tool("run").code == 0
    before = tables(tool.home / "warehouse.duckdb")
    requests = len(wire.simulator.requests)
    said = replace(tool, now=NIGHT + timedelta(hours=13))("backfill", DAY, DAY, "--mode", "replay")
    assert said.code == 0
    assert f"{len(NUMBERS)} loaded" in said.err
    assert len(wire.simulator.requests) == requests
    assert same(before, tables(tool.home / "warehouse.duckdb")) == []
    assert tool.one("select count(*) from ops.restatements") == 0


def test_a_day_is_read_within_twelve_hours_of_its_end_or_lost(tmp_path: Path, wire: Wire) -> None:
    tool = Tool(tmp_path / "home", wire.simulator.url, sources=SOURCE, start="2024-12-08", now=NIGHT)
    narrow = ("--dataset", DATASET, "--series", USDT)
    assert tool("backfill", "2024-12-08", "2024-12-09", *narrow).code == 0
    wire.simulator.now = late = NIGHT + timedelta(days=1, hours=12)
    tool = Tool(tmp_path / "home", wire.simulator.url, sources=SOURCE, start="2024-12-08", now=late)
    assert tool("backfill", "2024-12-08", "2024-12-10", *narrow).code == 0
    mine = [(day, state) for series, day, state in tool.ask(STATES) if series == USDT]
    assert mine == [
        (date(2024, 12, 8), "perished"),
        (date(2024, 12, 9), "loaded"),
        (date(2024, 12, 10), "perished"),
    ]
    gone = [one for one in wire.simulator.requests if one.path == "/lendBorrow"]
    assert len(gone) == 1
    told = tool("status").out
    assert SOURCE in told
    rates = "select date, supply_apr, sampling, source, borrow_source, available_source from lending_rates_daily"
    assert tool.ask(rates) == [(date(2024, 12, 9), None, "daily_last", SOURCE, SOURCE, SOURCE)]


def test_a_pool_that_is_gone_fails_alone(tmp_path: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = page._state
    monkeypatch.setattr(page, "_state", lambda request: [one for one in whole(request) if one["pool"] != NUMBERS[USDT]])
    tool = Tool(tmp_path / "home", wire.simulator.url, sources=SOURCE, start="2024-12-09", now=NIGHT)
    assert tool("run").code == 1
    assert {name: state for name, _, state in tool.ask(STATES)} == {
        USDC: "loaded",
        USDT: "failed",
        COMPOUND: "loaded",
    }
    reason = tool.one("select reason from ops.ledger where state = 'failed'")
    assert reason.startswith(f"PayloadChanged: expected {USDT} in the list")


def test_a_pool_that_pays_no_rate_is_never_taken_for_a_free_loan(
    tmp_path: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = page._state

    def unknown(request: Any) -> list[dict[str, Any]]:
        return [one | {"apyBaseBorrow": None} if one["pool"] == NUMBERS[USDC] else one for one in whole(request)]

    monkeypatch.setattr(page, "_state", unknown)
    tool = Tool(tmp_path / "home", wire.simulator.url, sources=SOURCE, start="2024-12-09", now=NIGHT)
    assert tool("run").code == 1
    assert {name: state for name, _, state in tool.ask(STATES)}[USDC] == "failed"
    assert tool.one("select count(*) from core.lending_rates") == 2


def test_it_fills_the_side_that_nobody_else_tells_and_leaves_the_other(tmp_path: Path, wire: Wire) -> None:
    def rates(home: str, sources: str) -> list[tuple[Any, ...]]:
        tool = Tool(tmp_path / home, wire.simulator.url, sources=sources, start="2024-12-01", now=NIGHT)
        assert tool("run").code == 0
        return tool.ask(
            "select date, protocol, asset, supply_apr, available_usd, percentile_1y, source, available_source, "
            "borrow_apr, borrow_source from lending_rates_daily order by all"
        )

    alone, filled = rates("alone", "defillama"), rates("filled", f"defillama,{SOURCE}")
    assert [row[:8] for row in filled] == [row[:8] for row in alone]
    assert {row[8:] for row in alone} == {(None, None)}
    assert [(row[0], row[9]) for row in filled if row[8] is not None] == [(DAY, SOURCE)] * 3
    both, aside = rates("both", "defillama,aave"), rates("aside", f"defillama,aave,{SOURCE}")
    known = [row for row in both if row[8] is not None]
    assert known
    assert [row for row in aside if row[9] != SOURCE] == [
        row for row in both if (row[1], row[0]) != ("compound-v3", DAY)
    ]
    assert [(row[0], row[1]) for row in aside if row[9] == SOURCE] == [(DAY, "compound-v3")]


@pytest.mark.usefixtures("replay")
def test_the_replay_has_no_list_and_says_so(replay: Replay, tmp_path: Path) -> None:
    tool = Tool(tmp_path / "home", replay.url, sources=SOURCE, start="2024-12-09", now=NIGHT)
    assert tool("run").code == 1
    assert {state for _, _, state in tool.ask(STATES)} == {"failed"}
    reasons = tool.ask("select reason from ops.ledger where state = 'failed'")
    assert len(reasons) == 3
    assert all(str(reason).startswith("SourceRefused: expected 200 from yields.llama.fi") for (reason,) in reasons)


# The doctor ----------------------------------------------------------------------------------------------------------

SOUND = {"apyBaseBorrow": 12.5, "totalSupplyUsd": 800_000_000, "totalBorrowUsd": 600_000_000}
LOOK = {"apyBase": 8.4375, "tvlUsd": 200_000_000}  # 12.5 % on three quarters, of which a tenth is kept


def asked(judge: Any, state: dict[str, Any], look: dict[str, Any]) -> Finding:
    requests = walk(STATE.plan(ask_of(SOURCE, DATASET, USDC)), [LISTED, chart("2024-12-10T00:01:00Z")])
    bodies = ([{"pool": NUMBERS[USDC], **SOUND, **state}], {"status": "success", "data": [LOOK | look]})
    answers = tuple(answer(request, body) for request, body in zip(requests, bodies, strict=True))
    found: Finding = judge(answers)
    return found


def test_a_rate_in_another_unit_or_of_the_other_side_is_seen() -> None:
    judge = simple_and_of_borrowers
    sound = asked(judge, {}, {})
    assert sound.holds is True
    assert sound.found == (
        "borrowers pay 12.50 % for 75.0% of the deposits, depositors get 8.44 %: 90.0% of it reaches them"
    )
    wrong: list[dict[str, Any]] = [
        {"apyBaseBorrow": 0.125},  # a fraction
        {"apyBaseBorrow": 8.4375},  # the rate of deposits
        {"apyBaseBorrow": 12.5 / 365},  # per day
        {"apyBaseBorrow": 1250},
        {"totalBorrowUsd": 800_000_000, "totalSupplyUsd": 600_000_000},  # one rate for the other
    ]
    assert [asked(judge, state, {}).holds for state in wrong] == [False] * len(wrong)
    # Seventy percent a year, compounded every second.
    assert asked(judge, {"apyBaseBorrow": 201.4}, {"apyBase": 47.25}).holds is False
    untold: list[dict[str, Any]] = [{"apyBaseBorrow": None}, {"apyBaseBorrow": 0}, {"totalBorrowUsd": 0}]
    assert [asked(judge, state, {}).holds for state in untold] == [None] * len(untold)


def test_what_can_be_withdrawn_is_held_against_the_chart() -> None:
    judge = available_is_the_rest
    assert asked(judge, {}, {}).holds is True
    assert asked(judge, {}, {"tvlUsd": 190_000_000}).holds is True  # an hour apart
    assert asked(judge, {}, {"tvlUsd": 800_000_000}).holds is False  # all that is supplied
    swapped = {"totalBorrowUsd": 800_000_000, "totalSupplyUsd": 600_000_000}
    assert asked(judge, swapped, {}).holds is False
    assert asked(judge, {"totalSupplyUsd": None}, {}).holds is None
