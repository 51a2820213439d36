"""Aave: deposit and borrow rates of its own lending pools, as daily averages of the last year.

GraphQL by POST; errors come in a 200. The window LAST_YEAR returns 365 daily averages, including the current day, and
nothing older; shorter windows average over other spans and are not used. The answer does not say which pool it is
about, so the request names the market: version 4 exists by now.
"""

from datetime import date, timedelta

import orjson

from expectations.datasets.lending_rates import LENDING_RATES
from expectations.errors import PayloadChanged, PipelineError, SourceRefused, SourceUnavailable, brief
from expectations.releases import every_day
from flows.source import Answer, Ask, Feed, Limit, Plan, Request, Series, Source, among

HOST = "api.v3.aave.com"
GRAPHQL = f"https://{HOST}/graphql"
WHOLE_HISTORY = 36_600  # days: more than there are
KEPT_DAYS = 360  # of 365
ETHEREUM = 1
MARKET = "0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2"  # the main pool of version 3 on Ethereum
SETTLED = every_day(timedelta(minutes=30))

# Our name of the pool: the asset, its token and a day by which the pool was certainly open.
POOLS = {
    "aave-v3-ethereum-usdc": ("USDC", "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", date(2023, 2, 7)),
    "aave-v3-ethereum-usdt": ("USDT", "0xdAC17F958D2ee523a2206206994597C13D831ec7", date(2023, 2, 7)),
}

REQUEST = f"request:{{market:$market,underlyingToken:$token,window:LAST_YEAR,chainId:{ETHEREUM}}}"
QUERY = (
    "query($market:EvmAddress!,$token:EvmAddress!){"
    f"supplyAPYHistory({REQUEST}){{date avgRate{{value}}}}"
    f"borrowAPYHistory({REQUEST}){{date avgRate{{value}}}}"
    "}"
)

# GraphQL error codes that a retry cannot fix.
OUR_FAULT = {"BAD_REQUEST", "BAD_USER_INPUT", "FORBIDDEN", "GRAPHQL_VALIDATION_FAILED", "UNAUTHENTICATED"}


def plan_history(ask: Ask) -> Plan:
    """Ask for the pool's last year, both sides in one request."""
    question = {
        "query": QUERY,
        "variables": {"market": MARKET, "token": ask.series.symbol},
    }
    yield Request(
        GRAPHQL,
        method="POST",
        body=orjson.dumps(question).decode(),
        labels=dict(ask.series.labels),
    )


def refusal(answer: Answer) -> PipelineError | None:
    """GraphQL's list of errors; data beside it are incomplete."""
    document = answer.json()
    if not isinstance(document, dict):
        return PayloadChanged(f"expected an object from Aave, found {type(document).__name__}")
    errors = document.get("errors")
    if not errors:
        return None
    message = f"expected data from Aave, found errors {brief(errors)}"
    first = errors[0] if isinstance(errors, list) and errors else None
    extensions = first.get("extensions") if isinstance(first, dict) else None
    code = extensions.get("code") if isinstance(extensions, dict) else None
    return SourceRefused(message) if among(code, OUR_FAULT) else SourceUnavailable(message)


SOURCE = Source(
    name="aave",
    feeds=(
        Feed(
            LENDING_RATES,
            plan_history,
            tuple(
                Series(
                    name,
                    token,
                    since,
                    SETTLED,
                    labels={"protocol": "aave-v3", "chain": "ethereum", "asset": asset},
                )
                for name, (asset, token, since) in POOLS.items()
            ),
            days_per_ask=WHOLE_HISTORY,
            whole_history=True,
            kept_for=timedelta(days=KEPT_DAYS),
        ),
    ),
    limits={HOST: Limit(30, 60, burst=4)},  # none is published; one user reports 1,000 a minute
    docs="https://aave.com/docs/aave-v3/getting-started/graphql",
    terms="free, keyless; no terms of redistribution are published",
    attribution="Aave",
    verified="documented",
    verified_against=(
        "the published schema; no answer was recorded. That a point is stamped with the start of its day, "
        "and that the rate is simple though its name says APY, is believed. Until somebody has compared it "
        "with DefiLlama's readings of the same days, it stands behind them"
    ),
    refusal=refusal,
    connections=2,
)
