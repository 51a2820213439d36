/*
Total supply of stablecoins in dollars, a week's net issuance, and how both compare with the year.

grain   = "one UTC day"
key     = ["date"]
checks  = [
    "supply_usd >= 0",
    "coins >= 1",
    "peak_7d_1y_usd is null or net_issuance_7d_usd is null or net_issuance_7d_usd <= peak_7d_1y_usd",
    "share_of_peak is null or share_of_peak <= 1",
    "position_1y is null or position_1y between 0 and 1",
]
caveats = [
    "Only stablecoins of the dollar, from a fixed list of coins, each counted at one dollar.",
    "The sum is over the coins known on the day: read supply_usd and position_1y with coins.",
    "Issuance is not inflow to exchanges.",
    "Coins that are mostly backed by other listed coins are not listed, so that nothing is counted twice.",
    "Coins that are exchanged for each other count in a week's issuance all together or not at all: see stablecoin_families.",
]

[notes]
supply_usd = "Here: the sum over the coins known on the day, from each coin's own total."
coins = "Here: the coins in supply_usd."
net_issuance_7d_usd = "A family with a coin that is unknown on either day is left out; unknown if none is left."
share_of_peak = "Unknown unless that peak is above zero."
position_1y = "Also unknown if lowest and highest are equal."

[lookback]
net_issuance_7d_usd = 36500
peak_7d_1y_usd = 36500
share_of_peak = 36500
position_1y = 364
*/
with

-- No look-ahead: stablecoin_families holds, for a day, only what was public by noon (UTC) after it.
-- A family with a coin missing on either day is left out of the issuance: a coin's first day is not issuance, and what
-- moved into it is not redemption. Added in a fixed order, so that the same input gives the same last digit.
totals as (
    select
        date,
        sum(supply_usd order by family) as supply_usd,
        sum(net_issuance_7d order by family) as net_issuance_7d_usd,
        sum(coins)::bigint as coins
    from main.stablecoin_families
    group by date
),

-- Days that are missing, or whose issuance is unknown, do not count towards the 180.
over_the_year as (
    select
        *,
        count(net_issuance_7d_usd) over trailing_year as known_issuances,
        max(net_issuance_7d_usd) over trailing_year as highest_issuance,
        count(supply_usd) over trailing_year as known_supplies,
        min(supply_usd) over trailing_year as lowest_supply,
        max(supply_usd) over trailing_year as highest_supply
    from totals
    window trailing_year as (
        order by date
        range between interval 364 days preceding and current row
    )
),

compared as (
    select
        date,
        supply_usd,
        net_issuance_7d_usd,
        coins,
        case when known_issuances >= 180 then highest_issuance end as peak_7d_1y_usd,
        case
            when known_supplies >= 180
                then (supply_usd - lowest_supply) / nullif(highest_supply - lowest_supply, 0)
        end as position_1y
    from over_the_year
)

select
    date,
    supply_usd,
    net_issuance_7d_usd,
    coins,
    peak_7d_1y_usd,
    -- A share of a peak of zero or below has no meaning.
    case when peak_7d_1y_usd > 0 then net_issuance_7d_usd / peak_7d_1y_usd end as share_of_peak,
    position_1y
from compared
order by date
