/*
The Federal Reserve's policy rate, how many cuts the 1-year Treasury priced in, and how likely a cut was at the next meeting.

grain   = "one UTC day that is over, from the first on which one of the inputs became known"
key     = ["date"]
checks  = [
    "target_low is null or target_high is null or target_low <= target_high",
    "effective_rate is null or effective_rate between target_low - 0.0125 and target_high + 0.0125",
    "yield_3m is null or yield_3m between -0.05 and 0.3",
    "yield_1y is null or yield_1y between -0.05 and 0.3",
    "cuts_priced_1y is null or abs(cuts_priced_1y) < 40",
    "next_meeting_date is null or next_meeting_date > date",
    "next_meeting_cut_probability is null or next_meeting_cut_probability between 0 and 1",
    "next_meeting_cut_probability is null or next_meeting_date is not null",
    "(effective_rate is null and next_meeting_cut_probability is null) = (source is null)",
]
caveats = [
    "A published value is carried forward to the next, but is unknown if the day that it describes is over 10 days ago.",
    "cuts_priced_1y includes a term premium, and a yield averages the path: the path's end may be about twice as far away.",
    "On the day of a meeting the next meeting is the one after it.",
    "next_meeting_cut_probability adds up prices of contracts at a day's end in New York, which may not be redistributed.",
    "If those are not known, it is derived from the month's fed funds future, from the first day of the month, for a meeting with at least a week of the month left after it: the probability of a quarter-point cut, as if nothing else were possible.",
]

[notes]
source = "Here: the providers of effective_rate and of next_meeting_cut_probability, in this order: kalshi for contracts on the decision, yahoo for fed funds futures."

[reach]
"core.macro_series_preferred" = 10
"core.meeting_probabilities_in_time" = 10
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
        usable_on(date, available_at) as usable_on
    from core.macro_series_preferred
    where
        series in ('target_low', 'target_high', 'effective_rate', 'yield_3m', 'yield_1y', 'fed_funds_futures')
        and rate_apr is not null
),

days as (
    select date
    from core.days
    where date >= (select min(usable_on) from published where series <> 'fed_funds_futures')
),

-- Values come on every business day: weekends and holidays are bridged, a stopped feed is not.
latest as (
    select
        days.date,
        published.series,
        arg_max(published.rate_apr, published.described_on) as rate_apr,
        arg_max(published.source, published.described_on) as source,
        max(published.described_on) as described_on
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
),

-- The scheduled meeting after each day; unknown before the first and after the last listed meeting, and while its date
-- was not public yet.
following as (
    select
        days.date,
        min(meetings.meeting_date) as meeting_date,
        arg_min(meetings.known_by, meetings.meeting_date) as known_by
    from days
    inner join core.fomc_meetings as meetings on meetings.meeting_date > days.date
    where days.date >= (select min(meeting_date) from core.fomc_meetings)
    group by days.date
),

-- No look-ahead: a price counts if it was public by noon (UTC) after its day. All cuts that the venue lists must have
-- a price; their sum may exceed 1 dollar, so it is capped.
cuts as (
    select
        date,
        meeting_date,
        case when count(*) = max(outcomes) then least(sum(probability order by outcome), 1) end as probability,
        max(source) as source
    from core.meeting_probabilities_in_time
    where
        starts_with(outcome, 'cut')
    group by date, meeting_date
),

-- The front future covers the month of its trading day, so it prices only a meeting of that month. It settles at the
-- mean effective rate of the month's days: the old rate applies through the day of the meeting, the new rate on the
-- remaining days. At least a week must remain, or a tick of the price or the rate would dominate.
futures as (
    select
        rates.date,
        following.meeting_date,
        least(
            greatest(
                (rates.effective_rate - latest.rate_apr)
                * day(last_day(following.meeting_date))
                / (day(last_day(following.meeting_date)) - day(following.meeting_date))
                / 0.0025,
                0
            ),
            1
        ) as probability,
        latest.source
    from rates
    inner join latest
        on latest.date = rates.date
        and latest.series = 'fed_funds_futures'
    inner join following
        on following.date = rates.date
        and following.known_by <= rates.date
    where
        rates.effective_rate is not null
        and last_day(latest.described_on) = last_day(following.meeting_date)
        and day(last_day(following.meeting_date)) - day(following.meeting_date) >= 7
)

select
    rates.date,
    rates.target_low,
    rates.target_high,
    rates.effective_rate,
    rates.yield_3m,
    rates.yield_1y,
    -- In steps of a quarter of a percentage point.
    (rates.effective_rate - rates.yield_1y) / 0.0025 as cuts_priced_1y,
    following.meeting_date as next_meeting_date,
    coalesce(cuts.probability, futures.probability) as next_meeting_cut_probability,
    nullif(
        concat_ws(', ', rates.source, case when cuts.probability is null then futures.source else cuts.source end),
        ''
    ) as source
from rates
left join following
    on following.date = rates.date
    and following.known_by <= rates.date
left join cuts
    on cuts.date = rates.date
    and cuts.meeting_date = following.meeting_date
left join futures on futures.date = rates.date
order by rates.date
