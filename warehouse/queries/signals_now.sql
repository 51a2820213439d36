/*
What is unusual on the newest day, since when, and how often did it mean anything?

One row is one signal that was active on the newest day with any signal, the highest level first: its message, since when, and
bitcoin's median return after its earlier occurrences, compared with any day.

- A signal is not a forecast: see independent_occurrences, and signals_against_any_day for all of them.
- A signal may be inactive because its number is unknown: data_stale says so.

No rows: no signal has ever been active in this home.
*/
select
    signals.date,
    signals.level,
    signals.signal,
    signals.message,
    signals.since,
    outcomes.independent_occurrences,
    round(outcomes.return_30d_median, 4) as return_30d_median,
    round(outcomes.base_return_30d_median, 4) as any_day_return_30d
from signals
left join signal_outcomes as outcomes on outcomes.signal = signals.signal and outcomes.level = signals.level
where signals.date = (select max(date) from signals)
order by list_position(['alert', 'watch', 'info'], signals.level), signals.since, signals.signal
