/*
The numbers that the brief is about, day by day, with what else belongs into their sentences.

grain  = "one topic on one UTC day on which its number is known"
key    = ["date", "topic"]
checks = ["isfinite(value)", "len(sources) >= 1"]
*/
with

-- No look-ahead: each mart holds, for a day, only what was public by noon (UTC) after it.
coins as (
    select
        now.date,
        now.asset,
        now.close_usd,
        now.low_usd,
        now.high_usd,
        now.return_1d,
        now.return_7d,
        now.drawdown,
        now.peak_high_usd,
        now.quote_source
    from main.asset_daily as now
    where now.asset in ('BTC', 'ETH')
),

prices as (
    select
        date,
        case asset when 'BTC' then 'bitcoin' else 'ether' end as topic,
        close_usd as value,
        case
            when return_1d is null then ''
            else ', ' || shown(abs(return_1d), 'fraction') || case when return_1d < 0 then ' down' else ' up' end
                || ' on the day'
        end
        || ', after trading between ' || shown(low_usd, 'price') || ' and ' || shown(high_usd, 'price')
        || ' (low ' || shown(-(low_usd / high_usd - 1), 'fraction') || ' under high)' as detail,
        [quote_source] as sources
    from coins
    union all
    select
        date,
        case asset when 'BTC' then 'bitcoin_drawdown' else 'ether_drawdown' end,
        drawdown,
        shown(peak_high_usd, 'price'),
        [quote_source]
    from coins
),

breadth as (
    select
        date,
        'breadth' as topic,
        median(return_1d) as value,
        'of ' || count(*) || ' assets ' || count(*) filter (where return_1d < 0) || ' fell; the worst was '
        || arg_min(asset, return_1d) || ' (' || shown(min(return_1d), 'fraction') || ')' as detail,
        list_sort(list(distinct quote_source)) as sources
    from main.asset_daily
    where sector is not null and return_1d is not null
    group by date
    having count(*) >= 3
),

sector_sources as (
    select date, sector, list_sort(list(distinct quote_source)) as sources
    from main.asset_daily
    where sector is not null and return_1d is not null
    group by date, sector
),

sectors as (
    select
        moves.date,
        'sector_' || moves.sector as topic,
        moves.return_1d as value,
        moves.worst_asset || ' ' || shown(moves.worst_return_1d, 'fraction') as detail,
        sector_sources.sources
    from main.sector_daily as moves
    inner join sector_sources
        on sector_sources.date = moves.date
        and sector_sources.sector = moves.sector
    where moves.sector in ('l1', 'l2', 'ai', 'defi', 'meme') and moves.return_1d is not null
),

interest_sources as (
    select date, asset, list_sort(list(distinct source)) as sources
    from main.open_interest_daily
    where cadence = 'daily'
    group by date, asset
),

interest as (
    select
        totals.date,
        case totals.asset when 'BTC' then 'open_interest_bitcoin' else 'open_interest_ether' end as topic,
        totals.open_interest_usd as value,
        coalesce(shown(totals.open_interest_coins, 'coins') || ' coins; ', '')
        || coalesce(
            'in coins ' || shown(abs(totals.change_30d_coins), 'fraction')
            || case when totals.change_30d_coins < 0 then ' less' else ' more' end || ' than 30 days ago; ',
            ''
        )
        || array_to_string(totals.venues, ', ') as detail,
        interest_sources.sources
    from main.open_interest_total as totals
    inner join interest_sources
        on interest_sources.date = totals.date
        and interest_sources.asset = totals.asset
    where totals.asset in ('BTC', 'ETH')
    union all
    select
        date,
        'open_interest_cme',
        open_interest_usd,
        coalesce(' (' || shown(open_interest_coins, 'coins') || ' coins)', ''),
        [source]
    from main.open_interest_daily
    where asset = 'BTC' and venue = 'cme'
),

liquidated as (
    select
        date,
        'liquidations' as topic,
        total_usd as value,
        coalesce(', of which longs ' || shown(long_usd, 'USD'), '')
        || ' (' || array_to_string(venues, ', ') || ')' as detail,
        sources
    from main.liquidations_total
    where asset = 'ALL'
),

funding as (
    select
        date,
        case asset when 'BTC' then 'funding_bitcoin' else 'funding_ether' end as topic,
        avg(funding_apr_7d order by venue) as value,
        array_to_string(list_sort(list(venue)), ', ') as detail,
        list_sort(list(venue)) as sources
    from main.funding_daily
    where asset in ('BTC', 'ETH') and funding_apr_7d is not null
    group by date, asset
),

borrowed as (
    select
        date,
        'borrow_' || lower(asset) as topic,
        max(borrow_apr) as value,
        arg_max(venue, borrow_apr) as detail,
        list_sort(list(distinct source)) as sources
    from main.borrow_rates_daily
    where asset in ('USDT', 'USDC') and borrow_apr is not null
    group by date, asset
),

pools as (
    select
        date,
        'deposits_' || lower(asset) as topic,
        supply_apr as value,
        coalesce('; borrowing it costs ' || shown(borrow_apr, 'fraction'), '') as detail,
        [source] as sources
    from main.lending_rates_daily
    where protocol = 'aave-v3' and chain = 'ethereum' and asset in ('USDT', 'USDC') and supply_apr is not null
),

korea as (
    select
        date,
        'korean_turnover' as topic,
        sum(volume_krw order by venue, asset) as value,
        coalesce('about ' || shown(sum(volume_usd order by venue, asset), 'USD') || ', ', '')
        || array_to_string(list_sort(list(distinct venue)), ', ') as detail,
        list_sort(list(distinct venue)) as sources
    from main.krw_stablecoin_daily
    group by date
),

premiums as (
    select
        date,
        'coinbase_premium' as topic,
        coinbase_premium as value,
        shown(coinbase_premium_usd, 'price') as detail,
        ['binance', 'coinbase'] as sources
    from main.premiums_daily
    where asset = 'BTC' and coinbase_premium is not null
    union all
    select date, 'kimchi_premium', kimchi_premium_fx, '', ['binance', 'upbit']
    from main.premiums_daily
    where asset = 'BTC' and kimchi_premium_fx is not null
    union all
    select date, 'won_premium', any_value(usdt_krw_premium), '', ['upbit']
    from main.premiums_daily
    where usdt_krw_premium is not null
    group by date
),

supply_sources as (
    select date, list_sort(list(distinct source)) as sources
    from core.stablecoin_supply_preferred
    where available_at at time zone 'UTC' <= date + interval 36 hours
    group by date
),

stablecoins as (
    select
        flows.date,
        'stablecoin_issuance' as topic,
        flows.net_issuance_7d_usd as value,
        coalesce(', ' || shown(flows.share_of_peak, 'fraction') || ' of the highest week of twelve months', '')
            as detail,
        supply_sources.sources
    from main.stablecoin_flows_total as flows
    inner join supply_sources on supply_sources.date = flows.date
    union all
    select flows.date, 'stablecoin_supply', flows.supply_usd, flows.coins || ' coins', supply_sources.sources
    from main.stablecoin_flows_total as flows
    inner join supply_sources on supply_sources.date = flows.date
),

macro_sources as (
    select list_sort(list(distinct source)) as sources
    from core.macro_series_preferred
    where available_at at time zone 'UTC' <= date + interval 400 days
),

liquidity as (
    select
        money.date,
        'fed_assets' as topic,
        money.fed_assets_usd as value,
        'as of ' || money.fed_assets_usd_as_of as detail,
        macro_sources.sources
    from main.global_liquidity as money
    cross join macro_sources
    union all
    select
        money.date,
        'net_liquidity',
        money.fed_net_liquidity_usd,
        'as of ' || money.fed_net_liquidity_usd_as_of,
        macro_sources.sources
    from main.global_liquidity as money
    cross join macro_sources
    union all
    select
        money.date,
        'central_banks',
        money.central_banks_usd,
        coalesce(
            ', ' || shown(abs(money.change_13w), 'fraction')
            || case when money.change_13w < 0 then ' less' else ' more' end || ' than thirteen weeks ago',
            ''
        ),
        macro_sources.sources
    from main.global_liquidity as money
    cross join macro_sources
    union all
    select
        money.date,
        'm2',
        money.m2_usd,
        coalesce(
            ', ' || shown(abs(money.m2_change_13w), 'fraction')
            || case when money.m2_change_13w < 0 then ' less' else ' more' end || ' than thirteen weeks ago',
            ''
        ),
        macro_sources.sources
    from main.global_liquidity as money
    cross join macro_sources
),

policy as (
    select
        date,
        'policy_rate' as topic,
        effective_rate as value,
        coalesce(
            '; the target is ' || shown(target_low, 'rate') || ' to ' || shown(target_high, 'rate'),
            ''
        ) as detail,
        [source] as sources
    from main.policy_rates
    where effective_rate is not null
    union all
    select date, 'cuts_priced', cuts_priced_1y, shown(yield_1y, 'rate'), [source]
    from main.policy_rates
    where cuts_priced_1y is not null
    union all
    select date, 'next_meeting', next_meeting_cut_probability, next_meeting_date::varchar, ['kalshi']
    from main.policy_rates
    where next_meeting_cut_probability is not null
),

gauge as (
    select
        date,
        'gauge_heat' as topic,
        heat as value,
        coalesce(regime, 'not told') as detail,
        ['tidemark'] as sources
    from main.leverage_gauge
    union all
    select
        date,
        'gauge_fuel',
        fuel,
        components_present || ' of 10 parts known'
        || case
            when len(components_missing) > 0
                then '; missing: ' || replace(array_to_string(components_missing, ', '), '_', ' ')
            else ''
        end,
        ['tidemark']
    from main.leverage_gauge
),

together as (
    from prices
    union all by name from breadth
    union all by name from sectors
    union all by name from interest
    union all by name from liquidated
    union all by name from funding
    union all by name from borrowed
    union all by name from pools
    union all by name from korea
    union all by name from premiums
    union all by name from stablecoins
    union all by name from liquidity
    union all by name from policy
    union all by name from gauge
)

select
    date,
    topic,
    value,
    detail,
    sources
from together
where value is not null and len(sources) >= 1
order by date, topic
