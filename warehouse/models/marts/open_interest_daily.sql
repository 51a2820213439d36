/*
How many futures of an asset were open at each venue at the end of each day, and what they were worth.

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
    "The sum over the venue's contracts that are held, whatever they are settled in.",
    "A contract that is told in coins alone is priced at the day's last spot price, and one in dollars alone is counted in coins at it.",
    "flush_usd measures de-leveraging at one venue, not liquidations.",
]

[notes]
date = "Of a weekly figure: the first day by noon (UTC) after which it was public, three days or more after the Tuesday that it describes."
open_interest_usd = "Unknown when it is unknown for any of the venue's contracts."
open_interest_coins = "Unknown when it is unknown for any of the venue's contracts."
open_interest_usd_high = "Unknown over several contracts, whose highs need not be at one time."
open_interest_usd_low = "Unknown over several contracts, whose lows need not be at one time."
flush_usd = "Unknown when it is unknown for any of the venue's contracts."
as_of = "The day at whose end so many were open: that of the row, or the Tuesday that a weekly figure describes."
*/
-- No look-ahead: open_interest_contracts holds, for a day, only what was public by noon (UTC) after it.
select
    date,
    asset,
    venue,
    -- A sum that leaves out a contract would look like a fall. Added in a fixed order, so that the same input
    -- gives the same last digit.
    case
        when count(open_interest_usd) = count(*) then sum(open_interest_usd order by contract)
    end as open_interest_usd,
    case
        when count(open_interest_coins) = count(*) then sum(open_interest_coins order by contract)
    end as open_interest_coins,
    case when count(*) = 1 then max(open_interest_usd_high) end as open_interest_usd_high,
    case when count(*) = 1 then min(open_interest_usd_low) end as open_interest_usd_low,
    case when count(flush_usd) = count(*) then sum(flush_usd order by contract) end as flush_usd,
    min(cadence) as cadence,
    min(as_of) as as_of,
    min(source) as source
from main.open_interest_contracts
group by date, asset, venue
order by date, asset, venue
