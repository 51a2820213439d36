/*
When did the Coinbase premium turn, and what did bitcoin do in the 30 days after?

One row is one day on which the premium's mean of seven days changed its sign, having kept the other one for at least a
week (days_before). turned says to which side: below, cash buyers in the United States no longer pay up; above, they do
again. If that leads the price, return_30d is lower after below than after above.

- The premium is a few hundredths of a per cent, of last prices that are seconds apart: a turn is no event of one day.
- The Binance leg is in USDT at par: a coin that trades away from a dollar moves the premium (coinbase_premium_usdt_adjusted).
- Seven known days in a row are needed, so a gap hides turns.

No rows: the premium has kept its side.
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

weeks as (
    select
        date,
        avg(coinbase_premium) over week as premium_7d,
        count(coinbase_premium) over week as known
    from premiums_daily
    where asset = 'BTC'
    window week as (order by date range between interval 6 days preceding and current row)
),

sides as (
    select date, premium_7d, premium_7d >= 0 as is_above
    from weeks
    where known = 7
),

spells as (
    select
        *,
        date - row_number() over (partition by is_above order by date)::integer as spell
    from sides
),

lengths as (
    select is_above, min(date) as first, max(date) as last, count(*) as days
    from spells
    group by is_above, spell
),

turns as (
    select now.first as date, now.is_above, now.days as days_after, before.days as days_before
    from lengths as now
    inner join lengths as before on before.last = now.first - 1 and before.is_above <> now.is_above
    where before.days >= 7
)

select
    turns.date,
    case when turns.is_above then 'above' else 'below' end as turned,
    turns.days_before,
    turns.days_after,
    round(sides.premium_7d, 6) as premium_7d,
    round(followed.return_30d, 4) as return_30d,
    round(followed.lowest_30d, 4) as lowest_30d,
    round((select median(return_30d) from followed), 4) as any_day_return_30d
from turns
inner join sides on sides.date = turns.date
left join followed on followed.date = turns.date
order by turns.date
