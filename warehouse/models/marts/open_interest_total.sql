/*
Open interest in futures of an asset at the end of each day over the contracts known daily, its changes, and the chained index.

grain   = "one asset on one UTC day"
key     = ["date", "asset"]
checks  = [
    "open_interest_usd is null or open_interest_usd > 0",
    "open_interest_coins is null or open_interest_coins > 0",
    "len(contracts_missing) = 0 or (open_interest_usd is null and open_interest_coins is null)",
    "len(venues) >= 1 and len(contracts) >= len(venues)",
    "not list_contains(venues, 'cme')",
    "change_1d_usd is null or change_1d_usd > -1",
    "change_1d_coins is null or change_1d_coins > -1",
    "change_7d_usd is null or change_7d_usd > -1",
    "change_7d_coins is null or change_7d_coins > -1",
    "change_30d_usd is null or change_30d_usd > -1",
    "change_30d_coins is null or change_30d_coins > -1",
    "open_interest_index is null or open_interest_index > 0",
]
caveats = [
    "The sum is over the contracts held on the day: read it with contracts. It is below figures that include CME and more venues.",
    "CME is left out, because it is known only weekly.",
    "The sums jump when a contract joins, or is no longer awaited; the index and the changes do not: compare days by these.",
]

[notes]
open_interest_usd = "Here: unknown unless each contract that had a value on any of the seven days before, and has not ended, has one for the day and is known in dollars."
open_interest_coins = "Here: unknown unless each contract that had a value on any of the seven days before, and has not ended, has one for the day and is known in coins."
open_interest_index = "From one day to the next it changes like the contracts present on both days; a contract's change over a day that it lacks is left out. If two days have no contract in common, as around a gap, the day is linked to the latest earlier day that shares one."

[lookback]
contracts_missing = 7
change_1d_usd = 1
change_1d_coins = 1
change_7d_usd = 7
change_7d_coins = 7
change_30d_usd = 30
change_30d_coins = 30
open_interest_index = 36500
*/
with recursive

-- No look-ahead: open_interest_contracts holds, for a day, only what was public by noon (UTC) after it.
contracts as (
    select date, asset, venue, contract, open_interest_usd, open_interest_coins
    from main.open_interest_contracts
    where cadence = 'daily' and venue <> 'cme'
),

missing as (
    select
        date,
        asset,
        list(venue || ' ' || contract order by venue, contract) as contracts_missing
    from intermediate.interest_missing
    where cadence = 'daily' and venue <> 'cme'
    group by date, asset
),

-- Added in a fixed order, so that the same input gives the same last digit.
totals as (
    select
        date,
        asset,
        sum(open_interest_usd order by venue, contract) as open_interest_usd,
        sum(open_interest_coins order by venue, contract) as open_interest_coins,
        count(open_interest_usd) = count(*) as all_in_usd,
        count(open_interest_coins) = count(*) as all_in_coins,
        list_sort(list(distinct venue)) as venues,
        list(venue || ' ' || contract order by venue, contract) as contracts
    from contracts
    group by date, asset
),

-- A contract that is missing on either day is left out of a change: a first appearance is not growth.
spans (days) as (
    values (1), (7), (30)
),

changes as (
    select
        now.date,
        now.asset,
        spans.days,
        sum(now.open_interest_usd order by now.venue, now.contract)
            filter (where before.open_interest_usd is not null and now.open_interest_usd is not null)
        / nullif(
            sum(before.open_interest_usd order by now.venue, now.contract)
                filter (where before.open_interest_usd is not null and now.open_interest_usd is not null),
            0
        ) - 1 as in_usd,
        sum(now.open_interest_coins order by now.venue, now.contract)
            filter (where before.open_interest_coins is not null and now.open_interest_coins is not null)
        / nullif(
            sum(before.open_interest_coins order by now.venue, now.contract)
                filter (where before.open_interest_coins is not null and now.open_interest_coins is not null),
            0
        ) - 1 as in_coins
    from contracts as now
    cross join spans
    inner join contracts as before
        on before.date = now.date - spans.days
        and before.asset = now.asset
        and before.venue = now.venue
        and before.contract = now.contract
    group by now.date, now.asset, spans.days
),

-- Each contract with its value on the latest day before. The latest of these days is the one that the day is linked
-- with, usually the day before; the link is the growth of the contracts present on both days.
beside_itself as (
    select
        *,
        lag(date) over earlier as date_before,
        lag(open_interest_coins) over earlier as coins_before
    from contracts
    where open_interest_coins > 0
    window earlier as (partition by asset, venue, contract order by date)
),

linked as (
    select
        date,
        asset,
        linked_with,
        sum(open_interest_coins order by venue, contract) filter (where date_before = linked_with)
        / sum(coins_before order by venue, contract) filter (where date_before = linked_with) as growth
    from (
        select *, max(date_before) over (partition by date, asset) as linked_with
        from beside_itself
    )
    group by date, asset, linked_with
),

-- 100 on the very first day, then computed day by day: the last digit of a window's product would depend on the number
-- of days. Days that share no contract with any day before them cannot be compared, and have no level.
levels as (
    select date, asset, 100::double as level
    from linked
    qualify row_number() over (partition by asset order by date) = 1
    union all
    select linked.date, linked.asset, levels.level * linked.growth
    from levels
    inner join linked
        on linked.asset = levels.asset
        and linked.linked_with = levels.date
)

select
    totals.date,
    totals.asset,
    -- A sum that leaves out a contract would look like a fall.
    case when missing.contracts_missing is null and totals.all_in_usd then totals.open_interest_usd end
        as open_interest_usd,
    case when missing.contracts_missing is null and totals.all_in_coins then totals.open_interest_coins end
        as open_interest_coins,
    totals.venues,
    totals.contracts,
    coalesce(missing.contracts_missing, []) as contracts_missing,
    yesterday.in_usd as change_1d_usd,
    yesterday.in_coins as change_1d_coins,
    last_week.in_usd as change_7d_usd,
    last_week.in_coins as change_7d_coins,
    last_month.in_usd as change_30d_usd,
    last_month.in_coins as change_30d_coins,
    levels.level as open_interest_index
from totals
left join missing
    on missing.date = totals.date
    and missing.asset = totals.asset
left join changes as yesterday
    on yesterday.date = totals.date
    and yesterday.asset = totals.asset
    and yesterday.days = 1
left join changes as last_week
    on last_week.date = totals.date
    and last_week.asset = totals.asset
    and last_week.days = 7
left join changes as last_month
    on last_month.date = totals.date
    and last_month.asset = totals.asset
    and last_month.days = 30
left join levels
    on levels.date = totals.date
    and levels.asset = totals.asset
order by totals.date, totals.asset
