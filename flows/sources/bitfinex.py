"""Bitfinex: spot prices in dollars, borrow rates of USDT, open interest and liquidations.

Close comes before high and low; newest first unless sorted; both bounds are inclusive; an error can be a list;
bitcoin trades about a tenth of a percent above other dollar venues. Loans have their own candles, for each term; we
take the shortest, two days (`p2`). Their rates are per day. A day without such a loan has no candle. The flash return
rate (funding/stats) is left out: it is a smoothed rate for the same asset at the same venue, and misses the spikes.
Liquidations of all markets come as one stream, newest first, at most 500 rows, each wrapped in one more list; three
requests a minute are allowed, and exceeding that costs minutes. A position has one row when its liquidation is
triggered and one when it is executed, which may come twice. The status of a perpetual comes about every minute,
newest first; history rows have one field fewer than the current status.

Also documented at https://docs.bitfinex.com/reference/rest-public-liquidations,
https://docs.bitfinex.com/reference/rest-public-derivatives-status-history.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from expectations.datasets.borrow_rates import BORROW_RATES
from expectations.datasets.liquidation_events import LIQUIDATION_EVENTS
from expectations.datasets.open_interest import OPEN_INTEREST
from expectations.datasets.spot_prices import SPOT_PRICES
from expectations.errors import PipelineError, SourceRefused, SourceUnavailable, brief
from expectations.interval import ONE_DAY, Interval, day_start, milliseconds
from expectations.releases import every_day
from flows.paging import walk_back_overlapping
from flows.source import Answer, Ask, Feed, Limit, Plan, Request, Series, Source, among, series_of, windows
from transforms.liquidation_events.bitfinex import told_of

HOST = "api-pub.bitfinex.com"
CANDLES = f"https://{HOST}/v2/candles"
LIQUIDATIONS = f"https://{HOST}/v2/liquidations/hist"
STATUS = f"https://{HOST}/v2/status/deriv"
PAGE = 10_000
STATUS_PAGE = 250  # an hour has about 60
HOUR_MS = 3_600_000
SLACK_MS = 60_000  # how far rows may be out of order
LIQUIDATIONS_PAGE = 500
LIQUIDATIONS_A_DAY = 154  # 500 rows covered 78 hours

MARKETS = {"BTC": ("tBTCUSD", date(2016, 8, 11)), "ETH": ("tETHUSD", date(2016, 8, 11))}

# Our name of the asset: its two-day loans.
LOANS = {"USDT": ("fUST:p2", date(2020, 1, 1))}

# Our name of the asset: its perpetual in USDT, and the first day of its readings.
PERPETUALS = {"BTC": ("tBTCF0:USTF0", date(2020, 2, 1)), "ETH": ("tETHF0:USTF0", date(2020, 2, 1))}

LIQUIDATED_SINCE = date(2020, 2, 1)
# A day without a liquidation is proved by the next one.
TOLD = every_day(timedelta(minutes=5), grace=timedelta(days=1))

# Rate limit, and a service under maintenance.
TOO_BUSY = {11010, 20060}


def plan_candles(ask: Ask) -> Plan:
    """One page; an ask never needs more."""
    yield Request(
        f"{CANDLES}/trade:1D:{ask.series.symbol}/hist",
        params={
            "start": milliseconds(ask.days.starts_at),
            "end": milliseconds(day_start(ask.days.last)),
            "limit": PAGE,
            "sort": 1,
        },
        labels={"asset": ask.series.name},
    )


def plan_liquidations(ask: Ask) -> Plan:
    """Walk backward, 500 rows a page, to a row from before the first wanted day.

    The walk begins a day late: only the time between two rows is known to hold nothing.
    """

    def page_before(stamp: int) -> Request:
        return Request(LIQUIDATIONS, params={"end": stamp - 1, "limit": LIQUIDATIONS_PAGE, "sort": -1})

    end = milliseconds(ask.days.ends_at + ONE_DAY)
    return walk_back_overlapping(
        page_before, _liquidation_stamps, milliseconds(ask.days.starts_at), end, must_reach=True, slack=SLACK_MS
    )


def _liquidation_stamps(answer: Answer) -> Sequence[int]:
    return [row[2] for row in told_of(answer.json())]


def count_liquidations(ask: Ask) -> Mapping[str, int]:
    """One request for each 500 rows, of the wanted days and the one after them."""
    return {HOST: -(-(len(ask.days) + 1) * LIQUIDATIONS_A_DAY // LIQUIDATIONS_PAGE)}


def plan_open_interest(ask: Ask) -> Plan:
    """The last hour of each day, newest first."""

    def request(days: Interval) -> Request:
        end = milliseconds(days.ends_at)
        return Request(
            f"{STATUS}/{ask.series.symbol}/hist",
            params={"start": end - HOUR_MS, "end": end - 1, "limit": STATUS_PAGE, "sort": -1},
            labels={"asset": ask.series.name, "symbol": ask.series.symbol},
        )

    return windows(ask.days.split(1), request)


def count_open_interest(ask: Ask) -> Mapping[str, int]:
    """One request a day."""
    return {HOST: len(ask.days)}


def refusal(answer: Answer) -> PipelineError | None:
    """An error, as a list that begins with `error` or as an object."""
    document = answer.json()
    message = f"expected rows from Bitfinex, found {brief(document)}"
    if isinstance(document, list) and document[:1] == ["error"]:
        busy = len(document) > 1 and among(document[1], TOO_BUSY)
        return SourceUnavailable(message) if busy else SourceRefused(message)
    if isinstance(document, dict) and "error" in document:
        return SourceUnavailable(message)
    return None


SOURCE = Source(
    name="bitfinex",
    feeds=(
        Feed(
            SPOT_PRICES,
            plan_candles,
            series_of(MARKETS),
            days_per_ask=5000,
        ),
        Feed(
            BORROW_RATES,
            plan_candles,
            series_of(LOANS),
            days_per_ask=5000,
        ),
        Feed(
            LIQUIDATION_EVENTS,
            plan_liquidations,
            (Series("ALL", "", LIQUIDATED_SINCE, TOLD),),
            days_per_ask=92,
            restates_for=timedelta(days=2),
            count=count_liquidations,
        ),
        Feed(
            OPEN_INTEREST,
            plan_open_interest,
            series_of(PERPETUALS),
            days_per_ask=92,
            restates_for=timedelta(days=2),
            count=count_open_interest,
        ),
    ),
    limits={
        f"{HOST}/v2/candles": Limit(20, 60, burst=4),  # 30 a minute
        f"{HOST}/v2/status": Limit(40, 60, burst=4),  # 90 a minute
        f"{HOST}/v2/liquidations": Limit(3, 60),
    },
    docs="https://docs.bitfinex.com/reference/rest-public-candles",
    terms="public market data, free to use; no redistribution of raw data",
    attribution="Bitfinex",
    verified="documented",
    verified_against=(
        "the documentation; the order of the fields against recorded candles of a minute (2025). Bitcoin is "
        "there since 2013 and ether since March 2016, but trading stopped from 2 to 10 August 2016: we begin "
        "after it. Loans of dollars were seen from July 2016 on; since when USDT is lent is believed, and "
        "what Bitfinex has nothing for ends as failed. No candle of loans was recorded; that its fields have "
        "the order of the others and that its rate is per day is what the documentation and two of its "
        "readers say"
    ),
    refusal=refusal,
    connections=2,
)
