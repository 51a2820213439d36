/*
Which days had the largest liquidations, of longs or of shorts, and how did bitcoin move?

One row is one of the fifteen days with the largest liquidations over the observed venues, the largest first: millions of dollars,
the share of longs, the largest single liquidation, bitcoin's return and its low against the previous close. A share of longs near
1 with a deep low is a flush of buyers; a share well below a half is a squeeze of sellers.

- A lower bound: the observed venues (venues) are a small part of the market, and change over time.
- So a recent day may be larger only because more is observed: compare days with the same venues and as many assets.
- The share is over the venues that report the sides.

No rows: no venue's liquidations are held.
*/
select
    total.date,
    round(total.total_usd / 1e6, 2) as total_mn,
    round(total.long_usd / nullif(total.long_usd + total.short_usd, 0), 2) as share_longs,
    round(total.largest_usd / 1e6, 2) as largest_mn,
    round(bitcoin.return_1d, 4) as bitcoin,
    round(bitcoin.low_vs_previous_close, 4) as low_vs_previous_close,
    total.assets,
    total.venues
from liquidations_total as total
left join asset_daily as bitcoin on bitcoin.date = total.date and bitcoin.asset = 'BTC'
order by total.total_usd desc, total.date
limit 15
