/*
What was unusual on each day, how much so, and since when.

grain   = "one signal that is active on one UTC day, at the highest level that it reaches"
key     = ["date", "signal"]
checks  = [
    "level in ('info', 'watch', 'alert')",
    "since <= date",
    "message not like '%{%'",
]
caveats = [
    "On a day without a row the signal was not active, or its number was not known.",
    "A signal is not a forecast: signal_outcomes shows what followed each in the past.",
]
subjects = ["signal_numbers", "signal"]

[notes]
value = "Here: the signal's number; core.signal_levels says how it is formatted."
message = "Here: the signal's message, one sentence with the figure in it."
since = "A day on which the number was not known ends a spell."

[lookback]
default = 36500
*/
with

-- No look-ahead: signal_values holds, for a day, only what was public by noon (UTC) after it.
reached as (
    select
        numbers.date,
        numbers.signal,
        numbers.value,
        numbers.detail,
        levels.level,
        levels.threshold,
        levels.shown_as,
        levels.statement,
        case levels.level when 'alert' then 3 when 'watch' then 2 else 1 end as loudness
    from intermediate.signal_values as numbers
    inner join core.signal_levels as levels
        on levels.signal = numbers.signal
        and case levels.direction
            when 'at least' then numbers.value >= levels.threshold
            else numbers.value <= levels.threshold
        end
),

loudest as (
    select *
    from reached
    qualify row_number() over (partition by date, signal order by loudness desc) = 1
),

-- Consecutive days share the difference between the date and its row number.
spells as (
    select
        *,
        date - row_number() over (partition by signal order by date)::integer as spell
    from loudest
)

select
    date,
    signal,
    level,
    value,
    threshold,
    min(date) over (partition by signal, spell order by date) as since,
    replace(
        replace(
            replace(statement, '{value}', shown(value, shown_as)),
            '{threshold}',
            shown(threshold, shown_as)
        ),
        '{detail}',
        coalesce(detail, '')
    ) as message
from spells
order by date, signal
