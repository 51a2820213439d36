/*
Who pays most for dollars on the newest day, and how unusual is that for them?

One row is one market where dollars are borrowed, or bitcoin is held long on credit: an exchange's margin loan, a lending
pool, a perpetual's funding over seven days. paid_apr is what the borrower or the long pays per year, earned_apr what a
pool's depositor gets; rank is its percentile in its own year, 1 being the highest. The most unusual come first: several
ranks near 1 at once, in different kinds of markets, show a shortage of dollars.

- Rates of different kinds (a loan, a pool, a payment between traders) are not comparable: compare ranks.
- For pools the rank is that of what depositors earn.
- Each market's row is its own newest day (date) within the week up to the newest day of all.
*/
with

places as (
    select date, 'margin loan' as kind, venue as place, asset, borrow_apr as paid_apr, null as earned_apr, percentile_1y as rank
    from borrow_rates_daily
    where asset in ('USDT', 'USDC', 'USD')
    union all
    select date, 'lending pool', protocol || ' on ' || chain, asset, borrow_apr, supply_apr, percentile_1y
    from lending_rates_daily
    union all
    select date, 'funding of 7 days', venue, asset, funding_apr_7d, null, percentile_1y
    from funding_daily
    where asset = 'BTC' and funding_apr_7d is not null
)

select
    date,
    kind,
    place,
    asset,
    round(paid_apr, 4) as paid_apr,
    round(earned_apr, 4) as earned_apr,
    round(rank, 3) as rank
from places
where date > (select max(date) from places) - 7
qualify row_number() over (partition by kind, place, asset order by date desc) = 1
order by rank desc nulls last, paid_apr desc nulls last, kind, place, asset
