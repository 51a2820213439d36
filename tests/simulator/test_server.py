"""The server: what it counts, what it sends, how it is started, and many clients at once."""

import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from flows.simulator.pages import pages_by_host
from tests.simulator.client import EVERY_FORM, KLINES, UPBIT, Client
from tests.tool import ROOT

pytestmark = pytest.mark.slow


def test_requests_are_counted_and_remembered(own: Client) -> None:
    own.ask(f"{KLINES}?symbol=BTCUSDT&interval=1d")
    own.ask(f"{UPBIT}?market=KRW-BTC&to=2024-12-09T00%3A00%3A00Z")
    own.ask(f"{UPBIT}?market=KRW-BTC")
    assert own.simulator.counts == {"data-api.binance.vision": 1, "api.upbit.com": 2}
    assert own.simulator.requests[1] == (
        "api.upbit.com",
        "/v1/candles/days",
        "market=KRW-BTC&to=2024-12-09T00:00:00Z",
    )


def test_long_answers_are_squeezed_and_connections_kept(world: Client) -> None:
    long = world.ask(f"{KLINES}?symbol=BTCUSDT&interval=1d")
    short = world.ask(f"{KLINES}?symbol=BTCUSDT&interval=1d&limit=1")
    assert (long.headers.get("Content-Encoding"), short.headers.get("Content-Encoding")) == ("gzip", None)
    plain = requests.get(long.url, headers={"Accept-Encoding": "identity"}, timeout=5)
    assert plain.content == long.content
    assert long.raw.version == 11
    assert "Connection" not in long.headers
    head = requests.head(long.url, timeout=5)
    assert (head.status_code, head.content) == (200, b"")


def test_it_runs_from_the_command_line() -> None:
    command = [sys.executable, "-m", "flows.simulator", "--now", "2024-12-10T00:30:00Z", "--seed", "3"]
    root = ROOT
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        url = re.search(r"http://127\.0\.0\.1:\d+", ready)
        assert url is not None
        assert requests.get(f"{url[0]}/api.binance.com/api/v3/ping", timeout=5).json() == {}
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0


def test_many_clients_at_once_see_one_world(world: Client, own: Client) -> None:
    targets = [f"{KLINES}?symbol=ZZ{number:02d}USDT&interval=1h&limit=300" for number in range(8)] * 3
    with ThreadPoolExecutor(12) as pool:
        bodies = list(pool.map(lambda target: own.ask(target).content, targets))
    assert bodies == [world.ask(target).content for target in targets]


def test_two_servers_send_the_same_bytes(world: Client, own: Client) -> None:
    for target in EVERY_FORM:
        assert own.ask(target).content == world.ask(target).content


def test_every_host_answers_what_it_does_not_know_with_an_error(world: Client) -> None:
    for host, page in pages_by_host().items():
        answer = world.ask(f"{host}/no/such/path")
        # A provider that needs a key answers 401; some put their errors into an answer with status 200.
        assert answer.status_code in (400, 401, 404) or not page.rows(answer.json()), host
    assert world.ask("example.org/").status_code == 502
