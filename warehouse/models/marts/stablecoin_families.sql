/*
What was issued of dollar stablecoins, those that are exchanged for each other counted as one.

grain   = "one family of dollar coins on one UTC day"
key     = ["date", "family"]
checks  = [
    "supply >= 0",
    "supply_usd >= 0",
    "coins >= 1",
    "net_issuance_1d is null or net_issuance_1d <= supply",
    "net_issuance_7d is null or net_issuance_7d <= supply",
]
caveats = [
    "SKY is DAI and USDS, which Sky (before: Maker) exchanges for each other since 18 September 2024.",
    "Every other family is one coin, under its own name.",
]

[notes]
supply = "Here: of all coins of the family known on the day; read it with coins."
net_issuance_1d = "Unknown as well when a coin of the family is missing."
net_issuance_7d = "Unknown as well when a coin of the family is missing."
*/
with

-- No look-ahead: stablecoin_flows holds, for a day, only what was public by noon (UTC) after it.
-- USDS did not exist before 18 September 2024: what there is of it within a week of that day was issued since.
dollar_coins as (
    select
        date,
        asset,
        case when asset in ('DAI', 'USDS') then 'SKY' else asset end as family,
        supply,
        supply_usd,
        case
            when asset = 'USDS' and date - 1 < date '2024-09-18' then supply
            else net_issuance_1d
        end as net_issuance_1d,
        case
            when asset = 'USDS' and date - 7 < date '2024-09-18' then supply
            else net_issuance_7d
        end as net_issuance_7d
    from main.stablecoin_flows
    where chain = 'ALL' and supply_usd is not null
),

-- Added in a fixed order, so that the same input gives the same last digit.
families as (
    select
        date,
        family,
        sum(supply order by asset) as supply,
        sum(supply_usd order by asset) as supply_usd,
        case when count(net_issuance_1d) = count(*) then sum(net_issuance_1d order by asset) end as net_issuance_1d,
        case when count(net_issuance_7d) = count(*) then sum(net_issuance_7d order by asset) end as net_issuance_7d,
        count(*) as coins,
        -- One of the two alone would show the move to the other as an outflow.
        family = 'SKY' and date >= date '2024-09-18' and count(*) < 2 as is_partial
    from dollar_coins
    group by date, family
)

select
    date,
    family,
    supply,
    supply_usd,
    case when not is_partial then net_issuance_1d end as net_issuance_1d,
    case when not is_partial then net_issuance_7d end as net_issuance_7d,
    coins
from families
order by date, family
