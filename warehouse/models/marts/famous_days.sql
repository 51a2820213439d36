/*
What was reported of days that people remember, each figure with the page that reports it.

grain   = "one reported figure of one UTC day"
key     = ["date", "metric"]
checks  = [
    "value > 0",
    "unit in ('USD', 'accounts')",
    "length(statement) > 0",
    "source_url like 'https://%'",
]
caveats = [
    "Curated by hand, not measured: readings of a rolling 24 hours at different minutes, so reports of one day differ.",
    "Never summed into another table, nor with each other.",
]

[notes]
unit = "Here: that of value."
venue = "Here: of whose trades or accounts the figure is, ALL for all exchanges together; unknown where the report does not say."
*/

-- No look-ahead: reports come after the day that they are about. The best of them stands beside liquidations_total,
-- whose own figures it does not touch; nothing is added to them, ranked or compared over time.
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
