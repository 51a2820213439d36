/*
Liquidations in dollars of each asset at each venue on each day.

grain   = "one asset at one venue on one UTC day"
key     = ["date", "asset", "venue"]
checks  = [
    "total_usd >= 0",
    "long_usd is null or long_usd >= 0",
    "short_usd is null or short_usd >= 0",
    "coalesce(long_usd, 0) + coalesce(short_usd, 0) <= total_usd * 1.000001",
    "largest_usd is null or largest_usd <= total_usd * 1.000001",
    "accounts is null or accounts >= 0",
    "is_lower_bound",
    "asset <> 'ALL' and venue <> 'ALL'",
]
caveats = [
    "A lower bound: venues publish what they choose, and the largest ones have no free history.",
    "A venue without a row is unknown on that day; a venue with 0 liquidated nobody.",
    "A venue that publishes single liquidations has no row for an asset on a day without any.",
    "If a venue publishes both, the sum of its single liquidations is taken, not its daily figure.",
]

[notes]
largest_usd = "If a venue reports a liquidation in parts, as they were traded, the largest part: the whole was larger."
accounts = "Known only if the account of each liquidation is known."
*/
with

-- No look-ahead: liquidations of a day that were public by noon (UTC) after it.
told_by_day as (
    select date, asset, venue, long_usd, short_usd, total_usd, largest_usd, accounts, source
    from core.liquidations_in_time
    where
        asset <> 'ALL'
        and venue <> 'ALL'
),

-- Added in a fixed order, so that the same input gives the same last digit.
told_one_by_one as (
    select
        date,
        asset,
        venue,
        -- If a venue reports the sides, a side without a liquidation is 0.
        case
            when count(side) > 0 then coalesce(sum(amount_usd order by event) filter (where side = 'long'), 0)
        end as long_usd,
        case
            when count(side) > 0 then coalesce(sum(amount_usd order by event) filter (where side = 'short'), 0)
        end as short_usd,
        sum(amount_usd order by event) as total_usd,
        max(amount_usd) as largest_usd,
        case when count(account) = count(*) then count(distinct account) end as accounts,
        min(source) as source
    from core.liquidation_events_in_time
    where
        asset <> 'ALL'
        and venue <> 'ALL'
    group by date, asset, venue
),

-- One source for each asset at each venue, so that nothing is counted twice.
told as (
    select date, asset, venue, long_usd, short_usd, total_usd, largest_usd, accounts, source
    from told_one_by_one
    union all
    select date, asset, venue, long_usd, short_usd, total_usd, largest_usd, accounts, source
    from told_by_day
    anti join told_one_by_one using (date, asset, venue)
)

select
    date,
    asset,
    venue,
    long_usd,
    short_usd,
    total_usd,
    largest_usd,
    accounts,
    source,
    true as is_lower_bound
from told
order by date, asset, venue
