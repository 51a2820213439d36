"""Gate: its plan by hand, its statistics against the simulator, and the simulator's page."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
import requests

from expectations.errors import SourceRefused, SourceUnavailable
from flows.simulator import Simulator
from flows.sources import gate
from flows.steps.collect import drive
from tests.asking import Wire, answer, ask_of, days_back, feed_of, walk
from tests.gathering import broken_rules, rows_of
from tests.tool import Tool

pytestmark = [pytest.mark.slow, pytest.mark.marts("liquidations_total")]

NIGHT = datetime(2025, 1, 1, 0, 30, tzinfo=UTC)
LAST = date(2024, 12, 31)
PATH = "api.gateio.ws/api/v4/futures/usdt/contract_stats"
LIQUIDATIONS = feed_of(gate.SOURCE, "liquidations")
INTEREST = feed_of(gate.SOURCE, "open_interest")


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with Simulator(now=NIGHT) as served:
        yield Wire(served)


def asked(wire: Wire, asset: str, count: int) -> pl.DataFrame:
    ask = ask_of("gate", "liquidations", asset, days_back(count, LAST), LAST, now=NIGHT)
    return rows_of("gate", "liquidations", drive(LIQUIDATIONS, ask, wire.fetch)).sort("date")


def test_one_page_from_the_first_wanted_day_to_now_is_asked_for() -> None:
    ask = ask_of("gate", "liquidations", "ETH", date(2024, 12, 1), date(2024, 12, 5))
    (request,) = walk(gate.plan_statistics(ask), [[]])
    assert request.address == f"https://{PATH}?contract=ETH_USDT&interval=1d&from=1733011200&limit=10"
    assert request.labels == {"asset": "ETH"}


@pytest.mark.parametrize("count", [1, 30, 31, 178])
def test_every_day_comes_exactly_once_in_the_stated_requests(wire: Wire, count: int) -> None:
    wire.sent.clear()
    rows = asked(wire, "BTC", count)
    assert rows["date"].to_list() == list(ask_of("gate", "liquidations", "BTC", days_back(count, LAST), LAST).days)
    assert broken_rules("liquidations", rows) == set()
    assert Counter(request.host for request in wire.sent) == {gate.HOST: 1}


def test_open_interest_is_asked_for_by_the_hour_in_pages_of_41_days() -> None:
    ask = ask_of("gate", "open_interest", "BTC", days_back(42, LAST), LAST, now=NIGHT)
    first, second = walk(gate.plan_open_interest(ask), [[], []])
    assert first.address == f"https://{PATH}?contract=BTC_USDT&interval=1h&from=1732060800&limit=984"
    assert (second.params["from"], second.params["limit"]) == (1_735_603_200, 24)
    assert first.labels == {"asset": "BTC", "contract": "BTC_USDT"}


@pytest.mark.parametrize("asset", ["BTC", "ETH"])
@pytest.mark.parametrize("count", [1, 41, 42, 177])
def test_every_day_of_open_interest_comes_once_with_its_last_hour(wire: Wire, asset: str, count: int) -> None:
    wire.sent.clear()
    ask = ask_of("gate", "open_interest", asset, days_back(count, LAST), LAST, now=NIGHT)
    rows = rows_of("gate", "open_interest", drive(INTEREST, ask, wire.fetch)).sort("date")
    assert rows["date"].to_list() == list(ask.days)
    assert set(rows["stamped_at"].dt.hour()) == {23}
    assert rows["open_interest_usd_high"].null_count() == 0
    assert broken_rules("open_interest", rows) == set()
    assert Counter(request.host for request in wire.sent) == INTEREST.requests(ask)


def test_every_contract_has_values_of_a_plausible_size(wire: Wire) -> None:
    for series in LIQUIDATIONS.series:
        rows = asked(wire, series.name, 60)
        assert broken_rules("liquidations", rows) == set(), series.name
        assert rows["total_usd"].min() > 0, series.name  # type: ignore[operator]


def test_the_crash_of_december_closed_longs(wire: Wire) -> None:
    rows = asked(wire, "BTC", 60)
    crash = rows.row(by_predicate=pl.col("date") == date(2024, 12, 9), named=True)
    assert crash["long_usd"] > 10 * crash["short_usd"]
    assert crash["total_usd"] > 5 * rows["total_usd"].median()  # type: ignore[operator]


def test_days_that_gate_has_dropped_are_perished_and_all_others_are_had(tmp_path: Path) -> None:
    with Simulator(now=NIGHT) as served:
        tool = Tool(tmp_path / "home", served.url, sources="gate", start="2024-06-01", now=NIGHT)
        said = tool("backfill", "2024-06-01", "2024-12-31", "--series", "BTC")
    assert said.code == 0, said.err
    states = (
        "select state, min(date), max(date) from ops.ledger where series = 'BTC' and date < '2025-01-01' group by 1"
    )
    assert sorted(tool.ask(states)) == [
        ("loaded", date(2024, 7, 8), LAST),
        ("perished", date(2024, 6, 1), date(2024, 7, 7)),
    ]
    total = "select long_usd > short_usd, venues, is_lower_bound from liquidations_total"
    assert tool.ask(f"{total} where date = '2024-12-09'") == [(True, ["gate"], True)]


@pytest.mark.parametrize(
    ("label", "kind"),
    [("TOO_MANY_REQUESTS", SourceUnavailable), ("SERVER_ERROR", SourceUnavailable), ("NO_SUCH", SourceRefused)],
)
def test_a_label_in_place_of_rows_is_an_error(label: str, kind: type[Exception]) -> None:
    request = next(gate.plan_statistics(ask_of("gate", "liquidations", "BTC")))
    assert type(gate.refusal(answer(request, {"label": label, "message": ""}))) is kind
    assert gate.refusal(answer(request, [])) is None


# The simulator's page ------------------------------------------------------------------------------------------------


def ask(wire: Wire, **query: object) -> requests.Response:
    params = {"contract": "BTC_USDT", "interval": "1d", **{name: str(value) for name, value in query.items()}}
    return requests.get(f"{wire.simulator.url}/{PATH}", params=params, timeout=10)


def test_rows_run_forward_from_the_start_and_the_newest_day_runs(wire: Wire) -> None:
    day, first = 86_400, 1_735_516_800  # 2024-12-30
    found = ask(wire, **{"from": first, "limit": 100}).json()
    assert [row["time"] for row in found] == [first, first + day, first + 2 * day]
    assert [row["time"] for row in ask(wire, **{"from": first, "limit": 1}).json()] == [first]
    assert len(ask(wire).json()) == 30
    assert ask(wire).json()[-1]["time"] == first + 2 * day
    assert found[0]["long_liq_usd"] / found[0]["long_liq_amount"] == pytest.approx(found[0]["mark_price"], rel=0.1)
    assert isinstance(found[0]["long_liq_size"], str)


def test_what_is_older_than_180_days_is_refused(wire: Wire) -> None:
    edge = 1_735_691_400 - 180 * 86_400
    assert ask(wire, **{"from": edge}).status_code == 200
    refused = ask(wire, **{"from": edge - 1})
    assert (refused.status_code, refused.json()["label"]) == (400, "INVALID_PARAM_VALUE")
    assert "180-day limit" in refused.json()["message"]


@pytest.mark.parametrize("query", [{"contract": "BTCUSDT"}, {"interval": "1w"}, {"limit": 2001}, {"limit": "x"}])
def test_what_it_does_not_know_is_refused(wire: Wire, query: dict[str, object]) -> None:
    refused = ask(wire, **query)
    assert (refused.status_code, set(refused.json())) == (400, {"label", "message"})
