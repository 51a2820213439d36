/*
How each asset's price moved on each day, and how far it is below its highest price held.

grain   = "one asset on one UTC day"
key     = ["date", "asset"]
checks  = [
    "low_usd > 0 and low_usd <= high_usd",
    "open_usd between low_usd and high_usd",
    "close_usd between low_usd and high_usd",
    "return_1d is null or return_1d > -1",
    "return_7d is null or return_7d > -1",
    "return_30d is null or return_30d > -1",
    "peak_high_usd >= high_usd",
    "peak_since <= date",
    "drawdown > -1 and drawdown <= 0",
    "intraday_range >= 0",
    "low_vs_previous_close is null or low_vs_previous_close > -1",
    "low_vs_previous_close is null or low_vs_previous_close <= return_1d + 1e-12",
    "market_cap_usd is null or market_cap_usd > 0",
]
caveats = [
    "A peak is the highest price of the days held, not of the asset's whole life: see peak_since.",
    "An asset without a sector on the day still has its row, with an unknown sector.",
]

[notes]
return_1d = "Both prices come from the same source, venue and quote."
return_7d = "Both prices come from the same source, venue and quote."
return_30d = "Both prices come from the same source, venue and quote."
low_vs_previous_close = "Both prices come from the same source, venue and quote; unknown if the day before is not held."
market_cap_usd = "By the preferred provider's own price and count of coins, not by close_usd."

[lookback]
return_1d = 1
return_7d = 7
return_30d = 30
low_vs_previous_close = 1
drawdown = 36500
peak_high_usd = 36500
peak_since = 36500
*/
with

-- No look-ahead: a row may be used for a day when it was public by noon (UTC) after that day.
-- A price that was public later than that has no row of its own here, but counts for peaks from then on.
prices as (
    select
        date,
        asset,
        venue,
        source,
        quote,
        open_usd,
        high_usd,
        low_usd,
        close_usd,
        volume_usd,
        usable_on(date, available_at) as usable_on
    from core.spot_prices_preferred
),

so_far as (
    select
        *,
        max(high_usd) over known as peak_high_usd,
        min(date) over known as peak_since
    from prices
    window known as (
        partition by asset
        order by usable_on
        range between unbounded preceding and current row
    )
),

days as (
    select *
    from so_far
    where usable_on = date
),

closes as (
    select
        date,
        asset,
        venue,
        source,
        quote,
        close_usd,
        usable_on(date, available_at) as usable_on
    from core.spot_prices
),

market_values as (
    select date, asset, market_cap_usd
    from core.market_values_in_time
)

select
    days.date,
    days.asset,
    assets.sector,
    days.open_usd,
    days.high_usd,
    days.low_usd,
    days.close_usd,
    days.volume_usd,
    -- Joined on the exact day: if it is missing, the return is unknown, not that of a longer period.
    days.close_usd / day_before.close_usd - 1 as return_1d,
    days.close_usd / week_before.close_usd - 1 as return_7d,
    days.close_usd / month_before.close_usd - 1 as return_30d,
    days.peak_high_usd,
    days.peak_since,
    days.close_usd / days.peak_high_usd - 1 as drawdown,
    days.high_usd / days.low_usd - 1 as intraday_range,
    days.low_usd / day_before.close_usd - 1 as low_vs_previous_close,
    market_values.market_cap_usd,
    days.quote,
    days.source as quote_source
from days
left join core.assets
    on assets.asset = days.asset
    and assets.valid_from <= days.date
    and (assets.valid_to is null or assets.valid_to >= days.date)
left join closes as day_before
    on day_before.date = days.date - 1
    and day_before.asset = days.asset
    and day_before.venue = days.venue
    and day_before.source = days.source
    and day_before.quote = days.quote
    and day_before.usable_on <= days.date
left join closes as week_before
    on week_before.date = days.date - 7
    and week_before.asset = days.asset
    and week_before.venue = days.venue
    and week_before.source = days.source
    and week_before.quote = days.quote
    and week_before.usable_on <= days.date
left join closes as month_before
    on month_before.date = days.date - 30
    and month_before.asset = days.asset
    and month_before.venue = days.venue
    and month_before.source = days.source
    and month_before.quote = days.quote
    and month_before.usable_on <= days.date
left join market_values
    on market_values.date = days.date
    and market_values.asset = days.asset
order by days.date, days.asset
