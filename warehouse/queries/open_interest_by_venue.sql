/*
Where is bitcoin's open interest, and where has it grown in 30 days?

One row is one venue on its newest day: billions of dollars, thousands of coins, its share of the venues known daily, and the
change of its coins over 30 days. A total that grows at one venue alone is that venue's story; growth everywhere is the market's.

- CME is told weekly, three days late and more: it has no share.
- Venues that are not held are in no share; the market is larger than the sum.
- A venue that gains or loses a contract changes its figure.
*/
with

newest as (
    select *
    from open_interest_daily
    where asset = 'BTC'
    qualify row_number() over (partition by venue order by date desc) = 1
)

select
    newest.venue,
    newest.date,
    newest.cadence,
    round(newest.open_interest_usd / 1e9, 2) as open_interest_bn,
    round(newest.open_interest_coins / 1e3, 1) as thousand_coins,
    case
        when newest.cadence = 'daily'
            then round(
                newest.open_interest_usd / sum(newest.open_interest_usd) over (partition by newest.cadence, newest.date),
                3
            )
    end as share,
    round(newest.open_interest_coins / before.open_interest_coins - 1, 4) as change_30d_coins,
    newest.source
from newest
left join open_interest_daily as before
    on before.venue = newest.venue
    and before.asset = newest.asset
    and before.date = newest.date - 30
order by newest.date desc, newest.open_interest_usd desc nulls last, newest.venue
