"""Misbehaviour on demand: errors, rows that are missing, changed keys, broken connections."""

import hashlib
import io
import re
import zipfile
from typing import Any

import pytest
import requests

from flows.simulator import Misbehaviour
from tests.simulator.client import (
    AAVE_USDC,
    EVERY_FORM,
    FRED,
    FUNDING,
    KLINES,
    NOVEMBER,
    STABLECOIN,
    UPBIT,
    YIELDS,
    Client,
    served,
)

pytestmark = pytest.mark.slow

BITCOIN = f"{KLINES}?symbol=BTCUSDT&interval=1d&limit=10"


def test_a_status_comes_as_often_as_told_then_all_is_well(own: Client) -> None:
    own.simulator.misbehave([Misbehaviour("klines.*BTCUSDT", "status", times=2, status=429, retry_after=3)])
    answers = [own.ask(BITCOIN) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "3"
    assert answers[0].json()["code"] == -1003
    assert own.ask(f"{UPBIT}?market=KRW-BTC").status_code == 200


def test_always_and_every_count_matching_requests(own: Client) -> None:
    own.simulator.misbehave([Misbehaviour("klines", "status", times="always", every=3, status=503)])
    assert [own.ask(BITCOIN).status_code for _ in range(7)] == [200, 200, 503, 200, 200, 503, 200]
    own.simulator.misbehave([])
    assert {own.ask(BITCOIN).status_code for _ in range(4)} == {200}


@pytest.mark.parametrize("target", EVERY_FORM)
def test_errors_keep_each_providers_shape(own: Client, target: str) -> None:
    own.simulator.misbehave([Misbehaviour(".", "status", status=500), Misbehaviour(".", "envelope")])
    failed, wrapped = own.ask(target), own.ask(target)
    assert (failed.status_code, wrapped.status_code) == (500, 200)
    rows = own.ask(target)
    assert wrapped.content != rows.content
    assert failed.headers["Content-Type"].split(";")[0] == wrapped.headers["Content-Type"].split(";")[0]


def test_a_block_page_is_html(own: Client) -> None:
    own.simulator.misbehave([Misbehaviour("klines", "html"), Misbehaviour("klines", "html", status=200)])
    blocked, disguised = own.ask(BITCOIN), own.ask(BITCOIN)
    assert (blocked.status_code, disguised.status_code) == (403, 200)
    assert blocked.headers["Content-Type"] == "text/html"
    assert "<HTML>" in blocked.text


def rows_in(answer: requests.Response) -> int:
    """The number of rows in an answer of any form."""
    kind = answer.headers["Content-Type"]
    if kind == "application/zip":
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            return len(archive.read(archive.namelist()[0]).splitlines()) - 1
    if kind == "application/csv":
        return len(answer.text.splitlines()) - 1
    document = answer.json()
    return len(
        document
        if isinstance(document, list)
        else next(document[k] for k in ("rates", "data", "tokens") if k in document)
    )


@pytest.mark.parametrize("target", EVERY_FORM)
def test_rows_vanish_from_every_provider(own: Client, target: str) -> None:
    own.simulator.misbehave([Misbehaviour(".", "empty"), Misbehaviour(".", "drop", drop_every=5)])
    empty, thinned, whole = own.ask(target), own.ask(target), own.ask(target)
    assert empty.status_code == thinned.status_code == 200
    assert rows_in(empty) == 0
    assert rows_in(thinned) == rows_in(whole) - rows_in(whole) // 5


@pytest.mark.parametrize(
    ("target", "key"),
    [
        (f"{FUNDING}?symbol=ETHUSDT", "fundingRate"),
        (f"{UPBIT}?market=KRW-USDT", "candle_acc_trade_price"),
        (f"{YIELDS}/{AAVE_USDC}", "apyBase"),
        (f"{STABLECOIN}/1", "circulating"),
        (f"{FRED}?id=WALCL", "observation_date"),
    ],
)
def test_a_key_changes_its_name(own: Client, target: str, key: str) -> None:
    own.simulator.misbehave([Misbehaviour(".", "shape", key=key, rename="novelty")])
    spoilt, whole = own.ask(target).text, own.ask(target).text
    assert re.findall(rf"\b{key}\b", spoilt) == []
    assert len(re.findall(rf"\b{key}\b", whole)) == spoilt.count("novelty") > 0


def test_a_spoilt_archive_still_fits_its_checksum(own: Client) -> None:
    target = NOVEMBER
    rule = Misbehaviour("fundingRate", "shape", times="always", key="last_funding_rate", rename="rate")
    own.simulator.misbehave([rule])
    packed, checksum = own.ask(target).content, own.ask(f"{target}.CHECKSUM").text
    assert checksum.split("  ")[0] == hashlib.sha256(packed).hexdigest()
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.read(archive.namelist()[0]).startswith(b"calc_time,funding_interval_hours,rate\n")


@pytest.mark.parametrize("kind", ["truncate", "stall", "reset"])
def test_a_broken_connection_breaks_only_its_own_request(own: Client, kind: Any) -> None:
    own.simulator.misbehave([Misbehaviour("klines", kind, seconds=0.1)])
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        own.ask(BITCOIN)
    assert len(own.json(BITCOIN)) == 10


def test_a_stall_outlasts_a_patient_reader_but_not_the_server() -> None:
    for client in served():
        client.simulator.misbehave([Misbehaviour("klines", "stall", seconds=60)])
        with pytest.raises((requests.Timeout, requests.ConnectionError)):
            requests.get(f"{client.simulator.url}/{BITCOIN}", timeout=0.2)


@pytest.mark.parametrize(
    "options",
    [
        {"match": ".", "kind": "rudeness"},
        {"match": "(", "kind": "html"},
        {"match": ".", "kind": "shape", "key": "date"},
        {"match": ".", "kind": "drop", "drop_every": 0},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises((ValueError, re.error)):
        Misbehaviour(**options)
