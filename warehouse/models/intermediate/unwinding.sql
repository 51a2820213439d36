/*
Whether positions were being unwound: how far the median asset fell, how low bitcoin traded, and what of its futures closed.

grain  = "one UTC day on which one of the three is known"
key    = ["date"]
checks = ["is_flush is not null"]
*/
with

-- No look-ahead: each mart holds, for a day, only what was public by noon (UTC) after it.
breadth as (
    select
        date,
        median(return_1d) as median_return,
        count(return_1d) as assets
    from main.asset_daily
    where sector is not null
    group by date
),

bitcoin as (
    select
        now.date,
        now.low_usd / before.close_usd - 1 as low_return
    from main.asset_daily as now
    inner join main.asset_daily as before
        on before.date = now.date - 1
        and before.asset = now.asset
        and before.quote_source = now.quote_source
    where now.asset = 'BTC'
),

-- Over the contracts that are known on both days.
closed as (
    select
        now.date,
        sum(now.open_interest_coins order by now.venue, now.contract)
        / sum(before.open_interest_coins order by now.venue, now.contract) - 1 as open_interest_change
    from main.open_interest_contracts as now
    inner join main.open_interest_contracts as before
        on before.date = now.date - 1
        and before.asset = now.asset
        and before.venue = now.venue
        and before.contract = now.contract
    where
        now.asset = 'BTC'
        and now.cadence = 'daily'
        and now.open_interest_coins is not null
        and before.open_interest_coins > 0
    group by now.date
),

known as (
    select
        coalesce(breadth.date, bitcoin.date, closed.date) as date,
        -- Of a handful of assets the median says little.
        case when breadth.assets >= 5 then breadth.median_return end as median_return,
        bitcoin.low_return,
        closed.open_interest_change
    from breadth
    full join bitcoin on bitcoin.date = breadth.date
    full join closed on closed.date = coalesce(breadth.date, bitcoin.date)
)

select
    date,
    median_return,
    low_return,
    open_interest_change,
    coalesce(median_return <= -0.10, false)
    or coalesce(low_return <= -0.05 and open_interest_change <= -0.08, false) as is_flush
from known
order by date
