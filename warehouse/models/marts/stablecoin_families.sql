/*
Supply and net issuance of dollar stablecoins; coins that are exchanged for each other count as one.

grain   = "one family of dollar stablecoins on one UTC day"
key     = ["date", "family"]
checks  = [
    "supply >= 0",
    "supply_usd >= 0",
    "coins >= 1",
    "net_issuance_1d is null or net_issuance_1d <= supply",
    "net_issuance_7d is null or net_issuance_7d <= supply",
]
caveats = [
    "SKY is DAI and USDS, which Sky (formerly Maker) exchanges for each other: see core.stablecoin_family_members.",
    "Every other family is one coin, under its own name.",
]

[notes]
supply = "Here: of all coins of the family known on the day; read it with coins."
net_issuance_1d = "Unknown unless every coin of the family on either day is known on both."
net_issuance_7d = "Unknown unless every coin of the family on either day is known on both."

[lookback]
net_issuance_1d = 36500
net_issuance_7d = 36500
*/
with

-- No look-ahead: stablecoin_flows holds, for a day, only what was public by noon (UTC) after it.
stablecoins as (
    select
        flows.date,
        flows.asset,
        coalesce(members.family, flows.asset) as family,
        flows.supply,
        flows.supply_usd,
        flows.net_issuance_1d,
        flows.net_issuance_7d
    from main.stablecoin_flows as flows
    left join core.stablecoin_family_members as members on members.asset = flows.asset
    where flows.supply_usd is not null
),

-- Added in a fixed order, so that the same input gives the same last digit.
families as (
    select
        date,
        family,
        sum(supply order by asset) as supply,
        sum(supply_usd order by asset) as supply_usd,
        count(*) as coins
    from stablecoins
    group by date, family
),

spans (days) as (
    values (1), (7)
),

issued as (
    select date, asset, 1 as days, net_issuance_1d as net_issuance
    from stablecoins
    union all
    select date, asset, 7, net_issuance_7d
    from stablecoins
),

-- The coins of a family on either day: those known on the last day, those known on the first, and those listed as its
-- members on either. If a coin is missing on one day, what moved between it and the others would look like a flow.
whole as (
    select coins.date, spans.days, coins.family, coins.asset
    from stablecoins as coins
    cross join spans
    union
    select earlier.date + spans.days, spans.days, coalesce(members.family, earlier.asset), earlier.asset
    from core.stablecoin_supply as earlier
    cross join spans
    left join core.stablecoin_family_members as members on members.asset = earlier.asset
    where
        earlier.chain = 'ALL'
        and earlier.supply_usd is not null
        and usable_on(earlier.date, earlier.available_at) <= earlier.date + spans.days
    union
    select families.date, spans.days, families.family, members.asset
    from families
    cross join spans
    inner join core.stablecoin_family_members as members
        on members.family = families.family
        and (
            families.date between members.valid_from and coalesce(members.valid_to, families.date)
            or families.date - spans.days between members.valid_from and coalesce(members.valid_to, families.date)
        )
),

flows as (
    select
        whole.date,
        whole.days,
        whole.family,
        case
            when count(issued.net_issuance) = count(*) then sum(issued.net_issuance order by whole.asset)
        end as net_issuance
    from whole
    left join issued
        on issued.date = whole.date
        and issued.days = whole.days
        and issued.asset = whole.asset
    group by whole.date, whole.days, whole.family
)

select
    families.date,
    families.family,
    families.supply,
    families.supply_usd,
    over_a_day.net_issuance as net_issuance_1d,
    over_a_week.net_issuance as net_issuance_7d,
    families.coins
from families
left join flows as over_a_day
    on over_a_day.date = families.date
    and over_a_day.family = families.family
    and over_a_day.days = 1
left join flows as over_a_week
    on over_a_week.date = families.date
    and over_a_week.family = families.family
    and over_a_week.days = 7
order by families.date, families.family
