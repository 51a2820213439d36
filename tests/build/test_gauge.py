"""The gauge and the signals, computed a second time from other marts, by loops that share nothing with their SQL."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from statistics import mean, median

import pytest

from expectations.curated import curated
from tests.tool import Tool

PARTS = {row["component"]: row for row in curated()["gauge_components"].rows.iter_rows(named=True)}
REGIMES = {row["regime"]: row["heat_from"] for row in curated()["gauge_regimes"].rows.iter_rows(named=True)}
LEVELS = curated()["signal_levels"].rows
YEAR = timedelta(days=364)
FEWEST = 180

# A cell is component, member, day, value and weight; members are the same by component, member and day.
Cell = tuple[str, str, date, float | None, float]
Members = dict[str, dict[str, dict[date, tuple[float, float]]]]


def weekly(days: dict[date, float], over: Callable[[Iterable[float]], float]) -> dict[date, float]:
    """A figure of each seven days in a row, where all of them are known."""
    found = {}
    for day in days:
        week = [days.get(day - timedelta(days=back)) for back in range(7)]
        known = [value for value in week if value is not None]
        if len(known) == 7:
            found[day] = over(known)
    return found


def leverage(tool: Tool) -> Iterator[Cell]:
    """Open interest in coins and relative to market value, and funding."""
    there_are = {
        (day, asset): cap / close
        for day, asset, cap, close in tool.ask("select date, asset, market_cap_usd, close_usd from asset_daily")
        if cap is not None
    }
    for asset in ("BTC", "ETH"):
        for day, level in chained(tool, asset).items():
            yield "open_interest_coins", asset, day, level, 1
            coins = there_are.get((day, asset))
            yield "open_interest_to_market_value", asset, day, level / coins if coins else None, 1
    for day, asset, venue, apr in tool.ask(
        "select date, asset, venue, funding_apr_7d from funding_daily where asset in ('BTC', 'ETH')"
    ):
        yield "funding", f"{asset} {venue}", day, apr, 1


def chained(tool: Tool, asset: str) -> dict[date, float]:
    """An index of open interest in coins: each day's step is that of the contracts which both days have."""
    days: dict[date, dict[str, float]] = defaultdict(dict)
    for day, contract, coins in tool.ask(
        "select date, asset || ' ' || venue || ' ' || contract, open_interest_coins from open_interest_contracts "
        "where cadence = 'daily' and open_interest_coins > 0 order by date"
    ):
        if contract.startswith(asset):
            days[day][contract] = coins
    levels: dict[date, float] = {}
    for day, now in days.items():
        both: set[str] = set()
        for before in reversed(levels):
            if both := now.keys() & days[before].keys():
                grown = sum(now[name] for name in both) / sum(days[before][name] for name in both)
                levels[day] = levels[before] * grown
                break
        if not levels:
            levels[day] = 100.0
    return levels


def rates(tool: Tool) -> Iterator[Cell]:
    """What borrowing stablecoins costs at exchanges, and what loans cost and deposits earn on Ethereum."""
    for day, asset, venue, apr in tool.ask(
        "select date, asset, venue, borrow_apr from borrow_rates_daily where asset in ('USDT', 'USDC')"
    ):
        yield "exchange_borrow", f"{asset} {venue}", day, apr, 1
    for day, asset, protocol, supply, borrow in tool.ask(
        "select date, asset, protocol, supply_apr, borrow_apr from lending_rates_daily "
        "where chain = 'ethereum' and asset in ('USDT', 'USDC')"
    ):
        yield "onchain_rates", f"{asset} {protocol} deposits", day, supply, 1
        yield "onchain_rates", f"{asset} {protocol} loans", day, borrow, 1


def weeks(tool: Tool) -> Iterator[Cell]:
    """Korean turnover and the Coinbase premium, over seven days."""
    turnover: dict[str, dict[date, float]] = defaultdict(dict)
    for day, venue, asset, won in tool.ask("select date, venue, asset, volume_krw from krw_stablecoin_daily"):
        turnover[f"{asset} {venue}"][day] = won
    for member, days in turnover.items():
        for day, week in weekly(days, sum).items():
            yield "korean_turnover", member, day, week, week
    premiums: dict[str, dict[date, float]] = defaultdict(dict)
    for day, asset, premium in tool.ask(
        "select date, asset, coinbase_premium from premiums_daily "
        "where asset in ('BTC', 'ETH') and coinbase_premium is not null"
    ):
        premiums[asset][day] = premium
    for member, days in premiums.items():
        for day, week in weekly(days, mean).items():
            yield "coinbase_premium", member, day, week, 1


def money(tool: Tool) -> Iterator[Cell]:
    """Stablecoin issuance, rate cuts that are priced, and the growth of central banks' assets and of money."""
    for day, issued in tool.ask("select date, net_issuance_7d_usd from stablecoin_flows_total"):
        yield "stablecoin_issuance", "ALL", day, issued, 1
    for day, cuts in tool.ask("select date, cuts_priced_1y from policy_rates"):
        yield "rate_expectations", "cuts", day, cuts, 1
    told = tool.ask(
        "select date, change_13w, m2_change_13w, fed_assets_usd, fed_net_liquidity_usd from global_liquidity"
    )
    levels = {day: (assets, net) for day, _, _, assets, net in told}
    for day, banks, m2, assets, net in told:
        before = levels.get(day - timedelta(days=91), (None, None))
        yield "global_liquidity", "banks", day, banks, 1
        yield "global_liquidity", "m2", day, m2, 1
        yield "global_liquidity", "assets", day, change(assets, before[0]), 1
        yield "global_liquidity", "net", day, change(net, before[1]), 1


def change(now: float | None, before: float | None) -> float | None:
    return now / before - 1 if now is not None and before else None


def members_of(tool: Tool) -> Members:
    """The members of each component as the methodology names them, read from the marts."""
    found: Members = defaultdict(lambda: defaultdict(dict))
    for part in (leverage, rates, weeks, money):
        for component, member, day, value, weight in part(tool):
            if value is not None and weight > 0:
                found[component][member][day] = (value, weight)
    return found


def percentile(days: dict[date, tuple[float, float]], day: date) -> float | None:
    """The trailing-year percentile, as the contract defines it."""
    year = [value for one, (value, _) in days.items() if day - YEAR <= one <= day]
    if day not in days or len(year) < FEWEST:
        return None
    own = days[day][0]
    below, equal = sum(value < own for value in year), sum(value == own for value in year)
    return (below + (equal + 1) / 2) / len(year)


def parts_of(members: Members, day: date) -> dict[str, float]:
    """Each component's weighted mean of its members' percentiles; one without a known member is left out."""
    parts = {}
    for component, series in members.items():
        told = [(where, days[day][1]) for days in series.values() if (where := percentile(days, day)) is not None]
        if told:
            parts[component] = sum(where * weight for where, weight in told) / sum(weight for _, weight in told)
    return parts


def level(parts: dict[str, float], speaks_of: str) -> float | None:
    known = [
        (parts[name], part["weight"])
        for name, part in PARTS.items()
        if part["speaks_of"] == speaks_of and name in parts
    ]
    votes = sum(part["weight"] for part in PARTS.values() if part["speaks_of"] == speaks_of)
    voted = sum(weight for _, weight in known)
    if len(known) < 2 or voted < votes / 3:
        return None
    return float(sum(where * weight for where, weight in known) / voted)


def lows_of(tool: Tool) -> dict[date, list[tuple[str, float, float]]]:
    """For each day, assets with low and close relative to the close before, if both days have the same source."""
    prices = {
        (day, asset): (low, close, source, sector)
        for day, asset, low, close, source, sector in tool.ask(
            "select date, asset, low_usd, close_usd, quote_source, sector from asset_daily"
        )
    }
    found: dict[date, list[tuple[str, float, float]]] = defaultdict(list)
    for (day, asset), (low, close, source, sector) in prices.items():
        before = prices.get((day - timedelta(days=1), asset))
        if before is not None and before[2] == source and sector is not None:
            found[day].append((asset, low / before[1] - 1, close / before[1] - 1))
    return found


def interest_changes(tool: Tool) -> dict[date, float]:
    """The change of bitcoin's open interest in coins from the day before, over the contracts that both days have."""
    days: dict[date, dict[tuple[str, str], float]] = defaultdict(dict)
    for day, venue, contract, coins in tool.ask(
        "select date, venue, contract, open_interest_coins from open_interest_contracts "
        "where asset = 'BTC' and cadence = 'daily' and open_interest_coins > 0"
    ):
        days[day][venue, contract] = coins
    changes = {}
    for day, now in days.items():
        before = days.get(day - timedelta(days=1), {})
        both = set(now) & set(before)
        if both:
            changes[day] = sum(now[name] for name in both) / sum(before[name] for name in both) - 1
    return changes


def flushes(tool: Tool) -> set[date]:
    """The days of a flush, as the methodology defines it."""
    interest = interest_changes(tool)
    found = set()
    for day, assets in lows_of(tool).items():
        low = median(low for _, low, _ in assets) if len(assets) >= 5 else 0
        close = median(close for _, _, close in assets) if len(assets) >= 5 else 0
        bitcoin = next((low for asset, low, _ in assets if asset == "BTC"), 0)
        with_bitcoin = bitcoin <= -0.05 and (low <= -0.08 or interest.get(day, 0) <= -0.08)
        if close <= -0.10 or low <= -0.10 or with_bitcoin:
            found.add(day)
    return found


@pytest.fixture(scope="module")
def members(demo: Tool) -> Members:
    return members_of(demo)


def test_the_gauge_is_what_the_methodology_says(demo: Tool, members: Members) -> None:
    days = [day for (day,) in demo.ask("select date from leverage_gauge where heat is not null order by 1")]
    chosen = [days[-1], *random.Random(5).sample(days, 12)]
    for day in chosen:
        found = demo.ask(f"select * from leverage_gauge where date = '{day}'")[0]
        names = [name for (name,) in demo.ask("select column_name from (describe leverage_gauge)")]
        row = dict(zip(names, found, strict=True))
        parts = parts_of(members, day)
        assert row["components_missing"] == sorted(set(PARTS) - set(parts)), day
        assert row["components_present"] == len(parts)
        for name in PARTS:
            assert row[f"{name}_percentile"] == (pytest.approx(parts[name]) if name in parts else None), (day, name)
        heat, fuel = level(parts, "heat"), level(parts, "fuel")
        assert row["heat"] == (None if heat is None else pytest.approx(heat))
        assert row["fuel"] == (None if fuel is None else pytest.approx(fuel))
        if row["regime"] != "flush":
            assert heat is not None
            assert row["regime"] == max((start, name) for name, start in REGIMES.items() if start <= heat)[1]


def test_a_flush_is_told_by_closes_by_lows_and_by_open_interest(demo: Tool) -> None:
    days = {day for (day,) in demo.ask("select date from leverage_gauge")}
    told = {day for (day,) in demo.ask("select date from leverage_gauge where regime = 'flush'")}
    assert told == flushes(demo) & days
    assert date(2024, 12, 9) in told


def test_the_demo_knows_every_part_and_ends_overheated_or_in_a_flush(demo: Tool) -> None:
    assert demo.one("select components_missing from leverage_gauge where date = '2024-12-08'") == []
    assert demo.one("select regime from leverage_gauge where date = '2024-12-09'") == "flush"
    assert demo.one("select count(distinct regime) from leverage_gauge") >= 3


def liquidations(tool: Tool) -> dict[date, float]:
    """The mean of the percentiles of the venues, each within its own year."""
    venues: dict[str, dict[date, tuple[float, float]]] = defaultdict(lambda: defaultdict(lambda: (0.0, 1.0)))
    for day, venue, usd in tool.ask("select date, venue, total_usd from liquidations_daily"):
        venues[venue][day] = (venues[venue][day][0] + usd, 1)
    days = {day for closed in venues.values() for day in closed}
    told = {day: [where for closed in venues.values() if (where := percentile(closed, day))] for day in days}
    return {day: mean(known) for day, known in told.items() if known}


def hopes(tool: Tool) -> dict[date, float]:
    """How many quarters of a percentage point the one-year yield fell in 30 days."""
    yields = dict(tool.ask("select date, yield_1y from policy_rates where yield_1y is not null"))
    return {
        day: (yields[day - timedelta(days=30)] - now) / 0.0025
        for day, now in yields.items()
        if day - timedelta(days=30) in yields
    }


def stale(tool: Tool) -> dict[date, float]:
    """How many components are missing for the second day in a row and were known within 30 days."""
    missing = dict(tool.ask("select date, components_missing from leverage_gauge"))
    found = {}
    for day, names in missing.items():
        before = [day - timedelta(days=back) for back in range(2, 31)]
        yesterday = missing.get(day - timedelta(days=1), list(PARTS))
        gone = [name for name in names if name in yesterday]
        found[day] = float(
            sum(any(other in missing and name not in missing[other] for other in before) for name in gone)
        )
    return found


def turns(tool: Tool) -> dict[date, float]:
    """The first measure of liquidity that is known, where the same measure was above zero within 91 days."""
    measures: list[dict[date, float]] = [{}, {}, {}]
    told = tool.ask("select date, change_13w, fed_net_liquidity_usd, fed_assets_usd from global_liquidity")
    levels = {day: amounts for day, _, *amounts in told}
    for day, banks, *amounts in told:
        before = levels.get(day - timedelta(days=91), [None, None])
        changes = [banks, *(change(now, then) for now, then in zip(amounts, before, strict=True))]
        for measure, value in zip(measures, changes, strict=True):
            if value is not None:
                measure[day] = value
    found = {}
    for day in levels:
        measure = next((one for one in measures if day in one), {})
        if any(measure.get(day - timedelta(days=back), 0) > 0 for back in range(1, 92)):
            found[day] = measure[day]
    return found


def test_a_signal_speaks_exactly_where_its_number_is_beyond_its_threshold(demo: Tool) -> None:
    """The signals whose number can be read from a mart, or is computed above."""
    numbers = {
        "open_interest_outruns_price": "select date, change_30d_coins from open_interest_total where asset = 'BTC'",
        "leverage_heat": "select date, heat from leverage_gauge",
        "heat_without_fuel": "select date, heat - fuel from leverage_gauge",
        "won_premium": "select distinct date, usdt_krw_premium from premiums_daily",
    }
    told = {signal: demo.ask(query) for signal, query in numbers.items()}
    told["liquidations_extreme"] = list(liquidations(demo).items())
    told["rate_cut_hopes_fade"] = list(hopes(demo).items())
    told["flush_lows"] = [
        (day, median(low for _, low, _ in assets)) for day, assets in lows_of(demo).items() if len(assets) >= 5
    ]
    told["data_stale"] = list(stale(demo).items())
    told["global_liquidity_turns_down"] = list(turns(demo).items())
    for signal, values in told.items():
        rows = LEVELS.filter(signal=signal).select("level", "threshold", "direction").rows()
        loudest = sorted(rows, key=lambda row: ("alert", "watch", "info").index(row[0]))
        expected = {}
        for day, value in values:
            for name, threshold, direction in loudest:
                if value is not None and (value >= threshold if direction == "at least" else value <= threshold):
                    expected[day] = (name, pytest.approx(value))
                    break
        found = {
            day: (name, value)
            for day, name, value in demo.ask(f"select date, level, value from signals where signal = '{signal}'")
        }
        assert found == expected, signal


def test_a_spell_begins_on_the_first_of_the_days_in_a_row(demo: Tool) -> None:
    spoken = defaultdict(set)
    rows = demo.ask("select signal, date, since from signals")
    for signal, day, _ in rows:
        spoken[signal].add(day)
    for signal, day, since in rows:
        first = day
        while first - timedelta(days=1) in spoken[signal]:
            first -= timedelta(days=1)
        assert since == first, (signal, day)


def test_outcomes_are_what_bitcoin_did_after(demo: Tool) -> None:
    prices = {
        day: (low, close)
        for day, low, close in demo.ask("select date, low_usd, close_usd from asset_daily where asset = 'BTC'")
    }
    after = {}
    for day, (_, close) in prices.items():
        following = [prices.get(day + timedelta(days=ahead)) for ahead in range(1, 31)]
        known = [one for one in following if one is not None]
        if len(known) == 30:
            after[day] = (min(low for low, _ in known) / close - 1, known[-1][1] / close - 1)
    told = demo.ask("select * from signal_outcomes order by signal, level")
    assert told
    for signal, name, occurrences, independent, drawdown, worst, returned, *base in told:
        days = [
            day
            for (day,) in demo.ask(
                f"select date from signals where signal = '{signal}' and level = '{name}' order by 1"
            )
        ]
        scored = [day for day in days if day in after]
        alone = [day for day in scored if not any(day - timedelta(days=30) <= other < day for other in days)]
        assert (occurrences, independent) == (len(scored), max(len(alone), 1))
        assert drawdown == pytest.approx(median(after[day][0] for day in scored))
        assert worst == pytest.approx(min(after[day][0] for day in scored))
        assert returned == pytest.approx(median(after[day][1] for day in scored))
        drops = [drop for drop, _ in after.values()]
        assert base == [
            pytest.approx(median(drops)),
            pytest.approx(min(drops)),
            pytest.approx(median(gain for _, gain in after.values())),
            len(after),
        ]
