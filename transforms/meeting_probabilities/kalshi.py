"""Kalshi's daily candles, as rows of `meeting_probabilities`."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from transforms.payload import NUMBER_OR_TEXT, column, member, members, rows
from transforms.refused import marks, refuse
from transforms.units import decimal_text, seconds_to_instant

LEAST_BID = 0.0  # nobody bids
HIGHEST_ASK = 0.99  # nobody offers for less


@dataclass(frozen=True)
class Names:
    """One endpoint's names of its fields; a volume may have its older name at both."""

    close: str
    volume: str


LIVE = Names("close_dollars", "volume_fp")
HISTORICAL = Names("close", "volume")


def normalize(payload: Any, *, meeting_date: str, outcome: str, outcomes: str) -> pl.DataFrame:
    """Turn the candles of one live or recently settled market into one row per day.

    A candle is stamped with its END, 24 hours after midnight in New York, even where the clocks change: 04:00 or 05:00
    UTC. It describes the day that began then, so our `date` is that of the stamp less 24 hours. On the day of 25 hours
    it ends at 23:00, on that of 23 hours at 01:00 of the next one. The price is public at the stamp: seven hours or
    more before the noon by which a day must be known. A candle that begins at another hour costs its day.

    The probability is the price of the day's last trade, in dollars. A candle without a trade has no price, or repeats
    an old one with a volume of 0; then the probability is the middle of the last bid and ask, if there is a bid and an
    ask below 0.99. Otherwise it is unknown, and the day is listed without a value. A candle with trades and without a
    price costs its day. An empty list or null means no candles.

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
    volumes = [
        candle[names.volume] if names.volume in candle else member(candle, HISTORICAL.volume) for candle in listed
    ]
    texts = {
        "bid": [member(members(candle, "yes_bid"), names.close) for candle in listed],
        "ask": [member(members(candle, "yes_ask"), names.close) for candle in listed],
        # Without a trade there is no price, or a price without a close.
        "last": [(member(candle, "price") or {}).get(names.close) for candle in listed],
    }
    candles = stamps.with_columns(column(name, values, pl.String) for name, values in texts.items()).select(
        stamped_at=seconds_to_instant(pl.col("end_period_ts")),
        volume=column("volume", volumes, NUMBER_OR_TEXT),
        bid=decimal_text(pl.col("bid")),
        ask=decimal_text(pl.col("ask")),
        last=decimal_text(pl.col("last")),
    )
    begun = pl.col("stamped_at").dt.offset_by("-24h").dt.convert_time_zone("America/New_York")
    traded = pl.col("volume") > 0
    marked = refuse(
        refuse(
            candles,
            begun != begun.dt.truncate("1d"),
            pl.format("expected days that begin at 00:00 in New York and last 24 hours, found {}", "stamped_at"),
        ),
        traded & pl.col("last").is_null(),
        pl.lit(f"expected a price ({names.close}) where contracts were traded, found none"),
    )
    quoted = (pl.col("bid") > LEAST_BID) & (pl.col("ask") < HIGHEST_ASK)
    return marked.select(
        "stamped_at",
        *marks(marked),
        date=begun.dt.date(),
        meeting_date=pl.lit(date.fromisoformat(meeting_date)),
        outcome=pl.lit(outcome),
        venue=pl.lit("kalshi"),
        probability=pl.when(traded).then("last").when(quoted).then((pl.col("bid") + pl.col("ask")) / 2),
        price_basis=pl.when(traded).then(pl.lit("trade")).when(quoted).then(pl.lit("quotes")),
        outcomes=pl.lit(int(outcomes), pl.Int64),
        available_at=pl.col("stamped_at"),
    )
