"""What a day's page lacks, and why, in a sentence or two: an incomplete page must not look complete."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb

from expectations.contract import datasets
from warehouse.build.database import FETCHING
from warehouse.lineage.tables import ancestors
from warehouse.text import expected_ends, listed

PAGE = "main.brief"
"""The table that the page shows; its lineage is what the page rests on."""

USUAL_DAYS = 5  # a series with an answer on this many of the seven days before is missed on the day
MOST_NAMES = 8

WHY = {
    "failed": "asked for in vain",
    "failed_check": "held back by a check",
    "missing": "due and never asked for",
    "perished": "no longer to be had",
}
AWAITED = "not_yet"


@dataclass(frozen=True)
class Lacking:
    """What a day lacks.

    Attributes:
        holes: What should be there and is not, in sentences.
        awaited: What is not published yet, in sentences, as is usual in the morning.
    """

    holes: Sequence[str] = ()
    awaited: Sequence[str] = ()


def lacking(connection: duckdb.DuckDBPyConnection, day: date) -> Lacking:
    """What a day's page lacks of the data that it rests on.

    A series that another source also has is not lacking, unless the page shows each venue separately. A series without
    a value on most days, such as a weekly figure, is not awaited.

    Args:
        connection: A built file.
        day: The UTC day.
    """
    names = sorted(table.removeprefix("core.") for table in ancestors(PAGE) if table.startswith("core."))
    rested_on = [name for name in names if name in datasets()]
    one_source = [name for name in rested_on if "venue" not in datasets()[name].preferred_key]
    rows = connection.execute(
        "with asked as (select * from ops.ledger where date = $day and dataset in (select unnest($rested_on))), "
        "usual as ("
        "  select dataset, source, series from ops.ledger where date between $day - 7 and $day - 1"
        "  and state in ('loaded', 'verified_empty') group by all having count(*) >= $usual) "
        "select asked.state, asked.source, asked.dataset from asked left join usual using (dataset, source, series) "
        "where asked.state not in ('loaded', 'verified_empty') "
        "and (asked.state in ('failed', 'failed_check', 'missing') or usual.series is not null) "
        "and not (asked.dataset in (select unnest($told_once)) and exists ("
        "  select 1 from asked as other where other.dataset = asked.dataset and other.series = asked.series"
        "  and other.state = 'loaded')) "
        "group by all order by all",
        {"day": day, "rested_on": rested_on, "told_once": one_source, "usual": USUAL_DAYS},
    ).fetchall()
    fetching = dict(
        connection.execute(
            "select substr(key, len($prefix) + 1), value::timestamptz from ops.home where starts_with(key, $prefix)",
            {"prefix": FETCHING},
        ).fetchall()
    )
    by_state: dict[str, dict[str, list[str]]] = {}
    for state, source, dataset in rows:
        if state == "missing" and source in fetching:
            continue
        by_state.setdefault(state, {}).setdefault(source, []).append(dataset.replace("_", " "))
    reasons = [f"{words}: {_feeds(by_state[state])}" for state, words in WHY.items() if state in by_state]
    holes = [f"This day is not whole. {_capital('; '.join(reasons))}."] if reasons else []
    silent = _silent(connection, day)
    if holes and silent:
        holes.append(f"Told within the week before and not of this day: {_few(silent)}.")
    awaited = []
    if fetching:
        awaited.append(f"Still being fetched when this was made: {expected_ends(fetching, MOST_NAMES)}.")
    if AWAITED in by_state:
        awaited.append(f"Not published yet when this was made: {_feeds(by_state[AWAITED])}.")
        if silent and not holes:
            awaited.append(f"So it says nothing of {_few(silent)}.")
    return Lacking(holes, awaited)


def _silent(connection: duckdb.DuckDBPyConnection, day: date) -> list[str]:
    """The topics that most days of the week before had and the day lacks, in page order."""
    topics = connection.execute(
        "select topics.topic from core.brief_topics as topics "
        "where topics.topic in ("
        "  select topic from main.brief where date between $day - 7 and $day - 1 "
        "  group by topic having count(*) >= $usual) "
        "and topics.topic not in (select topic from main.brief where date = $day) order by topics.position",
        {"day": day, "usual": USUAL_DAYS},
    ).fetchall()
    return [topic.replace("_", " ") for (topic,) in topics]


def _feeds(by_source: dict[str, list[str]]) -> str:
    return _few(f"{source} ({', '.join(names)})" for source, names in by_source.items())


def _few(names: Iterable[str]) -> str:
    return listed(names, MOST_NAMES, ", listed below")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
