/*
How much more an asset costs on Coinbase, on Kraken and in Korea than on Binance.

grain   = "one asset on one UTC day on which at least two of Binance, Coinbase, Kraken and Upbit have a price"
key     = ["date", "asset"]
checks  = [
    "coinbase_premium is null or abs(coinbase_premium) < 0.5",
    "(coinbase_premium is null) = (coinbase_premium_usd is null)",
    "coinbase_premium_mean is null or abs(coinbase_premium_mean) < 0.5",
    "kraken_premium is null or abs(kraken_premium) < 0.5",
    "kraken_premium_mean is null or abs(kraken_premium_mean) < 0.5",
    "usdt_usd is null or usdt_usd between 0.8 and 1.2",
    "coinbase_premium_usdt_adjusted is null or (coinbase_premium is not null and usdt_usd is not null)",
    "abs((1 + coinbase_premium_usdt_adjusted) * usdt_usd / (1 + coinbase_premium) - 1) < 1e-9",
    "kimchi_premium_fx is null or kimchi_premium_fx between -0.5 and 2",
    "kimchi_premium_usdt is null or kimchi_premium_usdt between -0.5 and 2",
    "usdt_krw_premium is null or usdt_krw_premium between -0.5 and 2",
    "fx_stale_days is null or fx_stale_days >= 0",
    "fx_stale_days <= 5 or (kimchi_premium_fx is null and usdt_krw_premium is null)",
    "abs((1 + kimchi_premium_fx) / ((1 + kimchi_premium_usdt) * (1 + usdt_krw_premium)) - 1) < 1e-9",
]
caveats = [
    "Last prices of two venues are seconds apart: on a volatile day that alone can exceed the premium.",
    "A mean of hours covers the hours that both venues have, each by its last price.",
    "Coinbase and Kraken both quote in dollars: a premium that only one of them shows is one venue's, not the market's.",
    "The coin prices are from midnight UTC, the exchange rate is from the afternoon in Frankfurt.",
]

[notes]
coinbase_premium_usdt_adjusted = "Unknown without the price of USDT in dollars: see usdt_usd."
kimchi_premium_fx = "Unknown if the exchange rate is older than 5 days."
usdt_krw_premium = "The same for every asset of the day; unknown if the exchange rate is older than 5 days."
fx_stale_days = "The rate is the latest that was published by the day's end; unknown before the first."

[reach]
"core.exchange_rates_preferred" = 10
*/
with

-- No look-ahead: prices of a day that were public by noon (UTC) after it.
-- If two sources report the same venue's price, the first by name is taken, so that the choice is stable.
dollar_prices as (
    select
        date,
        asset,
        venue,
        arg_min(close_usd, source) as close_usd
    from core.spot_prices
    where
        usable_on(date, available_at) = date
        -- USDT is a leg of the other premiums, not an asset with its own premium.
        and asset <> 'USDT'
        and ((venue = 'binance' and quote = 'USDT') or (venue in ('coinbase', 'kraken') and quote = 'USD'))
    group by date, asset, venue
),

usdt_in_dollars as (
    select date, close_usd as usdt_usd
    from core.spot_prices_in_time
    where
        asset = 'USDT'
        and quote = 'USD'
),

hours as (
    select
        date,
        asset,
        opened_at,
        max(hour_close_usd) filter (where venue = 'binance' and quote = 'USDT') as binance_usdt,
        max(hour_close_usd) filter (where venue = 'coinbase' and quote = 'USD') as coinbase_usd,
        max(hour_close_usd) filter (where venue = 'kraken' and quote = 'USD') as kraken_usd
    from core.hourly_prices_in_time
    group by date, asset, opened_at
),

-- Averaged in the order of the hours, so that the same input gives the same last digit.
mean_premiums as (
    select
        date,
        asset,
        case
            when count(coinbase_usd / binance_usdt) >= 20
                then avg(coinbase_usd / binance_usdt - 1 order by opened_at)
        end as coinbase_premium,
        case
            when count(kraken_usd / binance_usdt) >= 20
                then avg(kraken_usd / binance_usdt - 1 order by opened_at)
        end as kraken_premium
    from hours
    group by date, asset
),

won_prices as (
    select date, asset, venue, close_krw
    from core.krw_prices_in_time
    where
        venue = 'upbit'
        -- A candle of the Korean day ends nine hours before the dollar prices do.
        and day_boundary = 'UTC'
),

legs as (
    select date, asset, venue, close_usd, null::double as close_krw
    from dollar_prices
    union all
    select date, asset, venue, null::double as close_usd, close_krw
    from won_prices
),

pairs as (
    select
        date,
        asset,
        max(close_usd) filter (where venue = 'binance') as binance_usdt,
        max(close_usd) filter (where venue = 'coinbase') as coinbase_usd,
        max(close_usd) filter (where venue = 'kraken') as kraken_usd,
        max(close_krw) filter (where venue = 'upbit') as upbit_krw
    from legs
    group by date, asset
    having count(*) >= 2
),

usdt_in_won as (
    select date, close_krw
    from won_prices
    where asset = 'USDT'
),

fixings as (
    select
        date as fixed_on,
        rate_per_usd,
        -- The first day by whose end the rate was public.
        published_on(date, available_at) as published_on
    from core.exchange_rates_preferred
    where currency = 'KRW'
),

days as (
    select distinct date
    from pairs
),

latest_fixing as (
    select
        days.date,
        max(fixings.fixed_on) as fixed_on,
        arg_max(fixings.rate_per_usd, fixings.fixed_on) as won_per_usd
    from days
    inner join fixings
        on fixings.published_on <= days.date
        and fixings.fixed_on <= days.date
    group by days.date
),

exchange_rate as (
    select
        date,
        date - fixed_on as stale_days,
        -- No fixing on weekends and holidays: the last one is carried forward for at most 5 days.
        case when date - fixed_on <= 5 then won_per_usd end as won_per_usd
    from latest_fixing
)

select
    pairs.date,
    pairs.asset,
    pairs.coinbase_usd / pairs.binance_usdt - 1 as coinbase_premium,
    pairs.coinbase_usd - pairs.binance_usdt as coinbase_premium_usd,
    mean_premiums.coinbase_premium as coinbase_premium_mean,
    pairs.coinbase_usd / (pairs.binance_usdt * usdt_in_dollars.usdt_usd) - 1 as coinbase_premium_usdt_adjusted,
    pairs.kraken_usd / pairs.binance_usdt - 1 as kraken_premium,
    mean_premiums.kraken_premium as kraken_premium_mean,
    usdt_in_dollars.usdt_usd,
    pairs.upbit_krw / (pairs.binance_usdt * exchange_rate.won_per_usd) - 1 as kimchi_premium_fx,
    pairs.upbit_krw / (pairs.binance_usdt * usdt_in_won.close_krw) - 1 as kimchi_premium_usdt,
    usdt_in_won.close_krw / exchange_rate.won_per_usd - 1 as usdt_krw_premium,
    exchange_rate.stale_days::bigint as fx_stale_days
from pairs
left join mean_premiums on mean_premiums.date = pairs.date and mean_premiums.asset = pairs.asset
left join usdt_in_dollars on usdt_in_dollars.date = pairs.date
left join usdt_in_won on usdt_in_won.date = pairs.date
left join exchange_rate on exchange_rate.date = pairs.date
order by pairs.date, pairs.asset
