"""The completeness calendar: every dataset of every source, day by day, as one page that opens offline."""

import html
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from warehouse.reader import open_warehouse
from warehouse.reports.pages import render
from warehouse.store.files import write_whole
from warehouse.store.home import Home
from warehouse.text import by_state, listed

PAGE = "completeness.html"
BRIEF = "latest.html"
CHECKS = "checks/index.html"
# Worst first: a day of several series shows the worst state of any of them.
STATES = {
    "failed": "failed",
    "failed_check": "held back",
    "missing": "missing",
    "perished": "perished",
    "not_yet": "not out yet",
    "loaded": "loaded",
    "verified_empty": "verified empty",
}
MEANINGS = {
    "failed": "asked for in vain",
    "failed_check": "broke a blocking check",
    "missing": "due, and not there",
    "perished": "no longer kept by the provider",
    "not_yet": "not published yet",
    "loaded": "published",
    "verified_empty": "no value, with evidence",
}
MARKED = tuple(STATES)[:4]
FEED = ("dataset", "source")
# The most runs of equal days that are drawn one by one; above it the feeds with the most runs are drawn coarser.
MOST_RUNS = 8_000
LONGEST_REASON = 180
MOST_NAMES = 12  # series named in a line
CELL = 6
WEEKS = 54
HEIGHT = 7 * CELL


@dataclass(frozen=True)
class Stretch:
    """Days that are missing for one reason, and what retries them.

    Attributes:
        dataset: The table.
        source: The provider.
        series: The series that share the reason.
        every: Whether these are all series of the feed.
        state: The days' state.
        reason: Why, if the ledger says so.
        first: The first day.
        last: The last day.
        days: Number of series-days.
        perishes_at: When the first of them can no longer be fetched.
        command: The command that retries them; none if nothing can.
        form: The address of the form that does the same.
    """

    dataset: str
    source: str
    series: tuple[str, ...]
    every: bool
    state: str
    reason: str | None
    first: date
    last: date
    days: int
    perishes_at: datetime | None
    command: str | None
    form: str | None

    @property
    def names(self) -> str:
        """The series' names, shortened to fit a line."""
        if self.every:
            return "all series" if len(self.series) > 1 else self.series[0]
        return listed(self.series, MOST_NAMES)


class Drawn(NamedTuple):
    """One drawn year of a feed."""

    year: int
    label: str
    paths: str


@dataclass(frozen=True)
class Calendar:
    """Everything that the page shows of one feed."""

    dataset: str
    source: str
    series: int
    counts: dict[str, int]
    years: Sequence[Drawn]
    coarse: bool
    stretches: Sequence[Stretch]

    @property
    def anchor(self) -> str:
        """Its anchor on the page."""
        return f"{self.dataset}-{self.source}"

    @property
    def marked(self) -> int:
        """Number of series-days that are missing and should exist."""
        return sum(self.counts.get(state, 0) for state in MARKED)

    @property
    def perishes_at(self) -> datetime | None:
        """When the first of its marked days can no longer be fetched."""
        return min((stretch.perishes_at for stretch in self.stretches if stretch.perishes_at is not None), default=None)

    def told(self) -> str:
        """Its series-days in words, worst first."""
        return by_state(self.counts, STATES, none="nothing")


def read_ledger(warehouse: Path) -> tuple[pl.DataFrame, datetime]:
    """The warehouse's ledger, and the instant as of which it was judged."""
    with open_warehouse(warehouse) as connection:
        ledger = connection.sql("select dataset, source, series, date, state, reason from ops.ledger").pl()
        as_of: list[tuple[str]] = connection.execute("select value from ops.home where key = 'as-of'").fetchall()
    return ledger, datetime.fromisoformat(as_of[0][0])


def write_completeness(home: Home, ledger: pl.DataFrame, stretches: Sequence[Stretch], as_of: datetime) -> Path:
    """Write the page of a home.

    Args:
        home: The home.
        ledger: dataset, source, series, date, state, reason of every series-day.
        stretches: What is missing, and what retries it; what perishes first comes first.
        as_of: The instant as of which the ledger was judged.
    """
    feeds = calendars(ledger, stretches)
    drawn = sorted({year.year for feed in feeds for year in feed.years})
    page = render(
        "completeness.html.j2",
        "completeness.css",
        as_of=as_of,
        feeds=feeds,
        marked=sorted((feed for feed in feeds if feed.marked), key=_urgent),
        totals={state: sum(feed.counts.get(state, 0) for feed in feeds) for state in STATES},
        first=ledger["date"].min(),
        last=ledger["date"].max(),
        states=STATES,
        meanings=MEANINGS,
        marks=[state for state in MARKED if any(feed.counts[state] for feed in feeds)],
        months={year: _months(year) for year in drawn},
        cell=CELL,
        width=WEEKS * CELL,
        height=HEIGHT,
        brief=BRIEF if (home.reports / BRIEF).exists() else None,
        checks=CHECKS if (home.reports / CHECKS).exists() else None,
        simulated=home.simulated,
    )
    place = home.reports / PAGE
    write_whole(place, page.encode(), home.staging)
    return place


def _urgent(feed: Calendar) -> tuple[bool, float, int, str]:
    """Sort key: what perishes first, then what lacks most."""
    until = feed.perishes_at
    return (until is None, until.timestamp() if until else 0.0, -feed.marked, feed.anchor)


def calendars(ledger: pl.DataFrame, stretches: Iterable[Stretch]) -> list[Calendar]:
    """Every feed with its days drawn, by dataset and source."""
    marked: dict[tuple[str, str], list[Stretch]] = {}
    for stretch in stretches:
        marked.setdefault((stretch.dataset, stretch.source), []).append(stretch)
    days = day_states(ledger)
    counted_series = ledger.group_by(FEED).agg(pl.col("series").n_unique()).iter_rows()
    series = {(dataset, source): count for dataset, source, count in counted_series}
    summed = days.group_by(FEED).agg(pl.col(*STATES).sum())
    counts = {(row["dataset"], row["source"]): {name: row[name] for name in STATES} for row in summed.to_dicts()}
    drawn, coarse = _drawn(days)
    return [
        Calendar(*feed, series[feed], counts[feed], drawn[feed], coarse=feed in coarse, stretches=marked.get(feed, ()))
        for feed in sorted(drawn)
    ]


def day_states(ledger: pl.DataFrame) -> pl.DataFrame:
    """One row for each day of a feed: the number of series in each state, the worst state, and its reason."""
    ranks = {name: rank for rank, name in enumerate(STATES)}
    ranked = ledger.with_columns(worst=pl.col("state").replace_strict(ranks, return_dtype=pl.Int8))
    days = ranked.group_by(*FEED, "date").agg(
        *(pl.col("state").eq(name).sum().cast(pl.Int64).alias(name) for name in STATES), pl.col("worst").min()
    )
    why = (
        ranked.filter(pl.col("reason").is_not_null())
        .join(days.select(*FEED, "date", "worst"), on=[*FEED, "date", "worst"])
        .group_by(*FEED, "date")
        .agg(pl.col("reason").min(), reasons=pl.col("reason").n_unique().cast(pl.Int64))
    )
    return (
        days.join(why, on=[*FEED, "date"], how="left")
        .with_columns(
            pl.col("worst").replace_strict({rank: name for name, rank in ranks.items()}, return_dtype=pl.String),
            pl.col("reasons").fill_null(0),
        )
        .sort(*FEED, "date")
    )


def _drawn(days: pl.DataFrame) -> tuple[dict[tuple[str, str], list[Drawn]], set[tuple[str, str]]]:
    """Every feed's drawn years, and the feeds whose days differ so much that they are drawn coarser."""
    fine = _runs(days, [*STATES, "reason", "reasons"])
    many = sorted(fine.group_by(FEED).len().rows(), key=lambda row: -row[2])
    coarse: set[tuple[str, str]] = set()
    left = fine.height
    for dataset, source, runs in many:
        if left <= MOST_RUNS:
            break
        coarse.add((dataset, source))
        left -= runs
    rough = pl.DataFrame(sorted(coarse), schema=dict.fromkeys(FEED, pl.String), orient="row")
    runs = pl.concat(
        [
            fine.join(rough, on=FEED, how="anti").with_columns(coarse=pl.lit(value=False)),
            _runs(days.join(rough, on=FEED, how="semi"), []).with_columns(coarse=pl.lit(value=True)),
        ]
    ).sort(*FEED, "first")
    drawn: dict[tuple[str, str], list[Drawn]] = {}
    for (dataset, source, year), group in groupby(
        runs.iter_rows(named=True), lambda row: (row["dataset"], row["source"], row["first"].year)
    ):
        rows = list(group)
        counts = {name: sum(row[name] for row in rows) for name in STATES}
        label = f"{year}, {dataset} from {source}: {by_state(counts, STATES, none='nothing')} series-days"
        drawn.setdefault((dataset, source), []).append(Drawn(year, label, "".join(_paths(rows))))
    return drawn, coarse


def _runs(days: pl.DataFrame, alike: Sequence[str]) -> pl.DataFrame:
    """Consecutive days of one year with the same worst state and the same values in `alike`; counts are summed."""
    same = [*FEED, "worst", *alike]
    changed = [pl.col(name).ne_missing(pl.col(name).shift()) for name in same]
    broken = pl.col("date").ne_missing(pl.col("date").shift() + timedelta(days=1))
    new_year = pl.col("date").dt.year().ne_missing(pl.col("date").shift().dt.year())
    return (
        days.with_columns(run=pl.any_horizontal(*changed, broken, new_year).cum_sum())
        .group_by("run", *FEED, "worst", maintain_order=True)
        .agg(
            pl.col(*STATES).sum(),
            pl.col("reason").min(),
            pl.max_horizontal(pl.col("reason").drop_nulls().n_unique(), pl.col("reasons").max())
            .cast(pl.Int64)
            .alias("reasons"),
            first=pl.col("date").min(),
            last=pl.col("date").max(),
            days=pl.len().cast(pl.Int64),
        )
        .drop("run")
    )


def _paths(runs: Iterable[dict[str, Any]]) -> Iterator[str]:
    for run in runs:
        shape = outline(run["first"], run["last"])
        yield f'<path class="{run["worst"]}" d="{shape}"><title>{html.escape(told(run))}</title></path>'


def told(run: dict[str, Any]) -> str:
    """A run of days in words: the days, the number of series in each state, and the reason."""
    per_day = 1 if run["coarse"] else run["days"]
    counts = by_state({name: run[name] // per_day for name in STATES}, STATES, none="nothing")
    if run["days"] == 1:
        text = f"{run['first']:%a %Y-%m-%d}: {counts}"
    else:
        unit = "series-days" if run["coarse"] else "each day"
        text = f"{run['first']} to {run['last']}, {run['days']} days: {counts} {unit}"
    if run["reason"]:
        reason = run["reason"]
        short = reason if len(reason) <= LONGEST_REASON else f"{reason[:LONGEST_REASON]}…"
        text += f". {'One of several reasons: ' if run['reasons'] > 1 else ''}{short}"
    return text


def _place(day: date) -> tuple[int, int]:
    """The week of its year and the day of that week, both from 0; a week begins on Monday."""
    begins = date(day.year, 1, 1)
    return ((day - begins).days + begins.weekday()) // 7, day.weekday()


def outline(first: date, last: date) -> str:
    """The SVG outline of consecutive days of one year; a column is a week, with Monday on top."""
    (week, row), (last_week, last_row) = _place(first), _place(last)
    left, right = week * CELL, (last_week + 1) * CELL
    top, bottom = row * CELL, (last_row + 1) * CELL
    if week == last_week:
        return f"M{left} {top}H{right}V{bottom}H{left}z"
    inner, outer = left + CELL, right - CELL
    return f"M{left} {top}H{inner}V0H{right}V{bottom}H{outer}V{HEIGHT}H{left}z"


def _months(year: int) -> list[tuple[int, str]]:
    """Where each month begins, and its first letter."""
    return [(_place(date(year, month, 1))[0] * CELL, letter) for month, letter in enumerate("JFMAMJJASOND", start=1)]
