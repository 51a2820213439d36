/*
Does Korean turnover in dollar stablecoins rise with bitcoin, before it or after it?

One row is one month: turnover in won, its daily mean as a multiple of January's (markets held in both), bitcoin's return in
the same month, the month before and the month after. If turnover leads, ratio_to_january is high where return_next_month
is; if it only follows the price, where return_before or return_in_month is.

- Turnover counts each trade once, whoever bought: it shows frenzy, not inflow.
- Sums are over the venues and days held: compare the ratios, and only months with all days covered (days_covered).
- The current month is not over, and the next month's return is unknown. A handful of months proves nothing.
*/
with

closes as (
    select
        date_trunc('month', date)::date as month,
        arg_max(close_usd, date) as close_usd,
        max(date) as last
    from asset_daily
    where asset = 'BTC'
    group by 1
),

-- Only where both months end on a month's last day: a gap is not a return.
returns as (
    select
        now.month,
        now.close_usd / before.close_usd - 1 as month_return
    from closes as now
    inner join closes as before on before.month = (now.month - interval 1 month)::date and before.last = now.month - 1
    where now.last = last_day(now.month)
)

select
    turnover.month,
    turnover.days_covered,
    round(turnover.volume_krw / 1e12, 2) as volume_trillion_krw,
    round(turnover.ratio_to_january, 2) as ratio_to_january,
    round(before.month_return, 4) as return_before,
    round(now.month_return, 4) as return_in_month,
    round(later.month_return, 4) as return_next_month,
    turnover.venues
from krw_stablecoin_monthly as turnover
left join returns as before on before.month = (turnover.month - interval 1 month)::date
left join returns as now on now.month = turnover.month
left join returns as later on later.month = (turnover.month + interval 1 month)::date
order by turnover.month
