"""Kraken Futures' open interest and volumes of liquidations: their pages by hand and against the simulator."""

from collections.abc import Iterator
from datetime import date

import pytest
import requests

from expectations.errors import PayloadChanged
from flows.simulator import Simulator
from flows.sources import krakenfutures
from flows.steps.collect import drive
from tests.asking import Wire, ask_of, days_back, feed_of, walk
from tests.gathering import broken_rules, rows_of
from tests.paying import LAST, NIGHT

INTEREST = feed_of(krakenfutures.SOURCE, "open_interest")
BARS = ("open_interest", "unconfirmed_liquidations")
PATH = "futures.kraken.com/api/charts/v1/analytics/PF_XBTUSD/open-interest"
DAY = 86_400
MIDNIGHT = 1_733_702_400  # 2024-12-09


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with Simulator(now=NIGHT) as served:
        yield Wire(served)


def page(*stamps: int, more: bool) -> object:
    return {"result": {"timestamp": list(stamps), "data": [], "more": more}, "errors": []}


def test_pages_are_walked_forward_while_there_are_more() -> None:
    ask = ask_of("krakenfutures", "open_interest", "BTC", date(2024, 12, 7), date(2024, 12, 9))
    pages = [page(MIDNIGHT - 2 * DAY, more=True), page(MIDNIGHT - DAY, MIDNIGHT, more=False)]
    first, second = walk(INTEREST.plan(ask), pages)
    assert first.address == (f"https://{PATH}?since={MIDNIGHT - 2 * DAY}&to={MIDNIGHT + DAY - 1}&interval=86400")
    assert first.labels == {"asset": "BTC", "symbol": "PF_XBTUSD"}
    assert second.params["since"] == MIDNIGHT - DAY


def test_a_page_that_brings_nothing_newer_is_not_asked_for_forever() -> None:
    ask = ask_of("krakenfutures", "open_interest", "BTC")
    for odd in (page(more=True), page(MIDNIGHT - DAY, more=True)):
        with pytest.raises(PayloadChanged, match=r"expected (rows|bars) from"):
            walk(INTEREST.plan(ask), [odd, odd])


@pytest.mark.parametrize("asset", ["BTC", "ETH"])
@pytest.mark.parametrize("count", [1, 100, 366])
@pytest.mark.parametrize("dataset", BARS)
def test_every_day_comes_exactly_once(wire: Wire, dataset: str, asset: str, count: int) -> None:
    wire.sent.clear()
    ask = ask_of("krakenfutures", dataset, asset, days_back(count, LAST), LAST, now=NIGHT)
    rows = rows_of("krakenfutures", dataset, drive(feed_of(krakenfutures.SOURCE, dataset), ask, wire.fetch))
    assert rows["date"].to_list() == list(ask.days)
    assert broken_rules(dataset, rows) == set()
    assert len(wire.sent) == -(-count // 100)


def test_liquidations_are_asked_for_beside_open_interest() -> None:
    ask = ask_of("krakenfutures", "unconfirmed_liquidations", "BTC", date(2024, 12, 8), date(2024, 12, 9))
    (asked,) = walk(feed_of(krakenfutures.SOURCE, "unconfirmed_liquidations").plan(ask), [page(more=False)])
    assert asked.address == (
        "https://futures.kraken.com/api/charts/v1/analytics/PF_XBTUSD/liquidation-volume"
        f"?since={MIDNIGHT - DAY}&to={MIDNIGHT + DAY - 1}&interval=86400"
    )


def test_the_day_of_the_fall_closed_more_than_the_days_before_it_and_no_more_than_was_traded(wire: Wire) -> None:
    def bars(kind: str) -> list[float]:
        params = {"since": str(MIDNIGHT - 3 * DAY), "interval": str(DAY), "to": str(MIDNIGHT)}
        address = f"{wire.simulator.url}/{PATH.replace('open-interest', kind)}"
        told = requests.get(address, params=params, timeout=10).json()["result"]
        assert told["timestamp"] == [MIDNIGHT - DAY * back for back in (3, 2, 1, 0)]
        return [float(one) for one in told["data"]]

    closed, traded = bars("liquidation-volume"), bars("trade-volume")
    assert closed[-1] == max(closed) > 2 * closed[0]
    assert all(0 < mine < all_of_it for mine, all_of_it in zip(closed, traded, strict=True))


def test_the_close_of_a_day_is_the_open_of_the_next(wire: Wire) -> None:
    params = {"since": str(MIDNIGHT), "interval": str(DAY), "to": str(MIDNIGHT + DAY)}
    result = requests.get(f"{wire.simulator.url}/{PATH}", params=params, timeout=10).json()["result"]
    assert result["timestamp"] == [MIDNIGHT, MIDNIGHT + DAY]
    assert result["data"][0][3] == result["data"][1][0]
    refused = requests.get(f"{wire.simulator.url}/{PATH}", params={**params, "interval": "7"}, timeout=10)
    assert (refused.status_code, refused.json()["errors"][0]["msg"]) == (400, "interval")
