/*
Whether positions were being unwound: how far the median asset fell and how low it traded, how low bitcoin traded, and how
much of its open interest closed.

grain  = "one UTC day on which at least one of these is known"
key    = ["date"]
checks = ["is_flush is not null"]
*/
with

-- No look-ahead: each mart holds, for a day, only what was public by noon (UTC) after it.
breadth as (
    select
        date,
        -- The median of a handful of assets says little.
        case when count(return_1d) >= 5 then median(return_1d) end as median_return,
        case when count(low_vs_previous_close) >= 5 then median(low_vs_previous_close) end as median_low
    from main.asset_daily
    where sector is not null
    group by date
),

bitcoin as (
    select date, low_vs_previous_close as low_return
    from main.asset_daily
    where asset = 'BTC' and low_vs_previous_close is not null
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
        breadth.median_return,
        breadth.median_low,
        bitcoin.low_return,
        closed.open_interest_change
    from breadth
    full join bitcoin on bitcoin.date = breadth.date
    full join closed on closed.date = coalesce(breadth.date, bitcoin.date)
)

select
    date,
    median_return,
    median_low,
    low_return,
    open_interest_change,
    -- A position liquidated at the low is gone by the close, however high the close is: so lows count like closes.
    coalesce(median_return <= -0.10, false)
    or coalesce(median_low <= -0.10, false)
    or (
        coalesce(low_return <= -0.05, false)
        and (coalesce(open_interest_change <= -0.08, false) or coalesce(median_low <= -0.08, false))
    ) as is_flush
from known
order by date
