/*
When did a week's issuance of dollar stablecoins fall to half of its peak, and what did bitcoin do in the 30 days after?

One row is one day on which a week's issuance fell to half or less of the highest week of its year, after being above half
the day before: when that peak was and how long ago, both issuances in billions of dollars, and what bitcoin did from that
day's close. Look at short days_since_peak: a halving within weeks is fuel running out, one after ten months is the calendar.

- Issuance fluctuates from week to week: several rows in a row are one slowdown that fluctuates around a half.
- Issuance is not inflow to exchanges, and dollars that exist can still buy.
- A halving is not rare; compare return_30d with any_day_return_30d.
*/
with

followed as (
    select
        now.date,
        arg_max(later.close_usd, later.date) / any_value(now.close_usd) - 1 as return_30d,
        min(later.low_usd) / any_value(now.close_usd) - 1 as lowest_30d
    from asset_daily as now
    inner join asset_daily as later
        on later.asset = now.asset
        and later.quote_source = now.quote_source
        and later.date between now.date + 1 and now.date + 30
    where now.asset = 'BTC'
    group by now.date
    having count(*) = 30
),

halved as (
    select now.date, now.net_issuance_7d_usd, now.peak_7d_1y_usd
    from stablecoin_flows_total as now
    inner join stablecoin_flows_total as before on before.date = now.date - 1
    where now.share_of_peak <= 0.5 and before.share_of_peak > 0.5
),

peaks as (
    select halved.date, arg_max(earlier.date, earlier.net_issuance_7d_usd) as peak_on
    from halved
    inner join stablecoin_flows_total as earlier on earlier.date between halved.date - 364 and halved.date
    group by halved.date
)

select
    halved.date,
    peaks.peak_on,
    halved.date - peaks.peak_on as days_since_peak,
    round(halved.peak_7d_1y_usd / 1e9, 2) as peak_bn,
    round(halved.net_issuance_7d_usd / 1e9, 2) as issued_bn,
    round(followed.return_30d, 4) as return_30d,
    round(followed.lowest_30d, 4) as lowest_30d,
    round((select median(return_30d) from followed), 4) as any_day_return_30d
from halved
inner join peaks on peaks.date = halved.date
left join followed on followed.date = halved.date
order by halved.date
