/*
The number that each signal is about, day by day, whether or not it says anything.

grain  = "one signal on one UTC day on which its number is known"
key    = ["date", "signal"]
checks = ["isfinite(value)"]
*/
with

-- No look-ahead: each mart holds, for a day, only what was public by noon (UTC) after it.

-- The hotter of bitcoin and ether: where each one's week of funding stands in its year, the venues' mean.
funding as (
    select date, max(percentile) as value
    from (
        select date, asset, avg(percentile_1y order by venue) as percentile
        from main.funding_daily
        where asset in ('BTC', 'ETH')
        group by date, asset
    )
    group by date
),

-- Dollars that can be borrowed anywhere: at exchanges, and in pools by what lenders earn there.
dollar_rates as (
    select date, asset || ' ' || venue as market, borrow_apr as apr
    from main.borrow_rates_daily
    where asset in ('USDT', 'USDC')
    union all
    select date, asset || ' ' || protocol || ' ' || chain, supply_apr
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

-- Under a tenth a year a multiple is no news.
spikes as (
    select date, max(case when apr >= 0.10 then apr / usual else 0 end) as value
    from usual_rates
    where days >= 20 and usual > 0 and apr is not null
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

-- What has been low since spring is no news: only a peak of the last 45 days can be turned away from.
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

-- A turn needs something to turn from: a month on the other side.
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

-- Over the venues and coins that have a usual week, so that a new market is no frenzy.
frenzy as (
    select
        date,
        sum(turnover order by venue, asset) / sum(usual order by venue, asset) as value
    from usual_weeks
    where known >= 90 and usual > 0
    group by date
),

liquidity as (
    select
        now.date,
        coalesce(
            now.change_13w,
            now.fed_net_liquidity_usd / nullif(before.fed_net_liquidity_usd, 0) - 1,
            now.fed_assets_usd / nullif(before.fed_assets_usd, 0) - 1
        ) as change_13w
    from main.global_liquidity as now
    left join main.global_liquidity as before on before.date = now.date - 91
),

-- Turning down: it was up at some time within the quarter before.
liquidity_turn as (
    select date, change_13w as value
    from liquidity
    qualify max(change_13w) over (
        order by date
        range between interval 91 days preceding and interval 1 day preceding
    ) > 0
),

cuts as (
    select now.date, now.cuts_priced_1y - before.cuts_priced_1y as value
    from main.policy_rates as now
    inner join main.policy_rates as before on before.date = now.date - 30
),

won_premium as (
    select date, any_value(usdt_krw_premium) as value
    from main.premiums_daily
    where usdt_krw_premium is not null
    group by date
),

liquidations as (
    select totals.date, totals.percentile_1y as value
    from main.liquidations_total as totals
    where totals.asset = 'ALL'
),

-- A part of the gauge that was there within the last 30 days and is not today.
stale as (
    select
        gauge.date,
        (
            count(distinct earlier.component)
                filter (where list_contains(gauge.components_missing, earlier.component))
        )::double as value
    from main.leverage_gauge as gauge
    left join intermediate.gauge_percentiles as earlier
        on earlier.date between gauge.date - 30 and gauge.date - 1
    group by gauge.date
),

-- What was public by noon (UTC) after the day on both sides; see core.disagreements_in_time.
disagreeing as (
    select date, count(distinct metric) filter (where relative_gap > tolerance)::double as value
    from core.disagreements_in_time
    group by date
),

together as (
    select date, 'funding_extreme' as signal, value from funding
    union all
    select date, 'borrow_rates_spike', value from spikes
    union all
    select date, 'open_interest_outruns_price', value from open_interest
    union all
    select date, 'stablecoin_inflow_halved', value from inflow
    union all
    select date, 'coinbase_premium_turns', value from premium_turn
    union all
    select date, 'korean_frenzy', value from frenzy
    union all
    select date, 'won_premium', value from won_premium
    union all
    select date, 'global_liquidity_turns_down', value from liquidity_turn
    union all
    select date, 'rate_cut_hopes_fade', value from cuts
    union all
    select date, 'leverage_heat', heat from main.leverage_gauge
    union all
    select date, 'heat_without_fuel', heat - fuel from main.leverage_gauge
    union all
    select date, 'flush_breadth', median_return from intermediate.unwinding
    union all
    select date, 'flush_open_interest', open_interest_change from intermediate.unwinding where low_return <= -0.05
    union all
    select date, 'liquidations_extreme', value from liquidations
    union all
    select date, 'data_stale', value from stale
    union all
    select date, 'sources_disagree', value from disagreeing
)

select
    date,
    signal,
    value
from together
where value is not null
order by date, signal
