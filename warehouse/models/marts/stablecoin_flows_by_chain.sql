/*
Supply and net issuance of each stablecoin on each chain, in coins; coins that move to another chain count as redeemed.

grain   = "one stablecoin on one chain on one UTC day"
key     = ["date", "asset", "chain"]
checks  = [
    "chain <> 'ALL'",
    "supply >= 0",
    "supply_usd is null or supply_usd >= 0",
    "net_issuance_1d is null or net_issuance_1d <= supply",
    "net_issuance_7d is null or net_issuance_7d <= supply",
]
caveats = [
    "A move between chains is issuance on one and redemption on the other; stablecoin_flows does not see it.",
    "The chains known here need not add up to the coin's own total, which is stablecoin_flows.",
]

[notes]
supply = "Here: on this chain."
supply_usd = "Here: on this chain."
net_issuance_1d = "Both supplies come from the same source."
net_issuance_7d = "Both supplies come from the same source."

[lookback]
net_issuance_1d = 1
net_issuance_7d = 7
*/
with

-- No look-ahead: a row may be used for a day when it was public by noon (UTC) after that day.
days as (
    select date, asset, chain, source, supply, supply_usd
    from core.stablecoin_supply_in_time
    where
        chain <> 'ALL'
),

supplies as (
    select date, asset, chain, source, supply, usable_on(date, available_at) as usable_on
    from core.stablecoin_supply
    where chain <> 'ALL'
)

select
    days.date,
    days.asset,
    days.chain,
    days.supply,
    days.supply_usd,
    -- Joined on the exact day: a gap is not a flow, and a coin's first day is not issuance.
    days.supply - day_before.supply as net_issuance_1d,
    days.supply - week_before.supply as net_issuance_7d
from days
left join supplies as day_before
    on day_before.date = days.date - 1
    and day_before.asset = days.asset
    and day_before.chain = days.chain
    and day_before.source = days.source
    and day_before.usable_on <= days.date
left join supplies as week_before
    on week_before.date = days.date - 7
    and week_before.asset = days.asset
    and week_before.chain = days.chain
    and week_before.source = days.source
    and week_before.usable_on <= days.date
order by days.date, days.asset, days.chain
