/*
What is out of the ordinary on the newest day, since when, and how often did it mean anything?

One row is one signal that spoke on the newest day with any signal, the loudest first: what it says, since when, and beside it what
bitcoin did at the middle after its earlier occasions, against any day.

- A signal is no forecast: see independent_occurrences, and signals_against_any_day for all of them.
- A silent signal may be silent because its number is unknown: data_stale says so.

No rows: no signal has ever spoken in this home.
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
