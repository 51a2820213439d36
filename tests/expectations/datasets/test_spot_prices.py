"""Candles whose fields are read in another order or unit are blocked."""

import pytest

from tests.expectations.cases import blocked
from transforms.spot_prices import binance as spot
from transforms.spot_prices import coinbase

pytestmark = pytest.mark.slow

KLINE = [
    1733702400000, "101000.0", "101500.0", "94000.0", "97000.0", "40.0", 1733788799999, "3900000.0", 1, "20.0",
    "1940000.0", "0",
]  # fmt: skip
COINBASE = [1733702400, 94000.5, 101600, 101100, 97200.25, 9000.125]


def kline(**places: str) -> list[object]:
    """Binance's candle with other values at some places, such as `at_7`."""
    changed = list(KLINE)
    for place, value in places.items():
        changed[int(place.removeprefix("at_"))] = value
    return changed


def test_candles_as_they_are_pass() -> None:
    assert blocked("spot_prices", spot.normalize([KLINE], asset="BTC")) == set()
    assert blocked("spot_prices", coinbase.normalize([COINBASE], asset="BTC")) == set()


def test_coinbase_read_in_the_usual_order_is_blocked() -> None:
    time, low, high, first, last, volume = COINBASE
    usual = [time, first, high, low, last, volume]  # as if the order were open, high, low, close
    assert blocked("spot_prices", coinbase.normalize([usual], asset="BTC")) >= {"open_usd is not below low_usd"}
    swapped = [time, high, low, first, last, volume]
    assert blocked("spot_prices", coinbase.normalize([swapped], asset="BTC"))


@pytest.mark.parametrize(
    "mistaken",
    [
        pytest.param(kline(at_7="40.0"), id="quantity for turnover"),
        pytest.param(kline(at_5="3900000.0"), id="turnover for quantity"),
        pytest.param(kline(at_7="1940000.0"), id="takers' part for turnover"),
        pytest.param(kline(at_7="3900.0"), id="turnover in thousands"),
        pytest.param(
            kline(at_1="10100000", at_2="10150000", at_3="9400000", at_4="9700000", at_7="390000000"), id="cents"
        ),
        pytest.param(
            kline(at_1="140e6", at_2="141e6", at_3="139e6", at_4="140e6", at_7="5600e6"), id="won for dollars"
        ),
    ],
)
def test_candles_with_a_mistake_are_blocked(mistaken: list[object]) -> None:
    assert blocked("spot_prices", spot.normalize([mistaken], asset="BTC"))
