/*
What holding a perpetual future long cost per year, by the funding payments of each day and of each week.

grain   = "one asset's perpetual at one venue on one UTC day with a funding payment"
key     = ["date", "asset", "venue"]
checks  = [
    "settlements >= 1",
    "interval_hours between 1 and 24",
    "funding_apr is null or abs(funding_apr) <= 876",
    "funding_apr_7d is null or funding_apr is not null",
    "percentile_1y is null or (percentile_1y > 0 and percentile_1y <= 1)",
    "percentile_1y is null or funding_apr_7d is not null",
]
caveats = ["Positive: longs paid shorts. Simple interest: payments are not reinvested."]

[notes]
funding_apr_7d = "Unknown unless each of the 7 days is covered for 24 hours."
interval_hours = "Here: the day's most frequent length; where two are as frequent, that of the later payment."
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
        settled_at,
        asset,
        venue,
        -- Exact decimals: sums do not depend on the order, and equal weeks are equal to the last digit.
        funding_rate::decimal(38, 18) as rate,
        interval_hours,
        greatest(
            date,
            (available_at at time zone 'UTC' - interval '36 hours 1 microsecond')::date + 1
        ) as usable_on
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

-- The rows that this table has: days with a payment that was public in time.
days as (
    select
        date,
        asset,
        venue,
        sum(rate) as rates,
        sum(interval_hours) as hours,
        count(*) as settlements
    from payments
    where usable_on = date
    group by date, asset, venue
),

lengths as (
    select
        date,
        asset,
        venue,
        interval_hours,
        row_number() over (
            partition by date, asset, venue
            order by count(*) desc, max(settled_at) desc
        ) as place
    from payments
    where usable_on = date
    group by date, asset, venue, interval_hours
),

-- What each of the 7 days up to `ends_on` was known to hold by then.
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

-- A missing day or payment leaves the week unknown: it is not a payment of zero.
weeks as (
    select
        ends_on,
        asset,
        venue,
        sum(rates) as rates,
        sum(hours) as hours
    from days_of_week
    group by ends_on, asset, venue
    having count(*) = 7 and min(hours) >= 24
),

annual as (
    select
        days.date,
        days.asset,
        days.venue,
        case when days.hours >= 24 then days.rates::double / days.hours * 8760 end as funding_apr,
        days.settlements,
        lengths.interval_hours,
        weeks.rates::double / weeks.hours * 8760 as funding_apr_7d
    from days
    inner join lengths
        on lengths.date = days.date
        and lengths.asset = days.asset
        and lengths.venue = days.venue
        and lengths.place = 1
    left join weeks
        on weeks.ends_on = days.date
        and weeks.asset = days.asset
        and weeks.venue = days.venue
),

ranked as (
    select
        *,
        count(funding_apr_7d) over trailing_year as known,
        rank(order by funding_apr_7d) over trailing_year as from_below,
        rank(order by funding_apr_7d desc nulls last) over trailing_year as from_above
    from annual
    window trailing_year as (
        partition by asset, venue
        order by date
        range between interval 364 days preceding and current row
    )
)

select
    date,
    asset,
    venue,
    funding_apr,
    settlements,
    interval_hours,
    funding_apr_7d,
    -- (below + (equal + 1) / 2) / known, where below = from_below - 1 and above = from_above - 1.
    case
        when funding_apr_7d is not null and known >= 180
            then (known + from_below - from_above + 1)::double / (2 * known)
    end as percentile_1y
from ranked
order by date, asset, venue
