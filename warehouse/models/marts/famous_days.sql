/*
What was reported about well-known market days, each figure with the page that reports it.

grain   = "one reported figure of one UTC day"
key     = ["date", "metric"]
checks  = [
    "value > 0",
    "unit in ('USD', 'accounts')",
    "length(statement) > 0",
    "source_url like 'https://%'",
]
caveats = [
    "Curated by hand, not measured: readings of a rolling 24 hours at different minutes, so reports about one day differ.",
    "Never summed into another table, nor with each other.",
]

[notes]
unit = "Here: the unit of value."
venue = "Here: whose trades or accounts the figure covers, ALL for all exchanges together; unknown if the report does not say."
*/

-- No look-ahead: reports come after the day that they describe. The best of them is shown in liquidations_total, without
-- changing its own figures; reports are not summed, ranked or compared over time.
select
    date,
    metric,
    venue,
    value,
    unit,
    statement,
    source_url
from core.famous_days
order by date, metric
