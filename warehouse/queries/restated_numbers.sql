/*
What was known when: which published numbers were restated, how often and by how much?

One row is one column of one dataset from one source, by cause. values_changed counts values that a later version changed;
median_change is the median relative change and largest_change the largest; oldest_day and newest_day are the days that the
changed values describe, last_changed_at is when we learned of the last change. If a source has many large changes, its newest
days are provisional; use `tidemark build --as-of` to see what was known on a day.

- cause says why: source_changed is the provider, method_changed is us, withdrawn means that the value is gone.
- Only values that were fetched twice can be seen to change: feeds that are fetched once look more stable than they are.
- Changes of text, and changes to or from unknown, have no relative size.

No rows: nothing that was published has changed, as in a home that was filled once.
*/
with

changes as (
    select
        *,
        abs(try_cast(new_value as double) / nullif(try_cast(old_value as double), 0) - 1) as relative_change
    from ops.restatements
)

select
    dataset,
    source,
    "column",
    cause,
    count(*) as values_changed,
    round(median(relative_change), 6) as median_change,
    round(max(relative_change), 6) as largest_change,
    min(date) as oldest_day,
    max(date) as newest_day,
    max(recorded_at) as last_changed_at
from changes
group by dataset, source, "column", cause
order by values_changed desc, dataset, source, "column", cause
