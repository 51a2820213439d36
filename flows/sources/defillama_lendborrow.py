"""DefiLlama: what borrowers pay at the lending pools of its charts, and how much of the deposits is lent out, as read.

Docs      https://api-docs.defillama.com has the same fields behind a key; this path is in none, but in the public code
Terms     free with attribution; 500 requests a minute are spoken of, we keep to two a second
Quirks    one list of all pools, each as it was when it was looked at last. That is usually within the hour, but the
          list does not say when: where a new look fails, or finds next to nothing left to withdraw, or five times the
          rate or the liquidity of the last one, the last is repeated, for up to a week. The pool's chart is made of the
          same looks and dates them, so it is asked for along with the list. Deposit rates are not in the list. A rate
          below zero is sent as 0
Verified  the provider's server code: rates are per year, simple, in percent (`variableBorrowRate` / 1e25 at Aave v3,
          the rate per second times 31,536,000 at Compound v3), and supplied less borrowed is `tvlUsd` of the chart. No
          answer was recorded. That the list is made anew each hour, and as fresh as the chart, is believed
"""

from datetime import datetime, timedelta

from expectations.datasets.lending_rates import LENDING_RATES
from expectations.errors import PayloadChanged, SourceUnavailable
from expectations.releases import read_after_day
from flows.source import Answer, Ask, Feed, Limit, Plan, Request, Series, Source
from flows.sources.defillama import CHART, POOLS, refusal
from transforms.payload import member

HOST = "yields.llama.fi"
LIST = f"https://{HOST}/lendBorrow"
FRESH = timedelta(hours=6)  # a pool is looked at every hour, and an answer is cached for up to three

# What the list does not say of our pools: by its number the protocol, the chain and the asset.
NAMES = {number: f"{protocol}/{chain}/{asset}" for protocol, chain, asset, number, _ in POOLS.values()}


def plan_state(ask: Ask) -> Plan:
    """The list of all pools, which serves the whole run, and when this pool was looked at last.

    Raises:
        PayloadChanged: The pool is not in the list.
        SourceUnavailable: DefiLlama has not looked at the pool for hours, so the list tells of the past.
    """
    listed = yield Request(LIST, labels=NAMES, shared=True)
    numbers = [member(pool, "pool") for pool in listed.json()]
    if ask.series.symbol not in numbers:
        raise PayloadChanged(f"expected {ask.series.name} in the list, found {len(numbers)} other pools")
    chart = yield Request(f"{CHART}/{ask.series.symbol}", transform=None)
    looked = last_look(chart)
    if looked is None or chart.observed_at - looked > FRESH:
        when = "none" if looked is None else f"{looked:%Y-%m-%d %H:%M} UTC"
        raise SourceUnavailable(f"expected a look at {ask.series.name} within six hours, found the last: {when}")


def last_look(chart: Answer) -> datetime | None:
    """When a pool was looked at last, by its chart."""
    stamps = [datetime.fromisoformat(member(row, "timestamp")) for row in member(chart.json(), "data")]
    return max(stamps, default=None)


SOURCE = Source(
    name="defillama_lendborrow",
    feeds=(
        Feed(
            LENDING_RATES,
            plan_state,
            tuple(
                Series(
                    name,
                    number,
                    since,
                    read_after_day(),
                    labels={"protocol": protocol, "chain": chain, "asset": asset},
                )
                for name, (protocol, chain, asset, number, since) in POOLS.items()
            ),
            days_per_ask=1,
            reading=True,
            told_apart_by=("protocol", "chain", "asset"),
        ),
    ),
    limits={HOST: Limit(120, 60, burst=20)},
    docs="https://api-docs.defillama.com",
    terms="free with attribution",
    attribution="DefiLlama",
    verified="documented",
    refusal=refusal,
    connections=2,
)
