/*
Turnover in won of dollar stablecoins at each Korean exchange, over the venue's own days and over UTC days.

grain   = "one stablecoin at one venue on one day of one day boundary"
key     = ["date", "venue", "asset", "day_boundary"]
checks  = ["volume_krw >= 0", "day_boundary in ('UTC', 'KST')"]

[notes]
date = "Here: the calendar day of the row's day_boundary."

[reach]
"core.exchange_rates_preferred" = 10
*/
with

-- No look-ahead: candles of a day that were public by noon (UTC) after it.
-- A day without a candle has no row: it is unknown, not a day without trades.
own_days as (
    select date, venue, asset, volume_krw, volume_is_estimated, day_boundary
    from core.krw_prices_in_time
    where
        asset in ('USDT', 'USDC', 'USDS')
),

-- A missing hour had no trade, or was lost: only all 24 hours make a day.
days_of_hours as (
    select
        date,
        venue,
        asset,
        -- Added in the order of the hours, so that the same input always gives the same last digit.
        sum(hour_volume_krw order by opened_at) as volume_krw,
        bool_or(volume_is_estimated) as volume_is_estimated,
        'UTC' as day_boundary
    from core.hourly_krw_prices_in_time
    where
        asset in ('USDT', 'USDC', 'USDS')
    group by date, venue, asset
    having count(*) = 24
),

-- Where the venue's own day is the UTC day, its hours add up to the same, and are not needed.
turnover as (
    select date, venue, asset, volume_krw, volume_is_estimated, day_boundary, true as is_venues_own_day
    from own_days
    union all
    select date, venue, asset, volume_krw, volume_is_estimated, day_boundary, false as is_venues_own_day
    from days_of_hours
    where not exists (
        select 1
        from own_days
        where
            own_days.date = days_of_hours.date
            and own_days.venue = days_of_hours.venue
            and own_days.asset = days_of_hours.asset
            and own_days.day_boundary = 'UTC'
    )
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
        published_on(date, available_at) as published_on
    from core.exchange_rates_preferred
    where currency = 'KRW'
),

-- No fixing on weekends and holidays: the last one is carried forward for at most 5 days.
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
    turnover.day_boundary,
    turnover.is_venues_own_day
from turnover
left join exchange_rate on exchange_rate.date = turnover.date
order by turnover.date, turnover.venue, turnover.asset, turnover.day_boundary
