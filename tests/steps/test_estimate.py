"""A run does what its plan says: the same series-days and the same number of requests, for generated ledgers."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from expectations.interval import ONE_DAY
from flows import jobs, pipeline
from flows.jobs import Job, backfill_job, daily_job
from flows.settings import Settings
from flows.simulator import Simulator
from flows.source import Source
from flows.sources import sources
from flows.status import report
from flows.steps import publish
from flows.steps.check import Checked
from flows.steps.estimate import Forecast, forecast
from flows.steps.plan import Batch, Mode, date_of
from flows.steps.run import Run
from tests.tool import NOW
from warehouse.store.home import claim_home, open_home
from warehouse.store.ledger import Books, DayRange, Ledger, State, days_event

pytestmark = [pytest.mark.slow, pytest.mark.marts()]

FIRST, LAST = date(2024, 10, 21), date(2024, 12, 9)
DAYS = (LAST - FIRST).days + 1
KEPT_FOR = timedelta(days=20)
GONE_UNTIL = NOW.date() - timedelta(days=21)  # the newest day that Upbit no longer keeps
SERIES = (
    ("krw_prices", "upbit", "BTC"),
    ("krw_prices", "upbit", "USDT"),
    ("spot_prices", "coinbase", "ETH"),
    ("exchange_rates", "frankfurter", "KRW"),
)
UNSETTLED: tuple[State, ...] = ("failed", "failed_check", "not_yet")

Key = tuple[str, str, str, date]


@pytest.fixture(scope="module", autouse=True)
def unjudged() -> Iterator[None]:
    """These tests are not about values, and great-expectations takes a quarter of a second for each batch."""
    with mock.patch.object(publish, "check", return_value=Checked()):
        yield


@pytest.fixture(scope="module")
def market() -> Iterator[Simulator]:
    with Simulator(NOW) as simulator:
        yield simulator


def perishing() -> dict[str, Source]:
    """Three providers, of which Upbit keeps twenty days."""
    upbit = sources()["upbit"]
    forgets = replace(upbit, feeds=tuple(replace(feed, kept_for=KEPT_FOR) for feed in upbit.feeds))
    return {name: forgets if name == "upbit" else sources()[name] for name in ("coinbase", "frankfurter", "upbit")}


@dataclass(frozen=True)
class Past:
    """The past of a home: backfills of some days, and then entries of the ledger that make some of them unsettled."""

    loaded: tuple[tuple[int, int, int], ...]
    said: tuple[tuple[int, int, int, State], ...]


def stretches(*more: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.tuples(st.integers(0, len(SERIES) - 1), st.integers(0, DAYS - 1), st.integers(1, 25), *more)


PASTS = st.builds(
    Past,
    st.lists(stretches(), max_size=3).map(tuple),
    st.lists(stretches(st.sampled_from(UNSETTLED)), max_size=4).map(tuple),
)


def days_of(start: int, length: int) -> tuple[date, date]:
    first = FIRST + timedelta(days=start)
    return first, min(first + timedelta(days=length - 1), LAST)


def live_through(past: Past, given_settings: Settings) -> None:
    """Make a home with this past."""
    claim_home(given_settings.home, origin="gateway", start=FIRST, now=NOW)
    for number, start, length in past.loaded:
        dataset, source, series = SERIES[number]
        job = backfill_job(given_settings, *days_of(start, length), names=[source], datasets=[dataset], series=[series])
        do(given_settings, job)
    ledger = Ledger(given_settings.home / "ledger")
    for number, start, length, state in past.said:
        dataset, source, series = SERIES[number]
        first, last = days_of(start, length)
        told = DayRange(series, first, last + ONE_DAY, state, 0, "SourceUnavailable: as generated", None)
        ledger.append([days_event(run_id="000000", at=NOW, dataset=dataset, source=source, ranges=[told])], NOW)


def do(given_settings: Settings, job: Job) -> Run:
    with pipeline.begin(given_settings, job) as run:
        pipeline.ingest_all(run, lambda _: None)
    return run


def planned_days(planned: list[Batch]) -> list[Key]:
    return sorted(
        (batch.feed.dataset.name, batch.source.name, series, day)
        for batch in planned
        for series, day in zip(batch.wanted["series"], date_of(batch.wanted), strict=True)
    )


def days_of_run(books: Books, run_id: str) -> list[Key]:
    return sorted(
        (event["dataset"], event["source"], found[0], day)
        for event in books.of("days")
        if event["run_id"] == run_id
        for found in event["ranges"]
        for day in _each(date.fromisoformat(found[1]), date.fromisoformat(found[2]))
    )


def _each(start: date, end: date) -> Iterator[date]:
    return (start + timedelta(days=offset) for offset in range((end - start).days))


def shown(given_settings: Settings, job: Job) -> tuple[list[Key], Forecast]:
    planned = pipeline.plan(given_settings, job)
    return planned_days(planned), forecast(planned, job.mode)


JOBS = st.one_of(
    st.tuples(st.sampled_from(Mode), st.integers(0, DAYS - 1), st.integers(1, DAYS)),
    st.just(None),  # the daily job
)


@hypothesis_settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(PASTS, JOBS)
def test_a_plan_is_what_happens(
    market: Simulator, tmp_path: Path, past: Past, asked: tuple[Mode, int, int] | None
) -> None:
    home = tmp_path / "home"
    shutil.rmtree(home, ignore_errors=True)
    given_settings = Settings(home=home, gateway=market.url, now=NOW, start=FIRST)
    with mock.patch.object(jobs, "sources", perishing):
        live_through(past, given_settings)
        if asked is None:
            job = daily_job(given_settings)
        else:
            mode, start, length = asked
            job = backfill_job(given_settings, *days_of(start, length), mode=mode)
        days, promised = shown(given_settings, job)
        before = sum(market.counts.values())
        run = do(given_settings, job)
        assert days_of_run(Ledger(home / "ledger").read(), run.run_id) == days
        assert promised.days == len(days)
        assert promised.requests == run.traffic.requests == sum(market.counts.values()) - before
        # What the provider no longer keeps is never asked for, and what perishes is asked for first.
        if job.mode is not Mode.replay:
            assert all(day > GONE_UNTIL for _, source, _, day in days if source == "upbit")
        perishes = [line.perishes_at is not None for line in promised.lines]
        assert perishes == sorted(perishes, reverse=True)
        if job.mode is Mode.missing:
            again, nothing = shown(given_settings, job)
            assert (again, nothing.requests, nothing.sentence) == ([], 0, "nothing is due")


def test_what_perishes_is_told_before_and_after(market: Simulator, tmp_path: Path) -> None:
    given_settings = Settings(home=tmp_path / "home", gateway=market.url, now=NOW, start=FIRST)
    with (
        mock.patch.object(jobs, "sources", perishing),
        mock.patch.object(pipeline, "enabled", return_value=perishing()),
    ):
        do(given_settings, backfill_job(given_settings, LAST, LAST, names=["upbit"]))
        _, promised = shown(given_settings, daily_job(given_settings))
        assert "krw_prices from upbit perishes first, at 2024-12-11 00:00 UTC" in promised.sentence
        found = report(given_settings)
    feeds = {feed["source"]: feed for feed in found["feeds"]}
    assert str(feeds["upbit"]["perishes_at"]) == "2024-12-11 00:00:00+00:00"
    assert feeds["coinbase"]["perishes_at"] is None
    lost = (GONE_UNTIL - FIRST).days + 1
    assert feeds["upbit"]["states"]["perished"] == 3 * lost
    first = found["trouble"][0]
    assert (first["source"], first["state"], str(first["first"])) == ("upbit", "missing", str(GONE_UNTIL + ONE_DAY))
    assert first["retry"].startswith("tidemark backfill 2024-11-20 2024-12-08 --source upbit")
    assert {row["retry"] for row in found["trouble"] if row["state"] == "perished"} == {None}
    assert open_home(given_settings.home).origin == "gateway"
