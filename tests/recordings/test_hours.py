"""Real hours, recorded by others: through the real transforms, and from the replay of 2024 to the marts.

As in `test_recordings`, nothing is collected where the folder is absent.
"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import requests

from expectations.errors import PayloadChanged
from expectations.interval import Interval
from flows.source import Answer, Request
from flows.sources import binance
from flows.steps.collect import drive
from tests.asking import answer, ask_of, feed_of
from tests.gathering import rows_of
from tests.recordings.test_recordings import broken_rules, read, values
from tests.replay import Replay
from tests.tool import Tool

MEASURES = ("hour_high_usd", "hour_low_usd", "hour_close_usd", "hour_volume_base")


def every_hour(first: date, last: date) -> list[datetime]:
    days = Interval.of_days(first, last)
    return [days.starts_at + timedelta(hours=number) for number in range(24 * len(days))]


def test_a_file_of_the_archive() -> None:
    name = "binance-vision/spot_klines_BTCUSDT-1h-2024-10-28.zip"
    asset = {"asset": "BTC"}
    rows = read(name, "binance", "hourly_prices", asset, form="bare_zip", transform="normalize_archive")
    assert rows["opened_at"].to_list() == every_hour(date(2024, 10, 28), date(2024, 10, 28))
    assert values(rows, 0, *MEASURES) == (68116.78, 67839.9, 67859.91, 555.35912)
    assert broken_rules("hourly_prices", rows) == {}
    with pytest.raises(PayloadChanged, match="end with their day"):
        read(name, "binance", "spot_prices", asset, form="bare_zip", transform="normalize_archive")


def test_two_pages_of_rest_follow_each_other() -> None:
    names = ("spot_klines_BTCUSDT_1h_page1_limit1000.json", "spot_klines_BTCUSDT_1h_page2.json")
    pages = [read(f"binance/{name}", "binance", "hourly_prices", {"asset": "BTC"}) for name in names]
    rows = pl.concat(pages)
    # Binance was down from 02:00 to 05:00 on 28 June: it left these hours out, and the day counts all the same.
    still = {datetime(2020, 6, 28, hour, tzinfo=UTC) for hour in (2, 3, 4)}
    first = datetime(2020, 4, 30, 21, tzinfo=UTC)
    span = [first + timedelta(hours=number) for number in range(1468 + len(still))]
    assert rows["opened_at"].to_list() == [hour for hour in span if hour not in still]
    # The days at both ends are not whole.
    assert broken_rules("hourly_prices", rows) == {
        "a day has 20 hours or more": 3 + 4,
        "a day has all of its 24 hours": 3 + 4 + 21,
    }


@pytest.mark.parametrize(
    ("name", "source", "labels"),
    [
        ("binance/spot_klines_1m_10rows.json", "binance", {"asset": "BTC"}),
        ("coinbase/candles_60s_2018.json", "coinbase", {"asset": "BTC"}),
        ("kraken/ohlc_XXBTZUSD_1m_2017.json", "kraken", {"asset": "BTC", "pair": "XXBTZUSD"}),
    ],
)
def test_minutes_are_refused(name: str, source: str, labels: dict[str, str]) -> None:
    with pytest.raises(PayloadChanged, match=r"end with their hour|start at a full hour"):
        read(name, source, "hourly_prices", labels)


def test_the_replay_has_the_same_hours_in_its_files_as_over_rest(replay: Replay) -> None:
    sent: list[str] = []

    def fetch(one: Request) -> Answer:
        sent.append(one.host)
        got = requests.get(f"{replay.url}/{one.address.removeprefix('https://')}", timeout=30)
        return answer(one, got.content, status=got.status_code)

    feed = feed_of(binance.SOURCE, "hourly_prices")
    months = ask_of("binance", "hourly_prices", "BTC", date(2024, 10, 1), date(2024, 11, 30))
    archived = rows_of("binance", "hourly_prices", drive(feed, months, fetch))
    assert set(sent) == {binance.ARCHIVE_HOST}
    sent.clear()
    middle = ask_of("binance", "hourly_prices", "BTC", date(2024, 10, 2), date(2024, 11, 29))
    over_rest = rows_of("binance", "hourly_prices", drive(feed, middle, fetch))
    assert set(sent) == {binance.KLINES_HOST}
    assert archived["opened_at"].to_list() == every_hour(date(2024, 10, 1), date(2024, 11, 30))
    columns = ["opened_at", *MEASURES]
    assert over_rest.height == 24 * 59
    assert over_rest.join(archived, on=columns, how="semi").height == over_rest.height
    assert broken_rules("hourly_prices", archived.with_columns(series=pl.lit("replayed"))) == {}


def test_without_the_hours_of_coinbase_there_is_no_mean(replay: Replay, tmp_path: Path) -> None:
    """The replay has only days of Coinbase: the premium at the end of the day is known, that of its hours is not."""
    tool = Tool(tmp_path / "home", replay.url, sources="binance,coinbase", start="2024-12-01")
    assert tool("backfill", "2024-12-01", "2024-12-09", "--series", "BTC").code == 1
    asked = "dataset = 'hourly_prices' and series = 'BTC' and date <= '2024-12-09'"
    assert tool.states(f"{asked} and source = 'binance'") == {"loaded": 9}
    assert tool.states(f"{asked} and source = 'coinbase'") == {"failed": 9}
    (row,) = tool.ask(
        "select coinbase_premium_usd, coinbase_premium_mean, coinbase_premium_usdt_adjusted "
        "from premiums_daily where date = '2024-12-09'"
    )
    assert row == (pytest.approx(48.34, abs=0.01), None, None)
