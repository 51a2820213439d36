"""KuCoin: the hourly rates of its lending market, in a unit that is not known yet.

Only the newest 168 hours; a time is text such as 202412092300, of no stated zone; the period of a rate is not stated,
and it is what lenders earn, not what borrowers pay. Errors come in a 200, with a code other than "200000".
"""

from datetime import date, timedelta

from expectations.datasets.unconfirmed_rates import UNCONFIRMED_RATES
from expectations.errors import PipelineError, SourceRefused, SourceUnavailable, quoted
from expectations.releases import every_day
from flows.source import Answer, Ask, Feed, Limit, Plan, Request, Series, Source, among

HOST = "api.kucoin.com"
RATES = f"https://{HOST}/api/v3/project/marketInterestRate"
SETTLED = every_day(timedelta(minutes=15))
SINCE = date(2024, 1, 1)  # it began earlier, but only the last week is served
KEPT = timedelta(days=6)  # 168 hours hold a complete day for six days after its end

FINE = "200000"
# Too many requests, and system errors.
TOO_BUSY = {"429000", "200002", "500000"}


def plan_rates(ask: Ask) -> Plan:
    """One page, whichever days are wanted."""
    yield Request(RATES, params={"currency": ask.series.symbol}, labels={"asset": ask.series.name})


def refusal(answer: Answer) -> PipelineError | None:
    """KuCoin's envelope, when its code is not "200000"."""
    document = answer.json()
    if not isinstance(document, dict) or "code" not in document or document["code"] == FINE:
        return None
    message = f"expected rates from KuCoin, found error {quoted(document['code'])}: {quoted(document.get('msg'))}"
    return SourceUnavailable(message) if among(document["code"], TOO_BUSY) else SourceRefused(message)


SOURCE = Source(
    name="kucoin",
    feeds=(
        Feed(
            UNCONFIRMED_RATES,
            plan_rates,
            tuple(Series(coin, coin, SINCE, SETTLED) for coin in ("USDC", "USDT")),
            days_per_ask=7,
            restates_for=timedelta(0),
            kept_for=KEPT,
        ),
    ),
    limits={HOST: Limit(20, 30, burst=2)},  # a weight of 2,000 in 30 seconds is documented; this request weighs 5
    docs="https://www.kucoin.com/docs-new/rest/margin-trading/credit/get-loan-market-interest-rate",
    terms="public market data, free to use; no redistribution of raw data",
    attribution="KuCoin",
    verified="documented",
    verified_against=(
        "the documentation and other people's clients; no answer was recorded. That it needs no key, that "
        "there are 168 hours and that they are of UTC is believed. Its rows go into a table that no mart "
        "reads"
    ),
    refusal=refusal,
    connections=1,
)
