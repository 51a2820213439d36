"""Kraken Futures: its plan by hand, its history against the simulator, and the simulator's page."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import requests

from flows.simulator import Simulator
from flows.sources import krakenfutures
from tests.asking import Wire, ask_of, feed_of, walk
from tests.paying import NIGHT, broken_rules, due, paid
from tests.tool import Tool, series_of

pytestmark = [pytest.mark.slow, pytest.mark.marts()]

PATH = "futures.kraken.com/derivatives/api/v3/historical-funding-rates"


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with Simulator(now=NIGHT) as served:
        yield Wire(served)


@pytest.mark.parametrize("count", [1, 40, 366])
def test_one_answer_brings_every_hour_exactly_once(wire: Wire, count: int) -> None:
    wire.sent.clear()
    gathered, rows = paid(wire, "krakenfutures", count)
    assert gathered.error is None
    assert rows["settled_at"].to_list() == due(gathered.ask.days, 1)
    assert (rows["settled_at"] - rows["stamped_at"]).unique().to_list() == [timedelta(hours=1)]
    assert broken_rules(rows) == []
    stated = feed_of(krakenfutures.SOURCE, "funding_rates").requests(gathered.ask)
    assert Counter(request.host for request in wire.sent) == stated == {krakenfutures.HOST: 1}


def test_the_contract_is_all_that_is_asked() -> None:
    (request,) = walk(krakenfutures.plan_history(ask_of("krakenfutures", "funding_rates", "ETH")), [{}])
    assert request.address == f"https://{PATH}?symbol=PF_ETHUSD"
    assert request.labels == {"asset": "ETH"}


def test_days_before_the_year_that_is_kept_have_perished_and_none_is_cut(tmp_path: Path) -> None:
    with Simulator(now=NIGHT) as served:
        tool = Tool(tmp_path / "home", served.url, sources="krakenfutures", start="2023-12-01", now=NIGHT)
        said = tool("backfill", "2023-12-01", "2024-12-31")
    assert said.code == 0, said.err
    states = (
        "select state, min(date), max(date), count(*) from ops.ledger "
        "where series = 'BTC' and dataset = 'funding_rates' group by 1"
    )
    assert sorted(tool.ask(states)) == [
        ("loaded", date(2024, 1, 1), date(2024, 12, 31), 366),
        ("not_yet", date(2025, 1, 1), date(2025, 1, 1), 1),
        ("perished", date(2023, 12, 1), date(2023, 12, 31), 31),
    ]
    assert tool.one("select count(*) from core.funding_rates") == 24 * 366 * series_of("krakenfutures", "funding_rates")


# The simulator's page ------------------------------------------------------------------------------------------------


def test_the_running_hour_is_listed_and_absolute_rates_are_in_dollars(wire: Wire) -> None:
    found = requests.get(f"{wire.simulator.url}/{PATH}?symbol=PF_XBTUSD", timeout=10).json()
    assert set(found) == {"result", "serverTime", "rates"}
    assert (found["result"], found["serverTime"]) == ("success", "2025-01-01T00:30:00.000Z")
    newest = found["rates"][-1]
    assert set(newest) == {"timestamp", "fundingRate", "relativeFundingRate"}
    assert newest["timestamp"] == "2025-01-01T00:00:00.000Z"
    assert newest["fundingRate"] / newest["relativeFundingRate"] == pytest.approx(95_000, rel=0.2)
    stamps = [datetime.fromisoformat(row["timestamp"]) for row in found["rates"]]
    assert stamps[0] == datetime(2023, 12, 30, 1, tzinfo=UTC)
    assert stamps == [stamps[0] + timedelta(hours=number) for number in range(len(stamps))]


def test_an_unknown_contract_is_a_bad_request(wire: Wire) -> None:
    refused = requests.get(f"{wire.simulator.url}/{PATH}?symbol=PF_NOPEUSD", timeout=10)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, 11)
