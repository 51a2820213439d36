"""Requests: budgets, retries, the gateway, and that every answer is archived."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expectations.errors import SourceRefused, SourceUnavailable
from flows import http
from flows.clock import Clock
from flows.http import (
    ATTEMPTS,
    GIVE_UP_AFTER,
    HOPELESS_AFTER,
    LONGEST_PAUSE_SECONDS,
    Budget,
    Budgets,
    Fetcher,
    Traffic,
    retry_after,
)
from flows.simulator import Misbehaviour, Simulator
from flows.source import Limit, Request
from flows.sources import sources
from tests.tool import NOW
from warehouse.store.archive import Archive, Recorder, Snapshot

UPBIT = "api.upbit.com"
FIRST = GIVE_UP_AFTER * ATTEMPTS


@dataclass(frozen=True)
class Patient(Clock):
    """A clock whose timer moves only by waits."""

    fixed: datetime | None = NOW
    waited: list[float] = field(default_factory=list)

    def ticks(self) -> float:  # type: ignore[override]  # the real one needs no instance
        return sum(self.waited)

    def wait(self, seconds: float) -> None:  # type: ignore[override]
        self.waited.append(max(seconds, 0.0))


class Asker:
    """One fetcher on one simulator, with what it archived and how long it waited."""

    def __init__(self, simulator: Simulator, folder: Path, *, gateway: str | None = None) -> None:
        self.simulator = simulator
        self.clock = Patient()
        self.traffic = Traffic()
        self.archive = Archive(folder)
        self.recorder = Recorder(self.archive, "000001", NOW)
        self.fetcher = Fetcher(
            sources()["upbit"],
            gateway=gateway or simulator.url,
            recorder=self.recorder,
            clock=self.clock,
            traffic=self.traffic,
            budgets=Budgets([sources()["upbit"]], self.clock),
        )

    def fetch(self, market: str = "KRW-BTC") -> bytes:
        return self.fetcher.fetch(days(market), dataset="krw_prices", series="BTC").body

    @property
    def pauses(self) -> list[float]:
        """The waits between attempts, without those for the budget, which are shorter."""
        return [seconds for seconds in self.clock.waited if seconds > 0.3]

    def archived(self) -> list[Snapshot]:
        self.recorder.sync()
        return [snapshot for _, snapshot in self.archive.scan("000001")]


def days(market: str) -> Request:
    return Request(
        f"https://{UPBIT}/v1/candles/days",
        params={"market": market, "count": 2, "to": "2024-12-10T00:00:00Z"},
        labels={"asset": "BTC", "market": market},
    )


@pytest.fixture
def asker(tmp_path: Path) -> Iterator[Asker]:
    with Simulator(NOW) as simulator:
        asker = Asker(simulator, tmp_path / "raw")
        yield asker
        asker.recorder.close()


# Budgets.


def test_all_sources_of_a_run_share_one_budget_for_a_host_and_the_strictest_limit_holds() -> None:
    clock = Patient()
    one = replace(sources()["upbit"], limits={UPBIT: Limit(11, 1, burst=1)})
    other = replace(sources()["upbit"], name="other", limits={UPBIT: Limit(3, 1, burst=1)})
    budgets = Budgets([one, other], clock)
    for _ in range(5):
        budgets.take(days("KRW-BTC"))
    assert clock.ticks() == pytest.approx(4 / 2)
    budgets.take(Request("https://another.example/v1"))
    assert clock.ticks() == pytest.approx(4 / 2)


def test_an_endpoint_is_bound_by_its_own_limit_and_by_its_hosts() -> None:
    clock = Patient()
    limits = {UPBIT: Limit(11, 1, burst=1), f"{UPBIT}/v1/slow": Limit(3, 1, burst=1)}
    budgets = Budgets([replace(sources()["upbit"], limits=limits)], clock)
    for _ in range(5):
        budgets.take(Request(f"https://{UPBIT}/v1/slow/days"))
    assert clock.ticks() == pytest.approx(4 / 2)
    for _ in range(20):
        budgets.take(Request(f"https://{UPBIT}/v1/slower"))
    assert clock.ticks() == pytest.approx(4 / 2 + 20 / 10, abs=0.2)


def test_requests_to_an_invented_market_are_not_throttled() -> None:
    clock = Patient()
    budgets = Budgets([sources()["upbit"]], clock, enforced=False)
    for _ in range(100):
        budgets.take(days("KRW-BTC"))
    assert clock.ticks() == 0


@given(
    requests=st.integers(2, 60),
    seconds=st.sampled_from([1, 5, 60, 300]),
    burst=st.integers(1, 20),
    idle=st.lists(st.tuples(st.integers(0, 80), st.floats(0, 400)), min_size=1, max_size=6),
)
def test_no_window_holds_more_than_the_limit(
    requests: int, seconds: int, burst: int, idle: list[tuple[int, float]]
) -> None:
    limit = Limit(requests, seconds, burst=min(burst, requests - 1))
    clock = Patient()
    budget = Budget(limit, clock)
    sent: list[float] = []
    for count, pause in idle:
        for _ in range(count):
            budget.take()
            sent.append(clock.ticks())
        clock.wait(pause)
    for start, instant in enumerate(sent):
        within = sum(1 for other in sent[start:] if other < instant + seconds - 1e-6)
        assert within <= requests


def test_a_budget_lets_a_burst_go_and_then_keeps_the_pace() -> None:
    clock = Patient()
    budget = Budget(Limit(5, 1, burst=2), clock)
    sent = []
    for _ in range(5):
        budget.take()
        sent.append(clock.ticks())
    assert sent == pytest.approx([0, 0, 1 / 3, 2 / 3, 1])


def test_a_budget_holds_for_threads_too() -> None:
    limit = Limit(60, 1, burst=10)
    budget = Budget(limit, Clock())
    sent: list[float] = []

    def work() -> None:
        for _ in range(10):
            budget.take()
            sent.append(Clock.ticks())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sent.sort()
    assert len(sent) == 40
    assert sent[-1] - sent[0] >= (40 - limit.burst - 1) / limit.per_second


def test_every_host_of_every_source_has_its_own_budget() -> None:
    for source in sources().values():
        assert source.limits
        for limit in source.limits.values():
            assert limit.burst + limit.per_second * limit.seconds <= limit.requests + 1e-9 or limit.requests == 1


# Retries.


@pytest.mark.parametrize("status", [408, 418, 425, 429, 500, 502, 503, 504])
def test_later_is_asked_again(asker: Asker, status: int) -> None:
    asker.simulator.misbehave([Misbehaviour(UPBIT, "status", status=status, times=2)])
    assert b"KRW-BTC" in asker.fetch()
    assert [snapshot.status for snapshot in asker.archived()] == [status, status, 200]
    first, second = asker.pauses
    assert 0.3 < first < second


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 410, 451])
def test_a_refusal_is_not_asked_again(asker: Asker, status: int) -> None:
    asker.simulator.misbehave([Misbehaviour(UPBIT, "status", status=status)])
    with pytest.raises(SourceRefused, match=f"expected 200 from {UPBIT}, found {status}"):
        asker.fetch()
    assert asker.simulator.counts == {UPBIT: 1}
    assert asker.pauses == []
    assert [snapshot.status for snapshot in asker.archived()] == [status]


def test_patience_ends(asker: Asker) -> None:
    asker.simulator.misbehave([Misbehaviour(UPBIT, "status", times="always")])
    with pytest.raises(SourceUnavailable, match=f"expected 200 from {UPBIT}, found 500"):
        asker.fetch()
    assert asker.simulator.counts == {UPBIT: ATTEMPTS}
    assert len(asker.archived()) == ATTEMPTS
    assert len(asker.pauses) == ATTEMPTS - 1
    assert all(one < other for one, other in pairwise(asker.pauses))


def test_the_provider_says_how_long(asker: Asker) -> None:
    asker.simulator.misbehave([Misbehaviour(UPBIT, "status", status=429, retry_after=7)])
    asker.fetch()
    assert asker.pauses == [7]
    assert asker.archived()[0].headers["retry-after"] == "7"


def test_too_long_a_wait_is_no_wait(asker: Asker) -> None:
    asker.simulator.misbehave(
        [Misbehaviour(UPBIT, "status", status=429, retry_after=int(LONGEST_PAUSE_SECONDS) + 1, times="always")]
    )
    with pytest.raises(SourceUnavailable):
        asker.fetch()
    assert asker.simulator.counts == {UPBIT: 1}
    assert asker.pauses == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("1.5", 1.5),
        ("-3", 0),
        ("Tue, 10 Dec 2024 00:30:42 GMT", 42),
        ("Tue, 10 Dec 2024 00:30:42 -0000", 42),
        ("Tue, 10 Dec 2024 01:30:42 +0100", 42),
        ("Mon, 09 Dec 2024 00:00:00 GMT", 0),
        ("soon", None),
        ("", None),
    ],
)
def test_a_wait_is_told_in_seconds_or_as_a_date(text: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": text}, Clock(NOW)) == seconds


def test_no_word_of_a_wait() -> None:
    assert retry_after({}, Clock(NOW)) is None


@pytest.mark.parametrize("kind", ["reset", "truncate", "stall"])
def test_a_broken_connection_is_asked_again(asker: Asker, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "READ_SECONDS", 0.2)
    rule = {"reset": "reset", "truncate": "truncate", "stall": "stall"}[kind]
    asker.simulator.misbehave([Misbehaviour(UPBIT, rule, times=2, seconds=5)])  # type: ignore[arg-type]
    assert b"KRW-BTC" in asker.fetch()
    assert asker.simulator.counts == {UPBIT: 3}
    assert asker.traffic.requests == 3
    assert [snapshot.status for snapshot in asker.archived()] == [200]  # half an answer counts as none


def test_a_dead_host_is_given_up_but_not_for_good(asker: Asker) -> None:
    asker.simulator.misbehave([Misbehaviour(UPBIT, "status", times="always")])
    for _ in range(GIVE_UP_AFTER):
        with pytest.raises(SourceUnavailable):
            asker.fetch()
    assert asker.simulator.counts == {UPBIT: FIRST}
    waits = len(asker.pauses)
    with pytest.raises(SourceUnavailable):
        asker.fetch()
    assert asker.simulator.counts == {UPBIT: FIRST + 1}
    assert len(asker.pauses) == waits
    asker.simulator.misbehave([])
    assert b"KRW-BTC" in asker.fetch()  # a sibling that the host does answer
    asker.simulator.misbehave([Misbehaviour(UPBIT, "status")])
    assert b"KRW-BTC" in asker.fetch()  # and retries are allowed again


def test_a_host_that_says_later_to_everything_is_left_in_peace(asker: Asker) -> None:
    asker.simulator.misbehave([Misbehaviour(UPBIT, "status", status=429, times="always")])
    for _ in range(GIVE_UP_AFTER):
        with pytest.raises(SourceUnavailable):
            asker.fetch()
    with pytest.raises(SourceUnavailable, match="not asked again in this run"):
        asker.fetch()
    assert asker.simulator.counts == {UPBIT: FIRST}


def test_a_host_that_fails_everything_is_not_waited_for_all_night(asker: Asker) -> None:
    asker.simulator.misbehave([Misbehaviour(UPBIT, "status", status=502, times="always")])
    for _ in range(HOPELESS_AFTER):
        with pytest.raises(SourceUnavailable):
            asker.fetch()
    asked = FIRST + HOPELESS_AFTER - GIVE_UP_AFTER
    assert asker.simulator.counts == {UPBIT: asked}
    with pytest.raises(SourceUnavailable, match="not asked again in this run"):
        asker.fetch()
    assert asker.simulator.counts == {UPBIT: asked}


def test_a_refused_sibling_does_not_count_as_a_failure_of_the_host(asker: Asker) -> None:
    asker.simulator.misbehave(
        [
            Misbehaviour("KRW-USDC", "status", status=400, times="always"),
            Misbehaviour("KRW-USDT", "status", times="always"),
        ]
    )
    for _ in range(GIVE_UP_AFTER + 1):
        with pytest.raises(SourceUnavailable):
            asker.fetch("KRW-USDT")
        with pytest.raises(SourceRefused):
            asker.fetch("KRW-USDC")
    assert asker.simulator.counts == {UPBIT: (GIVE_UP_AFTER + 1) * (ATTEMPTS + 1)}


def test_nobody_listens(tmp_path: Path, asker: Asker) -> None:
    with Simulator(NOW) as gone:
        address = gone.url
    deaf = Asker(asker.simulator, tmp_path / "other", gateway=address)
    with pytest.raises(SourceUnavailable, match=f"expected an answer from {UPBIT}, found ConnectionError"):
        deaf.fetch()
    assert deaf.archived() == []


# The archive and the gateway.


def test_the_gateway_stands_in_for_the_host(asker: Asker) -> None:
    asker.fetch()
    (asked,) = asker.simulator.requests
    assert asked.host == UPBIT
    assert asked.path == "/v1/candles/days"
    assert asked.query == "market=KRW-BTC&count=2&to=2024-12-10T00:00:00Z"


def test_a_gateway_with_a_path_and_a_slash(tmp_path: Path, asker: Asker) -> None:
    beyond = Asker(asker.simulator, tmp_path / "other", gateway=f"{asker.simulator.url}/{UPBIT}/")
    with pytest.raises(SourceRefused):
        beyond.fetch()
    assert asker.simulator.requests[0].path == f"/{UPBIT}/v1/candles/days"


def test_every_answer_is_archived_whole_at_its_true_address(asker: Asker) -> None:
    body = asker.fetch()
    (kept,) = asker.archived()
    assert kept.body == body
    assert kept.url == f"https://{UPBIT}/v1/candles/days?market=KRW-BTC&count=2&to=2024-12-10T00%3A00%3A00Z"
    assert (kept.method, kept.status, kept.observed_at) == ("GET", 200, NOW)
    assert (kept.source, kept.dataset, kept.series) == ("upbit", "krw_prices", "BTC")
    assert kept.headers["date"] == "Tue, 10 Dec 2024 00:30:00 GMT"
    assert kept.headers["content-type"].startswith("application/json")
    assert "127.0.0.1" not in repr(kept)
    assert "set-cookie" not in kept.headers


def test_errors_are_archived_too(asker: Asker) -> None:
    asker.simulator.misbehave(
        [Misbehaviour(UPBIT, "html", status=403), Misbehaviour(UPBIT, "envelope", times="always")]
    )
    for _ in range(2):
        with pytest.raises((SourceRefused, SourceUnavailable)):
            asker.fetch()
    blocked, envelope, *_ = asker.archived()
    assert blocked.status == 403
    assert b"Request blocked" in blocked.body
    assert envelope.status == 200
    assert b"error" in envelope.body


def test_traffic_is_counted(asker: Asker) -> None:
    body = asker.fetch()
    asker.fetch()
    assert (asker.traffic.requests, asker.traffic.bytes) == (2, 2 * len(body))
    assert asker.traffic.per_host == {UPBIT: 2}


def test_a_date_is_told_by_the_clock_that_was_given() -> None:
    clock = Clock(datetime(2024, 12, 10, tzinfo=UTC))
    assert clock.yesterday() == datetime(2024, 12, 9, tzinfo=UTC).date()
    assert clock.now() - Clock(NOW).now() == -timedelta(minutes=30)
