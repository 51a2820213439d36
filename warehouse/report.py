"""The daily brief: one page that opens offline, and the same as Markdown; its sentences are those of `brief`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from expectations.errors import BadRequest
from warehouse.files import write_whole
from warehouse.home import Home
from warehouse.opening import open_warehouse
from warehouse.pages import render
from warehouse.pictures import Chart, charts

LATEST = "latest.html"
UNUSUAL = 0.95  # percentiles beyond it, on either side, lead the page
MOST_LEADING = 9
HEADLINES = ("gauge_heat", "bitcoin", "ether", "breadth")
LOUDNESS = {"alert": 0, "watch": 1, "info": 2}

SECTIONS = {
    "prices": "Prices",
    "sectors": "Sectors",
    "liquidations": "Liquidations",
    "leverage": "Open interest and funding",
    "rates": "What dollars cost",
    "korea": "Korea",
    "premiums": "Premiums",
    "stablecoins": "Dollar coins",
    "liquidity": "Global liquidity",
    "policy": "Policy",
}


@dataclass(frozen=True)
class Brief:
    """Everything that the page of one day says."""

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
    famous: Sequence[Mapping[str, Any]]
    trouble: Mapping[str, Sequence[Mapping[str, Any]]]
    sources: Sequence[Mapping[str, Any]]
    charts: Mapping[str, Sequence[Chart]] = field(default_factory=dict)


def newest_day(warehouse: Path) -> date | None:
    """The newest day that the brief has a sentence for; none where it has none at all."""
    with open_warehouse(warehouse) as connection:
        newest: list[tuple[date | None]] = connection.execute("select max(date) from main.brief").fetchall()
    return newest[0][0]


def write_report(home: Home, day: date | None = None) -> Path:
    """Write the page and the Markdown of a day; the newest day's page is `latest.html` too.

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


def read_brief(warehouse: Path, day: date) -> Brief:
    """What the warehouse says of a day.

    Raises:
        BadRequest: The brief says nothing of that day.
    """
    with open_warehouse(warehouse) as connection:
        told = _rows(
            connection,
            "select brief.*, topics.section, topics.leads from main.brief as brief "
            "inner join core.brief_topics as topics on topics.topic = brief.topic "
            "where brief.date = $day order by topics.position",
            day,
        )
        if not told:
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
            headlines=[row["statement"] for row in told if row["topic"] in HEADLINES],
            gauge=gauge,
            parts=_parts(connection, gauge),
            leading=_leading(told, signals),
            signals=signals,
            outcomes=_rows(
                connection,
                "select outcomes.* from main.signal_outcomes as outcomes "
                "inner join main.signals as signals on signals.signal = outcomes.signal "
                "and signals.level = outcomes.level where signals.date = $day order by outcomes.signal",
                day,
            ),
            sections={name: [row for row in told if row["section"] == name] for name in SECTIONS},
            sectors=_rows(connection, "select * from main.sector_daily where date = $day order by return_1d", day),
            famous=_rows(
                connection,
                "select date, metric, value, unit, statement, source_url from main.famous_days "
                "where date <= $day order by date, metric",
                day,
            ),
            trouble=_trouble(connection, day),
            sources=_rows(
                connection,
                "select source, list_sort(list(distinct dataset)) as datasets, max(last_date) as last_date "
                "from ops.freshness where last_date is not null group by source order by source",
                day,
            ),
            charts=charts(connection, day),
        )


def _rows(connection: duckdb.DuckDBPyConnection, query: str, day: date) -> list[dict[str, Any]]:
    found = connection.execute(query, {"day": day} if "$day" in query else None)
    names = [about[0] for about in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _parts(connection: duckdb.DuckDBPyConnection, gauge: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The gauge's parts with where each stands, heat first."""
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


def _leading(told: Sequence[dict[str, Any]], signals: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What a reader should see first: what speaks, then what is far out in its own year or the first of its kind."""
    lead = [{"text": row["message"], "level": row["level"], "topic": None, "since": row["since"]} for row in signals]
    unusual = [
        row
        for row in told
        if row["leads"]
        and (
            ", the highest" in row["statement"]
            or ", the lowest" in row["statement"]
            or (row["percentile_1y"] is not None and not 1 - UNUSUAL <= row["percentile_1y"] <= UNUSUAL)
        )
    ]
    unusual.sort(key=lambda row: -abs((row["percentile_1y"] or 0.5) - 0.5))
    told_too = [{"text": row["statement"], "level": None, "topic": row["topic"], "since": None} for row in unusual]
    return [*lead, *told_too[: max(MOST_LEADING - len(lead), 4)]]


def _trouble(connection: duckdb.DuckDBPyConnection, day: date) -> dict[str, list[dict[str, Any]]]:
    """What the day lacks: not there, late, held back, and told differently by two sources."""
    return {
        "missing": _rows(
            connection,
            "select dataset, source, state, count(*) as series, min(reason) as reason from ops.ledger "
            "where date = $day and state not in ('loaded', 'verified_empty', 'not_yet') "
            "group by all order by dataset, source, state",
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
    return render("brief.html.j2", "brief.css", simulated=simulated, brief=brief, titles=SECTIONS, percent=percent)


def as_markdown(brief: Brief) -> str:
    """The brief as Markdown, which is Prefect's artifact too."""
    text = [f"# {brief.day:%A, %-d %B %Y}"]
    if brief.origin == "simulated":
        text.append("**SIMULATED: invented by tidemark's simulator, no market made these data.**")
    text.append(" ".join(brief.headlines))
    text.append("## What speaks, and what is unusual")
    text.append(
        "\n".join(f"- {'**' + row['level'] + '** ' if row['level'] else ''}{row['text']}" for row in brief.leading)
    )
    if brief.gauge is not None:
        text.append("## The gauge")
        text.append(
            f"Regime **{brief.gauge['regime'] or 'not told'}**, heat {percent(brief.gauge['heat'])}, fuel "
            f"{percent(brief.gauge['fuel'])}, {brief.gauge['components_present']} of {len(brief.parts)} parts known."
        )
        rows = [
            f"| {part['component']} | {part['side']} | {part['weight']:g} | {percent(part['percentile'])} |"
            for part in brief.parts
        ]
        text.append("\n".join(["| part | side | votes | in its year |", "|---|---|---|---|", *rows]))
    for name, title in SECTIONS.items():
        if brief.sections[name]:
            text.append(f"## {title}")
            text.append("\n".join(f"- {row['statement']}" for row in brief.sections[name]))
    lacking = [
        *(
            f"- {row['dataset']} from {row['source']}: {row['series']} series {row['state']}"
            for row in brief.trouble["missing"]
        ),
        *(f"- {row['dataset']} from {row['source']}: {row['lag_days']} days late" for row in brief.trouble["late"]),
        *(
            f"- {row['dataset']} from {row['source']}: {row['rows']} rows held back ({row['rule']})"
            for row in brief.trouble["held"]
        ),
        *(
            f"- {row['metric']} {row['key']}: {row['source_a']} and {row['source_b']} differ by "
            f"{percent(row['relative_gap'], 2)}"
            for row in brief.trouble["disagreeing"]
        ),
    ]
    text.append("## Missing, late, held back, disagreeing")
    text.append("\n".join(lacking) or "Nothing.")
    text.append(f"As known at {brief.as_of}. Sources: {', '.join(row['source'] for row in brief.sources)}.")
    return "\n\n".join(text) + "\n"


def percent(value: float | None, digits: int = 0) -> str:
    """A fraction as a person reads it."""
    return "unknown" if value is None else f"{value * 100:.{digits}f} %"
