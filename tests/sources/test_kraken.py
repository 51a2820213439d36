"""Kraken: what its plan asks, and the rows from the simulator."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import polars as pl
import pytest

from expectations.errors import PayloadChanged, SourceRefused, SourceUnavailable
from flows.simulator import Misbehaviour, Simulator
from flows.source import Request
from flows.sources import coinbase, kraken
from flows.steps.collect import drive
from tests.asking import Wire, answer, ask_of, days_back, feed_of
from tests.gathering import at, broken_rules, rows_of

NEW_YEARS_NIGHT = datetime(2025, 1, 1, 0, 30, tzinfo=UTC)
LAST = date(2024, 12, 31)
FEED = feed_of(kraken.SOURCE, "spot_prices")


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NEW_YEARS_NIGHT) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    return Wire(simulator)


def test_everything_since_the_second_before_is_asked_for() -> None:
    ask = ask_of("kraken", "spot_prices", "ETH", date(2024, 12, 9), date(2024, 12, 9))
    (request,) = kraken.plan_days(ask)
    assert request.address == "https://api.kraken.com/0/public/OHLC?pair=ETHUSD&interval=1440&since=1733702399"
    assert request.labels == {"asset": "ETH", "pair": "XETHZUSD"}


@pytest.mark.parametrize("series", ["BTC", "ETH"])
@pytest.mark.parametrize("count", [1, 2, 400, 720])
def test_days_come_exactly_once_in_one_request(wire: Wire, series: str, count: int) -> None:
    ask = ask_of("kraken", "spot_prices", series, days_back(count, LAST), LAST, now=NEW_YEARS_NIGHT)
    rows = rows_of("kraken", "spot_prices", drive(FEED, ask, wire.fetch))
    assert rows["date"].to_list() == list(ask.days)
    assert len(wire.sent) == sum(FEED.requests(ask).values()) == 1
    assert broken_rules("spot_prices", rows) == set()
    assert rows["quote"].unique().to_list() == ["USD"]
    assert rows["volume_usd"].null_count() == 0


def test_what_is_older_than_720_days_is_out_of_reach(wire: Wire) -> None:
    ask = ask_of("kraken", "spot_prices", "BTC", days_back(721, LAST), LAST, now=NEW_YEARS_NIGHT)
    rows = rows_of("kraken", "spot_prices", drive(FEED, ask, wire.fetch))
    assert rows["date"].to_list() == list(ask.days)[1:]


def test_the_running_day_is_left_out_though_it_is_served(wire: Wire) -> None:
    ask = ask_of("kraken", "spot_prices", "BTC", LAST, date(2025, 1, 1), now=NEW_YEARS_NIGHT)
    gathered = drive(FEED, ask, wire.fetch)
    result = gathered.answers[0].json()["result"]
    assert result["XXBTZUSD"][-1][0] * 1000 == at(2025, 1, 1)
    assert result["last"] * 1000 == at(2024, 12, 31)
    assert rows_of("kraken", "spot_prices", gathered)["date"].to_list() == [LAST]


@pytest.mark.parametrize(
    ("errors", "kind"),
    [
        (["EAPI:Rate limit exceeded"], SourceUnavailable),
        (["EService:Busy"], SourceUnavailable),
        (["EGeneral:Temporary lockout"], SourceUnavailable),
        (["EQuery:Unknown asset pair"], SourceRefused),
        (["EGeneral:Invalid arguments"], SourceRefused),
        ("maintenance", SourceRefused),
    ],
)
def test_a_list_with_something_on_it_is_an_error(errors: object, kind: type[Exception]) -> None:
    request = next(kraken.plan_days(ask_of("kraken", "spot_prices", "BTC")))
    assert type(kraken.refusal(answer(request, {"error": errors}))) is kind
    assert kraken.refusal(answer(request, {"error": [], "result": {}})) is None


@pytest.mark.parametrize("key", ["result", "XXBTZUSD", "last"])
def test_a_renamed_field_is_noticed(wire: Wire, key: str) -> None:
    wire.simulator.misbehave([Misbehaviour("kraken", "shape", "always", key=key, rename="something_else")])
    gathered = drive(FEED, ask_of("kraken", "spot_prices", "BTC", now=NEW_YEARS_NIGHT), wire.fetch)
    with pytest.raises(PayloadChanged, match=f"expected an object (with|as) '{key}'"):
        rows_of("kraken", "spot_prices", gathered)


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"pair": "XBTKRW", "interval": 1440}, "EQuery:Unknown asset pair"),
        ({"pair": "XBTUSD"}, "EGeneral:Invalid arguments"),
        ({"pair": "XBTUSD", "interval": 1440, "since": "soon"}, "EGeneral:Invalid arguments:since"),
    ],
)
def test_the_simulator_refuses_in_kraken_words(wire: Wire, params: dict[str, str | int], error: str) -> None:
    one = wire.fetch(Request(kraken.OHLC, params=params))
    assert (one.status, one.json()) == (200, {"error": [error]})


def test_the_two_dollar_venues_agree(wire: Wire) -> None:
    both = []
    for source in (kraken.SOURCE, coinbase.SOURCE):
        ask = ask_of(source, "spot_prices", "BTC", days_back(90, LAST), LAST, now=NEW_YEARS_NIGHT)
        gathered = drive(feed_of(source, "spot_prices"), ask, wire.fetch)
        both.append(rows_of(source.name, "spot_prices", gathered).select("date", "close_usd"))
    joined = both[0].join(both[1], on="date", suffix="_there")
    assert joined.height == 90
    assert joined.filter((pl.col("close_usd") / pl.col("close_usd_there") - 1).abs() > 0.001).is_empty()
