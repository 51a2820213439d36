/*
How many futures of an asset were open at the end of each day over the venues known daily, and the change of 30 days.

grain   = "one asset on one UTC day"
key     = ["date", "asset"]
checks  = [
    "open_interest_usd is null or open_interest_usd > 0",
    "open_interest_coins is null or open_interest_coins > 0",
    "len(venues) >= 1",
    "not list_contains(venues, 'cme')",
    "change_30d_usd is null or change_30d_usd > -1",
    "change_30d_coins is null or change_30d_coins > -1",
]
caveats = [
    "The sum is over the venues held on the day: read it with venues. It lies below figures that count CME and more venues.",
    "CME is left out, because it is known weekly.",
    "The sums change when a venue gains or loses a contract; the changes are over the contracts held on both days.",
]

[notes]
open_interest_usd = "Here: unknown when it is unknown for any of venues."
open_interest_coins = "Here: unknown when it is unknown for any of venues."

[lookback]
change_30d_usd = 30
change_30d_coins = 30
*/
with

-- No look-ahead: open_interest_daily holds, for a day, only what was public by noon (UTC) after it.
daily as (
    select date, asset, venue, open_interest_usd, open_interest_coins
    from main.open_interest_daily
    where cadence = 'daily' and venue <> 'cme'
),

-- Added in a fixed order, so that the same input gives the same last digit.
totals as (
    select
        date,
        asset,
        -- A sum that leaves out a venue would look like a fall.
        case
            when count(open_interest_usd) = count(*) then sum(open_interest_usd order by venue)
        end as open_interest_usd,
        case
            when count(open_interest_coins) = count(*) then sum(open_interest_coins order by venue)
        end as open_interest_coins,
        list_sort(list(venue)) as venues
    from daily
    group by date, asset
),

-- A contract that is missing on either day is left out of the change: a first appearance is not growth.
contracts as (
    select date, asset, venue, contract, open_interest_usd, open_interest_coins
    from main.open_interest_contracts
    where cadence = 'daily' and venue <> 'cme'
),

changes as (
    select
        now.date,
        now.asset,
        sum(now.open_interest_usd order by now.venue, now.contract)
            filter (where before.open_interest_usd is not null and now.open_interest_usd is not null)
        / nullif(
            sum(before.open_interest_usd order by now.venue, now.contract)
                filter (where before.open_interest_usd is not null and now.open_interest_usd is not null),
            0
        ) - 1 as change_30d_usd,
        sum(now.open_interest_coins order by now.venue, now.contract)
            filter (where before.open_interest_coins is not null and now.open_interest_coins is not null)
        / nullif(
            sum(before.open_interest_coins order by now.venue, now.contract)
                filter (where before.open_interest_coins is not null and now.open_interest_coins is not null),
            0
        ) - 1 as change_30d_coins
    from contracts as now
    inner join contracts as before
        on before.date = now.date - 30
        and before.asset = now.asset
        and before.venue = now.venue
        and before.contract = now.contract
    group by now.date, now.asset
)

select
    totals.date,
    totals.asset,
    totals.open_interest_usd,
    totals.open_interest_coins,
    totals.venues,
    changes.change_30d_usd,
    changes.change_30d_coins
from totals
left join changes
    on changes.date = totals.date
    and changes.asset = totals.asset
order by totals.date, totals.asset
