"""The daily brief: one page that opens offline, and the same as Markdown; its sentences come from the mart `brief`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from expectations.curated import curated
from expectations.errors import BadRequest
from warehouse.reader import open_warehouse
from warehouse.reports.gaps import Lacking, lacking
from warehouse.reports.pages import render, render_text
from warehouse.reports.pictures import Chart, charts
from warehouse.reports.stale import MADE_FROM, made_from, stale_days
from warehouse.store.files import write_whole
from warehouse.store.home import Home

LATEST = "latest.html"
UNUSUAL = 0.95  # topics with more extreme percentiles, on either side, lead the page
MOST_LEADING = 9
LOUDNESS = {"alert": 0, "watch": 1, "info": 2}
MILLION, BILLION = 1e6, 1e9
WHOLE = 100
MORE_DIGITS = 2
_ORDINALS = {"1": "st", "2": "nd", "3": "rd"}


@dataclass(frozen=True)
class Brief:
    """The content of one day's page."""

    day: date
    as_of: str
    origin: str
    headlines: Sequence[str]
    gauge: Mapping[str, Any] | None
    parts: Sequence[Mapping[str, Any]]
    leading: Sequence[Mapping[str, Any]]
    signals: Sequence[Mapping[str, Any]]
    outcomes: Sequence[Mapping[str, Any]]
    sections: Mapping[str, Sequence[Mapping[str, Any]]]
    sectors: Sequence[Mapping[str, Any]]
    beside: Sequence[Mapping[str, Any]]
    famous: Sequence[Mapping[str, Any]]
    trouble: Mapping[str, Sequence[Mapping[str, Any]]]
    sources: Sequence[Mapping[str, Any]]
    lacking: Lacking
    made_from: str
    charts: Mapping[str, Sequence[Chart]] = field(default_factory=dict)


def newest_day(warehouse: Path) -> date | None:
    """The newest day that the brief has a sentence for; none if it has none at all."""
    with open_warehouse(warehouse) as connection:
        newest: list[tuple[date | None]] = connection.execute("select max(date) from main.brief").fetchall()
    return newest[0][0]


def write_report(home: Home, day: date | None = None) -> Path:
    """Write the page and the Markdown of a day; the newest day's page is also `latest.html`.

    Raises:
        BadRequest: The brief says nothing of that day.
    """
    newest = newest_day(home.warehouse)
    wanted = day or newest
    if wanted is None:
        raise BadRequest("there is no brief yet: run `tidemark run` or `tidemark backfill` first")
    brief = read_brief(home.warehouse, wanted)
    page = as_page(brief, simulated=home.simulated).encode()
    place = home.reports / f"{wanted}.html"
    write_whole(place, page, home.staging)
    write_whole(home.reports / f"{wanted}.md", as_markdown(brief).encode(), home.staging)
    if wanted == newest:
        write_whole(home.reports / LATEST, page, home.staging)
    return place


def write_reports(home: Home) -> list[Path]:
    """Write the newest day's page, and rewrite every page under reports/ that is stale.

    A page of a day that the brief no longer has is deleted.

    Returns:
        The pages that were written, the newest day's last; none if there is no brief yet.
    """
    newest = newest_day(home.warehouse)
    stale, gone = stale_days(home)
    for day in gone:
        for ending in ("html", "md"):
            (home.reports / f"{day}.{ending}").unlink(missing_ok=True)
    if newest is None:
        (home.reports / LATEST).unlink(missing_ok=True)
        return []
    return [write_report(home, day) for day in (*(day for day in stale if day != newest), newest)]


def read_brief(warehouse: Path, day: date) -> Brief:
    """Read the content of a day's page from the warehouse.

    Raises:
        BadRequest: The brief says nothing of that day.
    """
    with open_warehouse(warehouse) as connection:
        sentences = _rows(
            connection,
            "select brief.*, topics.section, topics.is_headline, topics.leads from main.brief as brief "
            "inner join core.brief_topics as topics on topics.topic = brief.topic "
            "where brief.date = $day order by topics.position",
            day,
        )
        if not sentences:
            raise BadRequest(f"the brief says nothing of {day}: it is not held, or not over")
        facts = dict(connection.execute("select key, value from ops.home").fetchall())
        gauges = _rows(connection, "select * from main.leverage_gauge where date = $day", day)
        gauge = gauges[0] if gauges else None
        signals = sorted(
            _rows(connection, "select * from main.signals where date = $day", day),
            key=lambda row: (LOUDNESS[row["level"]], row["since"], row["signal"]),
        )
        return Brief(
            day=day,
            as_of=facts["as-of"],
            origin=facts["origin"],
            headlines=[row["statement"] for row in sentences if row["is_headline"]],
            gauge=gauge,
            parts=_parts(connection, gauge),
            leading=_leading(sentences, signals),
            signals=signals,
            outcomes=_rows(
                connection,
                "select outcomes.* from main.signal_outcomes as outcomes "
                "inner join main.signals as signals on signals.signal = outcomes.signal "
                "and signals.level = outcomes.level where signals.date = $day order by outcomes.signal",
                day,
            ),
            sections={name: [row for row in sentences if row["section"] == name] for name in sections()},
            sectors=_rows(connection, "select * from main.sector_daily where date = $day order by return_1d", day),
            beside=_beside(connection, day),
            famous=_rows(
                connection,
                "select date, metric, value, unit, statement, source_url from main.famous_days "
                "where date <= $day order by date, metric",
                day,
            ),
            trouble=_trouble(connection, day),
            sources=_rows(
                connection,
                "select held.source, list_sort(list(distinct held.dataset)) as datasets, "
                "max(held.last_date) as last_date, any_value(declared.attribution) as attribution, "
                "any_value(declared.terms) as terms from ops.freshness as held "
                "left join ops.sources as declared on declared.source = held.source "
                "where held.last_date is not null group by held.source order by held.source",
                day,
            ),
            lacking=lacking(connection, day),
            made_from=made_from(connection, [day])[day],
            charts=charts(connection, day),
        )


@cache
def sections() -> dict[str, str]:
    """The sections of the page in their order: name to title."""
    return dict(curated()["brief_sections"].rows.sort("position").select("section", "title").iter_rows())


def _rows(connection: duckdb.DuckDBPyConnection, query: str, day: date) -> list[dict[str, Any]]:
    result = connection.execute(query, {"day": day} if "$day" in query else None)
    names = [about[0] for about in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _parts(connection: duckdb.DuckDBPyConnection, gauge: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The gauge's components with their percentiles, heat first."""
    if gauge is None:
        return []
    parts = connection.execute(
        "select component, speaks_of, weight, made_of from core.gauge_components "
        "order by speaks_of desc, weight desc, component"
    ).fetchall()
    return [
        {
            "component": component.replace("_", " "),
            "side": side,
            "weight": weight,
            "made_of": made_of,
            "percentile": gauge[f"{component}_percentile"],
        }
        for component, side, weight, made_of in parts
    ]


def _beside(connection: duckdb.DuckDBPyConnection, day: date) -> list[dict[str, Any]]:
    """The day and the famous days up to it: our own figures beside the highest reported liquidations."""
    return _rows(
        connection,
        "with days as ("
        "  select date, max(value) filter (where unit = 'USD' and contains(metric, 'liquidated')) as reported_usd"
        "  from main.famous_days where date <= $day group by date"
        "  union select $day, null where $day not in (select date from main.famous_days)) "
        "select days.date, days.date = $day as today, bitcoin.return_1d, "
        "bitcoin.low_vs_previous_close as low, breadth.value as breadth, "
        "closed.total_usd as liquidated_usd, closed.venues, gauge.heat, gauge.regime, "
        "days.reported_usd from days "
        "left join main.asset_daily as bitcoin on bitcoin.date = days.date and bitcoin.asset = 'BTC' "
        "left join main.brief as breadth on breadth.date = days.date and breadth.topic = 'breadth' "
        "left join main.liquidations_total as closed on closed.date = days.date "
        "left join main.leverage_gauge as gauge on gauge.date = days.date order by days.date",
        day,
    )


def _leading(sentences: Sequence[dict[str, Any]], signals: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What a reader should see first: active signals, then topics with an extreme percentile or a new extreme."""
    lead = [{"text": row["message"], "level": row["level"], "topic": None, "since": row["since"]} for row in signals]
    unusual = [
        row
        for row in sentences
        if row["leads"]
        and not row["is_headline"]
        and (
            row["is_extreme"]
            or (row["percentile_1y"] is not None and not 1 - UNUSUAL <= row["percentile_1y"] <= UNUSUAL)
        )
    ]
    unusual.sort(key=lambda row: -abs((row["percentile_1y"] or 0.5) - 0.5))
    more = [{"text": row["statement"], "level": None, "topic": row["topic"], "since": None} for row in unusual]
    return [*lead, *more[: max(MOST_LEADING - len(lead), 4)]]


def _trouble(connection: duckdb.DuckDBPyConnection, day: date) -> dict[str, list[dict[str, Any]]]:
    """The day's problems: missing, late, held back, and reported differently by two sources."""
    return {
        "missing": _rows(
            connection,
            "with feeds as ("
            "  select source, dataset, state, count(*) as series, min(reason) as reason from ops.ledger"
            "  where date = $day and state not in ('loaded', 'verified_empty', 'not_yet') group by all) "
            "select source, state, list(struct_pack(dataset, series) order by dataset) as feeds, min(reason) as reason "
            "from feeds group by source, state order by source, state",
            day,
        ),
        "late": _rows(
            connection,
            "select dataset, source, last_date, expected_date, lag_days from ops.freshness "
            "where lag_days > 0 order by lag_days desc, dataset, source",
            day,
        ),
        "held": _rows(
            connection,
            "select dataset, source, rule, count(*) as rows from ops.quarantine where date = $day "
            "group by all order by dataset, source, rule",
            day,
        ),
        "disagreeing": _disagreeing(connection, day),
    }


def _disagreeing(connection: duckdb.DuckDBPyConnection, day: date) -> list[dict[str, Any]]:
    return _rows(
        connection,
        "select metric, key, source_a, value_a, source_b, value_b, relative_gap, tolerance from ops.disagreements "
        "where date = $day and relative_gap > tolerance order by relative_gap / tolerance desc limit 20",
        day,
    )


def as_page(brief: Brief, *, simulated: bool) -> str:
    """The brief as one self-contained HTML page."""
    return render(
        "brief.html.j2",
        "brief.css",
        simulated=simulated,
        brief=brief,
        told_to_programs={MADE_FROM: brief.made_from},
        titles=sections(),
        percent=percent,
        percentile=percentile,
        dollars=dollars,
    )


def as_markdown(brief: Brief) -> str:
    """The brief as Markdown, also used as Prefect's artifact: everything except the charts."""
    return render_text("brief.md.j2", brief=brief, titles=sections(), percent=percent, dollars=dollars)


def percent(value: float | None, digits: int = 0) -> str:
    """A fraction as percent for people; 100 % and 0 % only if it is exactly that."""
    return "unknown" if value is None else f"{_unblurred(value, digits)} %"


def percentile(share: float) -> str:
    """A share of days as a percentile: 97th; and 99.7th, not rounded up to a 100th."""
    text = _unblurred(share, 0)
    return text + ("th" if text[-2:] in ("11", "12", "13") else _ORDINALS.get(text[-1], "th"))


def _unblurred(value: float, digits: int) -> str:
    """Percents with this many digits, or up to two more if rounding would otherwise give exactly 0 or 100."""
    for more in range(digits, digits + MORE_DIGITS + 1):
        text = f"{value * WHOLE:.{more}f}"
        if abs(float(text)) not in (0, WHOLE) or float(text) == value * WHOLE:
            return text
    nearest = "nearly" if abs(value) < 1 else "hardly over"
    return "next to 0" if not float(text) else f"{nearest} {WHOLE}"


def dollars(value: float | None) -> str:
    """An amount of dollars in words for people."""
    if value is None:
        return "unknown"
    return f"${value / BILLION:,.2f} billion" if value >= BILLION else f"${value / MILLION:,.1f} million"
