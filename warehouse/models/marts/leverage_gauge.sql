/*
How much leverage is in the system, how much feeds it, and the regime of the day.

grain   = "one UTC day on which at least one component is known"
key     = ["date"]
checks  = [
    "heat is null or (heat > 0 and heat <= 1)",
    "fuel is null or (fuel > 0 and fuel <= 1)",
    "regime is null or regime in ('calm', 'warm', 'hot', 'overheated', 'flush')",
    "heat is null or regime is not null",
    "components_present >= 1",
    "components_present + len(components_missing) = 10",
]
caveats = [
    "Every component is compared with its own 365 days: after a wild year, wild is normal.",
    "A missing component is left out and named; heat and fuel need two components and a third of their side's votes: read them with components_present.",
    "It sees only what is published: no dealer's book, no loan between two firms, no option.",
    "Heat says how far there is to fall, not when.",
]
subjects = ["gauge_components", "component"]

[notes]
heat = "The mean of the known percentiles of its side, by weight (core.gauge_components)."
fuel = "The mean of the known percentiles of its side, by weight (core.gauge_components)."
regime = "By heat (core.gauge_regimes); flush if half of all assets closed or traded a tenth below their previous closes, or bitcoin traded 5 % below its own while its open interest in coins fell by 8 % or half of all assets traded 8 % below theirs."

[lookback]
default = 364
heat = 376
fuel = 36500
funding_percentile = 376
global_liquidity_percentile = 455
*/
with

-- No look-ahead: each table read holds, for a day, only what was public by noon (UTC) after it.
known as (
    select
        percentiles.date,
        percentiles.component,
        parts.speaks_of,
        parts.weight,
        percentiles.percentile
    from intermediate.gauge_percentiles as percentiles
    inner join core.gauge_components as parts on parts.component = percentiles.component
),

votes as (
    select speaks_of, sum(weight) as votes
    from core.gauge_components
    group by speaks_of
),

-- A side with only one known component, or with less than a third of the votes, is unknown.
sides as (
    select
        known.date,
        known.speaks_of,
        case
            when count(*) >= 2 and sum(known.weight order by known.component) >= any_value(votes.votes) / 3
                then sum(known.percentile * known.weight order by known.component)
                    / sum(known.weight order by known.component)
        end as level
    from known
    inner join votes on votes.speaks_of = known.speaks_of
    group by known.date, known.speaks_of
),

days as (
    select
        date,
        count(*) as components_present,
        list(component) as present,
        max(percentile) filter (where component = 'open_interest_coins') as open_interest_coins_percentile,
        max(percentile) filter (where component = 'open_interest_to_market_value')
            as open_interest_to_market_value_percentile,
        max(percentile) filter (where component = 'funding') as funding_percentile,
        max(percentile) filter (where component = 'exchange_borrow') as exchange_borrow_percentile,
        max(percentile) filter (where component = 'onchain_rates') as onchain_rates_percentile,
        max(percentile) filter (where component = 'korean_turnover') as korean_turnover_percentile,
        max(percentile) filter (where component = 'stablecoin_issuance') as stablecoin_issuance_percentile,
        max(percentile) filter (where component = 'global_liquidity') as global_liquidity_percentile,
        max(percentile) filter (where component = 'coinbase_premium') as coinbase_premium_percentile,
        max(percentile) filter (where component = 'rate_expectations') as rate_expectations_percentile
    from known
    group by date
),

levels as (
    select
        date,
        max(level) filter (where speaks_of = 'heat') as heat,
        max(level) filter (where speaks_of = 'fuel') as fuel
    from sides
    group by date
),

every_part as (
    select list(component order by component) as names
    from core.gauge_components
)

select
    days.date,
    levels.heat,
    levels.fuel,
    case
        when coalesce(unwinding.is_flush, false) then 'flush'
        else (
            select arg_max(regimes.regime, regimes.heat_from)
            from core.gauge_regimes as regimes
            where regimes.heat_from <= levels.heat
        )
    end as regime,
    days.open_interest_coins_percentile,
    days.open_interest_to_market_value_percentile,
    days.funding_percentile,
    days.exchange_borrow_percentile,
    days.onchain_rates_percentile,
    days.korean_turnover_percentile,
    days.stablecoin_issuance_percentile,
    days.global_liquidity_percentile,
    days.coinbase_premium_percentile,
    days.rate_expectations_percentile,
    days.components_present,
    list_filter(every_part.names, lambda name: not list_contains(days.present, name)) as components_missing
from days
inner join levels on levels.date = days.date
cross join every_part
left join intermediate.unwinding on unwinding.date = days.date
order by days.date
