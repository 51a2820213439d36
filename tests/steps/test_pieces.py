"""A file or page that cannot be had costs its own days: the others load, and a second run asks only for what failed."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial

import polars as pl
import pytest

from expectations.errors import HomeRefused, PayloadChanged, PipelineError, RunStopped, SourceUnavailable
from expectations.interval import ONE_DAY, Interval
from flows.simulator import Simulator
from flows.simulator.packing import packed
from flows.source import Answer, Ask, Feed, Gathered, Request, windows
from flows.sources import sources
from flows.steps.collect import Followed, drive, follow
from flows.steps.normalize import normalize_by_day
from flows.steps.plan import Mode, backfill_days, batches, due_days
from flows.steps.settle import Evidence, judge_days
from tests.asking import Wire, answer, ask_of, feed_of
from warehouse.store.ledger import Books

BINANCE = sources()["binance"]
METRICS = feed_of(BINANCE, "open_interest")
FUNDING = feed_of(BINANCE, "funding_rates")
NOW = datetime(2024, 12, 10, 0, 30, tzinfo=UTC)
BAD = date(2024, 11, 15)
HEADER = (
    "create_time,symbol,sum_open_interest,sum_open_interest_value,count_toptrader_long_short_ratio,"
    "sum_toptrader_long_short_ratio,count_long_short_ratio,sum_taker_long_short_vol_ratio\n"
)


def readings(day: date) -> str:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    lines = [
        f"{start + timedelta(minutes=5 * place):%Y-%m-%d %H:%M:%S},BTCUSDT,{coins},{coins * 90000},,,,\n"
        for place, coins in enumerate(range(80000, 80288))
    ]
    return HEADER + "".join(lines)


def damaged(archive: bytes, kind: str) -> bytes:
    body = bytearray(archive)
    directory = body.find(b"PK\x01\x02")
    if kind == "an unknown method":
        body[8:10] = body[directory + 10 : directory + 12] = (99).to_bytes(2, "little")
    elif kind == "an encrypted member":
        body[6] |= 1
        body[directory + 8] |= 1
    elif kind == "a flipped byte":
        start = 30 + int.from_bytes(body[26:28], "little")
        body[start : start + 20] = b"\xff" * 20
    return b"" if kind == "nothing" else bytes(body)


KINDS = ["an unknown method", "an encrypted member", "a flipped byte", "nothing"]


class Archive:
    """Binance's archive of daily files, some of them damaged, and a REST interface that has none of these days."""

    def __init__(self, file: Callable[[date], bytes], checksum: Callable[[date, bytes], bytes]) -> None:
        self._file, self._checksum = file, checksum
        self.asked: list[str] = []

    def __call__(self, request: Request) -> Answer:
        self.asked.append(request.address)
        if "metrics" not in request.url:
            raise SourceUnavailable("expected readings of REST, found none")
        day = date.fromisoformat(request.url.partition("-metrics-")[2][:10])
        body = self._file(day)
        return answer(request, self._checksum(day, body) if request.url.endswith(".CHECKSUM") else body, now=NOW)


def good(day: date) -> bytes:
    return packed({f"BTCUSDT-metrics-{day}.csv": readings(day).encode()})


def true_checksum(day: date, body: bytes) -> bytes:
    return f"{hashlib.sha256(body).hexdigest()}  BTCUSDT-metrics-{day}.zip\n".encode()


def settled(feed: Feed, dataset: str, gathered: Gathered) -> dict[date, tuple[str, str | None]]:
    """The state and the reason of each day of an ask."""
    normalized = normalize_by_day(feed.dataset, "binance", gathered)
    source = replace(BINANCE, feeds=(replace(feed, series=(gathered.ask.series,)),))
    wanted = backfill_days(due_days([source], gathered.ask.days, Books([]), NOW), Mode.missing)
    counts = dict(normalized.rows.group_by("date").len().iter_rows())
    evidence = Evidence(gathered.ask.series, counts, set(), gathered.error, NOW, NOW, problems=normalized.problems)
    assert dataset == feed.dataset.name
    return {day: (found.state, found.reason) for day, found in judge_days(evidence, wanted, loaded_before=None).items()}


def asked(first: date = date(2024, 10, 1), last: date = date(2024, 12, 8)) -> Ask:
    return ask_of(BINANCE, "open_interest", "BTC", first, last, now=NOW)


def test_a_daily_file_whose_checksum_never_matches_costs_its_day() -> None:
    archive = Archive(good, lambda day, body: b"0" * 64 if day == BAD else true_checksum(day, body))
    days = settled(METRICS, "open_interest", drive(METRICS, asked(), archive))
    assert {day for day, (state, _) in days.items() if state != "loaded"} == {BAD}
    state, reason = days[BAD]
    assert state == "failed"
    assert str(reason).startswith(f"SourceUnavailable: expected BTCUSDT-metrics-{BAD}.zip with the checksum")
    assert len(days) == 69


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_cannot_be_unpacked_costs_its_day(kind: str) -> None:
    archive = Archive(lambda day: damaged(good(day), kind) if day == BAD else good(day), true_checksum)
    days = settled(METRICS, "open_interest", drive(METRICS, asked(date(2024, 11, 10), date(2024, 11, 20)), archive))
    assert {day for day, (state, _) in days.items() if state != "loaded"} == {BAD}
    assert f"BTCUSDT-metrics-{BAD}.zip" in str(days[BAD][1])


def test_a_second_run_asks_only_for_what_failed() -> None:
    """Two lost days that lie apart are two asks: the files between them are not asked for again."""
    failed = [date(2024, 11, 5), BAD]
    source = replace(BINANCE, feeds=(replace(METRICS, series=(asked().series,)),))
    due = due_days([source], Interval(date(2024, 10, 1), date(2024, 12, 9)), Books([]), NOW)
    wanted = due.with_columns(
        state=pl.when(pl.col("date").is_in(failed)).then(pl.lit("failed")).otherwise(pl.lit("loaded"))
    )
    (batch,) = batches([source], backfill_days(wanted, Mode.missing), NOW)
    assert [list(ask.days) for ask in batch.asks] == [[day] for day in failed]


PAYMENTS = "calc_time,funding_interval_hours,last_funding_rate\n"


def months(request: Request, odd: Callable[[bytes], bytes], *, with_rest: bool = True) -> Answer:
    """Three months of funding payments; the file of May 2024 is damaged, and REST may have its days."""
    url = request.url
    if "fundingInfo" in url:
        return answer(request, [], now=NOW)
    if "fapi" in url:
        if not with_rest:
            raise SourceUnavailable("expected an answer, found none")
        first, last = int(request.params["startTime"]), int(request.params["endTime"])
        times = range(-(-first // 28_800_000) * 28_800_000, last + 1, 28_800_000)
        rows = [{"symbol": "BTCUSDT", "fundingTime": at, "fundingRate": "0.0001", "markPrice": ""} for at in times]
        return answer(request, rows[:1000], now=NOW)
    month = date.fromisoformat(f"{url.partition('-fundingRate-')[2][:7]}-01")
    start = datetime(month.year, month.month, 1, tzinfo=UTC)
    text = PAYMENTS
    while start.month == month.month:
        text += f"{round(start.timestamp() * 1000)},8,0.0001\n"
        start += timedelta(hours=8)
    name = f"BTCUSDT-fundingRate-{month:%Y-%m}.zip"
    body = packed({name.replace("zip", "csv"): text.encode()})
    if month.month == 5:
        body = odd(body)
    if url.endswith(".CHECKSUM"):
        body = f"{hashlib.sha256(body).hexdigest()}  {name}\n".encode()
    return answer(request, body, now=NOW)


def spring() -> Ask:
    return ask_of(BINANCE, "funding_rates", "BTC", date(2024, 4, 1), date(2024, 6, 30), now=NOW)


ODD_MONTHS: dict[str, Callable[[bytes], bytes]] = {
    **{kind: partial(damaged, kind=kind) for kind in KINDS},
    "nothing but a header": lambda _: packed({"x.csv": PAYMENTS.encode()}),
}


@pytest.mark.parametrize("kind", ODD_MONTHS)
def test_what_rest_still_has_of_a_lost_month_is_taken_from_there(kind: str) -> None:
    gathered = drive(FUNDING, spring(), lambda request: months(request, ODD_MONTHS[kind]))
    days = settled(FUNDING, "funding_rates", gathered)
    assert {state for state, _ in days.values()} == {"loaded"}
    (lost,) = gathered.lost
    assert (lost.days.start, lost.days.last) == (date(2024, 5, 1), date(2024, 5, 31))
    assert "BTCUSDT-fundingRate-2024-05.zip" in str(lost.problem)


def test_what_nobody_has_of_a_lost_month_fails_and_the_other_months_load() -> None:
    days_a_page = Interval(date(2024, 4, 1), date(2024, 7, 1)).split(30)

    def fetch(request: Request) -> Answer:
        assert request.days is not None
        if request.days.start == date(2024, 5, 1):
            raise SourceUnavailable("expected 200, found 503")
        return answer(request, [], now=NOW)

    plan = windows(days_a_page, lambda days: Request("https://example.org/page", {"from": f"{days.start}"}))
    followed = follow(plan, fetch, "pages")
    assert (len(followed.answers), followed.error) == (3, None)
    assert [(lost.days.start, lost.days.last, str(lost.problem)) for lost in followed.lost] == [
        (date(2024, 5, 1), date(2024, 5, 30), "expected 200, found 503")
    ]


class Fault(Exception):
    """An error that nobody foresaw."""


def failing(fault: BaseException) -> Followed:
    def fetch(_: Request) -> Answer:
        raise fault

    return follow(FUNDING.plan(spring()), fetch, "BTC")


def test_an_exception_that_nobody_foresaw_costs_the_ask_and_is_named_with_its_place() -> None:
    followed = failing(Fault("odd"))
    assert isinstance(followed.error, PayloadChanged)
    assert "Fault('odd') at flows." in str(followed.error)


@pytest.mark.parametrize("fault", [RunStopped("stopped"), HomeRefused("no room")])
def test_an_interrupt_and_a_full_disk_are_no_failure_of_an_ask(fault: Exception) -> None:
    with pytest.raises(type(fault)):
        failing(fault)


@pytest.mark.parametrize("fault", [SourceUnavailable("later"), PayloadChanged("odd")])
def test_a_plan_without_pieces_ends_with_its_error(fault: PipelineError) -> None:
    plan = feed_of(sources()["bitmex"], "funding_rates").plan
    ask = ask_of("bitmex", "funding_rates", "BTC", date(2024, 12, 1), date(2024, 12, 9))

    def fetch(_: Request) -> Answer:
        raise fault

    assert follow(plan(ask), fetch, "BTC").error is fault


FEEDS = [
    pytest.param(source.name, feed.dataset.name, id=f"{source.name}-{feed.dataset.name}")
    for source in sources().values()
    for feed in source.feeds
]


@pytest.mark.parametrize(("source", "dataset"), FEEDS)
def test_no_plan_keeps_to_itself_what_it_lost(simulator: Simulator, source: str, dataset: str) -> None:
    """A plan reports the days of each file or page that cannot be had, or ends with an error."""
    feed = feed_of(sources()[source], dataset)
    last = date(2024, 12, 8)
    series = next(series for series in feed.series if series.since <= last <= (series.until or date.max))
    ask = ask_of(source, dataset, series.name, max(series.since, last - 39 * ONE_DAY), last, now=NOW)
    wire = Wire(simulator)
    refused: set[date] = set()

    def fetch(request: Request) -> Answer:
        if request.days is None:
            return wire.fetch(request)
        refused.update(request.days)
        raise SourceUnavailable("expected an answer, found none")

    gathered = drive(feed, ask, fetch)
    told = {day for lost in gathered.lost for day in lost.days}
    assert gathered.error is not None or told == refused
