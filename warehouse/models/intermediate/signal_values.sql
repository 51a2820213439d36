/*
The number of each signal, day by day, whether or not the signal is active.

grain  = "one signal on one UTC day on which its number is known"
key    = ["date", "signal"]
checks = ["isfinite(value)"]
*/
with

-- No look-ahead: each mart holds, for a day, only what was public by noon (UTC) after it.

-- The higher of bitcoin and ether: the percentile of a week's funding in its year, averaged over the venues.
funding as (
    select
        date,
        max(percentile) as value,
        case first(asset order by percentile desc, asset) when 'BTC' then 'bitcoin' else 'ether' end as detail
    from (
        select date, asset, avg(percentile_1y order by venue) as percentile
        from main.funding_daily
        where asset in ('BTC', 'ETH')
        group by date, asset
    )
    group by date
),

-- Borrow rates of dollars everywhere: at exchanges, and in pools, there by what lenders earn.
dollar_rates as (
    select date, asset || ' at ' || venue as market, borrow_apr as apr
    from main.borrow_rates_daily
    where asset in ('USDT', 'USDC')
    union all
    select date, asset || ' deposited in ' || protocol || ' on ' || chain, supply_apr
    from main.lending_rates_daily
    where asset in ('USDT', 'USDC') and chain = 'ethereum'
),

usual_rates as (
    select
        date,
        market,
        apr,
        median(apr) over before as usual,
        count(apr) over before as days
    from dollar_rates
    window before as (
        partition by market
        order by date
        range between interval 30 days preceding and interval 1 day preceding
    )
),

-- Below a tenth per year a multiple is not news.
spikes as (
    select
        date,
        max(multiple) as value,
        first(market order by multiple desc, market) as detail
    from (
        select date, market, case when apr >= 0.10 then apr / usual else 0 end as multiple
        from usual_rates
        where days >= 20 and usual > 0 and apr is not null
    )
    group by date
),

open_interest as (
    select date, change_30d_coins as value
    from main.open_interest_total
    where asset = 'BTC'
),

issuance as (
    select
        date,
        share_of_peak,
        net_issuance_7d_usd,
        arg_max(date, net_issuance_7d_usd) over trailing_year as peak_on
    from main.stablecoin_flows_total
    where net_issuance_7d_usd is not null
    window trailing_year as (
        order by date
        range between interval 364 days preceding and current row
    )
),

-- A decline since months ago is not news: only a peak within the last 45 days counts.
inflow as (
    select date, share_of_peak as value
    from issuance
    where date - peak_on <= 45
),

premiums as (
    select
        date,
        avg(coinbase_premium) over week as week_mean,
        count(coinbase_premium) over week as week_days,
        avg(coinbase_premium) over month_before as month_mean,
        count(coinbase_premium) over month_before as month_days
    from main.premiums_daily
    where asset = 'BTC'
    window
        week as (order by date range between interval 6 days preceding and current row),
        month_before as (order by date range between interval 36 days preceding and interval 7 days preceding)
),

-- A turn needs a month on the other side before it.
premium_turn as (
    select date, week_mean as value
    from premiums
    where week_days = 7 and month_days >= 20 and month_mean > 0
),

korean_weeks as (
    select
        date,
        venue,
        asset,
        sum(volume_krw) over week as turnover,
        count(*) over week as days
    from main.krw_stablecoin_daily
    window week as (
        partition by venue, asset
        order by date
        range between interval 6 days preceding and current row
    )
),

usual_weeks as (
    select
        date,
        venue,
        asset,
        turnover,
        median(turnover) over half_year as usual,
        count(turnover) over half_year as known
    from korean_weeks
    where days = 7
    window half_year as (
        partition by venue, asset
        order by date
        range between interval 187 days preceding and interval 7 days preceding
    )
),

-- Only over the venues and coins with a usual week, so that a new market is not a frenzy.
frenzy as (
    select
        date,
        sum(turnover order by venue, asset) / sum(usual order by venue, asset) as value
    from usual_weeks
    where known >= 90 and usual > 0
    group by date
),

liquidity_changes as (
    select
        now.date,
        now.change_13w as banks,
        now.fed_net_liquidity_usd / nullif(before.fed_net_liquidity_usd, 0) - 1 as net,
        now.fed_assets_usd / nullif(before.fed_assets_usd, 0) - 1 as assets
    from main.global_liquidity as now
    left join main.global_liquidity as before on before.date = now.date - 91
),

liquidity as (
    select date, 1 as place, 'four central banks'' assets' as detail, banks as change_13w
    from liquidity_changes
    union all
    select date, 2, 'the Federal Reserve''s net liquidity', net
    from liquidity_changes
    union all
    select date, 3, 'the Federal Reserve''s assets', assets
    from liquidity_changes
),

-- Turning down: the same measure was above zero at some time within the quarter before. Each day uses its first known
-- measure, whether or not that one turns.
liquidity_turn as (
    select date, change_13w as value, detail
    from (
        select
            *,
            max(change_13w) over (
                partition by place
                order by date
                range between interval 91 days preceding and interval 1 day preceding
            ) as highest
        from liquidity
        where change_13w is not null
    )
    qualify place = min(place) over (partition by date) and highest > 0
),

-- By the yield alone, not by the remaining cuts: a cut that was made is not a faded hope.
cuts as (
    select now.date, (before.yield_1y - now.yield_1y) / 0.0025 as value
    from main.policy_rates as now
    inner join main.policy_rates as before on before.date = now.date - 30
),

won_premium as (
    select date, any_value(usdt_krw_premium) as value
    from main.premiums_daily
    where usdt_krw_premium is not null
    group by date
),

-- Each venue is compared with its own year, so that one that joins or leaves is not news; then the venues' mean.
closed as (
    select date, venue, sum(total_usd order by asset) as total_usd
    from main.liquidations_daily
    group by date, venue
),

closed_ranked as (
    select
        date,
        venue,
        percentile_1y(total_usd, venue, date) as percentile
    from closed
),

liquidations as (
    select
        date,
        avg(percentile order by venue) as value,
        string_agg(venue, ', ' order by venue) as detail
    from closed_ranked
    where percentile is not null
    group by date
),

-- A component of the gauge that was known within the last 30 days and is missing for the second day: a component that
-- is published in the morning after its day is not news at night.
stale as (
    select
        gauge.date,
        count(distinct earlier.component)::double as value,
        string_agg(distinct replace(earlier.component, '_', ' '), ', ' order by replace(earlier.component, '_', ' '))
            as detail
    from main.leverage_gauge as gauge
    left join main.leverage_gauge as yesterday on yesterday.date = gauge.date - 1
    left join intermediate.gauge_percentiles as earlier
        on earlier.date between gauge.date - 30 and gauge.date - 2
        and list_contains(gauge.components_missing, earlier.component)
        and coalesce(list_contains(yesterday.components_missing, earlier.component), true)
    group by gauge.date
),

-- Only values of both sources that were public by noon (UTC) after the day; see core.disagreements_in_time.
disagreeing as (
    select
        date,
        count(distinct metric) filter (where relative_gap > tolerance)::double as value,
        string_agg(distinct metric, ', ' order by metric) filter (where relative_gap > tolerance) as detail
    from core.disagreements_in_time
    group by date
),

together as (
    select 'funding_extreme' as signal, date, value, detail from funding
    union all by name
    select 'borrow_rates_spike' as signal, date, value, detail from spikes
    union all by name
    select 'open_interest_outruns_price' as signal, date, value from open_interest
    union all by name
    select 'stablecoin_inflow_halved' as signal, date, value from inflow
    union all by name
    select 'coinbase_premium_turns' as signal, date, value from premium_turn
    union all by name
    select 'korean_frenzy' as signal, date, value from frenzy
    union all by name
    select 'won_premium' as signal, date, value from won_premium
    union all by name
    select 'global_liquidity_turns_down' as signal, date, value, detail from liquidity_turn
    union all by name
    select 'rate_cut_hopes_fade' as signal, date, value from cuts
    union all by name
    select 'leverage_heat' as signal, date, heat as value from main.leverage_gauge
    union all by name
    select 'heat_without_fuel' as signal, date, heat - fuel as value from main.leverage_gauge
    union all by name
    select 'flush_breadth' as signal, date, median_return as value from intermediate.unwinding
    union all by name
    select 'flush_lows' as signal, date, median_low as value from intermediate.unwinding
    union all by name
    select 'flush_open_interest' as signal, date, open_interest_change as value
    from intermediate.unwinding
    where low_return <= -0.05
    union all by name
    select 'liquidations_extreme' as signal, date, value, detail from liquidations
    union all by name
    select 'data_stale' as signal, date, value, detail from stale
    union all by name
    select 'sources_disagree' as signal, date, value, detail from disagreeing
)

select
    date,
    signal,
    value,
    detail  -- what it is about, where the signal's name does not say it
from together
where value is not null
order by date, signal
