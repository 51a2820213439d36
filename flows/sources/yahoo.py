"""Yahoo Finance: the front fed funds future, from the data of Yahoo's own charts.

Both bounds are seconds since 1970, the later one exclusive. A bar is stamped with midnight in New York, some half
days with 09:30 there; the current session, which begins on the evening before its day, comes last, stamped with the
time of its last trade. Days without a trade are null. ZQ=F is the contract of the current month through its last
trading day, so its price steps at a month's turn. A client without a name is refused. `range=max` gives other than
daily bars, and is never used.
"""

from codecs import BOM_UTF8
from datetime import date, timedelta

from expectations.datasets.macro_series import MACRO_SERIES
from expectations.errors import PipelineError, SourceRefused, SourceUnavailable, brief
from expectations.interval import day_start, milliseconds
from flows.source import Answer, Ask, Feed, Limit, Plan, Request, Series, Source
from transforms.macro_series.yahoo import SESSIONS

HOST = "query1.finance.yahoo.com"
CHART = f"https://{HOST}/v8/finance/chart"
BEFORE = timedelta(days=10)
MORNING = timedelta(hours=12)  # UTC: after the stamp of a day, and before that of the next one


def plan_chart(ask: Ask) -> Plan:
    """The wanted days, from ten days early on, so that the answer holds the bar before a quiet day."""
    start, end = day_start(ask.days.start - BEFORE), day_start(ask.days.last) + MORNING
    yield Request(
        f"{CHART}/{ask.series.symbol}",
        params={
            "interval": "1d",
            "period1": milliseconds(start) // 1000,
            "period2": milliseconds(end) // 1000,
        },
    )


def refusal(answer: Answer) -> PipelineError | None:
    """The error beside the chart, or an HTML page."""
    if answer.body.removeprefix(BOM_UTF8).lstrip()[:1] != b"{":
        return SourceUnavailable(f"expected a chart from {HOST}, found {answer.body[:60]!r}")
    document = answer.json()
    chart = document.get("chart") if isinstance(document, dict) else None
    error = chart.get("error") if isinstance(chart, dict) else document.get("finance")
    if error is None:
        return None
    message = f"expected a chart from {HOST}, found {brief(error, 200)}"
    return SourceUnavailable(message) if "Internal" in message else SourceRefused(message)


SOURCE = Source(
    name="yahoo",
    feeds=(
        Feed(
            MACRO_SERIES,
            plan_chart,
            (Series("fed_funds_futures", "ZQ=F", date(2000, 9, 1), SESSIONS),),
            days_per_ask=366,
        ),
    ),
    limits={HOST: Limit(20, 60, burst=2)},  # none published
    docs="https://finance.yahoo.com/quote/ZQ=F/",
    terms="Yahoo terms of service: personal use, no redistribution; an unofficial address",
    attribution="Yahoo Finance",
    verified="documented",
    verified_against=(
        "answers of the replay for 2024, day by day; recorded bars of another future of the same exchange, "
        "with a half day and a running session. On the last day of 59 of 59 months from January 2020 to "
        "November 2024 the price was within 0.0025 points of 100 less the month's mean rate. That the close "
        "is within a tick of the settlement is believed, and so is the first day"
    ),
    refusal=refusal,
    connections=1,
    unofficial=True,
)
