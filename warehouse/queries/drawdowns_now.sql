/*
How far is each asset below its peak, and how much of that came in the last week?

One row is one asset on its newest day, the deepest drawdown first within each sector: the close, its drawdown from the highest
price since peak_since, and the returns of one, seven and thirty days. If all members of a sector have deep drawdowns and still fall,
capital is leaving it; if they have risen for a week, the flush is over.

- The peak is the highest price held, not of all time: see peak_since.
- USDT counts as a dollar where the quote is USDT.
*/
select
    date,
    sector,
    asset,
    close_usd,
    round(drawdown, 4) as drawdown,
    peak_since,
    round(return_1d, 4) as return_1d,
    round(return_7d, 4) as return_7d,
    round(return_30d, 4) as return_30d
from asset_daily
where sector is not null
qualify row_number() over (partition by asset order by date desc) = 1
order by sector, drawdown, asset
