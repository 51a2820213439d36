/*
Liquidations in dollars of each asset on each day, over the observed venues.

grain   = "one asset on one UTC day"
key     = ["date", "asset"]
checks  = [
    "asset <> 'ALL'",
    "total_usd >= 0",
    "long_usd is null or long_usd >= 0",
    "short_usd is null or short_usd >= 0",
    "coalesce(long_usd, 0) + coalesce(short_usd, 0) <= total_usd * 1.000001",
    "largest_usd is null or largest_usd <= total_usd * 1.000001",
    "len(venues) >= 1 and len(sources) >= 1",
    "is_lower_bound",
    "percentile_1y is null or (percentile_1y > 0 and percentile_1y <= 1)",
]
caveats = [
    "A lower bound over a subset of venues: read it with venues; the largest ones have no free history.",
    "The venues change over time, so days with different venues are not comparable.",
    "All assets together are in liquidations_total; what others report for all exchanges is never summed in.",
]

[notes]
long_usd = "Here: over the venues that report the sides; unknown if none does."
short_usd = "Here: over the venues that report the sides; unknown if none does."
largest_usd = "Here: over the venues that report it; unknown if none does."
accounts = "Unknown unless every venue reports it."
percentile_1y = "Here: of total_usd, within the asset's own days."

[lookback]
percentile_1y = 364
*/
with

-- No look-ahead: liquidations_daily holds, for a day, only what was public by noon (UTC) after it.
-- It has one source for each asset at each venue, so that nothing is counted twice.
-- Added in a fixed order, so that the same input gives the same last digit.
-- A venue that is missing adds nothing: the sum stays a lower bound.
sums as (
    select
        date,
        asset,
        sum(long_usd order by venue) as long_usd,
        sum(short_usd order by venue) as short_usd,
        sum(total_usd order by venue) as total_usd,
        max(largest_usd) as largest_usd,
        case when count(accounts) = count(*) then sum(accounts)::bigint end as accounts,
        list_sort(list(venue)) as venues,
        list_sort(list_distinct(list(source))) as sources
    from main.liquidations_daily
    group by date, asset
)

select
    date,
    asset,
    long_usd,
    short_usd,
    total_usd,
    largest_usd,
    accounts,
    venues,
    sources,
    true as is_lower_bound,
    -- A day without a row is unknown, not a day without liquidations; the percentile does not count it.
    percentile_1y(total_usd, asset, date) as percentile_1y
from sums
order by date, asset
