"""CFTC: the weekly report on traders in financial futures, for the open interest of bitcoin at CME.

One row a week, of Tuesday's close, out on Friday; numbers come as text; in a government shutdown reports come late,
then two a week: the late ones of 2018/19, 2023 and 2025 are listed with their dates. Names may hold two spaces. An
error is an object where a list was expected.
"""

from datetime import date, timedelta

from expectations.datasets.open_interest import OPEN_INTEREST
from expectations.errors import PipelineError, SourceRefused, SourceUnavailable, brief
from flows.source import Answer, Ask, Feed, Limit, Plan, Request, Source, among, series_of
from transforms.open_interest.cftc import RELEASE

HOST = "publicreporting.cftc.gov"
REPORTS = f"https://{HOST}/resource/gpe5-46if.json"
PAGE = 5000
REPORTED = "report_date_as_yyyy_mm_dd"

MARKETS = {
    "BTC": ("BITCOIN - CHICAGO MERCANTILE EXCHANGE", date(2018, 5, 1)),
    "BTC-micro": ("MICRO BITCOIN - CHICAGO MERCANTILE EXCHANGE", date(2021, 6, 1)),
}

TOO_BUSY = {"too_many_requests", "internal_error", "service_unavailable", "timeout"}


def plan_reports(ask: Ask) -> Plan:
    """One page that starts ten days early, so that it holds the report before a quiet day."""
    start = ask.days.start - timedelta(days=10)
    bounds = f"{REPORTED} >= '{start}T00:00:00.000' AND {REPORTED} <= '{ask.days.last}T00:00:00.000'"
    yield Request(
        REPORTS,
        params={
            "$where": f"market_and_exchange_names = '{ask.series.symbol}' AND {bounds}",
            "$order": REPORTED,
            "$limit": PAGE,
        },
        labels={"market": ask.series.symbol},
    )


def refusal(answer: Answer) -> PipelineError | None:
    """An error object where a list of reports was expected."""
    document = answer.json()
    if not isinstance(document, dict) or "error" not in document:
        return None
    message = f"expected reports from the CFTC, found {brief(document, 200)}"
    return SourceUnavailable(message) if among(document.get("code"), TOO_BUSY) else SourceRefused(message)


SOURCE = Source(
    name="cftc",
    feeds=(
        Feed(
            OPEN_INTEREST,
            plan_reports,
            series_of(MARKETS, RELEASE),
            days_per_ask=7000,
            restates_for=timedelta(days=21),
        ),
    ),
    limits={HOST: Limit(20, 60, burst=4)},  # none published for those without a token
    docs="https://publicreporting.cftc.gov/stories/s/r4w3-av2u",
    terms="public domain",
    attribution="U.S. Commodity Futures Trading Commission",
    verified="documented",
    verified_against=(
        "answers of the replay for BITCOIN (2022 to 2024), field by field. That a contract is of 5 bitcoin "
        "and a micro contract of a tenth is from memory; so are the first days, on the safe side. That the "
        "report keeps to the third working day in weeks with a holiday is its habit, not a promise"
    ),
    refusal=refusal,
    connections=2,
)
