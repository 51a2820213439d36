"""Post each new alert to a webhook, once: a signal at level `alert` on the newest day.

An alert is new if no day of its current spell at that level was announced. The ledger records every announcement, so
another run or a rebuilt warehouse does not repeat it. If the webhook fails, the run only gets a warning, and the next
run tries again.
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
# The alerts of a day, each with the first day of its spell at that level and the statement of the gauge.
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
    """An alert as it is posted to the webhook, as JSON.

    Attributes:
        date: The UTC day.
        signal: The name of the signal.
        level: Its level: alert.
        value: Its value.
        threshold: The threshold of that level.
        since: The first day of the spell in which the signal is active at any level.
        alert_since: The first day of the spell at this level.
        message: The sentence of the signal.
        gauge: The statement of the leverage gauge for the day; None if unknown.
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
    """Post the new alerts of the newest day to the webhook; a failure becomes a notice of the run.

    A simulated market sends no alerts.
    """
    webhook = run.settings.webhook
    day = newest_day(run.home.warehouse)
    if webhook is None or run.home.simulated or day is None:
        return
    announced_days = list(announcements(Ledger(run.home.ledger).read()))
    for alert in standing(run.home.warehouse, day, run.home.origin):
        if known(alert, announced_days):
            continue
        try:
            post(webhook, orjson.dumps(asdict(alert)), clock=run.settings.clock)
        except PipelineError as problem:
            run.notices.append(f"{alert.signal} of {alert.date} was not announced, the next run tries again: {problem}")
            return  # do not try the other alerts: the webhook is failing
        run.write([announced(run, alert)])


def standing(warehouse: Path, day: dt.date, origin: str) -> list[Alert]:
    """The signals at level `alert` on a day."""
    with open_warehouse(warehouse) as connection:
        cursor = connection.execute(STANDING, {"day": day})
        names = [column[0] for column in cursor.description]
        return [Alert(**dict(zip(names, row, strict=True)), origin=origin) for row in cursor.fetchall()]


def announced(run: Run, alert: Alert) -> Event:
    """The ledger event of an announced alert."""
    return {
        "event": ANNOUNCED,
        "run_id": run.run_id,
        "at": run.now(),
        "signal": alert.signal,
        "date": alert.date,
        "since": alert.alert_since,
    }


def announcements(books: Books) -> Iterator[tuple[str, dt.date]]:
    """The announced signals, each with its day."""
    for event in books.of(ANNOUNCED):
        yield event["signal"], dt.date.fromisoformat(event["date"])


def known(alert: Alert, told: Iterable[tuple[str, dt.date]]) -> bool:
    """Whether any day of the alert's spell was announced; later restatements of values do not change that."""
    return any(signal == alert.signal and alert.alert_since <= day <= alert.date for signal, day in told)
