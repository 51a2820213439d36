"""Kalshi's daily candles, as rows of `meeting_probabilities`."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.payload import NUMBER_OR_TEXT, column, member, members, rows
from transforms.units import decimal_text, seconds_to_instant

LEAST_BID = 0.0  # nobody bids
HIGHEST_ASK = 0.99  # nobody asks for less than nearly all


@dataclass(frozen=True)
class Names:
    """What one endpoint calls things; a volume may go by its older name at both."""

    close: str
    volume: str


LIVE = Names("close_dollars", "volume_fp")
HISTORICAL = Names("close", "volume")


def normalize(payload: Any, *, meeting_date: str, outcome: str, outcomes: str) -> pl.DataFrame:
    """Turn the candles of one market that is live, or was not long ago, into one row per day.

    A candle is stamped with its END, midnight in New York, which is 04:00 or 05:00 UTC. It describes the day in New
    York that ended then, so our `date` is the day before the stamp, and the price is public at the stamp: seven hours
    or more before the noon by which a day must be known.

    The probability is the price of the day's last trade, in dollars. A candle without a trade has none, or repeats an
    old one with a volume of 0; then it is the middle of the last bid and ask, if somebody bids and somebody asks for
    less than 0.99. Else it is not known, and the day is listed without a value. No candles are an empty list, or null.

    Args:
        payload: The decoded answer.
        meeting_date: The last day of the meeting.
        outcome: Our name of what the market pays for.
        outcomes: How many outcomes of the same direction the meeting's markets have.

    Returns:
        Rows of `meeting_probabilities`.
    """
    return _rows(payload, LIVE, meeting_date, outcome, outcomes)


def normalize_historical(payload: Any, *, meeting_date: str, outcome: str, outcomes: str) -> pl.DataFrame:
    """The same from the archive of settled markets, which has other names: `close` and `volume`, also in dollars."""
    return _rows(payload, HISTORICAL, meeting_date, outcome, outcomes)


def _rows(payload: Any, names: Names, meeting_date: str, outcome: str, outcomes: str) -> pl.DataFrame:
    listed = member(payload, "candlesticks")
    if listed is None:
        listed = []
    stamps = rows(listed, end_period_ts=pl.Int64)
    volumes = [one[names.volume] if names.volume in one else member(one, HISTORICAL.volume) for one in listed]
    texts = {
        "bid": [member(members(one, "yes_bid"), names.close) for one in listed],
        "ask": [member(members(one, "yes_ask"), names.close) for one in listed],
        # Without a trade there is no price, or a price without a close.
        "last": [(member(one, "price") or {}).get(names.close) for one in listed],
    }
    candles = stamps.with_columns(column(name, values, pl.String) for name, values in texts.items()).select(
        stamped_at=seconds_to_instant(pl.col("end_period_ts")),
        volume=column("volume", volumes, NUMBER_OR_TEXT),
        bid=decimal_text(pl.col("bid")),
        ask=decimal_text(pl.col("ask")),
        last=decimal_text(pl.col("last")),
    )
    local = pl.col("stamped_at").dt.convert_time_zone("America/New_York")
    odd = candles.filter(local != local.dt.truncate("1d"))
    if odd.height:
        raise PayloadChanged(f"expected days that end at 00:00 in New York, found {odd['stamped_at'][0]}")
    traded = pl.col("volume") > 0
    priceless = candles.filter(traded, pl.col("last").is_null())
    if priceless.height:
        raise PayloadChanged(f"expected a price ({names.close}) where contracts were traded, found none")
    quoted = (pl.col("bid") > LEAST_BID) & (pl.col("ask") < HIGHEST_ASK)
    return candles.select(
        "stamped_at",
        date=local.dt.date().dt.offset_by("-1d"),
        meeting_date=pl.lit(date.fromisoformat(meeting_date)),
        outcome=pl.lit(outcome),
        venue=pl.lit("kalshi"),
        probability=pl.when(traded).then("last").when(quoted).then((pl.col("bid") + pl.col("ask")) / 2),
        price_basis=pl.when(traded).then(pl.lit("trade")).when(quoted).then(pl.lit("quotes")),
        outcomes=pl.lit(int(outcomes), pl.Int64),
        available_at=pl.col("stamped_at"),
    )
