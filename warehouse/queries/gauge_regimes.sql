/*
What did bitcoin do in the 30 days after each regime of the leverage gauge?

One row is one regime, and one more row covers any day with a regime. spells counts how often it was entered; the other columns
are over the days whose next 30 days are known: the median return, the share that rose, the median and the worst low against the
day's close. If the gauge is worth watching, the lows get deeper from calm to overheated.

- Heat does not forecast when: overheated markets have risen for months.
- Consecutive days share most of their next 30 days: judge by spells, and do not trust a handful.
- Each component is ranked within its own year, so the same regime is not the same leverage in two years.

No rows: the gauge is not known yet; it needs 180 days of two of its components.
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
        gauge.date,
        gauge.regime,
        gauge.heat,
        followed.return_30d,
        followed.lowest_30d,
        coalesce(lag(gauge.regime) over (order by gauge.date) <> gauge.regime, true) as is_entered
    from leverage_gauge as gauge
    left join followed on followed.date = gauge.date
    where gauge.regime is not null
)

select
    coalesce(regime, 'any') as regime,
    count(*) as days,
    count(*) filter (where is_entered) as spells,
    round(avg(heat order by date), 2) as mean_heat,
    count(return_30d) as days_followed,
    round(median(return_30d), 4) as return_30d_median,
    round(count(*) filter (where return_30d > 0) / nullif(count(return_30d), 0), 2) as share_rising,
    round(median(lowest_30d), 4) as lowest_30d_median,
    round(min(lowest_30d), 4) as lowest_30d_worst
from days
group by grouping sets ((regime), ())
order by list_position(['calm', 'warm', 'hot', 'overheated', 'flush'], regime)
