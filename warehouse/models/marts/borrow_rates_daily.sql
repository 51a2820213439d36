/*
What it cost on each day to borrow an asset at an exchange, and its percentile within the year.

grain   = "one asset at one venue on one UTC day"
key     = ["date", "venue", "asset"]
checks  = [
    "borrow_apr >= 0",
    "borrow_apr_max is null or borrow_apr <= borrow_apr_max + 1e-9",
    "samples is null or samples >= 1",
    "samples is null or samples > 1 or borrow_apr_max is null",
    "sampling in ('time_weighted', 'hourly_mean', 'daily_last')",
    "percentile_1y is null or (percentile_1y > 0 and percentile_1y <= 1)",
]
caveats = [
    "Venues compute a day's figure differently (see sampling): compare a venue only with itself.",
    "Rates are those of customers without a discount.",
]

[notes]
borrow_apr_max = "Unknown if the day has only one sample."
percentile_1y = "Here: of borrow_apr, among the days of the same venue and asset."

[lookback]
percentile_1y = 364
*/
with

-- No look-ahead: rates of a day that were public by noon (UTC) after it.
-- A day without a rate has no row; it does not count among the days of the percentile.
rates as (
    select
        date,
        venue,
        asset,
        borrow_apr,
        borrow_apr_max,
        samples,
        sampling,
        source
    from core.borrow_rates_in_time
)

select
    date,
    venue,
    asset,
    borrow_apr,
    borrow_apr_max,
    samples,
    sampling,
    percentile_1y(borrow_apr, (venue, asset), date) as percentile_1y,
    source
from rates
order by date, venue, asset
