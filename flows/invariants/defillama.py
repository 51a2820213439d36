"""DefiLlama: whether the parts of a coin add up, and when a pool's reading is taken."""

from collections.abc import Sequence
from datetime import datetime

from flows.invariant import Finding, Invariant, near, number, question
from flows.source import Answer, Plan
from flows.sources.defillama import CHART, COINS, POOLS, STABLECOIN
from transforms.payload import member, members

LIST = "https://stablecoins.llama.fi/stablecoins"
COIN = COINS["USDC"][0]
PEG = "peggedUSD"
AWAY = 0.02  # answers are cached for up to an hour
POOL = POOLS["aave-v3-ethereum-usdc"][3]
DAYS = 30
EVENING = 22  # hour


def plan_coin(_: datetime) -> Plan:
    """One coin by chain, and the list of all with what circulates now."""
    yield question(f"{STABLECOIN}/{COIN}")
    yield question(LIST, includePrices="true")


def plan_pool(_: datetime) -> Plan:
    """The chart of one pool."""
    yield question(f"{CHART}/{POOL}")


def chains_add_up(answers: Sequence[Answer]) -> Finding:
    """Whether the newest rows of all chains add up to what circulates."""
    chains = members(answers[0].json(), "chainBalances").values()
    newest = [member(chain, "tokens")[-1] for chain in chains if member(chain, "tokens")]
    parts = sum(number(member(row, "circulating").get(PEG, 0)) for row in newest)
    listed = member(answers[1].json(), "peggedAssets")
    mine = [member(coin, "circulating") for coin in listed if str(member(coin, "id")) == COIN]
    if not mine or not newest:
        return Finding(None, f"{len(newest)} chains, and {len(mine)} entries of coin {COIN} in the list")
    whole = number(member(mine[0], PEG))
    return Finding(near(parts, whole, AWAY), f"{len(newest)} chains hold {parts:,.0f}, {whole:,.0f} circulate")


def read_in_the_evening(answers: Sequence[Answer]) -> Finding:
    """Whether the readings of finished days are taken in the last two hours of their day."""
    stamps = [str(member(row, "timestamp")) for row in member(answers[0].json(), "data")]
    instants = [datetime.fromisoformat(stamp) for stamp in stamps[-DAYS:]]
    past = [instant for instant in instants if instant.date() < answers[0].observed_at.date()]
    if not past:
        return Finding(None, "no reading of a day that is over")
    early = [instant for instant in past if instant.hour < EVENING]
    found = f"{len(past) - len(early)} of {len(past)} days were read after {EVENING}:00 UTC"
    return Finding(2 * len(early) < len(past), f"{found}, the newest at {past[-1]:%H:%M}")


INVARIANTS = (
    Invariant(
        "chains add up",
        "The newest rows of all chains of a coin add up to what the list says circulates.",
        plan_coin,
        chains_add_up,
    ),
    Invariant(
        "hour of a pool's reading",
        "A day's last reading of a pool is taken near 23:01 UTC of that day.",
        plan_pool,
        read_in_the_evening,
    ),
)
