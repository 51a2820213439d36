"""A webhook is told of each new alert, once: a signal that has come to level `alert` on the newest day.

New is a spell of days at that level of which nothing was told yet. What was told stays in the ledger, so that neither
another run nor a rebuilt warehouse tells it again. A webhook that does not take it costs the run a line, no more; the
next run tries again.
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from expectations.errors import PipelineError
from flows.http import post
from flows.steps.run import Run
from warehouse.reader import open_warehouse
from warehouse.reports.brief import newest_day
from warehouse.store.ledger import Books, Event, Ledger

ANNOUNCED = "announced"
# The alerts of a day, each with the first day of its spell at that level and what the gauge says.
STANDING = """
with alerts as (
    select *, date - row_number() over (partition by signal order by date)::integer as spell
    from main.signals
    where level = 'alert'
)
select
    alerts.date,
    alerts.signal,
    alerts.level,
    alerts.value,
    alerts.threshold,
    alerts.since,
    min(spells.date) as alert_since,
    alerts.message,
    any_value(gauge.statement) as gauge
from alerts
inner join alerts as spells on spells.signal = alerts.signal and spells.spell = alerts.spell
left join main.brief as gauge on gauge.date = alerts.date and gauge.topic = 'gauge_heat'
where alerts.date = $day
group by all
order by alerts.signal
"""


@dataclass(frozen=True)
class Alert:
    """What the webhook is told, as JSON.

    Attributes:
        date: The UTC day.
        signal: The signal.
        level: Its level: alert.
        value: Its number.
        threshold: The number from which on it speaks at that level.
        since: The first day of the spell in which it speaks at any level.
        alert_since: The first day of the spell at this level.
        message: What it says.
        gauge: What the leverage gauge says of the day; none where it is not known.
        origin: Where the home's data come from.
    """

    date: dt.date
    signal: str
    level: str
    value: float
    threshold: float
    since: dt.date
    alert_since: dt.date
    message: str
    gauge: str | None
    origin: str


def announce(run: Run) -> None:
    """Tell the webhook of the new alerts of the newest day; what goes wrong is noted in the run.

    An invented market alerts nobody.
    """
    webhook = run.settings.webhook
    day = newest_day(run.home.warehouse)
    if webhook is None or run.home.simulated or day is None:
        return
    told = list(announcements(Ledger(run.home.ledger).read()))
    for alert in standing(run.home.warehouse, day, run.home.origin):
        if known(alert, told):
            continue
        try:
            post(webhook, orjson.dumps(asdict(alert)), clock=run.settings.clock)
        except PipelineError as problem:
            run.notices.append(f"{alert.signal} of {alert.date} was not announced, the next run tries again: {problem}")
            return  # one that does not answer is not asked again and again
        run.write([announced(run, alert)])


def standing(warehouse: Path, day: dt.date, origin: str) -> list[Alert]:
    """The signals that are at level `alert` on a day."""
    with open_warehouse(warehouse) as connection:
        found = connection.execute(STANDING, {"day": day})
        names = [about[0] for about in found.description]
        return [Alert(**dict(zip(names, row, strict=True)), origin=origin) for row in found.fetchall()]


def announced(run: Run, alert: Alert) -> Event:
    """What the ledger keeps of an alert that was told."""
    return {
        "event": ANNOUNCED,
        "run_id": run.run_id,
        "at": run.now(),
        "signal": alert.signal,
        "date": alert.date,
        "since": alert.alert_since,
    }


def announcements(books: Books) -> Iterator[tuple[str, dt.date]]:
    """The signals that were told, each with its day."""
    for event in books.of(ANNOUNCED):
        yield event["signal"], dt.date.fromisoformat(event["date"])


def known(alert: Alert, told: Iterable[tuple[str, dt.date]]) -> bool:
    """Whether a spell was told: on any of its days, so that it stays known where values are restated later."""
    return any(signal == alert.signal and alert.alert_since <= day <= alert.date for signal, day in told)
