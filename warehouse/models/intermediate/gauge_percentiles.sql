/*
Percentile of each component of the leverage gauge in its own year: the weighted mean of its members' percentiles.

grain  = "one component on one UTC day on which at least one member has a percentile"
key    = ["date", "component"]
checks = ["percentile > 0 and percentile <= 1"]
*/
with

-- No look-ahead: gauge_members holds, for a day, only what was public by noon (UTC) after it; a year ends with its day.
-- Each member is compared only with itself, so that a venue that joins or leaves does not move the others' percentiles.
percentiles as (
    select
        date,
        component,
        member,
        member_weight,
        percentile_1y(member_value, (component, member), date) as percentile
    from intermediate.gauge_members
)

select
    date,
    component,
    sum(percentile * member_weight order by member) / sum(member_weight order by member) as percentile
from percentiles
where percentile is not null
group by date, component
order by date, component
