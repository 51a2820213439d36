/*
Open interest in futures of an asset at each venue at the end of each day, in coins and in dollars.

grain   = "one asset at one venue on one UTC day for which the venue's figure became known"
key     = ["date", "asset", "venue"]
checks  = [
    "open_interest_usd is null or open_interest_usd > 0",
    "open_interest_coins is null or open_interest_coins > 0",
    "open_interest_usd is null or open_interest_usd_high is null or open_interest_usd <= open_interest_usd_high",
    "open_interest_usd is null or open_interest_usd_low is null or open_interest_usd >= open_interest_usd_low",
    "flush_usd is null or flush_usd >= 0",
    "cadence in ('daily', 'weekly')",
    "(cadence = 'weekly') = (venue = 'cme')",
]
caveats = [
    "The sum is over the venue's contracts that are held, whatever they are settled in.",
    "A contract reported only in coins is converted to dollars at the day's last spot price, and one reported only in dollars to coins.",
    "flush_usd measures deleveraging at one venue, not liquidations.",
]

[notes]
date = "For a weekly figure: the first day by noon (UTC) after which it was public, three days or more after the Tuesday that it describes."
open_interest_usd = "Unknown if it is unknown for any of the venue's contracts, or if a contract that had a value within the seven days before (a weekly one: 14), and has not ended, has none for the day."
open_interest_coins = "Unknown if it is unknown for any of the venue's contracts, or if a contract that had a value within the seven days before (a weekly one: 14), and has not ended, has none for the day."
open_interest_usd_high = "Unknown over several contracts, whose highs may be at different times."
open_interest_usd_low = "Unknown over several contracts, whose lows may be at different times."
flush_usd = "Unknown if it is unknown for any of the venue's contracts, or if a contract is missing as for open_interest_usd."
as_of = "Here: the row's day, or the Tuesday that a weekly figure describes."
*/
with

lacking as (
    select date, asset, venue, cadence, count(*) as contracts
    from intermediate.interest_missing
    group by date, asset, venue, cadence
)

-- No look-ahead: open_interest_contracts holds, for a day, only what was public by noon (UTC) after it.
select
    held.date,
    held.asset,
    held.venue,
    -- A sum that leaves out a contract would look like a fall. Added in a fixed order, so that the same input
    -- gives the same last digit.
    case
        when count(lacking.contracts) = 0 and count(held.open_interest_usd) = count(*)
            then sum(held.open_interest_usd order by held.contract)
    end as open_interest_usd,
    case
        when count(lacking.contracts) = 0 and count(held.open_interest_coins) = count(*)
            then sum(held.open_interest_coins order by held.contract)
    end as open_interest_coins,
    case when count(lacking.contracts) = 0 and count(*) = 1 then max(held.open_interest_usd_high) end
        as open_interest_usd_high,
    case when count(lacking.contracts) = 0 and count(*) = 1 then min(held.open_interest_usd_low) end
        as open_interest_usd_low,
    case
        when count(lacking.contracts) = 0 and count(held.flush_usd) = count(*)
            then sum(held.flush_usd order by held.contract)
    end as flush_usd,
    min(held.cadence) as cadence,
    min(held.as_of) as as_of,
    min(held.source) as source
from main.open_interest_contracts as held
left join lacking
    on lacking.date = held.date
    and lacking.asset = held.asset
    and lacking.venue = held.venue
    and lacking.cadence = held.cadence
group by held.date, held.asset, held.venue
order by held.date, held.asset, held.venue
