/*
Where is bitcoin's open interest, and where has it grown in 30 days?

One row is one venue on its newest day: billions of dollars, thousands of coins, its share of the venues known daily, and the
change of its coins over 30 days, over the contracts present on both. Growth at a single venue is that venue's story; growth
everywhere is the market's.

- CME is known weekly, three or more days late: it has no share.
- Venues that are not held have no share; the market is larger than the sum.
- If a venue gains a contract, its figure changes; if it lacks one, its figure is unknown, and no venue has a share.
*/
with

newest as (
    select *
    from open_interest_daily
    where asset = 'BTC'
    qualify row_number() over (partition by venue order by date desc) = 1
),

-- Like for like: a new contract is not growth.
grown as (
    select
        now.date,
        now.venue,
        sum(now.open_interest_coins order by now.contract) / sum(before.open_interest_coins order by now.contract) - 1
            as change_30d_coins
    from open_interest_contracts as now
    inner join open_interest_contracts as before
        on before.date = now.date - 30
        and before.asset = now.asset
        and before.venue = now.venue
        and before.contract = now.contract
    where now.asset = 'BTC' and now.open_interest_coins is not null and before.open_interest_coins > 0
    group by now.date, now.venue
)

select
    newest.venue,
    newest.date,
    newest.cadence,
    round(newest.open_interest_usd / 1e9, 2) as open_interest_bn,
    round(newest.open_interest_coins / 1e3, 1) as thousand_coins,
    case
        when newest.cadence = 'daily' and count(newest.open_interest_usd) over known = count(*) over known
            then round(newest.open_interest_usd / sum(newest.open_interest_usd) over known, 3)
    end as share,
    round(grown.change_30d_coins, 4) as change_30d_coins,
    newest.source
from newest
left join grown
    on grown.venue = newest.venue
    and grown.date = newest.date
window known as (partition by newest.cadence, newest.date)
order by newest.date desc, newest.open_interest_usd desc nulls last, newest.venue
