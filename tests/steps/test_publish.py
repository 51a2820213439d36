"""What several answers of one batch prove together."""

from datetime import UTC, date, datetime, timedelta

import orjson
import polars as pl

from expectations.interval import ONE_DAY, Interval
from flows.source import Answer, Ask, Gathered, Request
from flows.sources import coinbase
from flows.steps.normalize import normalize_by_day
from flows.steps.plan import Batch
from flows.steps.settle import Knowledge, read_all
from tests.asking import feed_of

FEED = feed_of(coinbase.SOURCE, "spot_prices")
(BITCOIN,) = (one for one in FEED.series if one.name == "BTC")
NOW = datetime(2024, 12, 10, 12, tzinfo=UTC)
EARLY = Interval.of_days(date(2024, 9, 1), date(2024, 9, 20))
LATE = Interval.of_days(date(2024, 11, 1), date(2024, 11, 30))


def answer(told: Interval, close: float = 100.0) -> Answer:
    candles = [
        [int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()), 90.0, 110.0, 95.0, close, 5.0]
        for day in reversed(list(told))
    ]
    request = Request("https://api.exchange.coinbase.com/x", labels={"asset": "BTC"}, transform="normalize")
    return Answer(request, 200, orjson.dumps(candles), NOW, "a")


def gathered(days: Interval, told: Interval, *, again: bool = True) -> Gathered:
    """Candles of some days, and an answer with the oldest of them, as if the days before had been asked for too."""
    oldest = Interval(told.start, min(told.end, told.start + 7 * ONE_DAY))
    return Gathered(Ask(BITCOIN, days, NOW), (answer(told), answer(oldest)) if again else (answer(told),), None)


def read(loaded: date | None, *parts: Gathered) -> list[set[str]]:
    asks = tuple(one.ask for one in parts)
    days = [day for ask in asks for day in ask.days]
    wanted = pl.DataFrame(
        {
            "series": "BTC",
            "date": days,
            "expected": True,
            "due_at": [datetime(day.year, day.month, day.day, tzinfo=UTC) + ONE_DAY for day in days],
            "perishes_at": None,
            "state": None,
            "reason": None,
            "observed_at": None,
        }
    )
    batch = Batch(coinbase.SOURCE, FEED, asks, wanted.with_columns(pl.col("due_at").dt.cast_time_unit("us")))
    readings = read_all(batch, parts, Knowledge(NOW, {} if loaded is None else {"BTC": loaded}))
    return [{outcome.state for outcome in one.days.values()} for one in readings]


def test_a_history_that_another_ask_of_the_batch_found_does_not_begin_again() -> None:
    half = Interval(LATE.start + timedelta(days=15), LATE.end)
    assert read(None, gathered(LATE, half)) == [{"verified_empty", "loaded"}]
    assert read(None, gathered(LATE, half, again=False)) == [{"failed", "loaded"}]
    assert read(EARLY.start, gathered(LATE, half)) == [{"failed", "loaded"}]
    assert read(None, gathered(EARLY, EARLY), gathered(LATE, half)) == [{"loaded"}, {"failed", "loaded"}]


def test_a_day_of_which_two_answers_say_different_things_is_refused_and_its_siblings_are_not() -> None:
    """Pages that overlap: a row that both have counts once, and a day on which they contradict is refused."""
    first, both = (Interval.of_days(date(2024, 11, one), date(2024, 11, 9)) for one in (1, 9))
    last = Interval.of_days(date(2024, 11, 10), date(2024, 11, 20))
    for close, kept in ((100.0, 20), (101.0, 19)):
        pages = (answer(first), answer(both, close), answer(last))
        rows, refused, _ = normalize_by_day(
            FEED.dataset, "coinbase", Gathered(Ask(BITCOIN, Interval(first.start, last.end), NOW), pages, None)
        )
        assert rows.height == kept
        assert list(refused) == [date(2024, 11, 9)] * (20 - kept)
