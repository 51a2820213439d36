"""Central banks, the Treasury and policy rates."""

from expectations.contract import Column


def _stock(meaning: str) -> Column:
    return Column("number", "USD", "stock", meaning)


def _as_of(what: str) -> Column:
    return Column("date", "UTC day", "label", f"The day that the value of {what} describes.")


def _rate(meaning: str) -> Column:
    return Column("number", "fraction per year, simple", "rate", meaning)


COLUMNS = {
    "amount": Column(
        "number", "units of the row's currency", "stock", "Level of a statistic that is an amount of money."
    ),
    "rate_apr": _rate("Level of a statistic that is an interest rate."),
    "fed_assets_usd": _stock(
        "Total assets of the Federal Reserve (Wednesday level), latest published by the day's end."
    ),
    "fed_assets_usd_as_of": _as_of("fed_assets_usd"),
    "tga_usd": _stock("Cash of the US Treasury at the Federal Reserve, latest published: daily, or Wednesday's."),
    "tga_usd_as_of": _as_of("tga_usd"),
    "rrp_usd": _stock("Overnight reverse repurchase agreements of the Federal Reserve, latest published."),
    "rrp_usd_as_of": _as_of("rrp_usd"),
    "fed_net_liquidity_usd": _stock("Federal Reserve assets minus Treasury cash minus reverse repo."),
    "fed_net_liquidity_usd_as_of": _as_of("the oldest member of fed_net_liquidity_usd"),
    "ecb_assets_usd": _stock("Total assets of the Eurosystem in dollars, latest published."),
    "ecb_assets_usd_as_of": _as_of("ecb_assets_usd"),
    "boj_assets_usd": _stock("Total assets of the Bank of Japan in dollars, latest published."),
    "boj_assets_usd_as_of": _as_of("boj_assets_usd"),
    "pboc_assets_usd": _stock("Total assets of the People's Bank of China in dollars, latest published."),
    "pboc_assets_usd_as_of": _as_of("pboc_assets_usd"),
    "central_banks_usd": _stock("Assets of the four central banks; unknown unless all four are known."),
    "central_banks_usd_as_of": _as_of("the oldest member of central_banks_usd"),
    "central_banks_constant_fx_usd": _stock("central_banks_usd at constant exchange rates."),
    "m2_usd": _stock("M2 money of the four economies; unknown unless all four are known."),
    "m2_usd_as_of": _as_of("the oldest member of m2_usd"),
    "m2_constant_fx_usd": _stock("m2_usd at constant exchange rates."),
    "change_13w": Column("number", "fraction", "rate", "Change of central_banks_usd over 91 days."),
    "change_52w": Column("number", "fraction", "rate", "Change of central_banks_usd over 364 days."),
    "m2_change_13w": Column("number", "fraction", "rate", "Change of m2_usd over 91 days."),
    "target_low": _rate("Lower end of the federal funds target range in force, latest published."),
    "target_high": _rate("Upper end of the federal funds target range in force, latest published."),
    "effective_rate": _rate("Effective federal funds rate, latest published."),
    "yield_3m": _rate("Yield of the 3-month US Treasury constant maturity, latest published."),
    "yield_1y": _rate("Yield of the 1-year US Treasury constant maturity, latest published."),
    "cuts_priced_1y": Column(
        "number",
        "steps of 0.25 percentage points",
        "rate",
        "Effective rate minus the 1-year yield, in quarter-point steps: a proxy that includes a term premium.",
    ),
    "meeting_date": Column(
        "date",
        "day in New York",
        "key",
        "Last day of a meeting of the Federal Open Market Committee, on which it decides.",
    ),
    "known_by": Column("date", "UTC day", "label", "A day on which the date of the meeting was public."),
    "outcome": Column(
        "text",
        "cut_25, cut_over_25, hold, hike_25, hike_over_25, and others like them",
        "key",
        "A possible decision of the meeting: the move of the target range, in basis points.",
    ),
    "outcomes": Column(
        "count", "outcomes", "label", "How many outcomes of the row's direction (cut, hold, hike) the venue lists."
    ),
    "probability": Column(
        "number", "fraction", "rate", "Price of a contract that pays 1 dollar if the outcome occurs."
    ),
    "price_basis": Column(
        "text",
        "trade or quotes",
        "label",
        "Whether the price is the day's last trade or lies between the quotes.",
    ),
    "next_meeting_date": Column(
        "date",
        "UTC day",
        "label",
        "The next scheduled meeting of the Federal Open Market Committee, after the day, as known on it.",
    ),
    "next_meeting_cut_probability": Column(
        "number",
        "fraction",
        "rate",
        "Market-implied probability of a cut at next_meeting_date: from contracts, otherwise from the fed funds future "
        "of its month.",
    ),
}
