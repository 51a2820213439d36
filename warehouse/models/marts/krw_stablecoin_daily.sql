/*
How many won changed hands in dollar stablecoins at each Korean exchange on each day.

grain   = "one stablecoin at one venue on one day of the row's day boundary"
key     = ["date", "venue", "asset"]
checks  = [
    "volume_krw >= 0",
    "volume_usd is null or volume_krw between 500 * volume_usd and 5000 * volume_usd",
    "asset in ('USDT', 'USDC', 'USDS')",
    "day_boundary in ('UTC', 'KST')",
]
caveats = [
    "Turnover is not net inflow: it counts each trade's value once, whoever bought.",
    "A venue whose own days begin in Seoul has a day of UTC where all of its 24 hours are held, else its own day. Where its day_boundary changes from one day to the next, nine hours lie in both rows or in neither.",
    "Summed over a month, the rows made of hours and the others may count hours twice: krw_stablecoin_monthly sums the venues' own days.",
]

[notes]
volume_usd = "At the won per dollar published by the UTC day's end; unknown when that is over 5 days old."
date = "Here: the calendar day of the row's day_boundary."
*/

-- No look-ahead: won_turnover holds, for a day, only what was public by noon (UTC) after it.
select
    date,
    venue,
    asset,
    volume_krw,
    volume_usd,
    volume_is_estimated,
    day_boundary,
    is_venues_own_day
from intermediate.won_turnover
qualify row_number() over (partition by date, venue, asset order by day_boundary = 'UTC' desc) = 1
order by date, venue, asset
