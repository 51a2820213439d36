/*
Where the Federal Reserve held its rate, and how many cuts the 1-year Treasury priced in.

grain   = "one UTC day that is over, from the first on which one of the inputs became known"
key     = ["date"]
checks  = [
    "target_low is null or target_high is null or target_low <= target_high",
    "effective_rate is null or effective_rate between target_low - 0.0125 and target_high + 0.0125",
    "yield_3m is null or yield_3m between -0.05 and 0.3",
    "yield_1y is null or yield_1y between -0.05 and 0.3",
    "cuts_priced_1y is null or abs(cuts_priced_1y) < 40",
    "(effective_rate is null) = (source is null)",
]
caveats = [
    "A published value is carried to the next, yet unknown when the day that it describes is over 10 days ago.",
    "cuts_priced_1y holds a term premium, and a yield averages the path: the path's end may lie about twice as far.",
]

[notes]
source = "Here: the provider of effective_rate."
next_meeting_date = "Not filled yet: unknown on every day."
next_meeting_cut_probability = "Not filled yet: unknown on every day."

[reach]
"core.macro_series_preferred" = 10
*/
with

-- No look-ahead: a value counts from the first day by the noon (UTC) after which it was public,
-- and never before the day that it describes.
published as (
    select
        series,
        date as described_on,
        rate_apr,
        source,
        greatest(
            date,
            (available_at at time zone 'UTC' - interval '36 hours 1 microsecond')::date + 1
        ) as usable_on
    from core.macro_series_preferred
    where
        series in ('target_low', 'target_high', 'effective_rate', 'yield_3m', 'yield_1y')
        and rate_apr is not null
),

days as (
    select date
    from core.days
    where date >= (select min(usable_on) from published)
),

-- Values come on every business day: weekends and holidays are bridged, a feed that stopped is not.
latest as (
    select
        days.date,
        published.series,
        arg_max(published.rate_apr, published.described_on) as rate_apr,
        arg_max(published.source, published.described_on) as source
    from days
    inner join published
        on published.usable_on <= days.date
        and published.described_on >= days.date - 10
    group by days.date, published.series
),

-- A day on which nothing is fresh enough keeps its row, with unknown values.
rates as (
    select
        days.date,
        max(latest.rate_apr) filter (where latest.series = 'target_low') as target_low,
        max(latest.rate_apr) filter (where latest.series = 'target_high') as target_high,
        max(latest.rate_apr) filter (where latest.series = 'effective_rate') as effective_rate,
        max(latest.rate_apr) filter (where latest.series = 'yield_3m') as yield_3m,
        max(latest.rate_apr) filter (where latest.series = 'yield_1y') as yield_1y,
        max(latest.source) filter (where latest.series = 'effective_rate') as source
    from days
    left join latest on latest.date = days.date
    group by days.date
)

select
    date,
    target_low,
    target_high,
    effective_rate,
    yield_3m,
    yield_1y,
    -- In steps of a quarter of a percentage point.
    (effective_rate - yield_1y) / 0.0025 as cuts_priced_1y,
    null::date as next_meeting_date,
    null::double as next_meeting_cut_probability,
    source
from rates
order by date
