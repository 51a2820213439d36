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
    "Never summed into another table.",
]

[notes]
unit = "Here: that of value."
*/

-- No look-ahead: reports come after the day that they are about, and no other table is made from them.
select
    date,
    metric,
    value,
    unit,
    statement,
    source_url
from core.famous_days
order by date, metric
