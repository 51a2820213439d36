/*
Which signals were worth anything, compared with any day?

One row is one level of one signal; among those with enough occurrences the most informative come first. return_30d is
bitcoin's median return in the 30 days after it, drawdown_30d the median of the deepest lows in them, each next to the same
figure after any day. A useful warning has both clearly below any day's, over many occurrences that share no day
(independent).

- verdict is about the count alone: with fewer than ten independent occurrences nothing can be said, whatever the difference.
- The thresholds were chosen with knowledge of these years, so this is a score, not a test.
- A signal about data (data_stale, sources_disagree) is not meant to forecast prices.
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
