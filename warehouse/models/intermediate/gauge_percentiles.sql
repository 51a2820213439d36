/*
Where each component of the leverage gauge stands in its own year: the weighted mean of its members' percentiles.

grain  = "one component on one UTC day on which at least one member has a percentile"
key    = ["date", "component"]
checks = ["percentile > 0 and percentile <= 1"]
*/
with

-- No look-ahead: gauge_members holds, for a day, only what was public by noon (UTC) after it; a year looks back.
ranked as (
    select
        *,
        count(member_value) over trailing_year as known,
        rank(order by member_value) over trailing_year as from_below,
        rank(order by member_value desc nulls last) over trailing_year as from_above
    from intermediate.gauge_members
    window trailing_year as (
        partition by component, member
        order by date
        range between interval 364 days preceding and current row
    )
),

-- Each member is compared with itself alone, so that a venue that joins or leaves moves nothing by being there.
percentiles as (
    select
        date,
        component,
        member,
        member_weight,
        -- (below + (equal + 1) / 2) / known, where below = from_below - 1 and above = from_above - 1.
        (known + from_below - from_above + 1)::double / (2 * known) as percentile
    from ranked
    where known >= 180
)

select
    date,
    component,
    sum(percentile * member_weight order by member) / sum(member_weight order by member) as percentile
from percentiles
group by date, component
order by date, component
