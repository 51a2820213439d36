/*
Supply and net issuance of each stablecoin, in coins, over all chains.

grain   = "one stablecoin on one UTC day"
key     = ["date", "asset"]
checks  = [
    "supply >= 0",
    "supply_usd is null or supply_usd >= 0",
    "net_issuance_1d is null or net_issuance_1d <= supply",
    "net_issuance_7d is null or net_issuance_7d <= supply",
]
caveats = [
    "Issuance is not inflow to exchanges: it counts coins created and destroyed, wherever they went.",
    "The total is the coin's own, as the provider reports it: the chains of stablecoin_flows_by_chain need not add up to it.",
    "A move between coins that are exchanged for each other is redemption of one and issuance of the other: see stablecoin_families.",
]

[notes]
net_issuance_1d = "Both supplies come from the same source."
net_issuance_7d = "Both supplies come from the same source."

[lookback]
net_issuance_1d = 1
net_issuance_7d = 7
*/
with

-- No look-ahead: a row may be used for a day when it was public by noon (UTC) after that day.
days as (
    select date, asset, source, supply, supply_usd
    from core.stablecoin_supply_in_time
    where
        chain = 'ALL'
),

supplies as (
    select date, asset, source, supply, usable_on(date, available_at) as usable_on
    from core.stablecoin_supply
    where chain = 'ALL'
)

select
    days.date,
    days.asset,
    days.supply,
    days.supply_usd,
    -- Joined on the exact day: a gap is not a flow, and a coin's first day is not issuance.
    days.supply - day_before.supply as net_issuance_1d,
    days.supply - week_before.supply as net_issuance_7d
from days
left join supplies as day_before
    on day_before.date = days.date - 1
    and day_before.asset = days.asset
    and day_before.source = days.source
    and day_before.usable_on <= days.date
left join supplies as week_before
    on week_before.date = days.date - 7
    and week_before.asset = days.asset
    and week_before.source = days.source
    and week_before.usable_on <= days.date
order by days.date, days.asset
