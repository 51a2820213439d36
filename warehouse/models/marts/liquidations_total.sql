/*
Liquidations in dollars on each day, over the observed assets and venues.

grain   = "one UTC day"
key     = ["date"]
checks  = [
    "total_usd >= 0",
    "long_usd is null or long_usd >= 0",
    "short_usd is null or short_usd >= 0",
    "coalesce(long_usd, 0) + coalesce(short_usd, 0) <= total_usd * 1.000001",
    "largest_usd is null or largest_usd <= total_usd * 1.000001",
    "assets >= 1 and len(venues) >= 1 and len(sources) >= 1",
    "is_lower_bound",
    "percentile_1y is null or (percentile_1y > 0 and percentile_1y <= 1)",
    "reported_usd > 0",
    "(share_of_reported is null) = (reported_usd is null)",
]
caveats = [
    "A lower bound over a subset of venues and assets: read it with both; the largest venues have no free history.",
    "The venues and the assets change over time, so days with different ones are not comparable.",
    "reported_usd is someone else's count over all exchanges, mostly of a rolling 24 hours: for comparison, never added.",
    "A figure recorded by hand came after its day; nothing else is computed from it.",
]

[notes]
long_usd = "Here: over the venues that report the sides; unknown if none does."
short_usd = "Here: over the venues that report the sides; unknown if none does."
largest_usd = "Here: over the venues that report it; unknown if none does."
percentile_1y = "Here: of total_usd."

[lookback]
percentile_1y = 364
*/
with

-- No look-ahead: liquidations_by_asset holds, for a day, only what was public by noon (UTC) after it.
-- Added in a fixed order, so that the same input gives the same last digit.
-- Accounts are left out: an account with two assets would be counted twice.
sums as (
    select
        date,
        count(*) as assets,
        sum(long_usd order by asset) as long_usd,
        sum(short_usd order by asset) as short_usd,
        sum(total_usd order by asset) as total_usd,
        max(largest_usd) as largest_usd,
        list_sort(list_distinct(flatten(list(venues)))) as venues,
        list_sort(list_distinct(flatten(list(sources)))) as sources
    from main.liquidations_by_asset
    group by date
),

-- A provider's count of the UTC day, where one is held and was public by noon (UTC) after it.
counted as (
    select date, total_usd
    from core.liquidations_in_time
    where
        asset = 'ALL'
        and venue = 'ALL'
),

-- The highest of the figures recorded by hand: each of them misses something, the highest the least.
written_down as (
    select date, max(value) as total_usd
    from core.famous_days
    where venue = 'ALL' and unit = 'USD' and starts_with(metric, 'liquidated_')
    group by date
)

select
    sums.date,
    sums.assets,
    sums.long_usd,
    sums.short_usd,
    sums.total_usd,
    sums.largest_usd,
    sums.venues,
    sums.sources,
    true as is_lower_bound,
    -- A day without a row is unknown, not a day without liquidations; the percentile does not count it.
    percentile_1y(sums.total_usd, 'all assets', sums.date) as percentile_1y,
    coalesce(counted.total_usd, written_down.total_usd) as reported_usd,
    sums.total_usd / nullif(coalesce(counted.total_usd, written_down.total_usd), 0) as share_of_reported
from sums
left join counted on counted.date = sums.date
left join written_down on written_down.date = sums.date
order by sums.date
