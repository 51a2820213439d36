/*
How old are the central banks' figures when they are used?

One row is one measure of global_liquidity: the number of days on which it is known, and the age of its newest published value in
days: the median, the maximum, and on the newest day. A figure that is weeks old on the day of a fall cannot have warned of it.

- Where the provider does not state the publication time, a late one is assumed: true ages are at most these.
- An age is counted from the end of the period that the figure describes.

No rows: no figure of a central bank is held.
*/
with

periods as (
    unpivot (
        select
            date,
            fed_assets_usd_as_of,
            tga_usd_as_of,
            rrp_usd_as_of,
            fed_net_liquidity_usd_as_of,
            ecb_assets_usd_as_of,
            boj_assets_usd_as_of,
            pboc_assets_usd_as_of,
            m2_usd_as_of
        from global_liquidity
    )
    on columns(* exclude (date))
    into name measure value as_of
)

select
    replace(measure, '_as_of', '') as measure,
    count(*) as days_known,
    median(date - as_of) as age_median,
    max(date - as_of) as age_most,
    arg_max(as_of, date) as newest_as_of,
    max(date) - arg_max(as_of, date) as age_now
from periods
group by measure
order by age_median, measure
