/*
Open interest in futures of an asset at the end of each day, by contract, in coins and in dollars.

grain   = "one contract of one asset at one venue on one UTC day, or on the day on which a weekly figure became known"
key     = ["date", "asset", "venue", "contract"]
checks  = [
    "open_interest_usd is null or open_interest_usd >= 0",
    "open_interest_coins is null or open_interest_coins >= 0",
    "cadence in ('daily', 'weekly')",
]
caveats = ["A value that is unknown in one unit is converted from the other at the day's close, if that was public in time."]

[notes]
as_of = "Here: the row's day, or the Tuesday that a weekly figure describes."

[reach]
"core.open_interest_preferred" = 120
"core.spot_prices_preferred" = 120
*/
with

-- No look-ahead: a figure may be used for a day when it was public by noon (UTC) after that day.
held as (
    select
        *,
        usable_on(date, available_at) as usable_on
    from core.open_interest_preferred
    -- ALL is an aggregator's total, not a venue.
    where venue <> 'ALL'
),

-- A daily figure that came too late is left out. A weekly one is not known on its own day: it is dated with the day on
-- which it became known, unless a newer one was known by then.
told as (
    select *
    from held
    where usable_on = date or cadence = 'weekly'
    qualify
        cadence = 'daily'
        or date = max(date) over (
            partition by asset, venue, cadence
            order by usable_on
            range between unbounded preceding and current row
        )
),

-- The price of the day that a figure describes, if it was public by then as well.
prices as (
    select
        date,
        asset,
        close_usd,
        usable_on(date, available_at) as usable_on
    from core.spot_prices_preferred
)

select
    told.usable_on as date,
    told.asset,
    told.venue,
    told.contract,
    coalesce(told.open_interest_usd, told.open_interest_coins * prices.close_usd) as open_interest_usd,
    coalesce(told.open_interest_coins, told.open_interest_usd / prices.close_usd) as open_interest_coins,
    told.open_interest_usd_high,
    told.open_interest_usd_low,
    told.flush_usd,
    told.cadence,
    told.date as as_of,
    told.source,
    told.series
from told
left join prices
    on prices.date = told.date
    and prices.asset = told.asset
    and prices.usable_on <= told.usable_on
order by date, asset, venue, contract
