"""A year of recorded history in the providers' own wire formats, from the network to the marts."""

from collections.abc import Mapping
from datetime import date

import pytest

from tests.replay import Replay
from tests.tool import Tool, bytes_of

WINDOW = ("2024-01-01", "2024-12-09")
MARTS = (
    *("asset_daily", "sector_daily", "premiums_daily", "krw_stablecoin_daily", "krw_stablecoin_monthly"),
    *("funding_daily", "lending_rates_daily", "stablecoin_flows", "stablecoin_flows_total"),
    *("open_interest_daily", "open_interest_total"),
    *("global_liquidity", "policy_rates"),
)
# What the replay serves of each feed, as its README lists it.
SERVED: Mapping[tuple[str, str], set[str]] = {
    ("spot_prices", "binance"): {
        *("ADA", "APT", "ARB", "ARKM", "AVAX", "BTC", "DOGE", "ETH"),
        *("IO", "LINK", "OP", "SEI", "SOL", "SUI", "WLD", "XRP"),
    },
    ("spot_prices", "coinbase"): {"BTC", "ETH"},
    ("hourly_prices", "binance"): {"BTC", "ETH"},
    ("funding_rates", "binance"): {"BTC", "ETH", "XRP", "ADA", "LTC"},
    ("open_interest", "binance"): {"BTC", "BTC-inverse", "ETH-inverse"},
    ("open_interest", "cftc"): {"BTC"},
    ("krw_prices", "upbit"): {"BTC", "USDT"},
    ("exchange_rates", "frankfurter"): {"KRW"},
}


# Sources of which it serves something, and one of which it serves nothing: the others would only cost waits.
ASKED = "binance,bybit,cftc,coinbase,defillama,fred,frankfurter,gopax,kraken,okx,upbit"


@pytest.fixture(scope="module")
def year(replay: Replay, tmp_path_factory: pytest.TempPathFactory) -> Tool:
    tool = Tool(tmp_path_factory.mktemp("year") / "home", replay.url, sources=ASKED, start=WINDOW[0])
    said = tool("backfill", *WINDOW)
    assert said.code == 1  # for what the replay does not serve
    assert "incomplete: the rest is published" in said.err
    return tool


@pytest.mark.parametrize(
    ("value", "query", "tolerance"),
    [
        (104_088.0, "select high_usd from asset_daily where asset = 'BTC' and date = '2024-12-05'", 0),
        (94_150.05, "select low_usd from asset_daily where asset = 'BTC' and date = '2024-12-09'", 0),
        (97_276.47, "select close_usd from asset_daily where asset = 'BTC' and date = '2024-12-09'", 0),
        (3_509, "select low_usd from asset_daily where asset = 'ETH' and date = '2024-12-09'", 1),
        (4_004, "select open_usd from asset_daily where asset = 'ETH' and date = '2024-12-09'", 1),
        (159, "select coinbase_premium_usd from premiums_daily where asset = 'BTC' and date = '2024-12-04'", 1),
        (48.34, "select coinbase_premium_usd from premiums_daily where asset = 'BTC' and date = '2024-12-09'", 0.01),
        (8_256, "select count(*) from core.hourly_prices where asset = 'BTC' and date <= '2024-12-09'", 0),
        (
            0.279,
            (
                "select funding_apr_7d from funding_daily where asset = 'ETH' and venue = 'binance' "
                "and date = '2024-12-08'"
            ),
            0.001,
        ),
        (
            0.414,
            (
                "select supply_apr from lending_rates_daily where protocol = 'aave-v3' and chain = 'ethereum' "
                "and asset = 'USDC' and date = '2024-12-02'"
            ),
            0.001,
        ),
        (
            0.292,
            (
                "select supply_apr from lending_rates_daily where protocol = 'aave-v3' and chain = 'ethereum' "
                "and asset = 'USDT' and date = '2024-12-02'"
            ),
            0.001,
        ),
        (7.7e9, "select max(net_issuance_7d_usd) from stablecoin_flows_total", 0.1e9),
        (5.1e9, "select net_issuance_7d_usd from stablecoin_flows_total where date = '2024-12-09'", 0.1e9),
        # DAI became USDS: neither the 2.6 billion that left the one nor the 5.6 that the other began with is a flow.
        (0.02e9, "select net_issuance_7d_usd from stablecoin_flows_total where date = '2024-10-24'", 0.01e9),
        (0.03e9, "select net_issuance_7d_usd from stablecoin_flows_total where date = '2024-10-25'", 0.01e9),
        (0.49e9, "select net_issuance_7d_usd from stablecoin_flows_total where date = '2024-10-31'", 0.01e9),
        (0.65e9, "select net_issuance_7d_usd from stablecoin_flows_total where date = '2024-11-01'", 0.01e9),
        (-1.10e9, "select min(net_issuance_7d_usd) from stablecoin_flows_total", 0.01e9),
        (
            1.77e12,
            "select sum(volume_krw) from krw_stablecoin_daily where asset = 'USDT' and month(date) = 10",
            0.01e12,
        ),
        (6.0e12, "select sum(volume_krw) from krw_stablecoin_daily where asset = 'USDT' and month(date) = 11", 0.05e12),
    ],
)
def test_the_published_figures_come_out(year: Tool, value: float, query: str, tolerance: float) -> None:
    assert year.one(query) == pytest.approx(value, abs=tolerance or 1e-6)


def test_the_peaks_are_on_their_days(year: Tool) -> None:
    issued = "select date from stablecoin_flows_total order by net_issuance_7d_usd desc nulls last limit 1"
    assert year.one(issued) == date(2024, 11, 24)
    since_april = (
        "select date from funding_daily where asset = 'ETH' and venue = 'binance' and date >= '2024-05-01' "
        "order by funding_apr_7d desc nulls last limit 1"
    )
    assert year.one(since_april) == date(2024, 12, 8)


def test_every_mart_has_rows_up_to_the_last_day(year: Tool) -> None:
    for mart in MARTS:
        assert year.one(f"select count(*) from {mart}") != 0, mart
        if mart != "krw_stablecoin_monthly":
            assert year.one(f"select max(date) from {mart}") == date(2024, 12, 9), mart


def test_what_is_not_served_has_failed_and_nothing_else_stands_in_for_it(year: Tool) -> None:
    days = year.ask("select dataset, source, series, list_sort(list(distinct state)) from ops.ledger group by all")
    for dataset, source, series, states in days:
        served = SERVED.get((str(dataset), str(source)))
        if served is not None and series not in served:
            assert set(states) <= {"failed", "not_yet", "perished"}, (dataset, source, series, states)
            where = f"from core.{dataset} where source = '{source}' and series = '{series}'"
            assert year.ask(f"{where} limit 1") == []
        elif served is not None:
            assert "loaded" in set(states), (dataset, source, series, states)
    assert year.one("select count(*) from ops.ledger where state = 'failed' and reason is null") == 0
    assert year.states("state not in ('loaded', 'verified_empty', 'failed', 'not_yet', 'perished')") == {}


def test_the_year_asked_twice_asks_only_for_what_failed(year: Tool, replay: Replay) -> None:
    lake = bytes_of(year.home / "lake")
    failed = year.states().get("failed")
    before = replay.asked()
    served = ("--dataset", "spot_prices", "--dataset", "exchange_rates", "--series", "BTC", "--series", "KRW")
    said = year("backfill", *WINDOW, "--source", "coinbase", "--source", "frankfurter", *served)
    assert said.code == 0
    assert replay.asked() == before
    assert bytes_of(year.home / "lake") == lake
    assert year.states().get("failed") == failed
