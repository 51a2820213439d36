/*
Did it pay to borrow dollars on-chain, buy bitcoin and collect the funding?

One row is one past week (Monday to Sunday, UTC): what shorts of the perpetual were paid (the median venue), what a loan of USDC
in the Aave pool on Ethereum cost, and the difference, all per year. Far above zero the trade pays, and leveraged longs pay for
it; near or below zero the trade is crowded out, or dollars are scarce.

- Before fees, margin, the gap between spot and future, and the collateral that the pool requires.
- The mean of a week hides a day's spike in either rate.
- Only weeks in which both are known on all seven days.

No rows: no complete week of both rates is held.
*/
with

funding as (
    select date, median(funding_apr) as funding_apr
    from funding_daily
    where asset = 'BTC' and funding_apr is not null
    group by date
),

days as (
    select funding.date, funding.funding_apr, pools.borrow_apr
    from funding
    inner join lending_rates_daily as pools
        on pools.date = funding.date
        and pools.protocol = 'aave-v3'
        and pools.chain = 'ethereum'
        and pools.asset = 'USDC'
    where pools.borrow_apr is not null
)

select
    date_trunc('week', date)::date as week_from,
    round(avg(funding_apr order by date), 4) as funding_apr,
    round(avg(borrow_apr order by date), 4) as borrow_apr,
    round(avg(funding_apr - borrow_apr order by date), 4) as difference
from days
group by 1
having count(*) = 7
order by 1
