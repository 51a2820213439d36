/*
How many dollars of futures positions each venue closed by force on each day.

grain   = "one asset at one venue on one UTC day"
key     = ["date", "asset", "venue"]
checks  = [
    "total_usd >= 0",
    "long_usd is null or long_usd >= 0",
    "short_usd is null or short_usd >= 0",
    "coalesce(long_usd, 0) + coalesce(short_usd, 0) <= total_usd * 1.000001",
    "largest_usd is null or largest_usd <= total_usd * 1.000001",
    "is_lower_bound",
]
caveats = [
    "A lower bound: venues publish what they choose, and the largest ones have no free history.",
    "A venue without a row is unknown on that day; a venue with 0 liquidated nobody.",
]
*/

-- No look-ahead: liquidations of a day that were public by noon (UTC) after it.
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
from core.liquidations_preferred
where
    asset <> 'ALL'
    and available_at at time zone 'UTC' <= date + interval 36 hours
order by date, asset, venue
