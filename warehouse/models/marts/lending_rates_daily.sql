/*
What each on-chain lending pool paid its depositors and charged its borrowers on each day.

grain   = "one pool on one UTC day"
key     = ["date", "protocol", "chain", "asset"]
checks  = [
    "supply_apr is not null or borrow_apr is not null",
    "supply_apr is null or supply_apr_max is null or supply_apr <= supply_apr_max + 1e-9",
    "borrow_apr is null or borrow_apr_max is null or borrow_apr <= borrow_apr_max + 1e-9",
    "utilization is null or utilization between 0 and 1",
    "percentile_1y is null or (percentile_1y > 0 and percentile_1y <= 1)",
    "percentile_1y is null or supply_apr is not null",
    "(borrow_source is null) = (borrow_apr is null)",
    "(available_source is null) = (available_usd is null)",
]
caveats = [
    "A daily_last sample is one reading, near 23:01 UTC or soon after midnight, and misses spikes within the day.",
    "Rewards are left out: supply_apr is the lending rate alone.",
    "A time_weighted mean covers every rate in force within the day.",
    "If borrow_source differs from source, the two sides were computed in different ways: their gap is not a margin.",
]

[notes]
percentile_1y = "Here: of supply_apr."
sampling = "Here: of the row's source; the borrowing side may come from another one."
supply_apr_last = "Known only if the whole day is known; a daily_last reading was taken before the day ended."
supply_apy_realised = "Here: of the row's source, a cross-check of supply_apr."
borrow_apr_last = "Here: of borrow_source."
borrow_apy_realised = "Here: of borrow_source, a cross-check of borrow_apr."

[lookback]
percentile_1y = 364
*/
with

-- No look-ahead: rates of a day that were public by noon (UTC) after it.
-- A day without a reading has no row; it does not count among the days of the percentile.
preferred as (
    select
        date,
        protocol,
        chain,
        asset,
        supply_apr,
        supply_apr_max,
        supply_apr_last,
        supply_apy_realised,
        borrow_apr,
        borrow_apr_max,
        borrow_apr_last,
        borrow_apy_realised,
        utilization,
        available_usd,
        sampling,
        source
    from core.lending_rates_in_time
),

-- The preferred source may have only the deposit side. The borrowing side is then taken from another source, which
-- borrow_source names.
borrowing as (
    select
        date,
        protocol,
        chain,
        asset,
        borrow_apr,
        borrow_apr_max,
        borrow_apr_last,
        borrow_apy_realised,
        source
    from core.lending_rates
    where borrow_apr is not null
        and usable_on(date, available_at) = date
    qualify row_number() over (partition by date, protocol, chain, asset order by source) = 1
),

-- The same applies to what can be withdrawn; available_source names its source.
liquidity as (
    select date, protocol, chain, asset, available_usd, source
    from core.lending_rates
    where available_usd is not null
        and usable_on(date, available_at) = date
    qualify row_number() over (partition by date, protocol, chain, asset order by source) = 1
),

rates as (
    select
        preferred.date,
        preferred.protocol,
        preferred.chain,
        preferred.asset,
        preferred.supply_apr,
        preferred.supply_apr_max,
        preferred.supply_apr_last,
        preferred.supply_apy_realised,
        coalesce(preferred.borrow_apr, borrowing.borrow_apr) as borrow_apr,
        case
            when preferred.borrow_apr is null then borrowing.borrow_apr_max
            else preferred.borrow_apr_max
        end as borrow_apr_max,
        case
            when preferred.borrow_apr is null then borrowing.borrow_apr_last
            else preferred.borrow_apr_last
        end as borrow_apr_last,
        case
            when preferred.borrow_apr is null then borrowing.borrow_apy_realised
            else preferred.borrow_apy_realised
        end as borrow_apy_realised,
        preferred.utilization,
        coalesce(preferred.available_usd, liquidity.available_usd) as available_usd,
        preferred.sampling,
        preferred.source,
        case
            when preferred.borrow_apr is null then borrowing.source
            else preferred.source
        end as borrow_source,
        case
            when preferred.available_usd is null then liquidity.source
            else preferred.source
        end as available_source
    from preferred
    left join borrowing
        on borrowing.date = preferred.date
        and borrowing.protocol = preferred.protocol
        and borrowing.chain = preferred.chain
        and borrowing.asset = preferred.asset
    left join liquidity
        on liquidity.date = preferred.date
        and liquidity.protocol = preferred.protocol
        and liquidity.chain = preferred.chain
        and liquidity.asset = preferred.asset
)

select
    date,
    protocol,
    chain,
    asset,
    supply_apr,
    supply_apr_max,
    supply_apr_last,
    supply_apy_realised,
    borrow_apr,
    borrow_apr_max,
    borrow_apr_last,
    borrow_apy_realised,
    utilization,
    available_usd,
    sampling,
    percentile_1y(supply_apr, (protocol, chain, asset), date) as percentile_1y,
    source,
    borrow_source,
    available_source
from rates
order by date, protocol, chain, asset
