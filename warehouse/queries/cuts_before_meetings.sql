/*
What did markets expect of each meeting of the Federal Reserve the day before it, and what did it decide?

One row is one meeting: the probability of a cut at the end of the day before, the change of the upper bound of the target range by
the third day after, and bitcoin's return over the three days from the close before. A cut that was certain moves nothing; a
surprise is where probability and change disagree.

- Probabilities are prices of contracts, thin before May 2025, and unknown unless every cut has a price.
- cuts_priced_1y comes from the one-year Treasury and includes a term premium.

No rows: no meeting lies within the days held.
*/
with

meetings as (
    select next_meeting_date as meeting_date, max(date) as day_before
    from policy_rates
    where next_meeting_date is not null
    group by next_meeting_date
    having max(date) = next_meeting_date - 1
)

select
    meetings.meeting_date,
    round(before.next_meeting_cut_probability, 3) as cut_probability,
    round(before.cuts_priced_1y, 2) as cuts_priced_1y,
    before.target_high as target_before,
    later.target_high as target_after,
    round(later.target_high - before.target_high, 4) as change,
    round(bitcoin_later.close_usd / bitcoin_before.close_usd - 1, 4) as bitcoin_3d
from meetings
inner join policy_rates as before on before.date = meetings.day_before
left join policy_rates as later on later.date = meetings.meeting_date + 3
left join asset_daily as bitcoin_before
    on bitcoin_before.asset = 'BTC'
    and bitcoin_before.date = meetings.day_before
left join asset_daily as bitcoin_later
    on bitcoin_later.asset = 'BTC'
    and bitcoin_later.date = meetings.day_before + 3
    and bitcoin_later.quote_source = bitcoin_before.quote_source
order by meetings.meeting_date
