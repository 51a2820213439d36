/*
How many won changed hands in dollar stablecoins at each Korean exchange on each day.

grain   = "one stablecoin at one venue on one day of the venue's own day boundary"
key     = ["date", "venue", "asset"]
checks  = [
    "volume_krw >= 0",
    "volume_usd is null or volume_krw between 500 * volume_usd and 5000 * volume_usd",
    "asset in ('USDT', 'USDC', 'USDS')",
    "day_boundary in ('UTC', 'KST')",
]
caveats = ["Turnover is not net inflow: it counts each trade's value once, whoever bought."]

[notes]
volume_usd = "At the won per dollar published by the UTC day's end; unknown when that is over 5 days old."
date = "Here: the calendar day of the row's day_boundary."

[reach]
"core.exchange_rates_preferred" = 10

[rows]
"core.exchange_rates_preferred" = "currency = 'KRW'"
*/
with

-- No look-ahead: candles of a day that were public by noon (UTC) after it.
-- A day without a candle has no row: nothing is known of it, it is not a day without trades.
turnover as (
    select date, venue, asset, volume_krw, volume_is_estimated, day_boundary
    from core.krw_prices_preferred
    where
        asset in ('USDT', 'USDC', 'USDS')
        and available_at at time zone 'UTC' <= date + interval 36 hours
),

days as (
    select distinct date
    from turnover
),

fixings as (
    select
        date as fixed_on,
        rate_per_usd,
        -- The first day by whose end the rate was public.
        (available_at at time zone 'UTC' - interval 1 microsecond)::date as published_on
    from core.exchange_rates_preferred
    where currency = 'KRW'
),

-- No fixing on weekends and holidays: the last one is carried for 5 days, and no longer.
exchange_rate as (
    select
        days.date,
        arg_max(fixings.rate_per_usd, fixings.fixed_on) as won_per_usd
    from days
    inner join fixings
        on fixings.published_on <= days.date
        and fixings.fixed_on between days.date - 5 and days.date
    group by days.date
)

select
    turnover.date,
    turnover.venue,
    turnover.asset,
    turnover.volume_krw,
    turnover.volume_krw / exchange_rate.won_per_usd as volume_usd,
    turnover.volume_is_estimated,
    turnover.day_boundary
from turnover
left join exchange_rate on exchange_rate.date = turnover.date
order by turnover.date, turnover.venue, turnover.asset
