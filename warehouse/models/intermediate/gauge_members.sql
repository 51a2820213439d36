/*
Every series that the leverage gauge reads, day by day.

grain  = "one member of one component on one UTC day on which it is known"
key    = ["date", "component", "member"]
checks = ["isfinite(member_value)", "member_weight > 0"]
*/
with

-- No look-ahead: each mart holds, for a day, only what was public by noon (UTC) after it.
-- Like for like: a sum would change with the contracts in it. Open interest over market value is open coins over
-- existing coins, because both contain the price.
open_interest as (
    select
        futures.date,
        futures.asset as member,
        futures.open_interest_index,
        futures.open_interest_index * assets.close_usd / nullif(assets.market_cap_usd, 0) as to_market_value
    from main.open_interest_total as futures
    left join main.asset_daily as assets
        on assets.date = futures.date
        and assets.asset = futures.asset
    where futures.asset in ('BTC', 'ETH')
),

-- One day's turnover is noise: a week of complete days is used.
korean_weeks as (
    select
        date,
        asset || ' ' || venue as member,
        sum(volume_krw) over week as turnover,
        count(*) over week as days
    from main.krw_stablecoin_daily
    window week as (
        partition by asset, venue
        order by date
        range between interval 6 days preceding and current row
    )
),

premium_weeks as (
    select
        date,
        asset as member,
        avg(coinbase_premium) over week as premium,
        count(coinbase_premium) over week as days
    from main.premiums_daily
    where asset in ('BTC', 'ETH')
    window week as (
        partition by asset
        order by date
        range between interval 6 days preceding and current row
    )
),

federal_reserve as (
    select
        now.date,
        now.fed_assets_usd / nullif(before.fed_assets_usd, 0) - 1 as assets_change,
        now.fed_net_liquidity_usd / nullif(before.fed_net_liquidity_usd, 0) - 1 as net_change
    from main.global_liquidity as now
    inner join main.global_liquidity as before on before.date = now.date - 91
),

members as (
    select date, 'open_interest_coins' as component, member, open_interest_index as value, 1 as weight
    from open_interest
    union all
    select date, 'open_interest_to_market_value', member, to_market_value, 1
    from open_interest
    union all
    select date, 'funding', asset || ' ' || venue, funding_apr_7d, 1
    from main.funding_daily
    where asset in ('BTC', 'ETH')
    union all
    select date, 'exchange_borrow', asset || ' ' || venue, borrow_apr, 1
    from main.borrow_rates_daily
    where asset in ('USDT', 'USDC')
    union all
    -- Both rates depend on how much of a pool is lent out: if one is not known, the other is still informative.
    select date, 'onchain_rates', asset || ' ' || protocol || ' deposits', supply_apr, 1
    from main.lending_rates_daily
    where asset in ('USDT', 'USDC') and chain = 'ethereum'
    union all
    select date, 'onchain_rates', asset || ' ' || protocol || ' loans', borrow_apr, 1
    from main.lending_rates_daily
    where asset in ('USDT', 'USDC') and chain = 'ethereum'
    union all
    select date, 'korean_turnover', member, turnover, turnover
    from korean_weeks
    where days = 7
    union all
    select date, 'stablecoin_issuance', 'ALL', net_issuance_7d_usd, 1
    from main.stablecoin_flows_total
    union all
    select date, 'global_liquidity', 'central banks', change_13w, 1
    from main.global_liquidity
    union all
    select date, 'global_liquidity', 'M2', m2_change_13w, 1
    from main.global_liquidity
    union all
    select date, 'global_liquidity', 'Federal Reserve assets', assets_change, 1
    from federal_reserve
    union all
    select date, 'global_liquidity', 'Federal Reserve net liquidity', net_change, 1
    from federal_reserve
    union all
    select date, 'coinbase_premium', member, premium, 1
    from premium_weeks
    where days = 7
    union all
    select date, 'rate_expectations', 'cuts priced in', cuts_priced_1y, 1
    from main.policy_rates
)

select
    date,
    component,
    member,
    value as member_value,
    weight::double as member_weight
from members
where value is not null and weight > 0
order by date, component, member
