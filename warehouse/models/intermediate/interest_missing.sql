/*
The contracts that a sum of open interest needs on a day and that have no value for it.

grain  = "one contract of one asset at one venue on one UTC day that it lacks"
key    = ["date", "asset", "venue", "contract"]
checks = ["cadence in ('daily', 'weekly')"]
*/
with

-- No look-ahead: open_interest_contracts holds, for a day, only what was public by noon (UTC) after it.
held as (
    select
        contracts.date,
        contracts.asset,
        contracts.venue,
        contracts.contract,
        contracts.cadence,
        series.valid_to
    from main.open_interest_contracts as contracts
    left join core.series as series
        on series.dataset = 'open_interest'
        and series.source = contracts.source
        and series.series = contracts.series
),

-- A contract belongs to the sums for seven days after each day with a value, a weekly one until the second report after
-- it. After that a contract that does not return is no longer awaited; a contract that has ended is never awaited.
awaited as (
    select
        days.date,
        held.asset,
        held.venue,
        held.contract,
        held.cadence,
        held.valid_to
    from held
    inner join core.days as days
        on days.date > held.date
        and days.date <= held.date + case held.cadence when 'weekly' then 14 else 7 end
    qualify row_number() over (
        partition by days.date, held.asset, held.venue, held.contract
        order by held.date desc
    ) = 1
)

select
    awaited.date,
    awaited.asset,
    awaited.venue,
    awaited.contract,
    awaited.cadence
from awaited
anti join held
    on held.date = awaited.date
    and held.asset = awaited.asset
    and held.venue = awaited.venue
    and held.contract = awaited.contract
where awaited.valid_to is null or awaited.valid_to >= awaited.date
order by awaited.date, awaited.asset, awaited.venue, awaited.contract
