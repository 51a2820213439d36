/*
The numbers that the brief is about, day by day, with the other facts in their sentences.

grain  = "one topic of one basis on one UTC day on which its number is known"
key    = ["date", "topic", "basis"]
checks = ["isfinite(value)", "len(sources) >= 1", "is_told is not null"]
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
        now.low_vs_previous_close,
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
            else ', ' || as_fraction(abs(return_1d)) || case when return_1d < 0 then ' down' else ' up' end
                || ' on the day'
        end
        || ', after trading between ' || as_price(low_usd) || ' and ' || as_price(high_usd)
        || coalesce(
            '; the low lay ' || as_fraction(abs(low_vs_previous_close))
            || case when low_vs_previous_close < 0 then ' below' else ' above' end || ' the previous close',
            ''
        ) as detail,
        [quote_source] as sources
    from coins
    union all
    select
        date,
        case asset when 'BTC' then 'bitcoin_drawdown' else 'ether_drawdown' end,
        drawdown,
        as_price(peak_high_usd),
        [quote_source]
    from coins
),

breadth as (
    select
        date,
        'breadth' as topic,
        median(return_1d) as value,
        'of ' || count(*) || ' assets ' || count(*) filter (where return_1d < 0) || ' fell; the worst was '
        || first(asset order by return_1d, asset) || ' (' || as_fraction(min(return_1d)) || ')' as detail,
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
        case
            when moves.members = 1 then moves.worst_asset || ' alone'
            else 'worst: ' || moves.worst_asset || ' ' || as_fraction(moves.worst_return_1d)
        end as detail,
        sector_sources.sources
    from main.sector_daily as moves
    inner join sector_sources
        on sector_sources.date = moves.date
        and sector_sources.sector = moves.sector
    where moves.sector in ('l1', 'l2', 'ai', 'defi', 'meme') and moves.return_1d is not null
),

contracts as (
    select
        date,
        asset,
        cadence,
        count(*) as contracts,
        string_agg(venue || ' ' || contract, ', ' order by venue, contract) as basis,
        list_sort(list(distinct source)) as sources,
        max(as_of) as as_of
    from main.open_interest_contracts
    group by date, asset, cadence
),

interest as (
    select
        totals.date,
        case totals.asset when 'BTC' then 'open_interest_bitcoin' else 'open_interest_ether' end as topic,
        -- Like for like, so that all days are comparable: a total depends on the contracts that it covers.
        totals.open_interest_index as value,
        coalesce(', ' || as_fraction(abs(totals.change_30d_coins))
            || case when totals.change_30d_coins < 0 then ' less' else ' more' end || ' than 30 days ago', '')
        || case
            when len(totals.contracts_missing) > 0
                then '; the total is unknown without ' || array_to_string(totals.contracts_missing, ', ')
            else coalesce('; ' || as_usd(totals.open_interest_usd), '')
                || coalesce(' (' || as_coins(totals.open_interest_coins) || ' coins)', '')
                || ' in ' || case len(totals.contracts) when 1 then '1 contract' else len(totals.contracts) || ' contracts' end
                || ' at ' || array_to_string(totals.venues, ', ')
        end as detail,
        '' as basis,
        contracts.sources
    from main.open_interest_total as totals
    inner join contracts
        on contracts.date = totals.date
        and contracts.asset = totals.asset
        and contracts.cadence = 'daily'
    where totals.asset in ('BTC', 'ETH')
    union all
    select
        weekly.date,
        'open_interest_cme',
        weekly.open_interest_usd,
        coalesce(' (' || as_coins(weekly.open_interest_coins) || ' coins)', '')
        || ' on ' || strftime(contracts.as_of, '%-d %B %Y'),
        contracts.basis,
        contracts.sources
    from main.open_interest_daily as weekly
    inner join contracts
        on contracts.date = weekly.date
        and contracts.asset = weekly.asset
        and contracts.cadence = 'weekly'
    where weekly.asset = 'BTC' and weekly.venue = 'cme'
),

liquidated as (
    select
        date,
        'liquidations' as topic,
        total_usd as value,
        coalesce('longs at least ' || as_usd(long_usd) || '; ', '')
        || array_to_string(venues, ', ') as detail,
        array_to_string(venues, ', ') as basis,
        sources
    from main.liquidations_total
),

funding as (
    select
        date,
        case asset when 'BTC' then 'funding_bitcoin' else 'funding_ether' end as topic,
        avg(funding_apr_7d order by venue) as value,
        string_agg(venue, ', ' order by venue) as detail,
        string_agg(venue, ', ' order by venue) as basis,
        list_sort(list(venue)) as sources
    from main.funding_daily
    where asset in ('BTC', 'ETH') and funding_apr_7d is not null
    group by date, asset
),

-- The sentence is about the most expensive venue; the other rows let each venue be compared with itself on other days.
borrowed as (
    select
        date,
        'borrow_' || lower(asset) as topic,
        borrow_apr as value,
        venue || case
            when count(*) over of_day > 1 then ', the dearest of ' || count(*) over of_day || ' exchanges'
            else ''
        end as detail,
        venue as basis,
        row_number() over (partition by date, asset order by borrow_apr desc, venue) = 1 as is_told,
        [source] as sources
    from main.borrow_rates_daily
    where asset in ('USDT', 'USDC') and borrow_apr is not null
    window of_day as (partition by date, asset)
),

pools as (
    select
        date,
        'deposits_' || lower(asset) as topic,
        supply_apr as value,
        coalesce(' (borrowing it cost ' || as_fraction(borrow_apr) || ')', '') as detail,
        [source] as sources
    from main.lending_rates_daily
    where protocol = 'aave-v3' and chain = 'ethereum' and asset in ('USDT', 'USDC') and supply_apr is not null
),

korea as (
    select
        date,
        'korean_turnover' as topic,
        sum(volume_krw order by venue, asset) as value,
        -- Dollars are given only if all of the won can be converted.
        case
            when count(volume_usd) = count(*)
                then 'about ' || as_usd(sum(volume_usd order by venue, asset)) || '; '
            else ''
        end
        || array_to_string(list_sort(list(distinct venue)), ', ') as detail,
        string_agg(venue || ' ' || asset, ', ' order by venue, asset) as basis,
        list_sort(list(distinct venue)) as sources
    from main.krw_stablecoin_daily
    group by date
),

premiums as (
    select
        date,
        'coinbase_premium' as topic,
        coinbase_premium as value,
        as_price(abs(coinbase_premium_usd)) as detail,
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
    from core.stablecoin_supply_in_time
    where
        chain = 'ALL'
        and supply_usd is not null
    group by date
),

stablecoins as (
    select
        flows.date,
        'stablecoin_issuance' as topic,
        flows.net_issuance_7d_usd as value,
        case
            when flows.net_issuance_7d_usd > 0
                then coalesce(
                    ' (' || as_fraction(flows.share_of_peak) || ' of the highest week held within a year)', ''
                )
            else ''
        end as detail,
        '' as basis,
        supply_sources.sources
    from main.stablecoin_flows_total as flows
    inner join supply_sources on supply_sources.date = flows.date
    union all
    select
        flows.date,
        'stablecoin_supply',
        flows.supply_usd,
        flows.coins || ' coins',
        flows.coins::varchar,
        supply_sources.sources
    from main.stablecoin_flows_total as flows
    inner join supply_sources on supply_sources.date = flows.date
),

money_members (topic, series) as (
    values
    ('fed_assets', 'fed_assets'),
    ('net_liquidity', 'fed_assets'),
    ('net_liquidity', 'tga'),
    ('net_liquidity', 'rrp'),
    ('central_banks', 'fed_assets'),
    ('central_banks', 'ecb_assets'),
    ('central_banks', 'boj_assets'),
    ('central_banks', 'pboc_assets'),
    ('m2', 'us_m2'),
    ('m2', 'euro_m2'),
    ('m2', 'japan_m2'),
    ('m2', 'china_m2')
),

-- The source of each member's newest value that was public by the day's end: the value that global_liquidity reads.
money_told as (
    select money.date, told.series, arg_max(told.source, told.date) as source
    from main.global_liquidity as money
    inner join core.macro_series_preferred as told
        on told.date between money.date - 145 and money.date
        and published_on(told.date, told.available_at) <= money.date
    where
        told.amount is not null
        and told.series in (select series from money_members)
    group by money.date, told.series
),

money_sources as (
    select told.date, members.topic, list_sort(list(distinct told.source)) as sources
    from money_told as told
    inner join money_members as members on members.series = told.series
    group by told.date, members.topic
),

amounts as (
    select date, 'fed_assets' as topic, fed_assets_usd as value, 'as of ' || fed_assets_usd_as_of as detail
    from main.global_liquidity
    union all
    select date, 'net_liquidity', fed_net_liquidity_usd, 'as of ' || fed_net_liquidity_usd_as_of
    from main.global_liquidity
    union all
    select
        date,
        'central_banks',
        central_banks_usd,
        coalesce(
            ', ' || as_fraction(abs(change_13w))
            || case when change_13w < 0 then ' less' else ' more' end || ' than thirteen weeks ago',
            ''
        )
    from main.global_liquidity
    union all
    select
        date,
        'm2',
        m2_usd,
        coalesce(
            ', ' || as_fraction(abs(m2_change_13w))
            || case when m2_change_13w < 0 then ' less' else ' more' end || ' than thirteen weeks ago',
            ''
        )
    from main.global_liquidity
),

liquidity as (
    select amounts.date, amounts.topic, amounts.value, amounts.detail, money_sources.sources
    from amounts
    inner join money_sources
        on money_sources.date = amounts.date
        and money_sources.topic = amounts.topic
),

policy as (
    select
        date,
        'policy_rate' as topic,
        effective_rate as value,
        coalesce(
            '; the target is ' || as_rate(target_low) || ' to ' || as_rate(target_high),
            ''
        ) as detail,
        '' as basis,
        -- In source, the provider of the rate comes first, that of the probability last.
        [string_split(source, ', ')[1]] as sources
    from main.policy_rates
    where effective_rate is not null
    union all
    select date, 'cuts_priced', cuts_priced_1y, as_rate(yield_1y), '', [string_split(source, ', ')[1]]
    from main.policy_rates
    where cuts_priced_1y is not null
    union all
    select
        date,
        'next_meeting',
        next_meeting_cut_probability,
        strftime(next_meeting_date, '%-d %B %Y'),
        -- The probability of another meeting, or from another market, is not comparable.
        next_meeting_date::varchar || ' ' || string_split(source, ', ')[-1],
        [string_split(source, ', ')[-1]]
    from main.policy_rates
    where next_meeting_cut_probability is not null
),

parts as (
    select
        gauge.date,
        components.speaks_of,
        count(*) as parts,
        count(*) filter (where not list_contains(gauge.components_missing, components.component)) as known,
        string_agg(replace(components.component, '_', ' '), ', ' order by components.component)
            filter (where list_contains(gauge.components_missing, components.component)) as missing
    from main.leverage_gauge as gauge
    cross join core.gauge_components as components
    group by gauge.date, components.speaks_of
),

gauge as (
    select
        gauge.date,
        'gauge_' || parts.speaks_of as topic,
        case parts.speaks_of when 'heat' then gauge.heat else gauge.fuel end as value,
        case parts.speaks_of when 'heat' then coalesce(gauge.regime, 'not told') || ' ' else '' end
        || case
            when parts.known = parts.parts then '(all ' || parts.parts || ' parts known)'
            else '(' || parts.known || ' of ' || parts.parts || ' parts known, without ' || parts.missing || ')'
        end as detail,
        coalesce(parts.missing, '') as basis,
        ['tidemark'] as sources
    from main.leverage_gauge as gauge
    inner join parts on parts.date = gauge.date
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
    coalesce(basis, '') as basis,  -- what it is a total or a mean of; days with different bases are not compared
    coalesce(is_told, true) as is_told,  -- one basis of a topic has the day's sentence; the others serve for comparison
    sources
from together
where value is not null and len(sources) >= 1
order by date, topic, basis
