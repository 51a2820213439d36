/*
When did the Coinbase premium turn, and what did bitcoin do in the 30 days after?

One row is one day on which the premium's seven-day mean changed its sign after keeping the other sign for at least a
week (days_before). turned is the new side: below means that cash buyers in the United States no longer pay more, above
that they do again. If the premium leads the price, return_30d is lower after below than after above.

- The premium is a few hundredths of a per cent, from last prices that are seconds apart: a turn is not an event of one day.
- The Binance leg is in USDT at par: if USDT trades away from a dollar, the premium moves (coinbase_premium_usdt_adjusted).
- Seven consecutive known days are needed, so a gap hides turns.

No rows: the premium has not changed its sign.
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
