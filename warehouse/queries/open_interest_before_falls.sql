/*
How fast had open interest grown before bitcoin's ten worst days, and how much of it closed on the day?

One row is one of the ten days on which bitcoin's close fell most, the worst first. growth_30d_coins is the change over 30
days of the coins under futures at the close before; price_30d the return of bitcoin over the same days, so that growth
above it is leverage that the price does not explain. closed_coins is the change on the day itself, over the venues that
are known on both days: a fall with closed_coins far below zero was one of positions closed, else one of sellers of coins.

- In coins: in dollars open interest falls with the price even if nobody closes.
- The sums are over the venues held (venues), which change over time: see open_interest_by_venue.
- What was opened again by the day's end is not seen.
*/
with

bitcoin as (
    select date, close_usd, return_1d, return_30d
    from asset_daily
    where asset = 'BTC'
),

falls as (
    select *
    from bitcoin
    where return_1d is not null
    order by return_1d, date
    limit 10
),

-- A gap is not a flow: only venues that are known on both days.
closed as (
    select
        now.date,
        sum(now.open_interest_coins order by now.venue) / sum(before.open_interest_coins order by now.venue) - 1
            as closed_coins,
        count(*) as venues
    from open_interest_daily as now
    inner join open_interest_daily as before
        on before.date = now.date - 1
        and before.asset = now.asset
        and before.venue = now.venue
    where
        now.asset = 'BTC'
        and now.cadence = 'daily'
        and now.open_interest_coins is not null
        and before.open_interest_coins > 0
    group by now.date
)

select
    falls.date,
    round(falls.return_1d, 4) as return_1d,
    round(interest.change_30d_coins, 4) as growth_30d_coins,
    round(before.return_30d, 4) as price_30d,
    round(closed.closed_coins, 4) as closed_coins,
    closed.venues
from falls
left join bitcoin as before on before.date = falls.date - 1
left join open_interest_total as interest on interest.asset = 'BTC' and interest.date = falls.date - 1
left join closed on closed.date = falls.date
order by falls.return_1d, falls.date
