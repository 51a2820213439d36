"""Keys: read from the environment or a file, sent only to their provider, and found nowhere afterwards."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from pydantic import SecretStr

from expectations.errors import BadRequest, SourceRefused
from flows import jobs
from flows.clock import Clock
from flows.http import Budgets, Fetcher, Traffic
from flows.jobs import backfill_job, enabled, skipped
from flows.settings import Settings, read_settings
from flows.source import Key, Request, Source
from flows.sources import sources
from tests.tool import NOW
from warehouse.store.archive import Archive, Recorder

PLANTED = "planted+key/7"
IN_HEADER = Key("VENDOR", header="X-Api-Key")
IN_PARAM = Key("VENDOR", param="api_key")


@dataclass
class Vendor:
    """A provider on loopback that keeps what it receives, and gives the answers of a test."""

    status: int = 200
    body: bytes = b"[]"
    sent: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    told = Vendor()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.sent.append((self.path, dict(self.headers.items())))
            self.send_response(told.status)
            self.send_header("Content-Length", str(len(told.body)))
            self.end_headers()
            self.wfile.write(told.body)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield told
    server.shutdown()
    server.server_close()
    thread.join()


def keyed(key: Key, *, unofficial: bool = False) -> Source:
    return replace(sources()["upbit"], name="vendor", key=key, unofficial=unofficial)


def ask(vendor: Vendor, folder: Path, key: Key) -> None:
    source = keyed(key)
    archive = Archive(folder)
    recorder = Recorder(archive, "000001", NOW)
    fetcher = Fetcher(
        source,
        gateway=vendor.url,
        recorder=recorder,
        clock=Clock(NOW),
        traffic=Traffic(),
        budgets=Budgets([source], Clock(NOW), enforced=False),
        key=SecretStr(PLANTED),
    )
    try:
        fetcher.fetch(Request("https://vendor.example/v1", params={"a": 1}), dataset="krw_prices", series="BTC")
    finally:
        recorder.close()


def kept(folder: Path) -> str:
    return json.dumps([shot.dump() for _, shot in Archive(folder).scan("000001")])


@pytest.mark.parametrize("key", [IN_HEADER, IN_PARAM])
def test_a_key_reaches_its_provider_and_not_the_archive(vendor: Vendor, tmp_path: Path, key: Key) -> None:
    ask(vendor, tmp_path, key)
    ((path, headers),) = vendor.sent
    if key is IN_HEADER:
        assert headers["X-Api-Key"] == PLANTED
        assert path == "/vendor.example/v1?a=1"
    else:
        assert path == "/vendor.example/v1?a=1&api_key=planted%2Bkey%2F7"
    found = kept(tmp_path)
    assert "https://vendor.example/v1?a=1" in found
    assert PLANTED not in found
    assert "api_key" not in found


@pytest.mark.parametrize("spelt", [PLANTED, "planted%2Bkey%2F7"])
def test_an_error_that_repeats_the_key_is_kept_and_told_without_it(vendor: Vendor, tmp_path: Path, spelt: str) -> None:
    vendor.status, vendor.body = 403, f"the key {spelt} is not known".encode()
    with pytest.raises(SourceRefused, match=r"the key \*\*\* is not known") as refused:
        ask(vendor, tmp_path, IN_PARAM)
    assert spelt not in str(refused.value)
    assert spelt not in kept(tmp_path)
    assert "the key *** is not known" in kept(tmp_path)


def test_no_logger_prints_addresses_as_they_are_sent(
    vendor: Vendor, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ask(vendor, tmp_path, IN_PARAM)
    assert "planted" not in caplog.text


def test_keys_come_from_the_environment_and_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("TIDEMARK_KEY_VENDOR=from-file\nTIDEMARK_KEY_OTHER=other\nTIDEMARK_KEY_NONE=\n")
    monkeypatch.setenv("TIDEMARK_KEY_VENDOR", PLANTED)
    settings = read_settings()
    assert {name: key.get_secret_value() for name, key in settings.provider_keys.items()} == {
        "VENDOR": PLANTED,
        "OTHER": "other",
    }
    assert PLANTED not in repr(settings)
    assert PLANTED not in str(settings.model_dump())


@pytest.mark.parametrize(
    ("gateway", "sent"),
    [
        (None, True),
        ("http://127.0.0.1:9", True),
        ("http://[::1]:9", True),
        ("http://localhost:9/x", True),
        ("https://mirror.example", False),
        ("https://localhost.example", False),
        ("http://127.0.0.1.example", False),
    ],
)
def test_a_key_goes_to_the_provider_or_to_this_machine_only(gateway: str | None, sent: bool) -> None:
    settings = Settings(gateway=gateway, provider_keys={"VENDOR": SecretStr(PLANTED)})
    assert (settings.key(IN_HEADER) is not None) is sent
    assert settings.key(None) is None
    assert settings.key(Key("OTHER", header="X")) is None


def reason(monkeypatch: pytest.MonkeyPatch, source: Source, **given: object) -> str | None:
    monkeypatch.setattr(jobs, "sources", lambda: {"upbit": sources()["upbit"], "vendor": source})
    settings = Settings.model_validate({"provider_keys": {}, **given})
    found = skipped(settings).get("vendor")
    assert ("vendor" in enabled(settings)) is (found is None)
    return found


def test_a_source_without_its_key_is_skipped_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    source = keyed(IN_HEADER)
    with_key = {"provider_keys": {"VENDOR": SecretStr(PLANTED)}}
    assert reason(monkeypatch, source) == "no key: set TIDEMARK_KEY_VENDOR"
    assert reason(monkeypatch, source, sources=("vendor",)) == "no key: set TIDEMARK_KEY_VENDOR"
    assert reason(monkeypatch, source, **with_key) is None
    assert "gateway on this machine" in (reason(monkeypatch, source, gateway="http://a.example", **with_key) or "")
    assert reason(monkeypatch, keyed(replace(IN_HEADER, required=False))) is None
    monkeypatch.setattr(jobs, "sources", lambda: {"vendor": source})
    with pytest.raises(BadRequest, match="source vendor is skipped: no key: set TIDEMARK_KEY_VENDOR"):
        backfill_job(Settings(provider_keys={}, now=NOW), NOW.date(), NOW.date(), names=["vendor"])


def test_an_unofficial_source_is_asked_only_when_a_person_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    source = replace(sources()["upbit"], name="vendor", unofficial=True)
    assert "TIDEMARK_UNOFFICIAL" in (reason(monkeypatch, source) or "")
    assert reason(monkeypatch, source, unofficial=True) is None
    assert reason(monkeypatch, source, sources=("vendor",)) is None
