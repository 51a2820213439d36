"""Kraken Futures: hourly funding, open interest and liquidations of its bitcoin and ether perpetuals.

One answer holds everything, oldest first, including the current hour; a row is stamped at the start of its hour;
`fundingRate` is in dollars per contract, `relativeFundingRate` is the fraction; the answer does not say which
contract it is about. Open interest comes as bars, stamped at their start in seconds, including the current one, and
the answer says whether there is more. Liquidation volumes come in the same way, as one number a day; nothing says
whether they count coins or dollars, and long and short are not separated: they are kept as they are, in
`core.unconfirmed_liquidations`, and no mart reads them.

Also documented at https://docs.kraken.com/api/docs/futures-api/charts/analytics.
"""

from collections.abc import Mapping
from datetime import date, timedelta

from expectations.datasets.funding_rates import FUNDING_RATES
from expectations.datasets.open_interest import OPEN_INTEREST
from expectations.datasets.unconfirmed_liquidations import UNCONFIRMED_LIQUIDATIONS
from expectations.errors import PayloadChanged, PipelineError, SourceRefused, SourceUnavailable, brief
from flows.paging import in_order
from flows.source import Answer, Ask, Feed, Limit, Plan, Request, Source, among, series_of
from transforms.payload import member

HOST = "futures.kraken.com"
HISTORY = f"https://{HOST}/derivatives/api/v3/historical-funding-rates"
ANALYTICS = f"https://{HOST}/api/charts/v1/analytics"
DAY_S = 86_400
WHOLE_HISTORY = 36_600  # days: more than there are
KEPT_DAYS = 366  # about 368 were measured

PERPETUALS = {"BTC": ("PF_XBTUSD", date(2022, 10, 1)), "ETH": ("PF_ETHUSD", date(2022, 10, 1))}

READ_SINCE = date(2023, 1, 1)
READ = {asset: (contract, READ_SINCE) for asset, (contract, _) in PERPETUALS.items()}

TOO_BUSY = {"apiLimitExceeded", "marketUnavailable", "Server Error", "Unavailable"}


def plan_history(ask: Ask) -> Plan:
    """The whole history that Kraken has of the contract."""
    yield Request(HISTORY, params={"symbol": ask.series.symbol}, labels={"asset": ask.series.name})


def plan_open_interest(ask: Ask) -> Plan:
    """Open interest at the end of each day."""
    yield from plan_bars(ask, "open-interest")


def plan_liquidations(ask: Ask) -> Plan:
    """The liquidation volume of each day."""
    yield from plan_bars(ask, "liquidation-volume")


def plan_bars(ask: Ask, kind: str) -> Plan:
    """The bars of whole days, as many pages as there are."""
    since, until = round(ask.days.starts_at.timestamp()), round(ask.days.ends_at.timestamp()) - 1
    more = True
    while more:
        page = yield Request(
            f"{ANALYTICS}/{ask.series.symbol}/{kind}",
            params={"since": since, "to": until, "interval": DAY_S},
            labels={"asset": ask.series.name, "symbol": ask.series.symbol},
        )
        result = member(page.json(), "result")
        more = member(result, "more")
        stamps = in_order(member(result, "timestamp"), since=since, before=until + 1)
        if more:
            newest = stamps[-1] if stamps else 0
            if newest < since:
                raise PayloadChanged(f"expected bars from {since} on, found the last at {newest} though there are more")
            since = newest + DAY_S


def count_bars(_: Ask) -> Mapping[str, int]:
    """One request, though there might be more."""
    return {HOST: 1}


def refusal(answer: Answer) -> PipelineError | None:
    """A result that is an error, or a list of errors beside it."""
    document = answer.json()
    if not isinstance(document, dict) or (document.get("result") != "error" and not document.get("errors")):
        return None
    message = f"expected a result from Kraken Futures, found {brief(document, 200)}"
    return SourceUnavailable(message) if among(document.get("error"), TOO_BUSY) else SourceRefused(message)


SOURCE = Source(
    name="krakenfutures",
    feeds=(
        Feed(
            FUNDING_RATES,
            plan_history,
            series_of(PERPETUALS),
            days_per_ask=WHOLE_HISTORY,
            kept_for=timedelta(days=KEPT_DAYS),
            whole_history=True,
        ),
        Feed(
            OPEN_INTEREST,
            plan_open_interest,
            series_of(READ),
            days_per_ask=366,
            count=count_bars,
        ),
        Feed(
            UNCONFIRMED_LIQUIDATIONS,
            plan_liquidations,
            series_of(READ),
            days_per_ask=366,
            count=count_bars,
        ),
    ),
    limits={HOST: Limit(30, 60, burst=2)},  # none published for public requests
    docs="https://docs.kraken.com/api-reference/historical-funding-rates/historical-funding-rates",
    terms="public market data, free to use",
    attribution="Kraken",
    verified="documented",
    verified_against=(
        "the documentation and its example. Kraken says that the history goes back to the first trade; in "
        "2025 and 2026 others got the newest 368 days or so, and no more: days before them are not asked "
        'for. That a stamp is the start of its hour is read from "the period to which the funding rate '
        'applies", not measured. The interval is not stated: the distance of the rows tells it. The first '
        "day is that after payments by the hour began, on 29 September 2022; before they came every four "
        "hours. That volumes of liquidations are plain numbers, stamped in seconds, was seen live by others "
        "in 2026"
    ),
    refusal=refusal,
    connections=2,
)
