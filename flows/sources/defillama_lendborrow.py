"""DefiLlama: current borrow rates of the lending pools in its charts, and the share of the deposits that is lent out.

One list of all pools, each as of its last reading. That is usually within the hour, but the list does not say when:
where a new reading fails, or shows next to no liquidity, or five times the rate or the liquidity of the last one, the
last is repeated, for up to a week. The pool's chart is made of the same readings and dates them, so it is requested
along with the list. The list has no deposit rates. A rate below zero is sent as 0. 500 requests a minute are reported
to be allowed; two a second are made. The documented interface has the same fields behind a key; this path stands only
in the public code.
"""

from datetime import datetime, timedelta

from expectations.datasets.lending_rates import LENDING_RATES
from expectations.errors import PayloadChanged, SourceUnavailable
from flows.source import Answer, Ask, Feed, Limit, Plan, Request, Series, Source
from flows.sources.defillama import CHART, POOLS, refusal
from transforms.payload import member

HOST = "yields.llama.fi"
LIST = f"https://{HOST}/lendBorrow"
FRESH = timedelta(hours=6)  # a pool is read every hour, and an answer is cached for up to three

# What the list does not say of our pools: protocol, chain and asset by pool number.
NAMES = {number: f"{protocol}/{chain}/{asset}" for protocol, chain, asset, number, _ in POOLS.values()}


def plan_state(ask: Ask) -> Plan:
    """The list of all pools, which serves the whole run, and when this pool was last read.

    Raises:
        PayloadChanged: The pool is not in the list.
        SourceUnavailable: DefiLlama has not read the pool for hours, so the list is out of date.
    """
    listed = yield Request(LIST, labels=NAMES, shared=True)
    numbers = [member(pool, "pool") for pool in listed.json()]
    if ask.series.symbol not in numbers:
        raise PayloadChanged(f"expected {ask.series.name} in the list, found {len(numbers)} other pools")
    chart = yield Request(f"{CHART}/{ask.series.symbol}", transform=None)
    read_at = last_look(chart)
    if read_at is None or chart.observed_at - read_at > FRESH:
        when = "none" if read_at is None else f"{read_at:%Y-%m-%d %H:%M} UTC"
        raise SourceUnavailable(f"expected a reading of {ask.series.name} within six hours, found the last: {when}")


def last_look(chart: Answer) -> datetime | None:
    """When a pool was last read, by its chart."""
    stamps = [datetime.fromisoformat(member(row, "timestamp")) for row in member(chart.json(), "data")]
    return max(stamps, default=None)


SOURCE = Source(
    name="defillama_lendborrow",
    feeds=(
        Feed(
            LENDING_RATES,
            plan_state,
            tuple(
                Series(name, number, since, labels={"protocol": protocol, "chain": chain, "asset": asset})
                for name, (protocol, chain, asset, number, since) in POOLS.items()
            ),
            days_per_ask=1,
            restates_for=timedelta(0),
            reading=True,
            told_apart_by=("protocol", "chain", "asset"),
        ),
    ),
    limits={HOST: Limit(120, 60, burst=20)},
    docs="https://api-docs.defillama.com",
    terms="free with attribution",
    attribution="DefiLlama",
    verified="documented",
    verified_against=(
        "the provider's server code: rates are per year, simple, in percent (`variableBorrowRate` / 1e25 at "
        "Aave v3, the rate per second times 31,536,000 at Compound v3), and supplied less borrowed is "
        "`tvlUsd` of the chart. No answer was recorded. That the list is made anew each hour, and as fresh "
        "as the chart, is believed"
    ),
    refusal=refusal,
    connections=2,
)
