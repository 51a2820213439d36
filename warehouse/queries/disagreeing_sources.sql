/*
Which sources disagree, about what, how often and how much?

One row is a pair of sources of the same measure: the number of values that both report, how often their gap exceeds what
expectations/tolerances.toml allows, the median and the widest relative gap, and where the widest was. Pairs beyond their
tolerance come first: one of the two is wrong there, or they do not count the same thing.

- source_a is the one that the marts take: they never average.
- A pair in agreement may share an error: many providers copy each other.
- A measure with only one source has no row, because it has no witness.

No rows: no two sources report the same thing.
*/
select
    metric,
    source_a,
    source_b,
    count(*) as compared,
    count(*) filter (where relative_gap > tolerance) as beyond,
    any_value(tolerance) as tolerance,
    round(median(relative_gap), 6) as median_gap,
    round(max(relative_gap), 6) as widest_gap,
    arg_max(date, relative_gap) as widest_on,
    regexp_replace(arg_max(key, relative_gap), ',?"witness":"[^"]*"', '') as widest_of
from ops.disagreements
group by metric, source_a, source_b
order by beyond > 0 desc, beyond / compared desc, metric, source_a, source_b
