/*
How complete is each dataset, source by source, and what is not there?

One row is what one source supplies of one dataset: how many series-days are due, the share that is settled (loaded, or
verified to be empty), then those that are not, by state. missing was never asked, failed gave no usable answer, held_back did
not pass a check, perished can no longer be had. The least complete come first; `tidemark status` gives the command that retries it.

- verified_empty is as good as loaded: the provider answered wholly and had nothing.
- not_yet is no gap: the provider publishes later.
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
