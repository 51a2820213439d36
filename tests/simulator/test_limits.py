"""Rate limits: what each provider counts, and how it refuses what exceeds them."""

import pytest

from tests.simulator.client import COINBASE, UPBIT, YIELDS, served

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("target", "budget", "says_when"),
    [
        (f"{COINBASE}/BTC-USD/candles?granularity=86400", 10, False),
        (f"{UPBIT}?market=KRW-BTC", 10, False),
        ("fapi.binance.com/fapi/v1/time", 500, True),
        (f"{YIELDS}/nonsense", 500, True),
    ],
)
def test_rate_limits_refuse_in_the_providers_shape(target: str, budget: int, *, says_when: bool) -> None:
    for client in served(limits=True):
        codes = [client.ask(target).status_code for _ in range(budget)]
        assert 429 not in codes
        refused = client.ask(target)
        assert refused.status_code == 429
        assert ("Retry-After" in refused.headers) is says_when


def test_an_endpoint_with_a_limit_of_its_own_is_counted_by_itself_and_in_hasty_time() -> None:
    status = "api-pub.bitfinex.com/v2/status/deriv/tBTCF0:USTF0/hist"
    liquidations = "api-pub.bitfinex.com/v2/liquidations/hist"
    for client in served(limits=True):
        assert [client.ask(liquidations).status_code for _ in range(4)] == [200, 200, 200, 429]
        assert client.ask(status).status_code == 200
    for client in served(limits=True, haste=1e9):
        assert {client.ask(liquidations).status_code for _ in range(4)} == {200}
