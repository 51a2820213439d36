/*
What each day has to say, a sentence for each topic with the figure in it: the text of the daily report.

grain   = "one topic on one UTC day on which its figure is known"
key     = ["date", "topic"]
checks  = [
    "statement not like '%{%'",
    "statement like '%.'",
    "percentile_1y is null or (percentile_1y > 0 and percentile_1y <= 1)",
    "len(sources) >= 1",
]
caveats = ["Every figure in a sentence is a number of a mart: `tidemark explain` leads from it to the answers it rests on."]
subjects = ["brief_topics", "topic"]

[notes]
value = "Here: in the row's unit."
change_1d = "Unknown where the day before is a total or a mean of other contracts, venues or coins."
unit = "Here: that of value."
statement = "Here: what the day has to say on the topic."
percentile_1y = "Here: of value, among the days whose value is of the same contracts, venues or coins."
sources = "Here: the providers, or venues, of the day's figure."

[lookback]
value = 0
statement = 364
change_1d = 1
percentile_1y = 364
*/
with

-- A total of some venues is compared only with totals of the same ones: one that joins would look like a rise.
-- No look-ahead: headlines are made from marts, which hold, for a day, only what was public by noon (UTC) after it.
ranked as (
    select
        *,
        count(value) over (
            partition by topic
            order by date
            range between interval 364 days preceding and current row
        ) as held,
        count(value) over trailing_year as known,
        rank(order by value) over trailing_year as from_below,
        rank(order by value desc nulls last) over trailing_year as from_above,
        first_value(date) over trailing_year as known_since
    from intermediate.headlines
    window trailing_year as (
        partition by topic, basis
        order by date
        range between interval 364 days preceding and current row
    )
),

-- The last day of the year before on which the figure was as high, and as low.
extremes as (
    select
        now.date,
        now.topic,
        max(earlier.date) filter (where earlier.value >= now.value) as as_high_on,
        max(earlier.date) filter (where earlier.value <= now.value) as as_low_on
    from intermediate.headlines as now
    inner join intermediate.headlines as earlier
        on earlier.topic = now.topic
        and earlier.basis = now.basis
        and earlier.date between now.date - 364 and now.date - 1
    group by now.date, now.topic
),

compared as (
    select
        now.date,
        now.topic,
        now.value,
        now.detail,
        now.sources,
        now.value - yesterday.value as change_1d,
        last_week.value as week_ago,
        case
            when now.known >= 180 then (now.known + now.from_below - now.from_above + 1)::double / (2 * now.known)
        end as percentile_1y,
        -- A month without its like is worth a word.
        case
            when now.known < 30 then ''
            when extremes.as_high_on is null and now.known_since > now.date - 360
                then ', the highest of ' || days_alike(now.known, now.held)
            when extremes.as_high_on is null then ', the highest in a year'
            when now.date - extremes.as_high_on >= 30
                then ', the highest since ' || strftime(extremes.as_high_on, '%-d %B %Y')
            when extremes.as_low_on is null and now.known_since > now.date - 360
                then ', the lowest of ' || days_alike(now.known, now.held)
            when extremes.as_low_on is null then ', the lowest in a year'
            when now.date - extremes.as_low_on >= 30
                then ', the lowest since ' || strftime(extremes.as_low_on, '%-d %B %Y')
            else ''
        end as extreme
    from ranked as now
    left join extremes
        on extremes.date = now.date
        and extremes.topic = now.topic
    left join intermediate.headlines as yesterday
        on yesterday.date = now.date - 1
        and yesterday.topic = now.topic
        and yesterday.basis = now.basis
    left join intermediate.headlines as last_week
        on last_week.date = now.date - 7
        and last_week.topic = now.topic
        and last_week.basis = now.basis
),

told as (
    select
        compared.*,
        topics.unit,
        topics.caveat,
        topics.statement as template,
        topics.shown_as
    from compared
    inner join core.brief_topics as topics on topics.topic = compared.topic
)

select
    date,
    topic,
    replace(
        replace(
            replace(
                replace(template, '{value}', shown(value, shown_as)),
                '{detail}',
                coalesce(detail, '')
            ),
            '{extreme}',
            case
                when shown_as = 'move'  -- a return is good or bad, not high or low
                    then replace(replace(extreme, 'the highest', 'the best'), 'the lowest', 'the worst')
                else extreme
            end
        ),
        '{week_ago}',
        coalesce('; a week ago ' || shown(week_ago, shown_as), '')
    ) as statement,
    value,
    unit,
    change_1d,
    percentile_1y,
    sources,
    caveat
from told
order by date, topic
