"""OKX's borrowing rates: what the plan asks, the rows from the simulator, and the recorded answers."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
import requests

from expectations.datasets.borrow_rates import BORROW_RATES
from expectations.errors import PayloadChanged
from flows.simulator import Misbehaviour, Simulator
from flows.source import Answer, Request
from flows.sources import okx
from flows.steps.collect import drive
from tests.asking import Wire, answer, ask_of, days_back, feed_of, walk
from tests.conftest import REPLAY
from tests.gathering import at, broken_rules, rows_of
from tests.replay import Replay
from tests.tool import SHARED
from transforms.borrow_rates.okx import normalize
from transforms.conform import conform

NEW_YEARS_NIGHT = datetime(2025, 1, 1, 0, 30, tzinfo=UTC)
LAST = date(2024, 12, 31)
RATES = feed_of(okx.SOURCE, "borrow_rates")
RECORDED = SHARED / "recordings" / "okx" / "lending_rate_history_BTC.json"
HOUR = 3_600_000


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NEW_YEARS_NIGHT) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    return Wire(simulator)


def test_each_page_holds_four_whole_days_and_says_which() -> None:
    ask = ask_of("okx", "borrow_rates", "USDT", date(2024, 12, 1), date(2024, 12, 9))
    asked = walk(okx.plan_rates(ask), [{"data": []}] * 3)
    assert asked[0].address == (
        "https://www.okx.com/api/v5/finance/savings/lending-rate-history?ccy=USDT&after=1733356800000&limit=100"
    )
    assert [one.params["after"] for one in asked] == [at(2024, 12, 5), at(2024, 12, 9), at(2024, 12, 10)]
    assert [one.labels for one in asked] == [
        {"asset": "USDT", "first": "2024-12-01", "last": "2024-12-04"},
        {"asset": "USDT", "first": "2024-12-05", "last": "2024-12-08"},
        {"asset": "USDT", "first": "2024-12-09", "last": "2024-12-09"},
    ]


def test_a_day_that_is_not_over_is_not_asked_for() -> None:
    running = ask_of("okx", "borrow_rates", "USDT", date(2024, 12, 8), date(2024, 12, 12))
    (only,) = walk(okx.plan_rates(running), [{"data": []}])
    assert (only.labels["first"], only.labels["last"]) == ("2024-12-08", "2024-12-09")
    assert list(okx.plan_rates(ask_of("okx", "borrow_rates", "USDT", date(2024, 12, 10), date(2024, 12, 12)))) == []


@pytest.mark.parametrize("coin", ["USDT", "USDC"])
@pytest.mark.parametrize("count", [1, 3, 4, 5, 8, 120])
def test_days_come_exactly_once_in_the_stated_requests(wire: Wire, coin: str, count: int) -> None:
    ask = ask_of("okx", "borrow_rates", coin, days_back(count, LAST), LAST, now=NEW_YEARS_NIGHT)
    gathered = drive(RATES, ask, wire.fetch)
    rows = rows_of("okx", "borrow_rates", gathered)
    assert rows["date"].to_list() == list(ask.days)
    assert Counter(request.host for request in wire.sent) == RATES.requests(ask)
    assert rows["samples"].unique().to_list() == [24]
    assert broken_rules("borrow_rates", rows) == set()


def test_a_day_is_the_mean_of_its_own_24_hours(wire: Wire) -> None:
    ask = ask_of("okx", "borrow_rates", "USDT", date(2024, 12, 9), date(2024, 12, 9), now=NEW_YEARS_NIGHT)
    gathered = drive(RATES, ask, wire.fetch)
    page = gathered.answers[0].json()["data"]
    assert len(page) == 100  # and the last hours of 5 December
    hours = {int(row["ts"]): float(row["rate"]) for row in page}
    mine = [hours[at(2024, 12, 9) + number * HOUR] for number in range(24)]
    (row,) = rows_of("okx", "borrow_rates", gathered).to_dicts()
    assert row["borrow_apr"] == pytest.approx(sum(mine) / 24, rel=1e-12)
    assert row["borrow_apr_max"] == max(mine)
    assert row["stamped_at"] == datetime(2024, 12, 9, 23, tzinfo=UTC)
    assert row["available_at"] == datetime(2024, 12, 10, tzinfo=UTC)
    assert 0.3 < row["borrow_apr"] < 0.5


def test_the_first_day_is_whole_and_the_one_before_it_would_be_held_back(wire: Wire) -> None:
    (since,) = {series.since for series in RATES.series}
    first = ask_of("okx", "borrow_rates", "USDT", since - timedelta(days=1), since, now=NEW_YEARS_NIGHT)
    rows = rows_of("okx", "borrow_rates", drive(RATES, first, wire.fetch))
    assert rows.select("date", "samples").rows() == [(date(2021, 12, 14), 16), (date(2021, 12, 15), 24)]
    assert broken_rules("borrow_rates", rows) == {"an hourly mean is of 20 to 24 hours"}
    earlier = ask_of("okx", "borrow_rates", "USDT", date(2021, 11, 1), date(2021, 11, 4), now=NEW_YEARS_NIGHT)
    assert rows_of("okx", "borrow_rates", drive(RATES, earlier, wire.fetch)).is_empty()


@pytest.mark.parametrize("every", [2, 5, 12])
def test_hours_that_are_left_out_show_and_too_many_hold_their_day_back(wire: Wire, every: int) -> None:
    wire.simulator.misbehave([Misbehaviour("lending-rate-history", "drop", "always", drop_every=every)])
    ask = ask_of("okx", "borrow_rates", "USDT", days_back(40, LAST), LAST, now=NEW_YEARS_NIGHT)
    rows = rows_of("okx", "borrow_rates", drive(RATES, ask, wire.fetch))
    assert rows.filter(pl.col("samples") > 23).is_empty()
    few = rows.filter(pl.col("samples") < 20).height
    assert (few > 0) == (every < 12)
    assert ("an hourly mean is of 20 to 24 hours" in broken_rules("borrow_rates", rows)) == (few > 0)


@pytest.mark.parametrize("key", ["data", "rate", "ts", "ccy"])
def test_a_renamed_field_is_refused(wire: Wire, key: str) -> None:
    wire.simulator.misbehave([Misbehaviour("okx", "shape", "always", key=key, rename="something_else")])
    gathered = drive(RATES, ask_of("okx", "borrow_rates", "USDT", now=NEW_YEARS_NIGHT), wire.fetch)
    with pytest.raises(PayloadChanged):
        rows_of("okx", "borrow_rates", gathered)


def test_the_simulator_obeys_its_clock_and_its_bounds(wire: Wire) -> None:
    def stamps(**params: str | int) -> list[int]:
        data = wire.fetch(Request(okx.RATES, params={"ccy": "USDT", **params})).json()["data"]
        return [int(row["ts"]) for row in data]

    assert stamps()[0] == at(2025, 1, 1)
    assert len(stamps()) == len(stamps(limit=1000)) == 100
    assert stamps(after=at(2024, 12, 9, 3), before=at(2024, 12, 9)) == [at(2024, 12, 9, 2), at(2024, 12, 9, 1)]
    refused = wire.fetch(Request(okx.RATES, params={"ccy": "DOGE"})).json()
    assert (refused["code"], refused["data"]) == ("51000", [])


@pytest.mark.skipif(not RECORDED.exists(), reason="no recorded answers beside the repository")
def test_recorded_hours_of_bitcoin_and_the_simulated_ones_have_one_shape(wire: Wire) -> None:
    real = json.loads(RECORDED.read_text(encoding="utf-8-sig"))
    ours = wire.fetch(Request(okx.RATES, params={"ccy": "USDT"})).json()
    for document in (real, ours):
        assert {key: type(value) for key, value in document.items()} == {"code": str, "data": list, "msg": str}
        for row in document["data"]:
            assert {key: type(value) for key, value in row.items()} == dict.fromkeys(
                ("amt", "ccy", "lendingRate", "rate", "ts"), str
            )
        stamps = [int(row["ts"]) for row in document["data"]]
        assert all(stamp % HOUR == 0 for stamp in stamps)
        assert stamps == sorted(stamps, reverse=True)
        assert all(float(row["lendingRate"]) <= float(row["rate"]) for row in document["data"])
    day = datetime.fromtimestamp(int(real["data"][0]["ts"]) / 1000, UTC).date()
    rows = normalize(real, asset="BTC", first=f"{day}", last=f"{day}")
    # One percent a year: taken for an hour's rate it would be 8,760 percent.
    assert rows.select("date", "borrow_apr", "borrow_apr_max", "samples").row(0) == (day, 0.01, 0.01, 5)
    assert broken_rules("borrow_rates", rows) == {"an hourly mean is of 20 to 24 hours"}


@pytest.mark.skipif(not RECORDED.exists(), reason="no recorded answers beside the repository")
def test_the_documented_example_is_no_full_hour() -> None:
    documented = json.loads(
        (SHARED / "recordings" / "doc-examples" / "okx" / "lending_rate_history.json").read_text(encoding="utf-8")
    )
    with pytest.raises(PayloadChanged, match="expected a rate for each full hour"):
        conform(normalize(documented, asset="BTC", first="2020-08-10", last="2020-08-10"), BORROW_RATES)


def served(replay: Replay) -> list[dict[str, Any]]:
    document: dict[str, Any] = requests.get(
        f"{replay.url}/www.okx.com/api/v5/finance/savings/lending-rate-history?ccy=USDT", timeout=10
    ).json()
    return list(document["data"])


@pytest.mark.skipif(not REPLAY.exists(), reason="no replay beside the repository")
def test_against_the_replay_where_its_window_has_rates(replay: Replay) -> None:
    newest = served(replay)
    if not newest:
        pytest.skip("the bundle of this replay has no borrowing rates")
    last = datetime.fromtimestamp(int(newest[0]["ts"]) / 1000, UTC).date() - timedelta(days=1)

    def fetch(one: Request) -> Answer:
        sent = requests.get(f"{replay.url}/{one.address.removeprefix('https://')}", timeout=10)
        return answer(one, sent.content, status=sent.status_code)

    now = datetime(last.year, last.month, last.day, 0, 30, tzinfo=UTC) + timedelta(days=1)
    ask = ask_of("okx", "borrow_rates", "USDT", days_back(3, last), last, now=now)
    rows = rows_of("okx", "borrow_rates", drive(RATES, ask, fetch))
    assert not rows.is_empty()
    for row in rows.to_dicts():
        start = at(row["date"].year, row["date"].month, row["date"].day)
        mine = [float(one["rate"]) for one in newest if start <= int(one["ts"]) < start + 24 * HOUR]
        assert (row["samples"], row["borrow_apr_max"]) == (len(mine), max(mine))
        assert row["borrow_apr"] == pytest.approx(sum(mine) / len(mine), rel=1e-12)
