/*
How fast had open interest grown before bitcoin's ten worst days, and how much of it closed on the day?

One row is one of the ten days on which bitcoin's close fell most, the worst first. growth_30d_coins is the change of open
interest in coins over the 30 days up to the day before; price_30d is bitcoin's return over the same days, so growth above
it is leverage that the price does not explain. closed_coins is the change on the day itself. Both changes are over the
contracts present on both days. If closed_coins is far below zero, positions were closed; otherwise spot was sold.
contracts is the number of contracts on the day.

- In coins: in dollars open interest falls with the price even if nobody closes.
- Which contracts are held changes over time: see open_interest_by_venue.
- Positions that were reopened by the day's end are not seen.
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
)

select
    falls.date,
    round(falls.return_1d, 4) as return_1d,
    round(earlier.change_30d_coins, 4) as growth_30d_coins,
    round(before.return_30d, 4) as price_30d,
    round(interest.change_1d_coins, 4) as closed_coins,
    len(interest.contracts) as contracts
from falls
left join bitcoin as before on before.date = falls.date - 1
left join open_interest_total as earlier on earlier.asset = 'BTC' and earlier.date = falls.date - 1
left join open_interest_total as interest on interest.asset = 'BTC' and interest.date = falls.date
order by falls.return_1d, falls.date
