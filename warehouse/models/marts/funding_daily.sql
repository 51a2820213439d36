/*
Annualised cost of holding a perpetual future long, by the funding payments of each day and of each week.

grain   = "one asset's perpetual at one venue on one UTC day with a funding payment"
key     = ["date", "asset", "venue"]
checks  = [
    "settlements >= 1",
    "hours_covered between 1 and 47",
    "interval_hours is null or interval_hours between 1 and 24",
    "interval_hours is null or hours_covered = settlements * interval_hours",
    "interval_hours is null or hours_covered <= 24",
    "(funding_apr is null) = (hours_covered < 23)",
    "funding_apr is null or abs(funding_apr) <= 876",
    "funding_apr_7d is null or funding_apr is not null",
    "percentile_1y is null or (percentile_1y > 0 and percentile_1y <= 1)",
    "percentile_1y is null or funding_apr_7d is not null",
]
caveats = [
    "Positive: longs paid shorts. Simple interest: payments are not reinvested.",
    "Only the covered hours are annualised: a missing hour counts like the mean of the others.",
]

[notes]
interval_hours = "Here: the interval of all of the day's payments; unknown on a day on which it changes."
percentile_1y = "Here: of funding_apr_7d."

[lookback]
funding_apr_7d = 6
percentile_1y = 370
*/
with

-- No look-ahead: a payment may be used for a day when it was public by noon (UTC) after that day.
payments as (
    select
        date,
        asset,
        venue,
        -- Exact decimals: sums do not depend on the order, and equal weeks agree to the last digit.
        funding_rate::decimal(38, 18) as rate,
        interval_hours,
        usable_on(date, available_at) as usable_on
    from core.funding_rates_preferred
),

pieces as (
    select
        date,
        asset,
        venue,
        usable_on,
        sum(rate) as rates,
        sum(interval_hours) as hours
    from payments
    group by date, asset, venue, usable_on
),

-- The rows of this table: days with a payment that was public in time.
days as (
    select
        date,
        asset,
        venue,
        sum(rate) as rates,
        sum(interval_hours) as hours,
        count(*) as settlements,
        case when min(interval_hours) = max(interval_hours) then min(interval_hours) end as interval_hours
    from payments
    where usable_on = date
    group by date, asset, venue
),

-- What was known by `ends_on` about each of the 7 days up to it.
days_of_week as (
    select
        pieces.date + back.days as ends_on,
        pieces.date,
        pieces.asset,
        pieces.venue,
        sum(pieces.rates) as rates,
        sum(pieces.hours) as hours
    from pieces
    cross join (select unnest(range(7))::integer as days) as back
    where pieces.usable_on <= pieces.date + back.days
    group by ends_on, pieces.date, pieces.asset, pieces.venue
),

-- A missing day, or one that covers too few hours, makes the week unknown: it is not a payment of zero.
weeks as (
    select
        ends_on,
        asset,
        venue,
        sum(rates) as rates,
        sum(hours) as hours
    from days_of_week
    group by ends_on, asset, venue
    having count(*) = 7 and min(hours) >= 23
),

annual as (
    select
        days.date,
        days.asset,
        days.venue,
        -- One hour may be missing, as sometimes happens at venues that pay hourly: a day of 23 hours is annualised.
        case when days.hours >= 23 then days.rates::double / days.hours * 8760 end as funding_apr,
        days.settlements,
        days.hours::bigint as hours_covered,
        days.interval_hours,
        weeks.rates::double / weeks.hours * 8760 as funding_apr_7d
    from days
    left join weeks
        on weeks.ends_on = days.date
        and weeks.asset = days.asset
        and weeks.venue = days.venue
)

select
    date,
    asset,
    venue,
    funding_apr,
    settlements,
    hours_covered,
    interval_hours,
    funding_apr_7d,
    percentile_1y(funding_apr_7d, (asset, venue), date) as percentile_1y
from annual
order by date, asset, venue
