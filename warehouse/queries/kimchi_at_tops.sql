/*
How high was the kimchi premium when bitcoin topped?

One row is one top: a day whose high was not exceeded in the 30 days before it nor in the 30 after. kimchi_premium_fx is
how much more bitcoin cost in won than in dollars that day, highest_week the highest of the seven days up to it, dollar_premium how
much more a stablecoin cost. usual is the median of the 90 days before. fell_30d is the lowest low of the 30 days after against the
high: premiums far above usual before the deep falls, and not before the others, would make it a warning.

- A top is known to be one only 30 days later: this describes, it does not forecast.
- The exchange rate is from the afternoon in Frankfurt, older over weekends; a premium under a per cent is noise.
- A day within the last 30 days cannot be a top yet.

No rows: bitcoin has made no top that is 30 days old.
*/
with

bitcoin as (
    select
        date,
        high_usd,
        low_usd,
        count(*) over whole as days,
        max(high_usd) over whole as highest,
        min(low_usd) over after as lowest_after
    from asset_daily
    where asset = 'BTC'
    window
        whole as (order by date range between interval 30 days preceding and interval 30 days following),
        after as (order by date range between interval 1 day following and interval 30 days following)
),

tops as (
    select date, high_usd, lowest_after / high_usd - 1 as fell_30d
    from bitcoin
    where days = 61 and high_usd = highest
),

around as (
    select
        tops.date,
        max(premiums.kimchi_premium_fx) filter (where premiums.date = tops.date) as kimchi_premium_fx,
        max(premiums.kimchi_premium_fx) filter (where premiums.date > tops.date - 7) as highest_week,
        max(premiums.usdt_krw_premium) filter (where premiums.date = tops.date) as dollar_premium,
        median(premiums.kimchi_premium_fx) filter (where premiums.date < tops.date) as usual
    from tops
    inner join premiums_daily as premiums
        on premiums.asset = 'BTC'
        and premiums.date between tops.date - 90 and tops.date
    group by tops.date
)

select
    tops.date,
    tops.high_usd,
    round(around.kimchi_premium_fx, 4) as kimchi_premium_fx,
    round(around.highest_week, 4) as highest_week,
    round(around.dollar_premium, 4) as dollar_premium,
    round(around.usual, 4) as usual,
    round(tops.fell_30d, 4) as fell_30d
from tops
left join around on around.date = tops.date
order by tops.date
