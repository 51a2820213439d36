"""OKX: the archive of funding, where its files meet, and where it meets REST."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from expectations.errors import PayloadChanged, PipelineError, SourceRefused, SourceUnavailable
from expectations.interval import ONE_DAY, Interval, milliseconds, next_month
from flows.invariant import HOUR_MS
from flows.invariants import invariants
from flows.simulator import Misbehaviour, Simulator
from flows.simulator.packing import packed
from flows.source import Answer, Ask, Request
from flows.sources import okx
from flows.steps.collect import drive
from flows.steps.plan import Mode, backfill_days, batches, due_days
from tests.asking import Wire, answer, ask_of, feed_of, walk
from tests.gathering import at, broken_rules, days_of, rows_of
from tests.tool import Tool
from warehouse.store.ledger import Books

pytestmark = pytest.mark.marts()

NIGHT = datetime(2025, 1, 1, 0, 30, tzinfo=UTC)
SEAM = date(2024, 10, 3)  # the first day that REST still has
FEED = feed_of(okx.SOURCE, "funding_rates")
MONTHLY = "https://static.okx.com/cdn/okex/traderecords/swaprates/monthly"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NIGHT) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    return Wire(simulator)


def asks_for(first: date, last: date) -> list[Ask]:
    """The asks for some days of bitcoin, as the pipeline makes them, in order of time."""
    source = replace(okx.SOURCE, feeds=(replace(FEED, series=FEED.series[:1]),))
    due = due_days([source], Interval.of_days(first, last), Books([]), NIGHT)
    planned = batches([source], backfill_days(due, Mode.missing), NIGHT)
    return sorted((ask for batch in planned for ask in batch.asks), key=lambda ask: ask.days.start)


def payments_of(wire: Wire, first: date, last: date) -> pl.DataFrame:
    """The rows of some days, each payment as often as the answers have it, from the promised number of requests."""
    frames = []
    for ask in asks_for(first, last):
        wire.sent.clear()
        frames.append(rows_of("okx", "funding_rates", drive(FEED, ask, wire.fetch)))
        assert Counter(request.host for request in wire.sent) == FEED.requests(ask)
    return pl.concat(frames).sort("settled_at")


def eight_hourly(first: date, last: date) -> list[datetime]:
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    return [start + timedelta(hours=8 * number) for number in range(3 * ((last - first).days + 1))]


def file_of(*stamps: int, swap: str = "BTC-USDT-SWAP") -> bytes:
    lines = "".join(f"{swap},0.0001,{stamp}\n" for stamp in stamps)
    return packed({"one.csv": f"instrument_name,funding_rate,funding_time\n{lines}".encode()})


def month_of_payments(month: date) -> list[int]:
    """Every payment of a month of UTC+8, in milliseconds since 1970."""
    begin, end = (milliseconds(okx.month_begins(one)) for one in (month, next_month(month)))
    return list(range(begin, end, 8 * HOUR_MS))


# Which files are asked for -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "last", "months"),
    [
        (date(2022, 3, 1), date(2022, 3, 1), ["2022-03"]),
        (date(2024, 2, 10), date(2024, 2, 28), ["2024-02"]),
        # The last payment of a month's last day is in the next file.
        (date(2024, 2, 29), date(2024, 2, 29), ["2024-02", "2024-03"]),
        (date(2023, 12, 31), date(2023, 12, 31), ["2023-12", "2024-01"]),
        (date(2023, 12, 31), date(2024, 1, 1), ["2023-12", "2024-01"]),
        (date(2023, 12, 15), date(2024, 3, 15), ["2023-12", "2024-01", "2024-02", "2024-03"]),
    ],
)
def test_the_files_are_those_of_the_months_of_utc_plus_8(first: date, last: date, months: Sequence[str]) -> None:
    ask = ask_of("okx", "funding_rates", "ETH", first, last, now=NIGHT)
    bodies = [file_of(*month_of_payments(date.fromisoformat(f"{month}-01"))) for month in months]
    asked = walk(okx.plan_funding(ask), bodies)
    assert [request.address for request in asked] == [
        f"{MONTHLY}/{month.replace('-', '')}/ETH-USDT-SWAP-fundingrates-{month}.zip" for month in months
    ]
    assert FEED.requests(ask) == {okx.ARCHIVE_HOST: len(months)}
    assert {request.form for request in asked} == {"zip"}


def test_each_file_but_the_first_is_told_how_the_one_before_ended() -> None:
    ask = ask_of("okx", "funding_rates", "BTC", date(2024, 4, 30), date(2024, 6, 15), now=NIGHT)
    bodies = [file_of(*reversed(month_of_payments(date(2024, month, 1)))) for month in (4, 5, 6)]
    asked = walk(okx.plan_funding(ask), bodies)
    assert [request.labels["before"] for request in asked] == [
        "",
        " ".join(str(at(2024, 4, 30, 8) - 8 * HOUR_MS * number) for number in reversed(range(25))),
        " ".join(str(at(2024, 5, 31, 8) - 8 * HOUR_MS * number) for number in reversed(range(25))),
    ]
    told = {"asset": "BTC", "symbol": "BTC-USDT-SWAP", "before": ""}
    assert asked[0].labels == told


def test_the_newest_ninety_days_come_from_rest_and_what_is_older_from_the_archive() -> None:
    rest, archive = okx.HOST, okx.ARCHIVE_HOST
    for first, last, expected in (
        (SEAM, date(2024, 12, 31), [(rest, 90)]),
        (SEAM - ONE_DAY, SEAM - ONE_DAY, [(archive, 1)]),
        (SEAM - ONE_DAY, SEAM, [(archive, 1), (rest, 1)]),
        (date(2024, 9, 1), date(2024, 10, 10), [(archive, 32), (rest, 8)]),
        (date(2024, 6, 1), date(2024, 10, 10), [(archive, 92), (archive, 32), (rest, 8)]),
    ):
        asks = asks_for(first, last)
        assert [(FEED.endpoint(ask).partition("/")[0], len(ask.days)) for ask in asks] == expected
    assert FEED.kept_for is None


# The rows ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2022, 3, 1), date(2022, 3, 1)),
        (date(2022, 3, 1), date(2022, 5, 31)),
        (date(2023, 12, 31), date(2023, 12, 31)),
        (date(2023, 12, 31), date(2024, 1, 1)),
        (date(2024, 1, 1), date(2024, 1, 1)),
        (date(2024, 2, 29), date(2024, 2, 29)),
        (date(2024, 2, 29), date(2024, 3, 30)),
        (SEAM - ONE_DAY, SEAM - ONE_DAY),
        (SEAM - ONE_DAY, SEAM),
        (date(2024, 9, 30), SEAM),
        (date(2024, 8, 1), date(2024, 10, 31)),
        (SEAM - ONE_DAY, date(2025, 1, 1) - ONE_DAY),
    ],
)
def test_each_payment_comes_exactly_once(wire: Wire, first: date, last: date) -> None:
    rows = payments_of(wire, first, last)
    assert rows["settled_at"].to_list() == eight_hourly(first, last)
    assert rows["interval_hours"].unique().to_list() == [8]
    assert broken_rules("funding_rates", rows) == set()


def test_a_swap_that_pays_every_four_hours_is_told_so_by_its_stamps(wire: Wire) -> None:
    bitcoin = ask_of("okx", "funding_rates", "BTC", date(2024, 7, 30), date(2024, 8, 2), now=NIGHT)
    ask = replace(bitcoin, series=replace(bitcoin.series, name="IO", symbol="IO-USDT-SWAP"))
    rows = rows_of("okx", "funding_rates", drive(FEED, ask, wire.fetch))
    assert rows.height == 4 * 6
    assert rows["interval_hours"].unique().to_list() == [4]


def test_where_both_have_a_payment_they_tell_the_same(wire: Wire) -> None:
    archived = payments_of(wire, date(2024, 9, 25), SEAM - ONE_DAY)
    ask = ask_of("okx", "funding_rates", "BTC", date(2024, 9, 30), SEAM, now=NIGHT - timedelta(days=4))
    rest = rows_of("okx", "funding_rates", drive(FEED, ask, wire.fetch))
    both = archived.join(rest, on="settled_at", suffix="_rest")
    assert both.height == 3 * 3
    assert both["funding_rate"].to_list() == both["funding_rate_rest"].to_list()
    late = (archived["stamped_at"] - archived["settled_at"]).dt.total_seconds()
    assert (late.min(), late.max()) >= (0, 1)
    assert late.max() in range(1, 25)


# What is not there, or not whole -------------------------------------------------------------------------------------


def failed(wire: Wire, first: date, last: date) -> PipelineError | None:
    """The reason for which each file was lost; together they have all days."""
    gathered = drive(FEED, ask_of("okx", "funding_rates", "BTC", first, last, now=NIGHT), wire.fetch)
    assert gathered.error is None
    assert {day for lost in gathered.lost for day in lost.days} >= set(gathered.ask.days)
    return gathered.lost[0].problem


class Refusing(Wire):
    """The simulator's answers, checked as by the pipeline: any status other than success is refused."""

    def fetch(self, request: Request) -> Answer:
        found = super().fetch(request)
        problem = okx.refusal(found) if found.status == 200 else SourceRefused(f"found {found.status}")
        if problem is not None:
            raise problem
        return found


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ({"kind": "status", "status": 404}, SourceRefused),
        ({"kind": "html", "status": 403}, SourceRefused),
        ({"kind": "html", "status": 200}, SourceUnavailable),
        ({"kind": "envelope"}, SourceUnavailable),
        ({"kind": "empty"}, SourceUnavailable),
        ({"kind": "shape", "key": "funding_time", "rename": "time"}, PayloadChanged),
    ],
)
def test_files_that_cannot_be_read_fail_their_days(
    simulator: Simulator, rule: Mapping[str, str | int], kind: type[PipelineError]
) -> None:
    simulator.misbehave([Misbehaviour(match="static.okx.com", times="always", **rule)])  # type: ignore[arg-type]
    found = failed(Refusing(simulator), date(2024, 3, 1), date(2024, 5, 20))
    simulator.misbehave([])
    assert type(found) is kind


@pytest.mark.parametrize("stamps", [(), tuple(month_of_payments(date(2022, 3, 1))[45:])])
def test_a_first_file_that_lost_its_beginning_is_no_history_that_begins_later(stamps: tuple[int, ...]) -> None:
    ask = ask_of("okx", "funding_rates", "BTC", date(2022, 3, 1), date(2022, 3, 31), now=NIGHT)
    gathered = drive(FEED, ask, lambda request: answer(request, file_of(*stamps)))
    problems = [str(lost.problem) for lost in gathered.lost]
    assert problems[0] == "expected payments of 2022-03-01 in the file of 2022-03, found none"
    assert gathered.lost[0].days.start <= date(2022, 3, 1) < gathered.lost[0].days.end


@pytest.mark.parametrize("every", [2, 3, 7])
def test_a_payment_that_is_left_out_never_fills_its_day(wire: Wire, every: int) -> None:
    wire.simulator.misbehave([Misbehaviour("static.okx.com", "drop", "always", drop_every=every)])
    (ask,) = asks_for(date(2024, 3, 1), date(2024, 5, 20))
    rows, refused, _ = days_of("okx", "funding_rates", drive(FEED, ask, wire.fetch))
    whole = rows.group_by("date").agg(pl.len(), pl.col("interval_hours").sum())
    assert whole.filter(pl.col("len") < 3).height + len(refused) > 0
    assert whole.filter(pl.col("len") < 3, pl.col("interval_hours") >= 24).is_empty()


@pytest.mark.parametrize("late", [1, 3])
@pytest.mark.parametrize("hour", [0, 8, 16])
def test_a_payment_stamped_hours_late_costs_the_days_that_it_touches(hour: int, late: int) -> None:
    stamp = at(2022, 12, 18, hour)
    stamps = [one + late * 3_540_000 if one == stamp else one for one in month_of_payments(date(2022, 12, 1))]
    ask = ask_of("okx", "funding_rates", "BTC", date(2022, 12, 5), date(2022, 12, 28), now=NIGHT)
    gathered = drive(FEED, ask, lambda asked: answer(asked, file_of(*stamps)))
    rows, refused, _ = days_of("okx", "funding_rates", gathered)
    # If it is read as of another hour, the payment after it comes seven hours later, which is not an interval.
    touched = [date(2022, 12, 18), date(2022, 12, 19)] if (hour, late) == (16, 1) else [date(2022, 12, 18)]
    assert [*refused] == touched
    assert rows["date"].n_unique() == len(ask.days) - len(touched)
    assert broken_rules("funding_rates", rows) == set()


def test_without_the_archive_only_its_days_fail_and_a_later_run_loads_them(
    simulator: Simulator, tmp_path: Path
) -> None:
    tool = Tool(tmp_path / "home", simulator.url, sources="okx", now=NIGHT, start="2024-09-24")
    asked = ("backfill", "2024-09-24", "2024-10-12", "--dataset", "funding_rates", "--series", "BTC")
    simulator.misbehave([Misbehaviour("static.okx.com", "status", "always", status=404)])
    assert tool(*asked).code == 1
    mine = "dataset = 'funding_rates' and series = 'BTC' and date between '2024-09-24' and '2024-10-12'"
    assert tool.states(f"{mine} and date < '{SEAM}'") == {"failed": 9}
    assert tool.states(f"{mine} and date >= '{SEAM}'") == {"loaded": 10}
    simulator.misbehave([])
    assert tool(*asked).code == 0
    assert tool.states(mine) == {"loaded": 19}
    assert tool.one("select count(*) from core.funding_rates where source = 'okx'") == 3 * 19
    assert tool.one("select count(distinct settled_at) from core.funding_rates where source = 'okx'") == 3 * 19


# The archive's rate --------------------------------------------------------------------------------------------------


def found_of(archived: Mapping[int, str], rest: Mapping[int, tuple[str, str]]) -> bool | None:
    one = next(each for each in invariants()["okx"] if each.name == "archive's rate of funding")
    plan = one.plan(NIGHT)
    lines = "".join(f"BTC-USDT-SWAP,{rate},{stamp}\n" for stamp, rate in archived.items())
    file = packed({"one.csv": f"instrument_name,funding_rate,funding_time\n{lines}".encode()})
    first = answer(next(plan), file)
    data = [
        {"fundingTime": str(stamp), "realizedRate": realised, "fundingRate": predicted}
        for stamp, (realised, predicted) in rest.items()
    ]
    return one.holds([first, answer(plan.send(first), {"code": "0", "data": data})]).holds


def test_the_archives_rate_is_held_against_both_of_rest() -> None:
    hour = at(2024, 11, 3, 8)
    assert found_of({hour + 17_000: "0.0001"}, {hour: ("0.0001000000000000", "0.00012")}) is True
    assert found_of({hour + 17_000: "0.0001"}, {hour: ("0.00011", "0.0001")}) is False
    assert found_of({hour + 17_000: "0.0001"}, {hour: ("0.00010001", "0.00010001")}) is False
    assert found_of({hour: "0.0001"}, {hour: ("0.0001", "0.0001"), at(2024, 11, 3): ("0.5", "0.5")}) is True
    assert found_of({hour: "0.0001"}, {hour: ("", "0.0001")}) is None
    assert found_of({hour: "0.0001"}, {}) is None


def test_it_asks_for_a_month_that_is_out_and_that_rest_still_has() -> None:
    one = next(each for each in invariants()["okx"] if each.name == "archive's rate of funding")
    for now, month, end in (
        (datetime(2025, 1, 1, tzinfo=UTC), "2024-11", at(2024, 11, 30, 16)),
        (datetime(2025, 1, 10, 15, tzinfo=UTC), "2024-11", at(2024, 11, 30, 16)),
        (datetime(2025, 1, 10, 16, tzinfo=UTC), "2024-12", at(2024, 12, 31, 16)),
    ):
        asked = walk(one.plan(now), [file_of(), {"data": []}])
        assert asked[0].url == f"{MONTHLY}/{month.replace('-', '')}/BTC-USDT-SWAP-fundingrates-{month}.zip"
        assert asked[1].params["after"] == end


# The simulated archive -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("202412/BTC-USDT-SWAP-fundingrates-2024-12.zip", 404),  # out on 3 January
        ("202411/BTC-USDT-SWAP-fundingrates-2024-11.zip", 200),
        ("202411/BTC-USDT-SWAP-fundingrates-2024-10.zip", 404),
        ("202203/BTC-USDT-SWAP-fundingrates-2022-03.zip", 200),
        ("202202/BTC-USDT-SWAP-fundingrates-2022-02.zip", 404),
        ("202411/USDC-USDT-SWAP-fundingrates-2024-11.zip", 404),
        ("202411/BTC-USDT-fundingrates-2024-11.zip", 404),
    ],
)
def test_the_simulator_has_the_files_that_are_out(wire: Wire, path: str, status: int) -> None:
    assert wire.fetch(Request(f"{MONTHLY}/{path}", form="zip")).status == status


def test_a_simulated_file_is_a_month_of_utc_plus_8(wire: Wire) -> None:
    one = wire.fetch(Request(okx.archived_file("BTC-USDT-SWAP", date(2024, 11, 1)), form="zip"))
    stamps = okx.archived_stamps(one)
    assert len(stamps) == 90
    assert at(2024, 10, 31, 16) <= stamps[0] < at(2024, 10, 31, 17)
    assert at(2024, 11, 30, 8) <= stamps[-1] < at(2024, 11, 30, 9)
