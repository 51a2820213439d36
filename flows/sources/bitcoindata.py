"""bitcoin-data.com (BGeometrics): open interest of bitcoin futures at fourteen exchanges, as a witness.

One answer holds everything; an exchange without a value is left out, or has null or the text NaN; CME is not
included; the free history reaches about four years back.
"""

from datetime import date, timedelta

from expectations.datasets.open_interest_witness import OPEN_INTEREST_WITNESS
from expectations.errors import PipelineError, SourceRefused, SourceUnavailable, brief
from expectations.releases import every_day
from flows.source import Answer, Ask, Feed, Limit, Plan, Request, Series, Source

HOST = "bitcoin-data.com"
OPEN_INTEREST = f"https://{HOST}/v1/open-interest-futures"
WHOLE_HISTORY = 36_600  # days: more than there are
KEPT_DAYS = 1430  # about four years
SINCE = date(2022, 1, 1)
TOLD = every_day(timedelta(hours=6), grace=timedelta(days=2))


def plan_open_interest(_: Ask) -> Plan:
    """The whole history in one request."""
    yield Request(OPEN_INTEREST)


def refusal(answer: Answer) -> PipelineError | None:
    """An object where a list of days was expected: mostly because the hourly limit is used up."""
    document = answer.json()
    if isinstance(document, list):
        return None
    message = f"expected days from {HOST}, found {brief(document)}"
    return SourceUnavailable(message) if "limit" in message.lower() else SourceRefused(message)


SOURCE = Source(
    name="bitcoindata",
    feeds=(
        Feed(
            OPEN_INTEREST_WITNESS,
            plan_open_interest,
            (Series("BTC", "BTC", SINCE, TOLD),),
            days_per_ask=WHOLE_HISTORY,
            kept_for=timedelta(days=KEPT_DAYS),
            whole_history=True,
        ),
    ),
    limits={HOST: Limit(8, 3600, burst=4)},
    docs="https://bitcoin-data.com/api/swagger.html",
    terms="free within eight requests an hour; values are not audited",
    attribution="BGeometrics (bitcoin-data.com)",
    verified="documented",
    verified_against=(
        "other people's clients of 2025; no answer was recorded, and whether it is still given is not known. "
        "That the values are dollars is believed. Whether a day's row tells how it began or how it ended is "
        "not said: so it is held against what the exchanges tell themselves, and summed nowhere"
    ),
    refusal=refusal,
    connections=1,
)
