/*
What each on-chain lending pool paid its depositors and asked of its borrowers on each day.

grain   = "one pool on one UTC day"
key     = ["date", "protocol", "chain", "asset"]
checks  = [
    "supply_apr is not null or borrow_apr is not null",
    "supply_apr is null or supply_apr_max is null or supply_apr <= supply_apr_max + 1e-9",
    "borrow_apr is null or borrow_apr_max is null or borrow_apr <= borrow_apr_max + 1e-9",
    "utilization is null or utilization between 0 and 1",
    "percentile_1y is null or (percentile_1y > 0 and percentile_1y <= 1)",
    "percentile_1y is null or supply_apr is not null",
]
caveats = [
    "A daily_last sample is one reading near 23:01 UTC and misses spikes within the day.",
    "Rewards are left out: supply_apr is the lending rate alone.",
]

[notes]
percentile_1y = "Here: of supply_apr."
*/
with

-- No look-ahead: rates of a day that were public by noon (UTC) after it.
-- A day without a reading has no row; it does not count among the days of the percentile.
rates as (
    select
        date,
        protocol,
        chain,
        asset,
        supply_apr,
        supply_apr_max,
        borrow_apr,
        borrow_apr_max,
        utilization,
        available_usd,
        sampling,
        source
    from core.lending_rates_preferred
    where available_at at time zone 'UTC' <= date + interval 36 hours
),

ranked as (
    select
        *,
        count(supply_apr) over trailing_year as known,
        rank(order by supply_apr) over trailing_year as from_below,
        rank(order by supply_apr desc nulls last) over trailing_year as from_above
    from rates
    window trailing_year as (
        partition by protocol, chain, asset
        order by date
        range between interval 364 days preceding and current row
    )
)

select
    date,
    protocol,
    chain,
    asset,
    supply_apr,
    supply_apr_max,
    borrow_apr,
    borrow_apr_max,
    utilization,
    available_usd,
    sampling,
    -- (below + (equal + 1) / 2) / known, where below = from_below - 1 and above = from_above - 1.
    case
        when supply_apr is not null and known >= 180
            then (known + from_below - from_above + 1)::double / (2 * known)
    end as percentile_1y,
    source
from ranked
order by date, protocol, chain, asset
