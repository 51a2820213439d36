/*
Turnover in won of dollar stablecoins in each month, over the Korean exchanges and days held.

grain   = "one calendar month"
key     = ["month"]
checks  = [
    "date_trunc('month', month) = month",
    "volume_krw >= 0",
    "volume_usd is null or volume_krw between 500 * volume_usd and 5000 * volume_usd",
    "len(venues) >= 1",
    "days_covered between 1 and 31",
    "ratio_to_january is null or ratio_to_january >= 0",
    "month(month) > 1 or ratio_to_january is null or abs(ratio_to_january - 1) < 1e-9",
]
caveats = [
    "The current month grows from day to day; a past month does not change when later months arrive.",
    "The sum is over the days and venues held: read it with days_covered and venues.",
    "Days are the venues' own, in Seoul time or UTC, never added up from hours: no hour is counted twice.",
    "Turnover is not net inflow: each trade's value counts once, whoever bought.",
]

[notes]
volume_usd = "Unknown if it is unknown for any of the rows that volume_krw sums over."
ratio_to_january = "A market is one coin at one venue; its mean is over its own days held."

[lookback]
default = 5
ratio_to_january = 366
*/
with

-- No look-ahead: won_turnover holds, for a day, only what was public by noon (UTC) after it.
-- Only the venues' own days, with one boundary for each market: mixing UTC days and Seoul days would count hours twice.
daily as (
    select
        date_trunc('month', date)::date as month,
        date,
        venue,
        asset,
        volume_krw,
        volume_usd
    from intermediate.won_turnover
    where is_venues_own_day
),

totals as (
    select
        month,
        -- Added in a fixed order, so that the same input gives the same last digit.
        sum(volume_krw order by date, venue, asset) as volume_krw,
        -- A sum that leaves out a day would look like a weaker month.
        case
            when count(volume_usd) = count(*) then sum(volume_usd order by date, venue, asset)
        end as volume_usd,
        list_sort(list(distinct venue)) as venues,
        count(distinct date) as days_covered
    from daily
    group by month
),

-- The mean over the days held, so that a market listed or fetched since mid-month is not halved.
market_means as (
    select
        month,
        venue,
        asset,
        avg(volume_krw order by date) as mean_krw
    from daily
    group by month, venue, asset
),

-- Only markets held in both months: a new venue is not growth.
against_january as (
    select
        this_month.month,
        sum(this_month.mean_krw order by this_month.venue, this_month.asset)
        / nullif(sum(january.mean_krw order by january.venue, january.asset), 0) as ratio_to_january
    from market_means as this_month
    inner join market_means as january
        on january.month = date_trunc('year', this_month.month)::date
        and january.venue = this_month.venue
        and january.asset = this_month.asset
    group by this_month.month
)

select
    totals.month,
    totals.volume_krw,
    totals.volume_usd,
    totals.venues,
    totals.days_covered,
    against_january.ratio_to_january
from totals
left join against_january on against_january.month = totals.month
order by totals.month
