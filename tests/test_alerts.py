"""The webhook: the daily job alone sends each new alert to it once, and no run fails because of it."""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import duckdb
import pytest
from pydantic import SecretStr

from expectations.errors import BadRequest
from flows import alerts, pipeline
from flows.alerts import Alert, announce
from flows.demo import demo_settings
from flows.jobs import daily_job
from flows.serve.artifacts import outcome_markdown
from flows.settings import Settings, read_settings
from flows.steps.run import Run
from tests.tool import NOW, Tool

pytestmark = pytest.mark.slow

SESAME = "sesame-77aa41"
DAY = date(2024, 12, 9)
# Day, signal, level: the rows of `signals` unless a test has others.
QUIET = ((DAY, "funding_extreme", "watch"),)


@dataclass
class Hook:
    """A webhook on loopback that keeps what it receives, and answers with the status of the test."""

    port: int = 0
    statuses: list[int] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Its address, with a user, a password and a token, all of them secret."""
        return f"http://desk:{SESAME}@127.0.0.1:{self.port}/hook/{SESAME}?token={SESAME}"

    @property
    def signals(self) -> list[str]:
        return [one["signal"] for one in self.told]


@pytest.fixture
def hook() -> Iterator[Hook]:
    told = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.asked.append((self.path, dict(self.headers.items())))
            status = told.statuses.pop(0) if told.statuses else 204
            if status < 300:
                told.told.append(json.loads(body))
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        told.port = server.server_address[1]
        yield told
        server.shutdown()


def said(place: Path, *signals: tuple[date, str, str]) -> None:
    """A warehouse with nothing but signals."""
    place.unlink(missing_ok=True)
    with duckdb.connect(str(place)) as connection:
        connection.execute("create schema ops; create table ops.home as select 'origin' as key, 'gateway' as value")
        connection.execute("create table brief (date date, topic varchar, statement varchar)")
        connection.execute("insert into brief values (?, 'gauge_heat', 'Heat is 95 %.')", [DAY])
        connection.execute(
            "create table signals (date date, signal varchar, level varchar, value double, threshold double, "
            "since date, message varchar)"
        )
        for day, signal, level in (*QUIET, *signals):
            connection.execute(
                "insert into signals values (?, ?, ?, 7, 6, '2024-11-11', ?)", [day, signal, level, f"{signal} speaks."]
            )


@contextmanager
def running(tool: Tool, hook: Hook, **more: Any) -> Iterator[Run]:
    """A daily run of a home that has just built its warehouse."""
    settings = Settings(
        home=tool.home, gateway=tool.gateway, now=NOW, sources=("upbit",), webhook=SecretStr(hook.address), **more
    )
    with pipeline.begin(settings, daily_job(settings)) as run:
        yield run


def tell(tool: Tool, hook: Hook, *signals: tuple[date, str, str]) -> list[str]:
    """Build, then send the alerts; returns what the run reports as a problem."""
    said(tool.home / "warehouse.duckdb", *signals)
    with running(tool, hook) as run:
        announce(run)
        return run.notices


def found_in(folder: Path, secret: str) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


FRENZY = (DAY, "korean_frenzy", "alert")


def test_an_alert_is_told_once_with_what_a_reader_needs(tool: Tool, hook: Hook) -> None:
    before = (DAY - timedelta(days=1), "korean_frenzy", "alert")
    assert tell(tool, hook, before, FRENZY) == []
    assert hook.told == [
        {
            "date": "2024-12-09",
            "signal": "korean_frenzy",
            "level": "alert",
            "value": 7.0,
            "threshold": 6.0,
            "since": "2024-11-11",
            "alert_since": "2024-12-08",
            "message": "korean_frenzy speaks.",
            "gauge": "Heat is 95 %.",
            "origin": "gateway",
        }
    ]
    ((path, headers),) = hook.asked
    assert path == f"/hook/{SESAME}?token={SESAME}"
    assert headers["Content-Type"] == "application/json"
    assert headers["Authorization"].startswith("Basic ")
    assert tell(tool, hook, before, FRENZY) == []
    assert len(hook.asked) == 1


def test_of_a_standing_alert_only_a_new_one_beside_it_is_told(tool: Tool, hook: Hook) -> None:
    tell(tool, hook, FRENZY)
    tell(tool, hook, FRENZY, (DAY, "flush_breadth", "alert"))
    assert hook.signals == ["korean_frenzy", "flush_breadth"]


def test_a_spell_that_a_restated_value_makes_longer_is_not_told_again(tool: Tool, hook: Hook) -> None:
    tell(tool, hook, FRENZY)
    tell(tool, hook, *((DAY - timedelta(days=back), "korean_frenzy", "alert") for back in range(3)))
    assert hook.signals == ["korean_frenzy"]


def test_an_alert_that_comes_back_is_told_again(tool: Tool, hook: Hook) -> None:
    earlier = DAY - timedelta(days=3)
    said(tool.home / "warehouse.duckdb", FRENZY)
    with running(tool, hook) as run:
        run.write([{"event": "announced", "run_id": run.run_id, "at": NOW, "signal": "korean_frenzy",
                    "date": earlier, "since": earlier}])  # fmt: skip
    between = (DAY - timedelta(days=1), "korean_frenzy", "watch")
    tell(tool, hook, (earlier, "korean_frenzy", "alert"), between, FRENZY)
    assert hook.signals == ["korean_frenzy"]
    assert hook.told[0]["alert_since"] == "2024-12-09"


def test_neither_a_louder_past_nor_a_watch_is_told(tool: Tool, hook: Hook) -> None:
    tell(tool, hook, (DAY - timedelta(days=1), "korean_frenzy", "alert"), (DAY, "won_premium", "watch"))
    assert hook.asked == []


def test_an_invented_market_alerts_nobody(tool: Tool, hook: Hook) -> None:
    said(tool.home / "warehouse.duckdb", FRENZY)
    with running(tool, hook) as run:
        announce(replace(run, home=replace(run.home, origin="simulated")))
    assert hook.asked == []
    given = Settings(webhook=SecretStr(hook.address))
    assert demo_settings(given).webhook is None


def test_nothing_is_sent_where_no_address_is_set(tool: Tool, hook: Hook) -> None:
    said(tool.home / "warehouse.duckdb", FRENZY)
    with running(tool, hook) as run:
        run.settings = run.settings.model_copy(update={"webhook": None})
        announce(run)
    assert hook.asked == []


def test_a_webhook_that_is_busy_is_asked_a_second_time(tool: Tool, hook: Hook) -> None:
    hook.statuses = [503]
    assert tell(tool, hook, FRENZY) == []
    assert (hook.signals, len(hook.asked)) == (["korean_frenzy"], 2)


@pytest.mark.parametrize(
    ("statuses", "attempts", "found"),
    [([500, 500], 2, "500 at 2 attempts"), ([404], 1, "404"), ([302], 1, "302")],
)
def test_a_webhook_that_fails_costs_a_line_and_is_tried_by_the_next_run(
    tool: Tool, hook: Hook, statuses: list[int], attempts: int, found: str
) -> None:
    hook.statuses = list(statuses)
    both = (FRENZY, (DAY, "won_premium", "alert"))
    (notice,) = tell(tool, hook, *both)
    assert notice.startswith("korean_frenzy of 2024-12-09 was not announced, the next run tries again: ")
    assert notice.endswith(f"expected 200 from the webhook, found {found}")
    assert len(hook.asked) == attempts  # and the second alert is not sent at all
    assert tell(tool, hook, *both) == []
    assert hook.signals == ["korean_frenzy", "won_premium"]


def test_nobody_at_the_address_is_told_without_the_address(
    tool: Tool, hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answering, hook.port = hook.port, 1
    (notice,) = tell(tool, hook, FRENZY)
    assert notice.endswith("expected 200 from the webhook, found ConnectionError at 2 attempts")
    hook.port = answering
    assert tell(tool, hook, FRENZY) == []
    assert hook.signals == ["korean_frenzy"]
    assert SESAME not in caplog.text
    assert found_in(tool.home, SESAME) == []


@pytest.mark.parametrize("address", [f"ftp://{SESAME}", SESAME, f"https://?{SESAME}"])
def test_an_address_that_makes_no_sense_is_refused_without_being_shown(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEMARK_WEBHOOK", address)
    with pytest.raises(BadRequest, match=r"TIDEMARK_WEBHOOK: .*https://example.org/hook") as refused:
        read_settings()
    assert SESAME not in str(refused.value)


def test_an_empty_address_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEMARK_WEBHOOK", "")
    assert read_settings().webhook is None


def test_the_outcome_of_a_run_shows_its_notices() -> None:
    shown = outcome_markdown([], 3, "checks.html", "completeness.html", ["x was not announced"])
    assert "**Warning:** x was not announced" in shown


def test_the_command_announces_after_the_daily_job_and_after_nothing_else(
    tool: Tool, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = Alert(DAY, "korean_frenzy", "alert", 7, 6, DAY, DAY, "Frenzy.", None, "gateway")
    monkeypatch.setattr(alerts, "standing", lambda *_: [alert])
    monkeypatch.setattr(alerts, "newest_day", lambda _: DAY)
    hook.statuses = [500, 500]
    given = {"TIDEMARK_WEBHOOK": hook.address}
    for command in (("backfill", "2024-12-01", "2024-12-09"), ("build",)):
        assert tool(*command, **given).code == 0
    assert hook.asked == []
    failing = tool("run", **given)
    assert failing.code == 0, failing.err
    assert "  warning: korean_frenzy of 2024-12-09 was not announced, the next run tries again" in failing.err
    assert hook.told == []
    for command in (("run",), ("run",), ("build",), ("run", "--day", "2024-12-09")):
        said = tool(*command, **given)
        assert said.code == 0, said.err
        assert SESAME not in said.err + said.out
    assert hook.signals == ["korean_frenzy"]
    assert found_in(tool.home, SESAME) == []


def test_settings_never_show_it(hook: Hook) -> None:
    assert SESAME not in repr(Settings(webhook=SecretStr(hook.address)))
