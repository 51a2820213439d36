/*
Which signals were worth anything, held against what any day brought?

One row is one level of one signal; among those with enough occasions the most telling come first. return_30d is the
median return of bitcoin in the 30 days after it, drawdown_30d the median of the deepest lows in them, each beside the same
after any day. A warning that was worth something has both clearly below any day's, over many occasions that share no day
(independent).

- verdict is about the count alone: below ten independent occasions nothing can be told, whatever the difference.
- Whoever chose the thresholds knew these years, so this is a score and no test.
- A signal that tells of data (data_stale, sources_disagree) is not meant to foretell prices.
*/
select
    signal,
    level,
    occurrences as days,
    independent_occurrences as independent,
    round(return_30d_median, 4) as return_30d,
    round(base_return_30d_median, 4) as any_day_return,
    round(drawdown_30d_median, 4) as drawdown_30d,
    round(base_drawdown_30d_median, 4) as any_day_drawdown,
    round(drawdown_30d_worst, 4) as worst_drawdown,
    case when independent_occurrences >= 10 then 'enough to look at' else 'too few to tell' end as verdict
from signal_outcomes
order by independent_occurrences >= 10 desc, drawdown_30d_median - base_drawdown_30d_median, signal, level
