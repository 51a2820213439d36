/*
One sentence for each topic on each day, with its figure: the text of the daily report.

grain   = "one topic on one UTC day on which its figure is known"
key     = ["date", "topic"]
checks  = [
    "statement not like '%{%'",
    "statement like '%.'",
    "percentile_1y is null or (percentile_1y > 0 and percentile_1y <= 1)",
    "len(sources) >= 1",
]
caveats = ["Every figure in a sentence is a number of a mart: `tidemark explain` traces it back to the archived answers."]
subjects = ["brief_topics", "topic"]

[notes]
value = "Here: in the row's unit."
change_1d = "Unknown if the day before is a total or a mean of other contracts, venues or coins."
unit = "Here: the unit of value."
statement = "Here: the day's sentence on the topic."
percentile_1y = "Here: of value, among the days whose value covers the same contracts, venues or coins; percentile_of names it."
sources = "Here: the providers, or venues, of the day's figure."

[lookback]
default = 36500
*/
with

-- A total over venues is compared only with totals over the same venues: a new venue would look like a rise.
-- No look-ahead: headlines are made from marts, which hold, for a day, only what was public by noon (UTC) after it.
figures as (
    select
        headlines.*,
        topics.shown_as,
        shown(headlines.value, topics.shown_as) as shown_value
    from intermediate.headlines as headlines
    inner join core.brief_topics as topics on topics.topic = headlines.topic
),

ranked as (
    select
        *,
        count(value) filter (where is_told) over (
            partition by topic
            order by date
            range between interval 364 days preceding and current row
        ) as held,
        count(value) over trailing_year as known,
        percentile_1y(value, (topic, basis), date) as percentile_1y,
        row_number() over (partition by topic, basis order by date) as place
    from figures
    window trailing_year as (
        partition by topic, basis
        order by date
        range between interval 364 days preceding and current row
    )
),

-- The last day of the year before on which the figure was as high, and as low: a figure that was shown counts whatever
-- it was computed from, and so does one that would have been shown as the same number.
extremes as (
    select
        now.date,
        now.topic,
        now.basis,
        max(earlier.date) filter (where earlier.value >= now.value or earlier.shown_value = now.shown_value)
            as as_high_on,
        max(earlier.date) filter (where earlier.value <= now.value or earlier.shown_value = now.shown_value)
            as as_low_on
    from figures as now
    inner join figures as earlier
        on earlier.topic = now.topic
        and earlier.date between now.date - 364 and now.date - 1
        and (earlier.is_told or earlier.basis = now.basis)
    where now.is_told
    group by now.date, now.topic, now.basis
),

-- How many comparable days there are since then.
since as (
    select
        now.date,
        now.topic,
        extremes.as_high_on,
        extremes.as_low_on,
        now.place - coalesce(as_high.place, 0) as known_since_high,
        now.place - coalesce(as_low.place, 0) as known_since_low
    from ranked as now
    inner join extremes
        on extremes.date = now.date
        and extremes.topic = now.topic
        and extremes.basis = now.basis
    asof left join ranked as as_high
        on as_high.topic = now.topic
        and as_high.basis = now.basis
        and as_high.date <= extremes.as_high_on
    asof left join ranked as as_low
        on as_low.topic = now.topic
        and as_low.basis = now.basis
        and as_low.date <= extremes.as_low_on
),

compared as (
    select
        now.date,
        now.topic,
        now.value,
        now.detail,
        now.sources,
        now.shown_value,
        now.value - yesterday.value as change_1d,
        last_week.shown_value as week_ago,
        now.percentile_1y,
        superlative(
            superlative_word(true, now.shown_as),
            now.date,
            since.as_high_on,
            now.known,
            now.held,
            since.known_since_high
        ) as highest,
        superlative(
            superlative_word(false, now.shown_as),
            now.date,
            since.as_low_on,
            now.known,
            now.held,
            since.known_since_low
        ) as lowest
    from ranked as now
    left join since
        on since.date = now.date
        and since.topic = now.topic
    left join ranked as yesterday
        on yesterday.date = now.date - 1
        and yesterday.topic = now.topic
        and yesterday.basis = now.basis
    left join ranked as last_week
        on last_week.date = now.date - 7
        and last_week.topic = now.topic
        and last_week.basis = now.basis
    where now.is_told
),

told as (
    select
        compared.*,
        topics.unit,
        topics.caveat,
        contains(topics.statement, '{extreme}')
        and (compared.highest <> '' or compared.lowest <> '') as is_extreme,
        topics.percentile_of,
        topics.statement as template
    from compared
    inner join core.brief_topics as topics on topics.topic = compared.topic
)

select
    date,
    topic,
    replace(
        replace(
            replace(
                replace(template, '{value}', shown_value),
                '{detail}',
                coalesce(detail, '')
            ),
            '{extreme}',
            case when highest <> '' then highest else lowest end
        ),
        '{week_ago}',
        coalesce('; a week ago ' || week_ago, '')
    ) as statement,
    value,
    unit,
    change_1d,
    percentile_1y,
    percentile_of,
    is_extreme,
    sources,
    caveat
from told
order by date, topic
