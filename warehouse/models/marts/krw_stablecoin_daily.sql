/*
Turnover in won of dollar stablecoins at each Korean exchange on each day.

grain   = "one stablecoin at one venue on one day of the row's day boundary"
key     = ["date", "venue", "asset"]
checks  = [
    "volume_krw >= 0",
    "volume_usd is null or volume_krw between 500 * volume_usd and 5000 * volume_usd",
    "asset in ('USDT', 'USDC', 'USDS')",
    "day_boundary in ('UTC', 'KST')",
]
caveats = [
    "Turnover is not net inflow: each trade's value counts once, whoever bought.",
    "A venue whose own days begin at midnight in Seoul has a UTC day if all of its 24 hours are held, otherwise its own day. If its day_boundary changes from one day to the next, nine hours are in both rows or in neither.",
    "Summing a month over both kinds of rows may count hours twice: krw_stablecoin_monthly sums the venues' own days.",
]

[notes]
volume_usd = "At the won per dollar published by the UTC day's end; unknown if that rate is over 5 days old."
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
