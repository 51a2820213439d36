/*
How each sector moved on each day; every member has the same weight.

grain   = "one sector on one UTC day"
key     = ["date", "sector"]
checks  = [
    "members >= 1",
    "return_1d > -1",
    "worst_return_1d <= return_1d + 1e-12",
    "worst_return_1d <= return_1d_median",
    "share_falling between 0 and 1",
    "(worst_return_1d < 0) = (share_falling > 0)",
]
caveats = [
    "The baskets are tidemark's own, with dates of membership; no index provider publishes these figures.",
    "A day on which no member has a one-day return has no row.",
]

[notes]
sector = "Here: part of the key."
return_1d = "Here: the mean over the members, each weighted the same."
worst_asset = "Ties go to the alphabetically first ticker."

[lookback]
default = 1
*/
with

-- No look-ahead: asset_daily holds, for a day, only what was public by noon (UTC) after it.
-- A member with an unknown return is left out and not counted; its return is not zero.
returns as (
    select date, sector, asset, return_1d
    from main.asset_daily
    where sector is not null and return_1d is not null
)

select
    date,
    sector,
    count(*) as members,
    -- Added in a fixed order, so that the same input gives the same last digit.
    avg(return_1d order by asset) as return_1d,
    median(return_1d) as return_1d_median,
    first(asset order by return_1d, asset) as worst_asset,
    min(return_1d) as worst_return_1d,
    (count(*) filter (where return_1d < 0))::double / count(*) as share_falling
from returns
group by date, sector
order by date, sector
