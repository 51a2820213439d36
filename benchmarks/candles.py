"""The input of the first section: 60 invented assets, 5 years of daily candles, archived and not yet read."""

import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import orjson

from expectations.interval import ONE_DAY, Interval
from flows import pipeline
from flows.jobs import fill_job
from flows.settings import Settings
from flows.simulator import Simulator
from flows.source import Ask, Feed, Limit, Plan, Series, Source
from flows.sources import binance
from flows.steps.collect import collect
from flows.steps.plan import Batch, Mode
from flows.steps.publish import taken
from flows.steps.run import Run
from warehouse.store.archive import Archive
from warehouse.store.ledger import days_event

NOW = datetime(2024, 12, 10, 0, 30, tzinfo=UTC)
LAST = date(2024, 12, 9)
ASSETS = 60
DAYS = 1826
WINDOW = Interval.of_days(LAST - timedelta(days=DAYS - 1), LAST)
NO_LIMIT = Limit(1_000_000, 1, burst=1_000_000)


def unlimited(source: Source) -> Source:
    """The source without its rate limits, for a simulator that has none."""
    return replace(source, limits=dict.fromkeys(source.limits, NO_LIMIT))


def pages(ask: Ask) -> Plan:
    """Daily klines without the archive, whose files the other tools do not read."""
    return binance.plan_klines(ask.series, ask.days, ONE_DAY)


def source() -> Source:
    """Binance's spot feed over REST alone, with sixty invented tickers instead of the real ones."""
    real = next(feed for feed in binance.SOURCE.feeds if feed.plan is binance.plan_days)
    tickers = [f"T{number:02}" for number in range(ASSETS)]
    series = tuple(Series(ticker, f"{ticker}USDT", WINDOW.start) for ticker in tickers)
    feed = Feed(**{**vars(real), "series": series, "plan": pages, "count": None})
    return unlimited(replace(binance.SOURCE, feeds=(feed,)))


def settings(home: Path, gateway: str | None = None) -> Settings:
    """A home about the five years, and nothing from the environment."""
    return Settings(home=home, now=NOW, gateway=gateway, start=WINDOW.start, sources=None)


def main(home: Path, bodies: Path) -> None:
    """Collect without publishing: the ledger knows the answers and no day; the bodies also lie there as plain files."""
    with Simulator(now=NOW) as simulator:
        given = settings(home, simulator.url)
        chosen = [source()]
        with pipeline.begin(given, fill_job(given, chosen, WINDOW, Mode.missing), simulated=True) as run:
            places = [place for batch in run.batches for place in gather(run, batch)]
    bodies.mkdir(parents=True)
    archive = Archive(run.home.raw)
    for number, place in enumerate(places):
        snapshot = archive.read(place)
        (bodies / f"{number:03}-{snapshot.series}.json").write_bytes(snapshot.body)
    size = sum(path.stat().st_size for path in bodies.iterdir())
    print(orjson.dumps({"answers": len(places), "bytes": size}).decode())


def gather(run: Run, batch: Batch) -> list[str]:
    """Collect a batch and note its answers; returns their places in the archive."""
    collections = [taken(gathered) for gathered in collect(run.collector, batch)]
    run.write(
        [
            days_event(
                run_id=run.run_id,
                at=run.now(),
                dataset=batch.feed.dataset.name,
                source=batch.source.name,
                ranges=[],
                collections=collections,
            )
        ]
    )
    return [place for one in collections for place in one.snapshots]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
