/*
What was reported of the famous days, and how much of it do our own venues show?

One row is one reported figure of a day, with ours of the same day if there is one: liquidations in dollars over the observed
venues, the largest single liquidation, bitcoin's low. share is ours divided by theirs. Liquidations are a lower bound, so a share
far below 1 is expected and shows how much of the market we see; a share above 1 would be an error on one of the two sides.

- Reports are readings of a rolling 24 hours at different minutes, ours are UTC days: a difference is not an error of either.
- Figures of one venue are compared only with that venue.
- famous_days holds for each figure the sentence and the page that reports it.
- Accounts are not compared: an account with two assets would be counted twice.
- ours is unknown on days before a home begins or without an observed venue; missing data are never 0.
*/
with

venues as (
    select
        date,
        venue,
        sum(long_usd order by asset) as long_usd,
        sum(short_usd order by asset) as short_usd,
        sum(total_usd order by asset) as total_usd
    from liquidations_daily
    group by date, venue
),

beside as (
    select
        famous.*,
        case
            when famous.metric = 'btc_low' then bitcoin.low_usd
            when famous.metric like 'largest_order%' then everything.largest_usd
            when famous.metric like '%first_fall' then null
            when famous.metric like 'longs_liquidated%' and venues.venue is not null then venues.long_usd
            when famous.metric like 'shorts_liquidated%' and venues.venue is not null then venues.short_usd
            when famous.metric like 'liquidated%' and venues.venue is not null then venues.total_usd
            -- For a venue that we do not observe there is nothing to compare.
            when famous.venue <> 'ALL' then null
            when famous.metric like 'longs_liquidated%' then everything.long_usd
            when famous.metric like 'shorts_liquidated%' then everything.short_usd
            when famous.metric like 'liquidated%' then everything.total_usd
        end as ours,
        case
            when venues.venue is not null then [venues.venue]
            when famous.unit = 'USD' and famous.metric <> 'btc_low' then everything.venues
        end as our_venues
    from famous_days as famous
    left join asset_daily as bitcoin on bitcoin.date = famous.date and bitcoin.asset = 'BTC'
    left join liquidations_total as everything on everything.date = famous.date
    left join venues
        on venues.date = famous.date
        and venues.venue = famous.venue
)

select
    date,
    metric,
    value as reported,
    unit,
    round(ours, 0) as ours,
    round(ours / value, 4) as share,
    case when ours is not null then our_venues end as our_venues
from beside
order by date, metric
