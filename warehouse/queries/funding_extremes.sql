/*
When was bitcoin's funding at an extreme of its year, and what did bitcoin do in the 30 days after?

One row is one spell in which funding over seven days was, at the median venue, among the highest or the lowest twentieth
of its own year; days at most a week apart are one spell. It shows the spell's days and its most extreme rate per year, and
for the 30 days after its first day bitcoin's return and lowest low, both against that day's close. If high funding foretold
falls, the rows of side high would show worse returns than the last columns, which hold the median over any day.

- On the first day nobody knew how long the spell would last: what followed is counted from the first day.
- A year with few spells proves nothing, whatever the returns.
- A rank needs 180 days: the first half-year of a home has no extremes.

No rows: fewer than 180 days of funding are held, or none of them was an extreme.
*/
with

followed as (
    select
        now.date,
        arg_max(later.close_usd, later.date) / any_value(now.close_usd) - 1 as return_30d,
        min(later.low_usd) / any_value(now.close_usd) - 1 as lowest_30d
    from asset_daily as now
    inner join asset_daily as later
        on later.asset = now.asset
        and later.quote_source = now.quote_source
        and later.date between now.date + 1 and now.date + 30
    where now.asset = 'BTC'
    group by now.date
    having count(*) = 30
),

days as (
    select
        date,
        median(percentile_1y) as rank,
        median(funding_apr_7d) as funding_apr_7d
    from funding_daily
    where asset = 'BTC' and percentile_1y is not null
    group by date
),

extremes as (
    select *, case when rank >= 0.95 then 'high' else 'low' end as side
    from days
    where rank >= 0.95 or rank <= 0.05
),

begun as (
    select *, coalesce(date - lag(date) over (partition by side order by date) > 7, true) as is_first
    from extremes
),

numbered as (
    select *, count(*) filter (where is_first) over (partition by side order by date) as spell
    from begun
),

spells as (
    select
        side,
        min(date) as first,
        max(date) as last,
        count(*) as days,
        case side when 'high' then max(funding_apr_7d) else min(funding_apr_7d) end as most_extreme_apr
    from numbered
    group by side, spell
)

select
    spells.side,
    spells.first,
    spells.last,
    spells.days,
    round(spells.most_extreme_apr, 4) as most_extreme_apr,
    round(followed.return_30d, 4) as return_30d,
    round(followed.lowest_30d, 4) as lowest_30d,
    round((select median(return_30d) from followed), 4) as any_day_return_30d,
    round((select median(lowest_30d) from followed), 4) as any_day_lowest_30d
from spells
left join followed on followed.date = spells.first
order by spells.first, spells.side
