"""Invariants: each holds for the simulated providers, and notices a changed answer."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from expectations.errors import PayloadChanged
from flows.doctor.examine import judged
from flows.invariant import Finding, Invariant, day_begins, evenly_spaced, near, number
from flows.invariants import invariants
from flows.simulator import Simulator
from flows.source import Answer
from flows.sources import sources
from flows.steps.collect import follow
from tests.asking import Wire
from tests.tool import NOW, SHARED

EVERY = {(source, one.name): one for source, mine in invariants().items() for one in mine}
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with Simulator(NOW) as served:
        yield Wire(served)


def answers_to(wire: Wire, invariant: Invariant) -> tuple[Answer, ...]:
    answers, error, _ = follow(invariant.plan(NOW), wire.fetch, invariant.name)
    assert error is None
    return answers


def changed(answers: tuple[Answer, ...], place: int, change: Callable[[Any], Any]) -> tuple[Answer, ...]:
    """The answers, with the document at one place changed or replaced."""
    if answers[place].request.form == "csv":
        body = change(answers[place].body)
    else:
        document = answers[place].json()
        replaced = change(document)
        body = orjson.dumps(document if replaced is None else replaced)
    return tuple(replace(one, body=body) if at == place else one for at, one in enumerate(answers))


def each(*path: str, change: Callable[[Any], None]) -> Callable[[Any], None]:
    """A change of every row of a list that lies below some members."""

    def all_of(document: Any) -> None:
        for name in path:
            document = document[name]
        for row in document:
            change(row)

    return all_of


def put(name: str | int, worth: Callable[[Any], Any]) -> Callable[[Any], None]:
    """A change of one field of a row."""

    def one_of(row: Any) -> None:
        row[name] = worth(row[name])

    return one_of


def later(name: str | int, by: int) -> Callable[[Any], None]:
    """A stamp that is later by so much; text stays text."""
    return put(name, lambda stamp: str(int(stamp) + by) if isinstance(stamp, str) else stamp + by)


def times(factor: float) -> Callable[[Any], Any]:
    """A figure that is so many times as large; text stays text."""
    return lambda figure: f"{float(figure) * factor}" if isinstance(figure, str) else figure * factor


def exchanged(one: str, other: str) -> Callable[[Any], None]:
    """A row in which two fields are exchanged."""

    def both(row: Any) -> None:
        row[one], row[other] = row[other], row[one]

    return both


def swap(old: str, new: str) -> Callable[[Any], Any]:
    """Text in which one part is replaced."""
    return lambda text: text.replace(old, new)


def every_other(*path: str) -> Callable[[Any], None]:
    """A list that has lost every second row."""

    def halved(document: Any) -> None:
        for name in path[:-1]:
            document = document[name]
        if path:
            document[path[-1]] = document[path[-1]][::2]
        else:
            del document[1::2]

    return halved


def last_gone(name: str) -> Callable[[Any], None]:
    """A list that has lost its last row."""
    return lambda document: document[name].pop() and None


def days_later(name: str) -> Callable[[Any], None]:
    """Points whose stamp is that of the next one."""

    def shift(points: list[Any]) -> None:
        stamps = [point[name] for point in points]
        for point, stamp in zip(points[1:], stamps, strict=False):
            point[name] = stamp

    return lambda document: shift(document["data"]["supplyAPYHistory"])


# For each invariant an answer that it must not accept: the number of the answer, and what is changed in it.
BREAKS: dict[tuple[str, str], tuple[int, Callable[[Any], Any]]] = {
    ("aave", "stamp of an average"): (0, days_later("date")),
    ("aave", "simple rate"): (
        0,
        each(
            "data",
            "supplyAPYHistory",
            change=put("avgRate", lambda rate: {"value": str(float(rate["value"]) * (1 + float(rate["value"])))}),
        ),
    ),
    ("binance", "low of 9 December 2024"): (0, each(change=put(3, times(1.001)))),
    ("binance", "archive and REST agree"): (1, each(change=later("timestamp", 5 * 60_000))),
    ("binance", "daily row of open interest"): (2, each(change=put("sumOpenInterest", times(1.01)))),
    ("binance", "begin of ether's archive"): (0, lambda _: None),
    ("binance", "funding interval"): (0, every_other()),
    ("binance_web", "unit of rates"): (0, each("data", change=put("dailyInterestRate", times(24)))),
    ("bitfinex", "flash return rate"): (1, each(change=put(3, times(365)))),
    ("bitfinex", "unit of loans"): (1, each(change=put(2, times(365)))),
    ("bithumb", "day boundary"): (0, each(change=put("candle_date_time_utc", swap("T15:", "T00:")))),
    ("bithumb", "bound of a page"): (0, lambda days: days[1:]),
    ("bitmex", "end of funding"): (0, each(change=put("timestamp", swap("2024-", "2026-")))),
    ("bitmex", "funding interval"): (0, each(change=put("timestamp", swap("T04:", "T00:")))),
    ("bybit", "both sides counted"): (0, each("result", "list", change=put("openInterest", times(0.5)))),
    ("bybit", "bounds of open interest"): (0, lambda document: document["result"]["list"].pop(0) and None),
    ("bybit", "funding interval"): (0, every_other("result", "list")),
    ("cftc", "size of a contract"): (0, each(change=put("contract_units", lambda _: "(10 Bitcoins)"))),
    ("coinmetrics", "unit of supply"): (0, each("data", change=put("SplyCur", times(1.2)))),
    ("coinone", "day boundary"): (0, each("chart", change=later("timestamp", 9 * HOUR_MS))),
    ("defillama", "chains add up"): (1, each("peggedAssets", change=put("circulating", lambda _: {"peggedUSD": 1e9}))),
    ("defillama", "hour of a pool's reading"): (0, each("data", change=put("timestamp", swap("T23:", "T01:")))),
    ("defillama_lendborrow", "unit and side"): (1, each("data", change=put("apyBase", times(1.5)))),
    ("defillama_lendborrow", "available"): (1, each("data", change=put("tvlUsd", times(1.2)))),
    ("deribit", "bounds of a window"): (0, last_gone("result")),
    ("deribit", "stamp of a row"): (0, each("result", change=put("prev_index_price", times(1.01)))),
    ("deribit", "flag of liquidations"): (
        0,
        lambda page: [trade.pop("liquidation", None) for trade in page["result"]["trades"]] and None,
    ),
    ("fed", "total assets"): (1, lambda table: table.replace(b"6", b"7")),
    ("gate", "sides of open interest"): (1, each(change=put("open_interest", times(2)))),
    ("gate", "unit of loans"): (0, each("rates", change=put("rate", times(1e6)))),
    ("gate", "unit of liquidations"): (0, each(change=put("long_liq_usd", times(0.0001)))),
    ("gate", "day boundary"): (0, each(change=later("time", 3600))),
    ("gopax", "day boundary"): (0, each(change=later(0, 15 * HOUR_MS))),
    ("hyperliquid", "funding interval"): (0, every_other()),
    ("korbit", "day boundary"): (0, each("data", change=later("timestamp", 9 * HOUR_MS))),
    ("kucoin", "unit of rates"): (0, each("data", change=put("marketInterestRate", times(1e6)))),
    ("kucoin", "reach of rates"): (0, every_other("data")),
    ("kraken", "ether's pair"): (
        0,
        lambda document: {**document, "result": {"XETHZEUR": document["result"]["XETHZUSD"], "last": 0}},
    ),
    ("krakenfutures", "stamp of a rate"): (1, last_gone("rates")),
    ("krakenfutures", "unit of a rate"): (1, each("rates", change=put("fundingRate", times(0.00001)))),
    ("krakenfutures", "unit of liquidations"): (
        0,
        lambda told: told["result"].update(data=[f"{float(one) * 100_000}" for one in told["result"]["data"]]),
    ),
    ("okx", "unit of borrowing rates"): (1, each("data", change=each("basic", change=put("rate", times(365))))),
    ("okx", "begin of borrowing rates"): (0, every_other("data")),
    ("okx", "day boundary"): (0, each("data", change=later(0, 16 * HOUR_MS))),
    ("okx", "funding interval"): (0, every_other("data")),
    ("okx", "archive's rate of funding"): (1, each("data", change=exchanged("fundingRate", "realizedRate"))),
    ("okx", "reach of funding"): (0, lambda document: {**document, "data": []}),
    ("okx", "reach of open interest"): (0, every_other("data")),
    ("upbit", "day boundary"): (0, each(change=put("candle_date_time_utc", swap("T00:", "T15:")))),
}
# Invariants that depend only on the status.
BY_STATUS = {("binance", "begin of ether's archive")}


def test_every_invariant_belongs_to_a_source_and_has_an_answer_that_breaks_it() -> None:
    assert set(invariants()) <= set(sources())
    assert set(BREAKS) == set(EVERY)
    for source, mine in invariants().items():
        assert len({one.name for one in mine}) == len(mine), source


def test_every_invariant_says_what_is_believed() -> None:
    for (source, _), one in EVERY.items():
        assert one.sentence.endswith("."), (source, one.name)
        assert len(one.sentence) < 130, (source, one.name)


@pytest.mark.parametrize(("source", "name"), sorted(EVERY))
def test_it_holds_in_the_market_that_was_made_as_it_is_believed(wire: Wire, source: str, name: str) -> None:
    finding = judged(EVERY[source, name], answers_to(wire, EVERY[source, name]))
    assert finding.holds is True, finding.found
    assert re.search(r"\d", finding.found), "a finding has a figure in it"


@pytest.mark.parametrize(("source", "name"), sorted(EVERY))
def test_it_sees_a_change(wire: Wire, source: str, name: str) -> None:
    invariant = EVERY[source, name]
    answers = answers_to(wire, invariant)
    if (source, name) in BY_STATUS:
        other: tuple[Answer, ...] = (replace(answers[0], status=404),)
    else:
        other = changed(answers, *BREAKS[source, name])
    finding = judged(invariant, other)
    assert finding.holds is False, finding.found


@pytest.mark.parametrize(("source", "name"), sorted(EVERY))
def test_an_answer_of_another_shape_is_a_change_and_no_crash(wire: Wire, source: str, name: str) -> None:
    invariant = EVERY[source, name]
    if (source, name) in BY_STATUS:
        return
    answers = answers_to(wire, invariant)
    documents: list[Any] = [{"renamed": []}, [{"renamed": 1}], [["renamed"]]]
    for document in documents:
        finding = judged(invariant, tuple(replace(one, body=orjson.dumps(document)) for one in answers))
        assert finding.holds is False, (document, finding.found)


@pytest.mark.parametrize(("source", "name"), sorted(EVERY))
def test_its_questions_are_few_and_hold_no_rows(wire: Wire, source: str, name: str) -> None:
    asked = [answer.request for answer in answers_to(wire, EVERY[source, name])]
    assert 1 <= len(asked) <= 3
    for request in asked:
        assert request.transform is None or source == "aave"


def test_one_answer_that_was_recorded_holds_bybits_both_sides() -> None:
    recorded = SHARED / "recordings" / "bybit"
    found = [path for path in sorted(recorded.rglob("*.json")) if b"singleOpenInterest" in path.read_bytes()]
    if not found:
        pytest.skip("no recorded answer with singleOpenInterest")
    for path in found:
        assert _on_recording("bybit", "both sides counted", path).holds is True, path


def _on_recording(source: str, name: str, path: Path) -> Finding:
    invariant = EVERY[source, name]
    request = next(invariant.plan(NOW))
    return judged(invariant, (Answer(request, 200, path.read_bytes(), NOW, "recorded@0+0"),))


# Judges that several invariants share.


def test_days_begin_where_they_are_said_to() -> None:
    assert day_begins([0, DAY_MS], 0).holds is True
    assert day_begins([15 * HOUR_MS], 15 * HOUR_MS).holds is True
    assert day_begins([0, 15 * HOUR_MS], 0).holds is False
    assert day_begins([], 0).holds is None


def test_payments_follow_each_other_at_one_distance() -> None:
    hours = [0, 8, 16, 24]
    assert evenly_spaced([hour * HOUR_MS + 7 for hour in hours], 8 * HOUR_MS).holds is True
    assert evenly_spaced([hour * HOUR_MS for hour in (0, 8, 12)], 8 * HOUR_MS).holds is False
    assert evenly_spaced([hour * HOUR_MS + 120_000 for hour in hours], 8 * HOUR_MS).holds is False
    assert evenly_spaced([0], 8 * HOUR_MS).holds is None


def test_numbers_may_come_as_text_and_nothing_else() -> None:
    assert number("0.5") == number(0.5) == 0.5
    for odd in (None, True, "half", [1]):
        with pytest.raises(PayloadChanged):
            number(odd)
    assert near(100.05, 100, 0.001)
    assert not near(100.2, 100, 0.001)
