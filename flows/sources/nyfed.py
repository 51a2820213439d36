"""New York Fed: its reverse repo operations and the rates that it publishes, without a key.

Operations are searched in windows of at most a year. `results/search` ignores its filter and mixes in operations of
the other kind, so it is not used. Amounts are in dollars, not in millions. Rehearsals with small values, and term
operations, are listed among the overnight ones. A day's rate is out on the next morning and may be corrected in the
afternoon.
"""

from collections.abc import Mapping
from datetime import date, timedelta

from expectations.datasets.macro_series import MACRO_SERIES
from expectations.errors import PipelineError, SourceUnavailable, brief
from flows.source import Answer, Ask, Feed, Limit, Plan, Request, Series, Source
from transforms.macro_series.nyfed import OPERATIONS, RATES

HOST = "markets.newyorkfed.org"
PROPOSITIONS = f"https://{HOST}/api/rp/reverserepo/propositions/search.json"
EFFECTIVE_RATE = f"https://{HOST}/api/rates/unsecured/effr/search.json"

BEFORE = timedelta(days=10)
MOST_DAYS = 350  # with the ten days before them less than a year


def plan_search(ask: Ask) -> Plan:
    """One answer that starts ten days early, so that it holds the value before a quiet day."""
    bounds = {"startDate": f"{ask.days.start - BEFORE}", "endDate": f"{ask.days.last}"}
    if ask.series.symbol == "reverserepo":
        yield Request(PROPOSITIONS, params=bounds)
    else:
        # The rate and its range are in one answer.
        yield Request(EFFECTIVE_RATE, params=bounds, transform="normalize_rates", shared=True)


def count_requests(ask: Ask) -> Mapping[str, int]:
    """One request; the range shares the requests of the rate, which are not counted again."""
    return {} if ask.series.name in {"target_low", "target_high"} else {HOST: 1}


def refusal(answer: Answer) -> PipelineError | None:
    """An error object where operations or rates were expected."""
    document = answer.json()
    if isinstance(document, dict) and "error" in document:
        return SourceUnavailable(f"expected an answer from {HOST}, found {brief(document, 200)}")
    return None


SOURCE = Source(
    name="nyfed",
    feeds=(
        Feed(
            MACRO_SERIES,
            plan_search,
            (
                Series("rrp", "reverserepo", date(2013, 9, 23), OPERATIONS),
                Series("effective_rate", "effr", date(2000, 7, 3), RATES),
                Series("target_low", "effr", date(2008, 12, 16), RATES, by_rule=False),
                Series("target_high", "effr", date(2008, 12, 16), RATES, by_rule=False),
            ),
            days_per_ask=MOST_DAYS,
            restates_for=timedelta(days=7),
            count=count_requests,
        ),
    ),
    limits={HOST: Limit(30, 60, burst=4)},  # none published
    docs="https://markets.newyorkfed.org/static/docs/markets-api.html",
    terms="New York Fed terms of use: free with attribution",
    attribution="Federal Reserve Bank of New York",
    verified="documented",
    verified_against=(
        "documentation, and public code that reads the answers. The hours of publication, the first days, "
        "and that `note` names a rehearsal and `term` what is not overnight, are believed. FRED's recorded "
        "series tells on which days operations are held: since May 2019 on every day that the calendar here "
        "expects, and besides on two Fridays before a holiday"
    ),
    refusal=refusal,
    connections=2,
)
