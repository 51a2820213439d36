"""Providers that misbehave: every series-day ends in the right state, and no wrong row is ever loaded."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import polars as pl
import pytest

from flows import http
from flows.simulator import Misbehaviour, Simulator
from tests.conftest import REPLAY
from tests.tool import NOW, Tool, same, tables

pytestmark = [pytest.mark.slow, pytest.mark.marts()]

DAYS = ("2024-11-01", "2024-12-09")
DAY = ["dataset", "source", "series", "date"]
STATES = {"missing", "not_yet", "failed", "failed_check", "verified_empty", "loaded", "perished"}


class Victim(NamedTuple):
    """One series of each feed, the requests for it, what can be renamed in their answers, and their first day."""

    dataset: str
    source: str
    series: str
    match: str
    key: str | None = None
    since: date = date.min  # earlier days come from a place that is not disturbed, and load


VICTIMS = (
    Victim("spot_prices", "binance", "BTC", r"data-api\.binance\.vision/api/v3/klines.*symbol=BTCUSDT&interval=1d"),
    Victim(
        "funding_rates",
        "binance",
        "BTC",
        r"fapi\.binance\.com/fapi/v1/fundingRate.*BTCUSDT",
        "fundingRate",
        since=date(2024, 12, 1),
    ),
    Victim("spot_prices", "coinbase", "BTC", r"api\.exchange\.coinbase\.com.*BTC-USD.*granularity=86400"),
    Victim("krw_prices", "upbit", "USDT", r"api\.upbit\.com.*KRW-USDT", "trade_price"),
    Victim("exchange_rates", "frankfurter", "KRW", r"api\.frankfurter\.dev", "rates"),
    Victim("lending_rates", "defillama", "aave-v3-ethereum-usdc", "chart/aa70268e", "timestamp"),
    Victim("stablecoin_supply", "defillama", "USDT", r"llama\.fi/stablecoin/1\?", "tokens"),
    Victim("macro_series", "fred", "fed_assets", "id=WALCL", "WALCL"),
)
PAYMENTS_A_DAY = 3
SERIES = ("BTC", "ETH", "USDT", "USDC", "KRW", "aave-v3-ethereum-usdc", "aave-v3-ethereum-usdt")
MACRO = ("fed_assets", "effective_rate")


class World(Protocol):
    """A server that imitates the providers: the simulator or the replay."""

    @property
    def url(self) -> str: ...

    def misbehave(self, rules: Iterable[Any]) -> None: ...


class Imitation(Simulator):
    """The simulator, with rules as the replay takes them."""

    def misbehave(self, rules: Iterable[Mapping[str, Any]]) -> None:  # type: ignore[override]  # plain rules
        super().misbehave([Misbehaviour(**rule) for rule in rules])


@dataclass(frozen=True)
class Clean:
    """A server, and what a run loads from it while it behaves."""

    world: World
    tool: Tool
    ledger: pl.DataFrame
    core: Mapping[str, pl.DataFrame]


WORLDS = ("simulator", "replay") if REPLAY.exists() else ("simulator",)


everywhere = pytest.mark.parametrize("clean", WORLDS, indirect=True, scope="module")
# A status or a broken connection is the same from the simulator and the replay; the shape of a body is not.
simulated = pytest.mark.parametrize("clean", WORLDS[:1], indirect=True, scope="module")


@pytest.fixture(scope="module")
def clean(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clean]:
    """What an undisturbed run loads."""
    home = tmp_path_factory.mktemp("clean") / "home"
    if request.param == "replay":
        world: World = request.getfixturevalue("replay")
        yield undisturbed(world, home)
        world.misbehave([])
    else:
        with Imitation(NOW) as simulator:
            yield undisturbed(simulator, home)


def undisturbed(world: World, home: Path) -> Clean:
    tool = Tool(home, world.url, start=DAYS[0])
    said = tool(*command())
    assert said.code in {0, 1}, said.err
    return Clean(world, tool, ledger(tool), tables(home / "warehouse.duckdb", ("core",)))


def command() -> tuple[str, ...]:
    chosen = [word for series in (*SERIES, *MACRO) for word in ("--series", series)]
    sources = sorted({victim.source for victim in VICTIMS} | {"fred"})  # the replay serves no others of these series
    return ("backfill", *DAYS, *chosen, *(word for source in sources for word in ("--source", source)))


def ledger(tool: Tool) -> pl.DataFrame:
    """The series-days that were asked for."""
    frame = tables(tool.home / "warehouse.duckdb", ("ops",))["ops.ledger"]
    return frame.filter(pl.col("last_attempt").is_not_null()).select(*DAY, "state", "rows", "reason")


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries do not wait."""
    monkeypatch.setattr(http, "FIRST_PAUSE_SECONDS", 0.01)


class Found(NamedTuple):
    """What a run against a misbehaving server left."""

    code: int
    err: str
    ledger: pl.DataFrame
    core: Mapping[str, pl.DataFrame]

    def of(self, victim: Victim) -> pl.DataFrame:
        return self.ledger.filter(is_of(victim))


def is_of(victim: Victim) -> pl.Expr:
    return (
        (pl.col("dataset") == victim.dataset)
        & (pl.col("source") == victim.source)
        & (pl.col("series") == victim.series)
    )


Disturb = Callable[..., Found]


@pytest.fixture
def disturb(clean: Clean, hurried: None, tmp_path: Path) -> Disturb:  # noqa: ARG001  hurried is wanted for what it does
    """Runs the same backfill in a new home while the victims' requests go wrong, and judges what is always true."""

    def run(rule: Callable[[Victim], Mapping[str, Any] | None]) -> Found:
        rules = [{"match": victim.match, **told} for victim in VICTIMS if (told := rule(victim)) is not None]
        clean.world.misbehave(rules)
        tool = replace(clean.tool, home=tmp_path / "home")
        said = tool(*command())
        clean.world.misbehave([])
        found = Found(said.code, said.err, ledger(tool), tables(tool.home / "warehouse.duckdb", ("core",)))
        nothing_wrong(clean, found)
        return found

    return run


def nothing_wrong(clean: Clean, found: Found) -> None:
    """Holds under every fault."""
    assert set(found.ledger["state"]) <= STATES
    keys = clean.ledger.select(DAY).sort(DAY)
    assert found.ledger.select(DAY).sort(DAY).equals(keys)  # every series-day has one state
    for name, frame in found.core.items():
        strangers = frame.join(clean.core[name], on=frame.columns, how="anti", nulls_equal=True)
        assert strangers.is_empty(), f"{name}: rows that an undisturbed run does not have: {strangers}"
    siblings = pl.all_horizontal(~is_of(victim) for victim in VICTIMS)
    before, after = clean.ledger.filter(siblings), found.ledger.filter(siblings)
    assert after.drop("reason").sort(DAY).equals(before.drop("reason").sort(DAY))
    both = found.ledger.join(clean.ledger, on=DAY, suffix="_clean")
    loaded = both.filter(pl.col("state") == "loaded")
    # No day with only some of its rows, but of payments: one that is not there is told by the hours that are covered.
    # No row is one that an undisturbed run does not have, so that they cover less than the day, never more of it each.
    some = loaded.filter(pl.col("rows") != pl.col("rows_clean"))
    assert some.filter((pl.col("dataset") != "funding_rates") | (pl.col("rows") > pl.col("rows_clean"))).is_empty()
    empty = both.filter(pl.col("state") == "verified_empty", pl.col("state_clean") != "verified_empty")
    assert empty.is_empty(), f"days taken for empty without evidence: {empty}"
    failed = found.ledger.filter(pl.col("state").is_in(["failed", "failed_check"]))
    assert found.code == (1 if failed.height else 0)
    for dataset, source, series in failed.select(DAY[:3]).unique().iter_rows():
        assert f"not there: {dataset} {series} from {source}" in found.err
    rows = {
        (name, *key): count
        for name, frame in found.core.items()
        if "series" in frame.columns and not name.endswith("_preferred")
        for *key, count in frame.group_by("source", "series").len().iter_rows()
    }
    told = loaded.group_by("dataset", "source", "series").agg(pl.col("rows").sum())
    for dataset, source, series, count in told.iter_rows():
        assert rows[f"core.{dataset}", source, series] == count


def all_failed(found: Found, victim: Victim, classes: set[str]) -> None:
    every_day = found.of(victim)
    days = every_day.filter(pl.col("date") >= victim.since)
    assert set(days["state"]) == {"failed"}, victim
    assert set(every_day.filter(pl.col("date") < victim.since)["state"]) <= {"loaded"}, victim
    reasons = {str(reason).partition(":")[0] for reason in days["reason"]}
    assert reasons <= classes, (victim, reasons)


@everywhere
def test_undisturbed_everything_is_there(clean: Clean) -> None:
    states = clean.ledger.group_by(DAY[:3]).agg(pl.col("state").unique())
    for victim in VICTIMS:
        (found,) = states.filter(is_of(victim))["state"].to_list()
        assert "loaded" in found, victim
        assert set(found) <= {"loaded", "verified_empty"}, victim


@simulated
def test_told_to_wait_it_waits_and_then_has_everything(clean: Clean, disturb: Disturb) -> None:
    found = disturb(lambda _: {"kind": "status", "status": 429, "retry_after": 1})
    assert found.ledger.equals(clean.ledger)


# Without a usable answer: each fault, and the classes of error that it may end as.
UNUSABLE: tuple[tuple[Mapping[str, Any], set[str]], ...] = (
    ({"kind": "status", "status": 500}, {"SourceUnavailable"}),
    ({"kind": "html", "status": 403}, {"SourceRefused"}),
    ({"kind": "truncate"}, {"SourceUnavailable"}),
    ({"kind": "html", "status": 200}, {"PayloadChanged", "SourceUnavailable"}),
    ({"kind": "reset"}, {"SourceUnavailable"}),
    ({"kind": "status", "status": 429, "retry_after": 3600}, {"SourceUnavailable"}),
    ({"kind": "status", "status": 404}, {"SourceRefused"}),
    ({"kind": "stall", "seconds": 3}, {"SourceUnavailable"}),
)


@simulated
@pytest.mark.parametrize("turn", range(0, len(UNUSABLE), 2))
def test_without_a_usable_answer_a_series_fails_alone(
    disturb: Disturb, turn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The faults take turns: each feed has every second fault, and each fault half of the feeds."""
    monkeypatch.setattr(http, "READ_SECONDS", 1.5)
    faults = {victim: UNUSABLE[(number + turn) % len(UNUSABLE)] for number, victim in enumerate(VICTIMS)}
    found = disturb(lambda victim: {**faults[victim][0], "times": "always"})
    for victim, (_, classes) in faults.items():
        all_failed(found, victim, classes)


@everywhere
def test_an_error_in_a_200_is_an_error(disturb: Disturb) -> None:
    found = disturb(lambda _: {"kind": "envelope", "times": "always"})
    for victim in VICTIMS:
        all_failed(found, victim, {"SourceRefused", "SourceUnavailable", "PayloadChanged"})


@everywhere
def test_an_empty_answer_is_no_success(disturb: Disturb) -> None:
    found = disturb(lambda _: {"kind": "empty", "times": "always"})
    for victim in VICTIMS:
        days = found.of(victim)
        if victim.dataset == "funding_rates":  # November came from the archive, whole
            days = days.filter(pl.col("date") >= date(2024, 12, 1))
        assert set(days["state"]) == {"failed"}, victim
        assert all(str(reason).startswith("PayloadChanged") for reason in days["reason"]), victim


@pytest.mark.parametrize("every", [2, 3, 7])
@everywhere
def test_what_an_answer_leaves_out_has_failed(disturb: Disturb, every: int) -> None:
    found = disturb(lambda _: {"kind": "drop", "drop_every": every, "times": "always"})
    for victim in VICTIMS:
        states = set(found.of(victim)["state"])
        if victim.dataset == "funding_rates":  # November came from the archive, whole
            days = found.of(victim).filter(pl.col("date") >= date(2024, 12, 1))
            assert days.filter((pl.col("state") == "failed") | (pl.col("rows") < PAYMENTS_A_DAY)).height > 0
            assert states <= {"failed", "loaded"}
        elif victim.source != "upbit":  # whose plan asks again for what lies before the last candle
            assert "failed" in states, victim


@everywhere
def test_a_renamed_field_is_noticed(disturb: Disturb) -> None:
    found = disturb(
        lambda victim: (
            {"kind": "shape", "key": victim.key, "rename": "something_else", "times": "always"} if victim.key else None
        )
    )
    for victim in VICTIMS:
        if victim.key:
            all_failed(found, victim, {"PayloadChanged"})


@simulated
def test_after_the_fault_the_next_run_heals(clean: Clean, disturb: Disturb, tmp_path: Path) -> None:
    disturb(lambda _: {"kind": "drop", "drop_every": 3, "times": "always"})
    tool = replace(clean.tool, home=tmp_path / "home")
    tool(*command())
    assert ledger(tool).equals(clean.ledger)
    core = tables(tool.home / "warehouse.duckdb", ("core",))
    # A payment that joined a day that was there is late data; nothing else tells of what went wrong.
    assert set(core["core.funding_rates"]["cause"]) == {"first", "late_data"}
    values = {name: frame.drop("cause", strict=False) for name, frame in core.items()}
    assert same(values, {name: frame.drop("cause", strict=False) for name, frame in clean.core.items()}) == []
