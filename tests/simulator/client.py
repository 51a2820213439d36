"""A client of the simulator, the addresses that it asks, and the instant at which it asks them."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import requests

from flows.simulator import Simulator
from flows.simulator.instants import DAY_MS, HOUR_MS, number_of

NOW = datetime(2024, 12, 10, 12, 30, tzinfo=UTC)
CRASH = date(2024, 12, 9)

KLINES = "data-api.binance.vision/api/v3/klines"
FUNDING = "fapi.binance.com/fapi/v1/fundingRate"
ARCHIVE = "data.binance.vision/data/futures/um/monthly/fundingRate"
COINBASE = "api.exchange.coinbase.com/products"
UPBIT = "api.upbit.com/v1/candles/days"
FRANKFURTER = "api.frankfurter.dev/v1"
STABLECOIN = "stablecoins.llama.fi/stablecoin"
YIELDS = "yields.llama.fi/chart"
FRED = "fred.stlouisfed.org/graph/fredgraph.csv"

# Funding of November 2024, the newest month that is complete at NOW.
NOVEMBER = f"{ARCHIVE}/BTCUSDT/BTCUSDT-fundingRate-2024-11.zip"

# DefiLlama's identifiers of lending pools and stablecoins.
AAVE_USDC = "aa70268e-4b52-42bf-a116-608b370f9501"
AAVE_USDT = "f981a304-bb6c-45b8-b0c5-fd2f515ad23a"
COMPOUND_USDC = "7da72d09-56ca-4ec5-a45f-59114353e487"
STABLECOINS = ("1", "2", "4", "5", "6", "7", "11", "14", "118", "119", "120", "146", "209", "286")

# One request for each form of answer: JSON lists and objects, CSV, ZIP.
EVERY_FORM = (
    f"{KLINES}?symbol=BTCUSDT&interval=1d",
    f"{KLINES}?symbol=ZZ17USDT&interval=1h",
    f"{FUNDING}?symbol=ETHUSDT",
    "fapi.binance.com/fapi/v1/fundingInfo",
    NOVEMBER,
    f"{COINBASE}/BTC-USD/candles?granularity=86400",
    f"{UPBIT}?market=KRW-USDT&count=200",
    f"{FRANKFURTER}/2024-01-01..?base=USD&symbols=KRW",
    f"{YIELDS}/{AAVE_USDC}",
    f"{STABLECOIN}/146",
    f"{FRED}?id=WALCL",
)


class Client:
    """A program that asks one simulator over one session."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self._session = requests.Session()

    def close(self) -> None:
        """End the session."""
        self._session.close()

    def ask(self, target: str, **query: object) -> requests.Response:
        """The answer to `HOST/PATH`, whatever its status."""
        params = {name: str(value) for name, value in query.items()}
        return self._session.get(f"{self.simulator.url}/{target}", params=params, timeout=10)

    def json(self, target: str, **query: object) -> Any:
        """The decoded body of an answer with status 200."""
        answer = self.ask(target, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def days(self, symbol: str, first: date, last: date) -> dict[date, list[Any]]:
        """Binance's daily candles of a symbol by day, the last day included; at most 1,000."""
        bounds = {"startTime": at(first), "endTime": at(last)}
        rows = self.json(KLINES, symbol=symbol, interval="1d", limit=1000, **bounds)
        return {day_at(row[0]): row for row in rows}

    def table(self, series: str, **query: object) -> dict[date, str]:
        """FRED's values of a series by day, as text."""
        answer = self.ask(FRED, id=series, **query)
        header, *rows = csv.reader(io.StringIO(answer.text))
        assert header == ["observation_date", series]
        return {date.fromisoformat(day): value for day, value in rows}


def at(day: date, hour: float = 0) -> int:
    """An hour of a UTC day in milliseconds since 1970."""
    return number_of(day) * DAY_MS + int(hour * HOUR_MS)


def day_at(millis: int) -> date:
    """The UTC day of a number of milliseconds since 1970."""
    return datetime.fromtimestamp(millis / 1000, UTC).date()


def moment(text: str) -> datetime:
    """The instant of a UTC time without its zone."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def served(now: datetime = NOW, **options: Any) -> Iterator[Client]:
    """A client of a new server, which ends with the iteration."""
    with Simulator(now=now, **options) as simulator:
        client = Client(simulator)
        yield client
        client.close()


def upbit_pages(client: Client, market: str) -> list[dict[str, Any]]:
    """Every daily candle of a market of Upbit, newest first; each page ends before the oldest candle of the last."""
    rows: list[dict[str, Any]] = client.json(UPBIT, market=market, count=200)
    while page := client.json(UPBIT, market=market, count=200, to=rows[-1]["candle_date_time_utc"]):
        rows.extend(page)
    return rows
