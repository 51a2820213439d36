/*
How complete is each dataset, source by source, and what is missing?

One row is one source of one dataset: the number of series-days that are due, the share that is settled (loaded, or
verified empty), then the number in each state. missing was never requested, failed got no usable answer, held_back did not
pass a check, perished can no longer be fetched. The least complete come first; `tidemark status` gives the command that retries it.

- verified_empty is as good as loaded: the provider's answer was complete and had no value.
- not_yet is not a gap: the provider publishes later.
- A day before a series was listed has no row and is not counted.
*/
select
    dataset,
    source,
    count(*) as series_days,
    round(count(*) filter (where state in ('loaded', 'verified_empty')) / count(*), 4) as settled,
    count(*) filter (where state = 'loaded') as loaded,
    count(*) filter (where state = 'verified_empty') as verified_empty,
    count(*) filter (where state = 'not_yet') as not_yet,
    count(*) filter (where state = 'missing') as missing,
    count(*) filter (where state = 'failed') as failed,
    count(*) filter (where state = 'failed_check') as held_back,
    count(*) filter (where state = 'perished') as perished,
    max(date) filter (where state = 'loaded') as last_loaded
from ops.ledger
group by dataset, source
order by settled, dataset, source
