/*
How much money the central banks had put out, by what was published at the end of each day.

grain   = "one UTC day that is over, from the first on which one of the inputs was published"
key     = ["date"]
checks  = [
    "fed_assets_usd is null or fed_assets_usd between 1e11 and 1e14",
    "tga_usd is null or tga_usd between 0 and 5e12",
    "rrp_usd is null or rrp_usd between 0 and 1e13",
    "(fed_assets_usd is null) = (fed_assets_usd_as_of is null)",
    "(tga_usd is null) = (tga_usd_as_of is null)",
    "(rrp_usd is null) = (rrp_usd_as_of is null)",
    "fed_assets_usd_as_of is null or fed_assets_usd_as_of between date - 14 and date",
    "tga_usd_as_of is null or tga_usd_as_of between date - 14 and date",
    "rrp_usd_as_of is null or rrp_usd_as_of between date - 14 and date",
    "(fed_net_liquidity_usd is null) = (fed_assets_usd is null or tga_usd is null or rrp_usd is null)",
]
caveats = [
    "A published value is carried to the next, yet unknown when the day that it describes is over 14 days ago.",
    "Only the newest vintage is held: what was first published and later revised shows the revision.",
]

[notes]
ecb_assets_usd = "Not filled yet: unknown on every day."
ecb_assets_usd_as_of = "Not filled yet."
boj_assets_usd = "Not filled yet: unknown on every day."
boj_assets_usd_as_of = "Not filled yet."
pboc_assets_usd = "Not filled yet: unknown on every day."
pboc_assets_usd_as_of = "Not filled yet."
central_banks_usd = "Not filled yet: unknown on every day."
central_banks_constant_fx_usd = "Not filled yet: unknown on every day."
m2_usd = "Not filled yet: unknown on every day."
m2_usd_as_of = "Not filled yet."
m2_constant_fx_usd = "Not filled yet: unknown on every day."
change_13w = "Not filled yet: unknown on every day."
change_52w = "Not filled yet: unknown on every day."
m2_change_13w = "Not filled yet: unknown on every day."

[lookback]
change_13w = 91
change_52w = 364
m2_change_13w = 91

[reach]
"core.macro_series_preferred" = 120
*/
with

-- No look-ahead: a value counts from the first day by whose end (24:00 UTC) it was public.
published as (
    select
        series,
        date as described_on,
        amount,
        greatest(
            date,
            (available_at at time zone 'UTC' - interval 1 microsecond)::date
        ) as published_on
    from core.macro_series_preferred
    where
        series in ('fed_assets', 'tga', 'rrp')
        and currency = 'USD'
        and amount is not null
),

days as (
    select date
    from core.days
    where date >= (select min(published_on) from published)
),

-- The Wednesday levels are due every 7 days: after 14 a release has been missed,
-- and a number that nobody knows to be old is a wrong number.
latest as (
    select
        days.date,
        published.series,
        arg_max(published.amount, published.described_on) as amount,
        max(published.described_on) as as_of
    from days
    inner join published
        on published.published_on <= days.date
        and published.described_on >= days.date - 14
    group by days.date, published.series
),

-- A day on which nothing is fresh enough keeps its row, with unknown values.
inputs as (
    select
        days.date,
        max(latest.amount) filter (where latest.series = 'fed_assets') as fed_assets_usd,
        max(latest.as_of) filter (where latest.series = 'fed_assets') as fed_assets_usd_as_of,
        max(latest.amount) filter (where latest.series = 'tga') as tga_usd,
        max(latest.as_of) filter (where latest.series = 'tga') as tga_usd_as_of,
        max(latest.amount) filter (where latest.series = 'rrp') as rrp_usd,
        max(latest.as_of) filter (where latest.series = 'rrp') as rrp_usd_as_of
    from days
    left join latest on latest.date = days.date
    group by days.date
)

select
    date,
    fed_assets_usd,
    fed_assets_usd_as_of,
    tga_usd,
    tga_usd_as_of,
    rrp_usd,
    rrp_usd_as_of,
    -- Unknown unless all three are known: a missing one is not zero.
    fed_assets_usd - tga_usd - rrp_usd as fed_net_liquidity_usd,
    case
        when fed_assets_usd - tga_usd - rrp_usd is not null
            then least(fed_assets_usd_as_of, tga_usd_as_of, rrp_usd_as_of)
    end as fed_net_liquidity_usd_as_of,
    null::double as ecb_assets_usd,
    null::date as ecb_assets_usd_as_of,
    null::double as boj_assets_usd,
    null::date as boj_assets_usd_as_of,
    null::double as pboc_assets_usd,
    null::date as pboc_assets_usd_as_of,
    null::double as central_banks_usd,
    null::double as central_banks_constant_fx_usd,
    null::double as m2_usd,
    null::date as m2_usd_as_of,
    null::double as m2_constant_fx_usd,
    null::double as change_13w,
    null::double as change_52w,
    null::double as m2_change_13w
from inputs
order by date
