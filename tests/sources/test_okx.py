"""OKX: what its plans ask, and the rows from the simulator."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from expectations.errors import PayloadChanged, SourceRefused, SourceUnavailable
from flows.simulator import Misbehaviour, Simulator
from flows.source import Request
from flows.sources import okx
from flows.steps.collect import drive
from tests.asking import Wire, answer, ask_of, days_back, feed_of, walk
from tests.gathering import at, broken_rules, days_of, rows_of

NEW_YEARS_NIGHT = datetime(2025, 1, 1, 0, 30, tzinfo=UTC)
LAST = date(2024, 12, 31)
CANDLES = feed_of(okx.SOURCE, "spot_prices")
PAYMENTS = feed_of(okx.SOURCE, "funding_rates")


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NEW_YEARS_NIGHT) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    return Wire(simulator)


def test_candles_are_walked_backward_from_an_exclusive_end() -> None:
    ask = ask_of("okx", "spot_prices", "BTC", date(2024, 9, 1), date(2024, 12, 9))
    first = [[str(at(2024, 12, day))] for day in range(9, 0, -1)]
    rest = [[str(at(2024, 12, 1) - day * 86_400_000)] for day in range(1, 92)]
    asked = walk(okx.plan_candles(ask), [{"data": first}, {"data": rest}])
    assert asked[0].address == (
        "https://www.okx.com/api/v5/market/history-candles?instId=BTC-USDT&bar=1Dutc&after=1733788800000&limit=300"
    )
    assert asked[1].params["after"] == at(2024, 12, 1)
    assert asked[0].labels == {"asset": "BTC"}


def test_payments_are_walked_until_one_lies_before_the_first_day() -> None:
    ask = ask_of("okx", "funding_rates", "ETH", date(2024, 12, 9), date(2024, 12, 9))
    hours = [at(2024, 12, 9, hour) for hour in (16, 8, 0)]
    pages = [
        {"data": [{"fundingTime": str(hour)} for hour in hours]},
        {"data": [{"fundingTime": str(hour)} for hour in (hours[2], at(2024, 12, 8, 16))]},
    ]
    asked = walk(okx.plan_funding(ask), pages)
    assert asked[0].params == {"instId": "ETH-USDT-SWAP", "after": at(2024, 12, 10), "limit": 100}
    assert asked[1].params["after"] == hours[1]  # so that the oldest payment comes again, with the one before it
    assert asked[0].labels == {"asset": "ETH", "symbol": "ETH-USDT-SWAP"}


@pytest.mark.parametrize("count", [1, 299, 300, 301, 600, 601])
def test_candles_come_exactly_once_in_the_stated_requests(wire: Wire, count: int) -> None:
    ask = ask_of("okx", "spot_prices", "BTC", days_back(count, LAST), LAST, now=NEW_YEARS_NIGHT)
    gathered = drive(CANDLES, ask, wire.fetch)
    rows = rows_of("okx", "spot_prices", gathered)
    assert sorted(rows["date"]) == list(ask.days)
    assert Counter(request.host for request in wire.sent) == CANDLES.requests(ask)
    assert broken_rules("spot_prices", rows) == set()
    assert rows["quote"].unique().to_list() == ["USDT"]


@pytest.mark.parametrize(("count", "pages"), [(1, 1), (33, 1), (34, 2), (66, 2), (67, 3), (90, 3)])
def test_payments_come_exactly_once_in_the_stated_requests(wire: Wire, count: int, pages: int) -> None:
    ask = ask_of("okx", "funding_rates", "BTC", days_back(count, LAST), LAST, now=NEW_YEARS_NIGHT)
    gathered = drive(PAYMENTS, ask, wire.fetch)
    rows = rows_of("okx", "funding_rates", gathered).sort("settled_at")
    hours = [ask.days.starts_at + timedelta(hours=8 * number) for number in range(3 * count)]
    assert rows["settled_at"].to_list() == hours
    assert rows["interval_hours"].unique().to_list() == [8]
    assert len(wire.sent) == pages
    assert PAYMENTS.requests(ask) == {okx.HOST: pages}
    assert broken_rules("funding_rates", rows) == set()


def test_the_running_day_is_left_out_though_it_is_served(wire: Wire) -> None:
    ask = ask_of("okx", "spot_prices", "BTC", LAST, date(2025, 1, 1), now=NEW_YEARS_NIGHT)
    gathered = drive(CANDLES, ask, wire.fetch)
    newest = gathered.answers[0].json()["data"][0]
    assert (newest[0], newest[-1]) == (str(at(2025, 1, 1)), "0")
    assert rows_of("okx", "spot_prices", gathered)["date"].to_list() == [LAST]


def test_what_rest_no_longer_has_is_asked_for_twice_and_not_there(wire: Wire) -> None:
    by_rest = replace(PAYMENTS, plan=okx.plan_payments)
    ask = ask_of("okx", "funding_rates", "BTC", date(2024, 9, 1), date(2024, 9, 5), now=NEW_YEARS_NIGHT)
    gathered = drive(by_rest, ask, wire.fetch)
    assert [one.json()["data"] for one in gathered.answers] == [[], []]
    edge = ask_of("okx", "funding_rates", "BTC", date(2024, 9, 20), date(2024, 10, 5), now=NEW_YEARS_NIGHT)
    rows = rows_of("okx", "funding_rates", drive(by_rest, edge, wire.fetch))
    # The first day of the window lacks its first payment, whose interval is unknown, and is held back.
    assert rows["date"].min() == date(2024, 9, 29)
    assert rows.filter(pl.col("date") == date(2024, 9, 29)).height == 1
    assert rows.filter(pl.col("date") > date(2024, 9, 29)).height == 3 * 6


@pytest.mark.parametrize("every", [2, 3, 7])
def test_a_payment_that_is_left_out_never_fills_its_day(wire: Wire, every: int) -> None:
    wire.simulator.misbehave([Misbehaviour("funding-rate-history", "drop", "always", drop_every=every)])
    ask = ask_of("okx", "funding_rates", "BTC", days_back(60, LAST), LAST, now=NEW_YEARS_NIGHT)
    rows, refused, _ = days_of("okx", "funding_rates", drive(PAYMENTS, ask, wire.fetch))
    whole = rows.group_by("date").agg(pl.len(), pl.col("interval_hours").sum())
    assert whole.filter(pl.col("len") < 3).height + len(refused) > 0
    assert whole.height + len(refused) == 60
    assert whole.filter(pl.col("len") < 3, pl.col("interval_hours") >= 24).is_empty()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("50011", SourceUnavailable),
        ("50013", SourceUnavailable),
        ("50026", SourceUnavailable),
        ("51000", SourceRefused),
        ("51001", SourceRefused),
        ("1", SourceRefused),
    ],
)
def test_a_code_other_than_zero_is_an_error(code: str, kind: type[Exception]) -> None:
    request = next(okx.plan_candles(ask_of("okx", "spot_prices", "BTC")))
    assert type(okx.refusal(answer(request, {"code": code, "msg": "", "data": []}))) is kind
    assert okx.refusal(answer(request, {"code": "0", "msg": "", "data": []})) is None


@pytest.mark.parametrize("key", ["data", "fundingTime"])
def test_a_renamed_field_stops_the_plan(wire: Wire, key: str) -> None:
    wire.simulator.misbehave([Misbehaviour("okx", "shape", "always", key=key, rename="something_else")])
    gathered = drive(PAYMENTS, ask_of("okx", "funding_rates", "BTC", now=NEW_YEARS_NIGHT), wire.fetch)
    assert isinstance(gathered.error, PayloadChanged)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("market/history-candles?instId=NO&bar=1Dutc", "51001"),
        ("market/history-candles?instId=BTC-USDT&bar=1Y", "51000"),
        ("market/history-candles?instId=BTC-USDT&bar=1Dutc&after=soon", "51000"),
        ("market/history-candles?instId=BTC-USDT&bar=1Dutc&limit=0", "51000"),
        ("public/funding-rate-history?instId=USDC-USDT-SWAP", "51001"),
    ],
)
def test_the_simulator_refuses_in_okx_words(wire: Wire, query: str, code: str) -> None:
    path, _, text = query.partition("?")
    params = dict(pair.split("=") for pair in text.split("&"))
    asked = Request(f"https://www.okx.com/api/v5/{path}", params=params)
    one = wire.fetch(asked)
    assert (one.status, one.json()["code"], one.json()["data"]) == (200, code, [])


def test_both_bounds_of_the_simulator_are_exclusive_and_its_pages_end(wire: Wire) -> None:
    between: dict[str, str | int] = {
        "instId": "BTC-USDT",
        "bar": "1Dutc",
        "before": at(2024, 12, 1),
        "after": at(2024, 12, 4),
    }
    found = wire.fetch(Request(okx.CANDLES, params=between)).json()["data"]
    assert [row[0] for row in found] == [str(at(2024, 12, 3)), str(at(2024, 12, 2))]
    whole: dict[str, str | int] = {"instId": "BTC-USDT", "bar": "1Dutc"}
    for limit, rows in (({}, 100), ({"limit": 300}, 300), ({"limit": 1000}, 300)):
        assert len(wire.fetch(Request(okx.CANDLES, params=whole | limit)).json()["data"]) == rows
