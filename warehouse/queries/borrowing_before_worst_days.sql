/*
What did it cost to borrow dollars in the week before each of the ten worst days?

One row is one of the ten days on which the median asset (median_return) fell most, the worst first. The other columns
cover the seven days before it, in fractions per year: the mean and the highest rate for borrowing USDT or USDC at exchanges
(exchange_) and in the Aave pools on Ethereum (pool_), and what depositors of those pools earned. A rank is the percentile
of the rate for the same lender in its own year, 1 being its highest: ranks near 1 on most rows mean that falls came after
expensive dollars.

- Ten days are an anecdote, and days of the same week share most of the week before them.
- Exchanges compute a day's figure differently (borrow_rates_daily.sampling), and the mean is over those that are known: compare the ranks rather than the rates.
- Unknown means that no lender of that kind is held in that week, not that loans were free.
- Expensive dollars were often followed by nothing: signals_against_any_day covers every such day.
*/
with

worst as (
    select date, median(return_1d) as median_return
    from asset_daily
    where sector is not null
    group by date
    having count(return_1d) >= 5
    order by median_return, date
    limit 10
),

exchanges as (
    select
        worst.date,
        avg(rates.borrow_apr order by rates.date, rates.venue, rates.asset) as exchange_apr,
        max(rates.borrow_apr) as exchange_apr_highest,
        avg(rates.percentile_1y order by rates.date, rates.venue, rates.asset) as exchange_rank,
        list(distinct rates.venue order by rates.venue) as exchanges
    from worst
    inner join borrow_rates_daily as rates on rates.date between worst.date - 7 and worst.date - 1
    where rates.asset in ('USDT', 'USDC')
    group by worst.date
),

pools as (
    select
        worst.date,
        avg(rates.borrow_apr order by rates.date, rates.asset) as pool_apr,
        max(coalesce(rates.borrow_apr_max, rates.borrow_apr)) as pool_apr_highest,
        avg(rates.supply_apr order by rates.date, rates.asset) as depositors_apr,
        avg(rates.percentile_1y order by rates.date, rates.asset) as depositors_rank
    from worst
    inner join lending_rates_daily as rates on rates.date between worst.date - 7 and worst.date - 1
    where rates.protocol = 'aave-v3' and rates.chain = 'ethereum' and rates.asset in ('USDT', 'USDC')
    group by worst.date
)

select
    worst.date,
    round(worst.median_return, 4) as median_return,
    round(exchanges.exchange_apr, 4) as exchange_apr,
    round(exchanges.exchange_apr_highest, 4) as exchange_highest,
    round(exchanges.exchange_rank, 2) as exchange_rank,
    round(pools.pool_apr, 4) as pool_apr,
    round(pools.pool_apr_highest, 4) as pool_highest,
    round(pools.depositors_apr, 4) as depositors_apr,
    round(pools.depositors_rank, 2) as depositors_rank,
    exchanges.exchanges
from worst
left join exchanges on exchanges.date = worst.date
left join pools on pools.date = worst.date
order by worst.median_return, worst.date
