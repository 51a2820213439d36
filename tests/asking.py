"""Asks for tests, and plans that are driven by hand or against the simulator."""

import urllib.error
import urllib.request
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import orjson

from expectations.interval import Interval
from flows.simulator import Simulator
from flows.source import Answer, Ask, Feed, Key, Plan, Request, Source, bound_by
from flows.sources import sources

ANY_KEY = "any-key"
NOW = datetime(2024, 12, 10, 0, 30, tzinfo=UTC)


def feed_of(source: Source, dataset: str) -> Feed:
    """The feed of a source by the name of its dataset."""
    return next(feed for feed in source.feeds if feed.dataset.name == dataset)


def ask_of(
    source: Source | str,
    dataset: str,
    series: str,
    first: date = date(2024, 12, 9),
    last: date = date(2024, 12, 9),
    *,
    now: datetime = NOW,
) -> Ask:
    """An ask for a series that the source has, or one like it for an answer about another."""
    source = sources()[source] if isinstance(source, str) else source
    feed = feed_of(source, dataset)
    known = next((one for one in feed.series if one.name == series), feed.series[0])
    return Ask(known, Interval.of_days(first, last), now)


def days_back(count: int, last: date = date(2024, 12, 9)) -> date:
    """The first of so many days, of which the last is given."""
    return last - timedelta(days=count - 1)


def answer(request: Request, body: object, *, status: int = 200, now: datetime = NOW) -> Answer:
    """An answer to a request; what is not bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return Answer(request, status, content, now, "hand@0+0")


def walk(plan: Plan, bodies: Sequence[object]) -> list[Request]:
    """Hand a plan these answers in order, and return its requests; it must send one for each answer."""
    asked = [next(plan)]
    for place, body in enumerate(bodies):
        try:
            given = body if isinstance(body, tuple) else (body, 200)
            asked.append(plan.send(answer(asked[-1], given[0], status=given[1])))
        except StopIteration:
            assert place == len(bodies) - 1, f"expected {len(bodies)} requests, found {place + 1}"
            return asked
    raise AssertionError(f"expected {len(bodies)} requests, found another one for {asked[-1].address}")


def key_for(request: Request) -> Key | None:
    """The key that the provider of a request wants, if any does."""
    wanting = (source for source in sources().values() if source.key is not None)
    return next((source.key for source in wanting if bound_by(source.limits, request.place)), None)


class Wire:
    """Sends requests to a simulator, with some key where the provider wants one, and keeps them."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.sent: list[Request] = []

    def fetch(self, request: Request) -> Answer:
        """The simulator's answer, whatever its status."""
        self.sent.append(request)
        address = f"{self.simulator.url}/{request.address.removeprefix('https://')}"
        headers = {"User-Agent": "tidemark-tests", "Content-Type": "application/json"}
        key = key_for(request)
        if key is not None and key.header is not None:
            headers[key.header] = ANY_KEY
        elif key is not None:
            address += f"&{key.param}={ANY_KEY}"
        sent = None if request.body is None else request.body.encode()
        asked = urllib.request.Request(address, sent, headers, method=request.method)
        try:
            with urllib.request.urlopen(asked, timeout=30) as response:
                return answer(request, response.read(), status=response.status, now=self.simulator.now)
        except urllib.error.HTTPError as refused:
            with refused:
                return answer(request, refused.read(), status=refused.code, now=self.simulator.now)
