/*
Central banks' assets and M2 money in dollars, by what was published by the end of each day.

grain   = "one UTC day that is over, from the first on which one of the inputs was published"
key     = ["date"]
checks  = [
    "fed_assets_usd is null or fed_assets_usd between 1e11 and 1e14",
    "tga_usd is null or tga_usd between 0 and 5e12",
    "rrp_usd is null or rrp_usd between 0 and 1e13",
    "ecb_assets_usd is null or ecb_assets_usd between 1e11 and 1e14",
    "boj_assets_usd is null or boj_assets_usd between 1e11 and 1e14",
    "pboc_assets_usd is null or pboc_assets_usd between 1e11 and 1e14",
    "m2_usd is null or m2_usd between 1e12 and 1e15",
    "(fed_assets_usd is null) = (fed_assets_usd_as_of is null)",
    "(tga_usd is null) = (tga_usd_as_of is null)",
    "(rrp_usd is null) = (rrp_usd_as_of is null)",
    "(ecb_assets_usd is null) = (ecb_assets_usd_as_of is null)",
    "(boj_assets_usd is null) = (boj_assets_usd_as_of is null)",
    "(pboc_assets_usd is null) = (pboc_assets_usd_as_of is null)",
    "(central_banks_usd is null) = (central_banks_usd_as_of is null)",
    "(m2_usd is null) = (m2_usd_as_of is null)",
    "fed_assets_usd_as_of is null or fed_assets_usd_as_of between date - 14 and date",
    "tga_usd_as_of is null or tga_usd_as_of between date - 14 and date",
    "rrp_usd_as_of is null or rrp_usd_as_of between date - 14 and date",
    "ecb_assets_usd_as_of is null or ecb_assets_usd_as_of between date - 14 and date",
    "boj_assets_usd_as_of is null or boj_assets_usd_as_of between date - 60 and date",
    "pboc_assets_usd_as_of is null or pboc_assets_usd_as_of between date - 140 and date",
    "m2_usd_as_of is null or m2_usd_as_of between date - 120 and date",
    "(fed_net_liquidity_usd is null) = (fed_assets_usd is null or tga_usd is null or rrp_usd is null)",
    "(central_banks_usd is null) = (fed_assets_usd is null or ecb_assets_usd is null or boj_assets_usd is null or pboc_assets_usd is null)",
    "central_banks_usd is null or central_banks_constant_fx_usd / central_banks_usd between 0.5 and 2",
    "m2_usd is null or m2_constant_fx_usd / m2_usd between 0.5 and 2",
]
caveats = [
    "A published value is carried forward to the next, but is unknown if the day that it describes is too long ago: 14 days for daily or weekly values, 60 for the Bank of Japan and Japan's M2, 75 and 80 for the M2 of the United States and of the euro area, 120 for China's M2, 140 for the People's Bank.",
    "Only the newest vintage is held: a value that was revised after its first publication shows the revision.",
    "The members of a sum describe different days, given in the columns _as_of; those of M2 are monthly means (United States, Japan) and month ends (euro area, China).",
    "Late publication means late knowledge: a new home knows its first total of M2 after about 75 days, and of the central banks after about 95.",
    "M2 does not mean the same everywhere: China's includes deposits of financial institutions and shares of money market funds.",
    "Constant exchange rates are the ECB's of 29 December 2023: 0.905 euro, 141.48 yen, 7.105 yuan for a dollar.",
]

[lookback]
change_13w = 91
change_52w = 364
m2_change_13w = 91

[reach]
"core.macro_series_preferred" = 145
"core.exchange_rates_preferred" = 15
*/
with

-- The series that are read, their currency, and the number of days after which a value is unknown. The limit is the age
-- of the newest value just before the next one is due, plus a good week: beyond it a release has been missed, and a
-- number that nobody knows to be old is a wrong number.
members (series, currency, lasts) as (
    values
    ('fed_assets', 'USD', 14),
    ('tga', 'USD', 14),  -- the Treasury's own figure of each working day, and the Federal Reserve's of each Wednesday
    ('rrp', 'USD', 14),
    ('ecb_assets', 'EUR', 14),
    ('boj_assets', 'JPY', 60),
    ('pboc_assets', 'CNY', 140),
    ('us_m2', 'USD', 75),
    ('euro_m2', 'EUR', 80),
    ('japan_m2', 'JPY', 60),
    ('china_m2', 'CNY', 120)
),

-- The constant exchange rates: the ECB's fixings of 29 December 2023, the last of that year, quoted per euro. The choice
-- of the day has no meaning, because only changes are to be read; it stays fixed, because another day would change every
-- past value.
constant_rates (currency, per_usd) as (
    values
    ('USD', 1.0),
    ('EUR', 1 / 1.1050),
    ('JPY', 156.33 / 1.1050),
    ('CNY', 7.8509 / 1.1050)
),

-- No look-ahead: a value counts from the first day by whose end (24:00 UTC) it was public.
published as (
    select
        members.series,
        told.series = members.series as as_named,
        told.date as described_on,
        told.amount,
        published_on(told.date, told.available_at) as published_on
    from core.macro_series_preferred as told
    inner join members
        on members.series = replace(told.series, 'tga_daily', 'tga')
        and members.currency = told.currency
    where told.amount is not null
),

fixings as (
    select
        currency,
        date as fixed_on,
        rate_per_usd,
        published_on(date, available_at) as published_on
    from core.exchange_rates_preferred
    where rate_per_usd is not null
),

days as (
    select date
    from core.days
    where date >= (select min(published_on) from published)
),

-- No fixing on weekends and holidays: the last one is carried forward for at most 5 days.
spot_rates as (
    select
        days.date,
        fixings.currency,
        arg_max(fixings.rate_per_usd, fixings.fixed_on) as per_usd
    from days
    inner join fixings
        on fixings.published_on <= days.date
        and fixings.fixed_on between days.date - 5 and days.date
    group by days.date, fixings.currency
    union all
    select date, 'USD', 1.0
    from days
),

latest as (
    select
        days.date,
        members.series,
        members.currency,
        -- If both figures describe the same day, the Treasury's own is taken.
        arg_max(published.amount, row(published.described_on, not published.as_named)) as amount,
        max(published.described_on) as as_of
    from days
    cross join members
    inner join published
        on published.series = members.series
        and published.published_on <= days.date
        and published.described_on >= days.date - members.lasts
    group by days.date, members.series, members.currency
),

-- An amount without an exchange rate for the day is unknown in dollars.
in_dollars as (
    select
        latest.date,
        latest.series,
        latest.as_of,
        latest.amount / spot_rates.per_usd as spot_usd,
        latest.amount / constant_rates.per_usd as constant_usd
    from latest
    inner join spot_rates
        on spot_rates.date = latest.date
        and spot_rates.currency = latest.currency
    inner join constant_rates on constant_rates.currency = latest.currency
),

-- A day on which nothing is fresh enough keeps its row, with unknown values.
inputs as (
    select
        days.date,
        max(told.spot_usd) filter (where told.series = 'fed_assets') as fed_assets_usd,
        max(told.as_of) filter (where told.series = 'fed_assets') as fed_assets_usd_as_of,
        max(told.spot_usd) filter (where told.series = 'tga') as tga_usd,
        max(told.as_of) filter (where told.series = 'tga') as tga_usd_as_of,
        max(told.spot_usd) filter (where told.series = 'rrp') as rrp_usd,
        max(told.as_of) filter (where told.series = 'rrp') as rrp_usd_as_of,
        max(told.spot_usd) filter (where told.series = 'ecb_assets') as ecb_assets_usd,
        max(told.as_of) filter (where told.series = 'ecb_assets') as ecb_assets_usd_as_of,
        max(told.spot_usd) filter (where told.series = 'boj_assets') as boj_assets_usd,
        max(told.as_of) filter (where told.series = 'boj_assets') as boj_assets_usd_as_of,
        max(told.spot_usd) filter (where told.series = 'pboc_assets') as pboc_assets_usd,
        max(told.as_of) filter (where told.series = 'pboc_assets') as pboc_assets_usd_as_of,
        max(told.constant_usd) filter (where told.series = 'ecb_assets') as ecb_assets_constant,
        max(told.constant_usd) filter (where told.series = 'boj_assets') as boj_assets_constant,
        max(told.constant_usd) filter (where told.series = 'pboc_assets') as pboc_assets_constant,
        count(*) filter (where ends_with(told.series, '_m2')) as economies,
        sum(told.spot_usd order by told.series) filter (where ends_with(told.series, '_m2')) as m2_known,
        sum(told.constant_usd order by told.series) filter (where ends_with(told.series, '_m2')) as m2_known_constant,
        min(told.as_of) filter (where ends_with(told.series, '_m2')) as m2_known_as_of
    from days
    left join in_dollars as told on told.date = days.date
    group by days.date
),

totals as (
    select
        *,
        -- Unknown unless every member is known: a missing one is not zero.
        fed_assets_usd - tga_usd - rrp_usd as fed_net_liquidity_usd,
        fed_assets_usd + ecb_assets_usd + boj_assets_usd + pboc_assets_usd as central_banks_usd,
        fed_assets_usd + ecb_assets_constant + boj_assets_constant + pboc_assets_constant
            as central_banks_constant_fx_usd,
        case when economies = 4 then m2_known end as m2_usd,
        case when economies = 4 then m2_known_as_of end as m2_usd_as_of,
        case when economies = 4 then m2_known_constant end as m2_constant_fx_usd
    from inputs
)

select
    now.date,
    now.fed_assets_usd,
    now.fed_assets_usd_as_of,
    now.tga_usd,
    now.tga_usd_as_of,
    now.rrp_usd,
    now.rrp_usd_as_of,
    now.fed_net_liquidity_usd,
    case
        when now.fed_net_liquidity_usd is not null
            then least(now.fed_assets_usd_as_of, now.tga_usd_as_of, now.rrp_usd_as_of)
    end as fed_net_liquidity_usd_as_of,
    now.ecb_assets_usd,
    now.ecb_assets_usd_as_of,
    now.boj_assets_usd,
    now.boj_assets_usd_as_of,
    now.pboc_assets_usd,
    now.pboc_assets_usd_as_of,
    now.central_banks_usd,
    case
        when now.central_banks_usd is not null
            then least(
                now.fed_assets_usd_as_of, now.ecb_assets_usd_as_of, now.boj_assets_usd_as_of, now.pboc_assets_usd_as_of
            )
    end as central_banks_usd_as_of,
    now.central_banks_constant_fx_usd,
    now.m2_usd,
    now.m2_usd_as_of,
    now.m2_constant_fx_usd,
    -- Both values must be known.
    now.central_banks_usd / quarter_ago.central_banks_usd - 1 as change_13w,
    now.central_banks_usd / year_ago.central_banks_usd - 1 as change_52w,
    now.m2_usd / quarter_ago.m2_usd - 1 as m2_change_13w
from totals as now
left join totals as quarter_ago on quarter_ago.date = now.date - 91
left join totals as year_ago on year_ago.date = now.date - 364
order by now.date
