/*
Did bitcoin do better in the 30 days after global liquidity had been growing?

One row is a quarter of the days, sorted by how much a measure of money had changed over 13 weeks: four central banks'
assets, M2, or the Federal Reserve's assets and net liquidity. quarter 1 is where it shrank most or grew least. If liquidity leads,
next_30d_median rises from quarter 1 to 4 within a measure, and so does share_rising.

- Neighbouring days share nearly all of both windows: a year holds four independent changes and twelve returns.
- Only what was public on the day is used, but only the newest vintage of revised series is held.
- A measure appears once all its members are held for 13 weeks.

No rows: no measure is held for 13 weeks with 30 days after them.
*/
with

followed as (
    select now.date, later.close_usd / now.close_usd - 1 as return_30d
    from asset_daily as now
    inner join asset_daily as later
        on later.asset = now.asset
        and later.quote_source = now.quote_source
        and later.date = now.date + 30
    where now.asset = 'BTC'
),

changes as (
    select
        now.date,
        now.change_13w as central_banks,
        now.m2_change_13w as m2,
        now.fed_assets_usd / before.fed_assets_usd - 1 as fed_assets,
        now.fed_net_liquidity_usd / before.fed_net_liquidity_usd - 1 as fed_net_liquidity
    from global_liquidity as now
    left join global_liquidity as before on before.date = now.date - 91
),

measures as (
    unpivot changes on central_banks, m2, fed_assets, fed_net_liquidity into name measure value change_13w
),

quarters as (
    select
        measures.measure,
        measures.date,
        measures.change_13w,
        followed.return_30d,
        ntile(4) over (partition by measures.measure order by measures.change_13w, measures.date) as quarter
    from measures
    inner join followed on followed.date = measures.date
)

select
    measure,
    quarter,
    count(*) as days,
    round(min(change_13w), 4) as change_13w_from,
    round(max(change_13w), 4) as change_13w_to,
    round(median(return_30d), 4) as next_30d_median,
    round(count(*) filter (where return_30d > 0) / count(*), 2) as share_rising
from quarters
group by measure, quarter
order by measure, quarter
