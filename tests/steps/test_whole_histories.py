"""An answer with a whole history is compared over all of its days: a restatement of any age is recorded."""

import csv
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from flows.simulator import Simulator
from tests.tool import NOW, SHARED, Tool, bytes_of
from warehouse.store.ledger import Ledger

pytestmark = [pytest.mark.slow, pytest.mark.marts()]

USDT = "/stablecoins.llama.fi/stablecoin/1"
MIDNIGHT_AFTER = timedelta(days=1)  # DefiLlama stamps the end of a day with the next midnight
NIGHT = timedelta(days=1)

Answering = Callable[[str, Mapping[str, list[str]]], bytes | None]


class Gateway:
    """A gateway that gives a test's answers, passes other requests to a simulator, if any, and counts all."""

    def __init__(self, answer: Answering, simulator: Simulator | None = None) -> None:
        self.answer = answer
        self.asked: Counter[str] = Counter()
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                gateway.asked[parts.path] += 1
                body, status = gateway.answer(parts.path, parse_qs(parts.query)), 200
                if body is None and simulator is None:
                    body, status = b"not found", 404
                elif body is None and simulator is not None:
                    body, status = ask(f"{simulator.url}{self.path}")
                assert body is not None
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Print nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


def ask(address: str) -> tuple[bytes, int]:
    try:
        with urllib.request.urlopen(address, timeout=30) as response:
            return response.read(), response.status
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.read(), refused.code


@contextmanager
def serving(answer: Answering, simulator: Simulator | None = None) -> Iterator[Gateway]:
    gateway = Gateway(answer, simulator)
    thread = threading.Thread(target=gateway.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield gateway
    finally:
        gateway.server.shutdown()
        gateway.server.server_close()
        thread.join()


@pytest.fixture
def market() -> Iterator[Simulator]:
    with Simulator(NOW) as running:
        yield running


def revised(market: Simulator, dollars: Mapping[date, float]) -> Answering:
    """The market's answers, except that USDT's total is larger by so many dollars on some days."""
    stamps = {
        int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() + MIDNIGHT_AFTER.total_seconds()): more
        for day, more in dollars.items()
    }

    def answer(path: str, _: Mapping[str, list[str]]) -> bytes | None:
        if path != USDT:
            return None
        document = orjson.loads(ask(f"{market.url}{path}")[0])
        for point in document["tokens"]:
            if int(point["date"]) in stamps:
                point["circulating"]["peggedUSD"] += stamps[int(point["date"])]
        return orjson.dumps(document)

    return answer


RESTATED = "select distinct date from ops.restatements where dataset = 'stablecoin_supply' order by 1"


def test_a_daily_run_takes_in_every_restated_day_of_a_whole_history_and_no_more(
    market: Simulator, tmp_path: Path
) -> None:
    first = date(2024, 9, 1)
    # Five of these ages are below the ten days within which the provider is known to replace a day.
    ages = [2, 4, 5, 7, 8, 11, 12, 15, 20, 25, 30, 31, 32, 40, 50, 60, 70, 80, 90, 99]
    days = {date(2024, 12, 9) - timedelta(days=age): 1e6 * age for age in ages}
    with serving(revised(market, {}), market) as gateway:
        tool = Tool(tmp_path / "home", gateway.url, sources="defillama", start=str(first))
        assert tool("run").code == 0
        before = dict(tool.ask(supplies()))
        usual = Counter(gateway.asked)
        gateway.asked.clear()

        market.now += NIGHT
        gateway.answer = revised(market, days)
        later = replace(tool, now=market.now)
        said = later("run")
        assert said.code == 0, said.err
        assert [day for (day,) in later.ask(RESTATED)] == sorted(days)
        assert later.ask(
            "select cause, \"column\", count(*) from ops.restatements where key like '%USDT%' group by all order by 2"
        ) == [("source_changed", "supply", 20), ("source_changed", "supply_usd", 20)]
        after = dict(later.ask(supplies()))
        assert {day: after[day] - supply for day, supply in before.items() if after[day] != supply} == days
        # One answer for each series, as before; in the same night nothing is asked again, and nothing changes.
        assert gateway.asked == usual
        gateway.asked.clear()
        lake = bytes_of(tool.home / "lake")
        assert later("run").code == 0
        assert gateway.asked == Counter()
        assert bytes_of(tool.home / "lake") == lake
        assert set(later.states()) == {"loaded", "not_yet"}

    # A history that was compared takes one line of the ledger, not one for each of its days.
    told = [event for event in Ledger(tool.home / "ledger").read().of("days") if event["run_id"] == "000002"]
    assert len(told) == 2
    for event in told:
        asked = len(orjson.loads(event["collections"]))
        assert len(event["ranges"]) == asked
        assert len(event["again"]) == asked
    # Every day refers to the newest answer.
    assert later.one("select count(*) from ops.ledger where observed_at < '2024-12-11' and state = 'loaded'") == 0


def supplies() -> str:
    return "select date, supply from core.stablecoin_supply where asset = 'USDT' and chain = 'ALL'"


def test_days_that_a_backfill_named_are_compared_and_days_that_nobody_asked_for_do_not_appear(
    market: Simulator, tmp_path: Path
) -> None:
    of_usdt = ("--series", "USDT", "--source", "defillama")
    with serving(revised(market, {}), market) as gateway:
        tool = Tool(tmp_path / "home", gateway.url, sources="defillama", start="2024-12-01")
        assert tool("backfill", "2024-12-01", "2024-12-09").code == 0
        assert tool("backfill", "2024-10-01", "2024-10-10", *of_usdt).code == 0
        market.now += NIGHT
        gateway.answer = revised(market, dict.fromkeys((date(2024, 9, 30), date(2024, 10, 5), date(2024, 11, 5)), 5e6))
        later = replace(tool, now=market.now)
        assert later("run").code == 0
        assert later.ask(RESTATED) == [(date(2024, 10, 5),)]
        held = later.ask("select min(date), max(date), count(*) from ops.ledger where series = 'USDT' and rows > 0")
        assert held == [(date(2024, 10, 1), date(2024, 12, 10), 20)]
        assert later.one("select count(*) from core.stablecoin_supply where asset = 'USDT' and chain = 'ALL'") == 20


def test_what_was_restated_can_be_replayed_from_the_answer_that_was_seen_last(
    market: Simulator, tmp_path: Path
) -> None:
    with serving(revised(market, {}), market) as gateway:
        tool = Tool(tmp_path / "home", gateway.url, sources="defillama", start="2024-11-01")
        assert tool("run").code == 0
        market.now += NIGHT
        gateway.answer = revised(market, {date(2024, 11, 3): 5e6})
        later = replace(tool, now=market.now)
        assert later("run").code == 0
    lake = bytes_of(tool.home / "lake")
    said = later("backfill", "2024-11-01", "2024-12-10", "--mode", "replay")
    assert said.code == 0, said.err
    assert bytes_of(tool.home / "lake") == lake


# Two recorded vintages -----------------------------------------------------------------------------------------------

VINTAGES = SHARED / "recordings" / "fred"


def months_of(path: Path) -> dict[date, float]:
    """A recorded vintage of M2: billions of dollars by the first day of the month."""
    rows = list(csv.reader(path.read_text().splitlines()))[1:]
    return {date.fromisoformat(day): float(value) for day, value in rows}


def fred(months: Mapping[date, float]) -> Answering:
    """A gateway that is FRED and has one series."""

    def answer(path: str, query: Mapping[str, list[str]]) -> bytes | None:
        if path != "/fred.stlouisfed.org/graph/fredgraph.csv" or query["id"] != ["M2SL"]:
            return None
        span = (date.fromisoformat(query["cosd"][0]), date.fromisoformat(query["coed"][0]))
        listed = [f"{day},{value}" for day, value in months.items() if span[0] <= day <= span[1]]
        return "\n".join(["observation_date,M2SL", *listed, ""]).encode()

    return answer


@pytest.mark.skipif(not VINTAGES.exists(), reason="wants ../shared/recordings")
def test_two_recorded_vintages_of_money_differ_on_the_months_that_were_restated(tmp_path: Path) -> None:
    older = months_of(VINTAGES / "fredgraph_M2SL_seho4080.csv")
    newer = months_of(VINTAGES / "M2SL_vintage_2026-07_opxie1.csv")
    first = date(2019, 1, 1)
    changed = [day for day in older if day >= first and newer[day] != older[day]]
    assert len(changed) == 47  # back to April 2021
    with serving(fred(older)) as gateway:
        tool = Tool(
            tmp_path / "home", gateway.url, sources="fred", start=str(first), now=datetime(2026, 5, 28, tzinfo=UTC)
        )
        tool("run")  # FRED's other series are not recorded, and fail
        assert tool.one("select count(*) from core.macro_series where series = 'us_m2'") == 88
        gateway.answer = fred(newer)
        later = replace(tool, now=datetime(2026, 6, 25, tzinfo=UTC))
        later("run")
        restated = later.ask("select distinct date, cause from ops.restatements where \"column\" = 'amount' order by 1")
    assert restated == [(month_end(day), "source_changed") for day in changed]
    told = dict(later.ask("select date, amount from core.macro_series where series = 'us_m2'"))
    assert told == {month_end(day): pytest.approx(newer[day] * 1e9) for day in newer if day >= first}


def month_end(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
