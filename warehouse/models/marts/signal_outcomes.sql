/*
What bitcoin did in the 30 days after each signal, compared with the 30 days after any day.

grain   = "one level of one signal that was active on at least one day with 30 known days after it"
key     = ["signal", "level"]
checks  = [
    "occurrences >= 1",
    "independent_occurrences between 1 and occurrences",
    "drawdown_30d_worst <= drawdown_30d_median",
    "base_drawdown_30d_worst <= drawdown_30d_worst",
    "base_days >= occurrences",
]
caveats = [
    "Consecutive days are one event: judge by independent_occurrences, and not by fewer than about ten.",
    "The thresholds were chosen with knowledge of these years: the outcomes are no test of them.",
    "It looks ahead on purpose, and grows with every day: it is a score of the past, never an input.",
]

[lookback]
default = 36500
*/
with

-- No look-ahead applies to tables that others read: nothing reads this table, whose purpose is to look ahead.
bitcoin as (
    select date, low_usd, close_usd, quote_source
    from main.asset_daily
    where asset = 'BTC'
),

-- Only days whose next 30 days are all known, from the same source.
followed as (
    select
        now.date,
        min(later.low_usd) / any_value(now.close_usd) - 1 as drawdown_30d,
        arg_max(later.close_usd, later.date) / any_value(now.close_usd) - 1 as return_30d
    from bitcoin as now
    inner join bitcoin as later
        on later.date between now.date + 1 and now.date + 30
        and later.quote_source = now.quote_source
    group by now.date
    having count(*) = 30
),

base as (
    select
        median(drawdown_30d) as base_drawdown_30d_median,
        min(drawdown_30d) as base_drawdown_30d_worst,
        median(return_30d) as base_return_30d_median,
        count(*) as base_days
    from followed
),

spoken as (
    select
        signals.signal,
        signals.level,
        signals.date,
        -- Windows of 30 days without overlap: no day of the same level in the 30 days before.
        coalesce(signals.date - lag(signals.date) over earlier > 30, true) as is_independent
    from main.signals as signals
    window earlier as (partition by signals.signal, signals.level order by signals.date)
)

select
    spoken.signal,
    spoken.level,
    count(*) as occurrences,
    greatest(count(*) filter (where spoken.is_independent), 1) as independent_occurrences,
    median(followed.drawdown_30d) as drawdown_30d_median,
    min(followed.drawdown_30d) as drawdown_30d_worst,
    median(followed.return_30d) as return_30d_median,
    any_value(base.base_drawdown_30d_median) as base_drawdown_30d_median,
    any_value(base.base_drawdown_30d_worst) as base_drawdown_30d_worst,
    any_value(base.base_return_30d_median) as base_return_30d_median,
    any_value(base.base_days) as base_days
from spoken
inner join followed on followed.date = spoken.date
cross join base
group by spoken.signal, spoken.level
order by spoken.signal, spoken.level
