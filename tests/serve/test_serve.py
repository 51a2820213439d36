"""`tidemark serve`: who may ask it, its schedule, its runs, and that killed processes block nothing."""

import asyncio
import logging
import os
import random
import re
import signal
import sqlite3
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from flows.simulator import Misbehaviour, Simulator
from tests.served import ENDED, RefusedError, Served, children, command_of, serving, start, until
from tests.tool import NOW, Tool, same, series_of, tables
from warehouse.store.home import writing

pytestmark = pytest.mark.slow

FIRST_DAY = "2023-12-10"
SOURCES = (
    "bitmex,coinbase,upbit,frankfurter,fred,fred_api"  # few sources with few requests, so that a run takes seconds
)
ALL_DAYS = {"start": FIRST_DAY, "end": "2024-12-09"}
CHANCE = random.Random(20241209)
PLANTED = "planted-key-5f0c1d"
OWNER = "analyst:planted-password-77aa"


@pytest.fixture(scope="module")
def market() -> Iterator[Simulator]:
    with Simulator(NOW) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def undisturbed(market: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Tool:
    """A home that one run of the command filled."""
    tool = Tool(tmp_path_factory.mktemp("undisturbed") / "home", market.url, sources=SOURCES, start=FIRST_DAY)
    said = tool("backfill", ALL_DAYS["start"], ALL_DAYS["end"], TIDEMARK_KEY_FRED=PLANTED)
    assert said.code == 0, said.err
    return tool


@pytest.fixture(scope="module")
def tool(market: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Tool:
    """The home that is served in these tests."""
    return Tool(tmp_path_factory.mktemp("served") / "home", market.url, sources=SOURCES, start=FIRST_DAY)


@pytest.fixture(scope="module")
def holder(tool: Tool) -> Iterator[list[Served]]:
    """The running `serve`, in a list, because some tests kill it and start another."""
    served = start(tool, TIDEMARK_KEY_FRED=PLANTED)
    served.wait_until_ready()
    held = [served]
    yield held
    held[0].end()
    assert held[0].process.returncode == 0
    assert "ended; scheduled runs stay scheduled" in held[0].said()


@pytest.fixture
def served(holder: list[Served]) -> Served:
    return holder[0]


# Who may ask it ------------------------------------------------------------------------------------------------------


def asked(served: Served, method: str, path: str, **headers: str) -> tuple[int, str]:
    """A request with headers of our own, `Host` among them."""
    host, _, port = served.address.removeprefix("http://").rpartition(":")
    connection = HTTPConnection(host, int(port), timeout=30)
    connection.putrequest(method, path, skip_host="Host" in headers)
    body = b"{}" if method == "POST" else b""
    for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def test_a_page_of_another_site_cannot_start_a_run(served: Served) -> None:
    deployment = served.call("/deployments/name/daily/daily")["id"]
    path = f"/api/deployments/{deployment}/create_flow_run"
    before = served.call("/flow_runs/count", {})
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://evil.example", "Content-Type": "text/plain"},
        {"Host": "evil.example", "Origin": "http://evil.example"},
        {"Host": "evil.example"},
        {"Host": ""},
    ):
        status, text = asked(served, "POST", path, **headers)
        assert (status, "tidemark answers" in text) == (403, True), (headers, text)
    assert served.call("/flow_runs/count", {}) == before
    own = served.address.removeprefix("http://")
    assert asked(served, "GET", "/api/health", Origin=served.address)[0] == 200
    port = own.rpartition(":")[2]
    assert asked(served, "GET", "/api/health", Host=f"localhost:{port}", Origin=f"http://localhost:{port}")[0] == 200


@pytest.mark.parametrize(
    "odd", ["http://[::1", "http://[", "[", "http://[v1]", "http://[::1%", "//", "\xff", "http://\xff:x"]
)
@pytest.mark.parametrize("header", ["Origin", "Host"])
def test_an_address_that_makes_no_sense_is_refused(served: Served, header: str, odd: str) -> None:
    for path in ("/api/health", "/reports/latest.html", "/backfill", "/v2/"):
        status, text = asked(served, "GET", path, **{header: odd})
        assert (status, "tidemark answers" in text) == (403, True), (path, text)


def test_headers_that_make_no_sense_are_no_failure_of_the_server(served: Served) -> None:
    odd = {
        "Range": "bytes=99-1,,x",
        "If-Modified-Since": "nan",
        "If-Range": "nan",
        "If-None-Match": "\xff",
        "Authorization": "Basic \xff",
        "Accept-Encoding": "\xff;q=nan",
        "Cookie": "\xff=;;",
        "X-Forwarded-For": "[::1",
        "X-Prefect-Api-Version": "nan",
    }
    for name, value in odd.items():
        for path in ("/api/health", "/reports/none.html", "/v2/"):
            assert asked(served, "GET", path, **{name: value})[0] < 500, (name, path)


@pytest.mark.parametrize(("times", "status"), [(0, 201), (1, 201), (5, 201), (6, 503)])
def test_the_door_asks_again_while_the_database_is_busy(
    monkeypatch: pytest.MonkeyPatch, times: int, status: int
) -> None:
    import flows.serve.server as door

    monkeypatch.setattr(door, "PAUSES_SECONDS", (0.0,) * len(door.PAUSES_SECONDS))
    bodies: list[bytes] = []
    sent: list[Any] = []
    asked_of_client = iter(
        [{"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.request", "body": b"b"}]
    )

    async def app(_: Any, receive: Any, send: Any) -> None:
        bodies.append((await receive())["body"] + (await receive())["body"])
        busy = len(bodies) <= times
        await send({"type": "http.response.start", "status": 503 if busy else 201, "headers": []})
        await send({"type": "http.response.body", "body": b"busy" if busy else b"made"})
        if busy and len(bodies) <= len(door.PAUSES_SECONDS):
            raise RuntimeError("as Starlette does after its answer")

    async def receive() -> Any:
        return next(asked_of_client)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(door.retry_when_busy(app, {"type": "http"}, receive, send))
    assert [message["status"] for message in sent if "status" in message] == [status]
    assert len(sent) == 2
    assert bodies == [b"ab"] * (min(times, 5) + 1)


def test_a_message_that_is_handled_again_is_no_news_and_any_other_failure_is() -> None:
    from prefect.server.utilities.messaging import memory

    import flows.serve.server as door

    def told(error: Exception) -> bool:
        facts = {"msg": "Failed in consume_loop", "exc_info": (type(error), error, None)}
        return door.worth_telling(logging.makeLogRecord(facts))

    assert memory.logger.name == door.RETRIES
    locked = sqlite3.OperationalError("database is locked")
    assert not told(OperationalError("update buckets", {}, locked))
    assert told(ValueError("a bug"))
    assert door.worth_telling(logging.makeLogRecord({"msg": "a line"}))


def test_another_site_cannot_listen_in_on_the_events(served: Served) -> None:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    assert asked(served, "GET", "/api/events/out", Origin="http://evil.example", **upgrade)[0] == 403


def test_a_second_serve_says_who_owns_the_home_and_a_taken_port_is_named(served: Served, tool: Tool) -> None:
    second = start(tool.at(tool.home))
    assert second.process.wait(60) == 1
    (line,) = second.said().splitlines()
    assert line.startswith(f"tidemark: {tool.home} is served already by tidemark serve on 127.0.0.1:")
    port = served.address.rpartition(":")[2]
    other = start(tool.at(tool.home.with_name("other")), "--port", port)
    assert other.process.wait(60) == 1
    assert f"cannot listen on 127.0.0.1:{port}" in other.said()


def test_other_machines_are_let_in_only_with_a_password(tool: Tool) -> None:
    said = tool("serve", "--host", "0.0.0.0")  # noqa: S104  it is refused
    assert said.code == 2
    assert "--host 0.0.0.0 lets other machines start runs: set PREFECT_SERVER_API_AUTH_STRING" in said.sentence


def test_with_a_password_it_serves_those_who_have_it_and_keeps_it_to_itself(tool: Tool, tmp_path: Path) -> None:
    guarded = tool.at(tmp_path / "home")
    with serving(guarded, "--host", "0.0.0.0", PREFECT_SERVER_API_AUTH_STRING=OWNER) as served:  # noqa: S104
        basic = {"Authorization": f"Basic {b64encode(OWNER.encode()).decode()}"}
        for path in ("/reports/checks/index.html", "/form/backfill", "/api/deployments/name/daily/daily"):
            assert asked(served, "GET", path)[0] == 401
        assert asked(served, "GET", "/reports/checks/index.html", **basic)[0] == 404  # there is none yet
        assert asked(served, "GET", "/form/backfill?parameters=%7B%7D", **basic)[0] == 307
        assert asked(served, "GET", "/api/health", Host="server.example", **basic)[0] == 200
        assert asked(served, "GET", "/api/health", Host="server.example", Origin="http://evil.example")[0] == 403
        found = served.call("/deployments/name/backfill/backfill", headers=basic)["id"]
        wanted = {"parameters": {**ALL_DAYS, "plan_only": True}}
        run = served.call(f"/deployments/{found}/create_flow_run", wanted, headers=basic)["id"]

        def ended() -> bool:
            return bool(served.call(f"/flow_runs/{run}", headers=basic)["state_type"] == "COMPLETED")

        until(ended, what="a run behind a password")
    _, _, password = OWNER.partition(":")
    holding = [path for path in guarded.home.rglob("*") if path.is_file() and password.encode() in path.read_bytes()]
    assert holding == []


# Its schedule --------------------------------------------------------------------------------------------------------


def test_both_passes_of_a_day_are_scheduled_in_utc(served: Served) -> None:
    scheduled = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}, "limit": 50}

    def times() -> set[str]:
        found = {run["expected_start_time"][11:16] for run in served.call("/flow_runs/filter", scheduled)}
        return found if len(found) > 1 else set()

    assert until(times, what="scheduled runs") == {"00:35", "22:45"}
    daily, backfill = (served.call(f"/deployments/name/{name}/{name}") for name in ("daily", "backfill"))
    assert {one["schedule"]["timezone"] for one in daily["schedules"]} == {"UTC"}
    assert backfill["schedules"] == []
    (automation,) = served.call("/automations/filter", {})
    assert automation["enabled"]


def test_the_form_has_dates_dropdowns_and_a_help_text_for_every_field(served: Served) -> None:
    form = served.call("/deployments/name/backfill/backfill")["parameter_openapi_schema"]
    fields = form["properties"]
    assert sorted(fields) == ["datasets", "end", "mode", "plan_only", "series", "sources", "start"]
    assert all(len(one["description"]) > 20 for one in fields.values()), fields
    assert {fields[name]["format"] for name in ("start", "end")} == {"date"}
    assert fields["sources"]["items"]["enum"] == sorted(SOURCES.split(","))
    assert "funding_rates" in fields["datasets"]["items"]["enum"]
    assert form["definitions"]["Mode"]["enum"] == ["missing", "refetch", "replay"]
    assert form["required"] == ["start", "end"]


# Its runs ------------------------------------------------------------------------------------------------------------


def fails(served: Served, **parameters: Any) -> dict[str, Any]:
    run = served.ended(served.submit("backfill", **parameters))
    assert run["state_type"] == "FAILED"
    return run


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"start": "2024-12-09", "end": "2024-12-01"}, "the end 2024-12-01 lies before the start 2024-12-09"),
        ({"start": "2024-12-09", "end": "2024-12-10"}, "2024-12-10 is not over yet (UTC): the newest whole day is"),
        ({**ALL_DAYS, "series": ["NOBODY"]}, "unknown series 'NOBODY': there are"),
        ({**ALL_DAYS, "sources": ["upbit"], "datasets": ["spot_prices"]}, "nothing is supplied by that combination"),
    ],
)
def test_a_bad_combination_fails_with_a_sentence_before_anything_is_done(
    served: Served, parameters: dict[str, Any], sentence: str
) -> None:
    run = fails(served, **parameters)
    assert run["state"]["message"].startswith(sentence)
    assert served.call("/task_runs/count", {"flow_runs": {"id": {"any_": [run["id"]]}}}) == 0
    lines = served.log_lines(run["id"])
    assert not any("Traceback" in line for line in lines), lines


@pytest.mark.parametrize(
    "parameters",
    [{**ALL_DAYS, "sources": ["nobody"]}, {**ALL_DAYS, "nonsense": 1}, {**ALL_DAYS, "mode": "guess"}, {"end": "x"}],
)
def test_what_the_form_does_not_know_makes_no_run(served: Served, parameters: dict[str, Any]) -> None:
    with pytest.raises(RefusedError) as refused:
        served.submit("backfill", **parameters)
    assert refused.value.status == 409


def test_a_plan_only_run_shows_the_plan_and_touches_nothing(served: Served, market: Simulator, tool: Tool) -> None:
    before = sum(market.counts.values())
    run = served.ended(served.submit("backfill", **ALL_DAYS, sources=["upbit", "fred"], plan_only=True))
    assert (run["state_type"], run["name"]) == ("COMPLETED", f"plan of backfill {FIRST_DAY} to 2024-12-09, 2 sources")
    assert sum(market.counts.values()) == before
    assert not (tool.home / "ledger").exists()
    plan = served.artifacts(run["id"])["plan"]["data"]
    said = tool("backfill", FIRST_DAY, "2024-12-09", "--source", "upbit", "--source", "fred", "--plan")
    assert plan.splitlines()[0] == said.out.splitlines()[-1]
    assert re.search(r"\b\d,\d{3} series-days, about \d+ requests", plan)
    assert f"| krw_prices | upbit | {series_of('upbit', 'krw_prices')} |" in plan


def test_a_run_that_has_ended_stays_ended_whatever_the_automation_missed(served: Served) -> None:
    (automation,) = served.call("/automations/filter", {})
    (action,) = automation["actions"]
    assert action["type"] == "change-flow-run-state"
    silent = {"state": {"type": action["state"], "message": action["message"]}, "force": action["force"]}
    run_id = served.submit("backfill", **ALL_DAYS, sources=["upbit"], plan_only=True)
    assert served.ended(run_id)["state_type"] == "COMPLETED"
    assert served.call(f"/flow_runs/{run_id}/set_state", silent)["status"] == "ABORT"
    assert served.run(run_id)["state_type"] == "COMPLETED"
    # A run that has begun and whose process is gone can be ended in this way.
    made = served.call("/flow_runs/", {"flow_id": served.run(run_id)["flow_id"], "state": {"type": "RUNNING"}})
    assert served.call(f"/flow_runs/{made['id']}/set_state", silent)["status"] == "ACCEPT"
    assert served.run(made["id"])["state_type"] == "CRASHED"
    served.call(f"/flow_runs/{made['id']}", method="DELETE")


@pytest.mark.parametrize(
    ("left_as", "became", "after"),
    [
        ("RUNNING", "COMPLETED", "COMPLETED"),  # it ended while crashed runs were being looked for
        ("CANCELLING", "CANCELLED", "CANCELLED"),
        ("RUNNING", "RUNNING", "CRASHED"),
        ("PENDING", "PENDING", "CRASHED"),
        ("CANCELLING", "CANCELLING", "CANCELLED"),
    ],
)
def test_only_who_is_still_alive_is_buried(served: Served, left_as: str, became: str, after: str) -> None:
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import State

    from flows.serve.runner import mark_crashed

    flow_id = served.call("/flows/filter", {"limit": 1})[0]["id"]
    made = served.call("/flow_runs/", {"flow_id": flow_id, "state": {"type": left_as}})

    async def look_and_bury() -> None:
        async with PrefectClient(f"{served.address}/api") as client:
            seen = await client.read_flow_run(made["id"])
            if became != left_as:
                await client.set_flow_run_state(seen.id, State(type=became), force=True)  # type: ignore[arg-type]
            await mark_crashed(client, seen)

    asyncio.run(look_and_bury())
    assert served.run(made["id"])["state_type"] == after
    served.call(f"/flow_runs/{made['id']}", method="DELETE")


def test_a_backfill_shows_its_plan_its_progress_and_its_outcome(served: Served, tool: Tool, undisturbed: Tool) -> None:
    run = served.ended(served.submit("backfill", **ALL_DAYS))
    assert (run["state_type"], run["name"]) == ("COMPLETED", f"backfill {FIRST_DAY} to 2024-12-09"), run["state"]
    shown = served.artifacts(run["id"])
    assert set(shown) == {"plan", "progress", "outcome", "checks", "status", "brief"}
    assert shown["progress"]["data"] == 100
    requests = tool.one("select requests from ops.runs")
    assert f"about {requests:,} requests" in shown["plan"]["data"]
    assert "spot_prices from coinbase" in shown["outcome"]["data"]
    page = shown["outcome"]["data"].split("(")[1].split(")")[0]
    assert page == f"{served.address}/reports/checks/000001.html"
    assert asked(served, "GET", page.removeprefix(served.address))[0] == 200
    lines = served.log_lines(run["id"])
    assert sum("Traceback" in line for line in lines) == 0
    assert len(lines) <= 10 + tool.one("select count(distinct source || dataset) from ops.ledger") * 4
    assert same(*(tables(of.home / "warehouse.duckdb") for of in (tool, undisturbed))) == []
    said = tool("status").out
    status = shown["status"]["data"]
    assert "Nothing is missing." in status
    assert "Not there" not in said
    for feed in ("funding_rates", "macro_series"):
        assert feed in status
        assert feed in said


def test_repeating_a_backfill_makes_no_request(served: Served, market: Simulator) -> None:
    before = sum(market.counts.values())
    run = served.ended(served.submit("backfill", **ALL_DAYS))
    assert (run["state_type"], run["state"]["message"]) == ("COMPLETED", "nothing was due")
    assert sum(market.counts.values()) == before


def test_a_daily_run_that_finds_nothing_due_ends_at_once_green(served: Served, tool: Tool) -> None:
    runs = tool.one("select count(*) from ops.runs")
    run = served.ended(served.submit("daily"))
    assert (run["state_type"], run["name"]) == ("COMPLETED", "daily 2024-12-09")
    assert run["state"]["message"].startswith("nothing is due: every day up to 2024-12-09")
    assert served.call("/task_runs/count", {"flow_runs": {"id": {"any_": [run["id"]]}}}) == 0
    assert tool.one("select count(*) from ops.runs") == runs


def test_a_failed_feed_leaves_its_siblings_and_the_next_run_tries_again(
    served: Served, market: Simulator, tool: Tool
) -> None:
    days = {"start": "2024-12-01", "end": "2024-12-09", "mode": "refetch", "sources": ["upbit", "frankfurter"]}
    market.misbehave([Misbehaviour("KRW-USDC", "html", times="always")])
    run = served.ended(served.submit("backfill", **days))
    market.misbehave([])
    assert run["state_type"] == "FAILED"
    assert "krw_prices from upbit, 2024-12-01 to 2024-12-09: 9 series-days" in run["state"]["message"]
    tasks = served.call("/task_runs/filter", {"flow_runs": {"id": {"any_": [run["id"]]}}})
    states = {task["name"].split(",")[0]: task["state_type"] for task in tasks}
    assert states == {
        "krw_prices from upbit": "FAILED",
        "exchange_rates from frankfurter": "COMPLETED",
        "build the warehouse": "COMPLETED",
    }
    outcome = served.artifacts(run["id"])["outcome"]["data"]
    assert "### Not there, and why" in outcome
    assert "| krw_prices | upbit | USDC | 9 |" in outcome
    assert tool.one("select count(*) from ops.ledger where last_error is not null") == 9
    again = served.ended(served.submit("backfill", **days))
    assert again["state_type"] == "COMPLETED"
    assert tool.one("select count(*) from ops.ledger where last_error is not null") == 0


def test_no_secret_is_found_anywhere(served: Served, tool: Tool) -> None:
    """After all the runs above, one of them failed, with a key in the environment of every process."""
    pid = served.pid("flows.serve.runner")
    assert PLANTED.encode() in Path(f"/proc/{pid}/environ").read_bytes()
    holding = [
        str(path)
        for path in [*tool.home.rglob("*"), served.log]
        if path.is_file() and PLANTED.encode() in path.read_bytes()
    ]
    assert holding == []
    for table, columns in (("artifact", "data"), ("log", "message"), ("flow_run", "parameters"), ("deployment", "*")):
        with sqlite3.connect(f"file:{tool.home}/prefect/prefect.db?mode=ro", uri=True) as database:
            rows = database.execute(f"select {columns} from {table}").fetchall()
        database.close()
        assert rows
        assert PLANTED not in repr(rows)


# Processes that are killed -------------------------------------------------------------------------------------------


def refetch(served: Served) -> str:
    return served.submit("backfill", **ALL_DAYS, mode="refetch")


def processes(served: Served) -> dict[str, int | None]:
    return {
        "the flow process": served.pid("prefect.engine"),
        "the runner": served.pid("flows.serve.runner"),
        "the server": served.pid("flows.serve.server"),
        "serve itself": served.process.pid,
    }


@pytest.mark.parametrize("victim", ["the flow process", "the runner", "the server", "serve itself", "all of them"])
def test_a_killed_process_wedges_nothing(holder: list[Served], tool: Tool, victim: str, undisturbed: Tool) -> None:
    served = holder[0]
    run_id = refetch(served)
    served.running(run_id)
    Event().wait(CHANCE.uniform(0.2, 6))
    everybody = processes(served)
    orphans = children(served.process.pid)
    for name, pid in everybody.items():
        if victim in {name, "all of them"}:
            assert pid is not None, name
            os.kill(pid, signal.SIGKILL)
    if victim in {"serve itself", "all of them"}:
        served.process.wait(10)
        holder[0] = served = start(tool, TIDEMARK_KEY_FRED=PLANTED)
        served.wait_until_ready()
        alive = [pid for pid in orphans if "flows." in command_of(pid) or "prefect.engine" in command_of(pid)]
        assert alive == [], "what a killed serve had started ends with it"
    run = served.ended(run_id)
    expected = {"COMPLETED", "CRASHED"} if victim == "the server" else {"CRASHED"}
    assert run["state_type"] in expected, run["state"]
    if run["state_type"] == "CRASHED":
        assert served.call("/task_runs/count", still_running(run_id)) == 0 or victim == "the flow process"
    with writing(tool.home, who="the test", wait=False, tell=print):
        pass  # the lock is free
    again = served.ended(served.submit("backfill", **ALL_DAYS))  # and the slot of the runner is free
    assert again["state_type"] == "COMPLETED", again["state"]
    assert same(*(tables(of.home / "warehouse.duckdb") for of in (tool, undisturbed))) == []
    assert tool.one("select count(*) from ops.restatements") == 0


def still_running(run_id: str) -> dict[str, Any]:
    return {"flow_runs": {"id": {"any_": [run_id]}}, "task_runs": {"state": {"type": {"any_": ["RUNNING"]}}}}


def test_a_cancelled_run_leaves_a_consistent_home(served: Served, tool: Tool, undisturbed: Tool) -> None:
    run_id = refetch(served)
    served.running(run_id)
    Event().wait(CHANCE.uniform(0.5, 4))
    served.call(f"/flow_runs/{run_id}/set_state", {"state": {"type": "CANCELLING"}, "force": False})
    assert served.ended(run_id)["state_type"] == "CANCELLED"
    with writing(tool.home, who="the test", wait=False, tell=print):
        pass
    again = served.ended(served.submit("backfill", **ALL_DAYS))
    assert again["state_type"] == "COMPLETED"
    assert same(*(tables(of.home / "warehouse.duckdb") for of in (tool, undisturbed))) == []


def test_it_starts_again_where_it_was_and_old_runs_are_pruned(holder: list[Served], tool: Tool) -> None:
    served = holder[0]
    ended = {"flow_runs": {"state": {"type": {"any_": sorted(ENDED)}}}}
    runs = served.call("/flow_runs/count", ended)
    deployment = served.call("/deployments/name/daily/daily")["id"]
    served.end()
    assert served.process.returncode == 0
    with sqlite3.connect(tool.home / "prefect" / "prefect.db") as database:
        (old,) = database.execute("select id from flow_run where end_time is not null limit 1").fetchone()
        long_ago = (datetime.now(UTC) - timedelta(days=100)).strftime("%Y-%m-%d %H:%M:%S.%f")
        database.execute("update flow_run set end_time = ? where id = ?", (long_ago, old))
    database.close()
    holder[0] = served = start(tool, TIDEMARK_KEY_FRED=PLANTED, PREFECT_SERVER_SERVICES_DB_VACUUM_LOOP_SECONDS="2")
    served.wait_until_ready()
    assert served.call("/deployments/name/daily/daily")["id"] == deployment
    assert served.call("/flow_runs/count", ended) >= runs - 1

    def gone() -> bool:
        try:
            served.run(old)
        except RefusedError as refused:
            return refused.status == 404
        return False

    until(gone, what="an old run that is pruned")


@pytest.fixture
def night_off(tmp_path: Path) -> Iterator[Served]:
    """A `serve` on the machine's clock that was off when four passes of `daily` were due."""
    now = datetime.now(UTC)
    with Simulator(now) as market:
        tool = Tool(tmp_path / "home", market.url, sources="upbit", now=now, start=str(now.date() - timedelta(days=6)))
        with serving(tool, TIDEMARK_NOW="") as first:
            scheduled = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}
            until(lambda: first.call("/flow_runs/count", scheduled) >= 4, what="scheduled runs")
        with sqlite3.connect(tool.home / "prefect" / "prefect.db") as database:
            found = "select id, next_scheduled_start_time from flow_run where state_type = 'SCHEDULED' order by 2"
            for number, (run_id, _) in enumerate(database.execute(found).fetchmany(4)):
                meant = (now - timedelta(days=3) + timedelta(hours=12 * number)).strftime("%Y-%m-%d %H:%M:%S.%f")
                columns = ("next_scheduled_start_time", "expected_start_time")
                for column in columns:
                    database.execute(f"update flow_run set {column} = ? where id = ?", (meant, run_id))
                database.execute(
                    "update flow_run_state set state_details = json_set(state_details, '$.scheduled_time', ?) "
                    "where flow_run_id = ?",
                    (meant.replace(" ", "T") + "Z", run_id),
                )
        database.close()
        with serving(tool, TIDEMARK_NOW="") as second:
            yield second


def test_runs_caught_up_after_nights_off_fill_the_days_that_they_were_meant_for(night_off: Served) -> None:
    def ended() -> list[dict[str, Any]]:
        found = night_off.call("/flow_runs/filter", {"flow_runs": {"state": {"type": {"any_": sorted(ENDED)}}}})
        return found if len(found) == 4 else []

    runs = until(ended, what="four runs that were caught up")
    assert {run["state_type"] for run in runs} == {"COMPLETED"}, [run["state"] for run in runs]
    today = datetime.now(UTC).date()
    for run in runs:
        meant = datetime.fromisoformat(run["expected_start_time"]).date() - timedelta(days=1)
        assert run["name"] == f"daily {meant}"
        assert meant < today - timedelta(days=1)
        plan = night_off.artifacts(run["id"]).get("plan")
        if plan is not None and "| krw_prices" in plan["data"]:
            last = plan["data"].split("| krw_prices")[1].split("|")[5].strip()
            assert last <= str(meant)


def test_nothing_locks_up_while_a_run_writes_and_people_look(served: Served) -> None:
    run_id = refetch(served)
    looked = 0

    def found() -> bool:
        nonlocal looked
        for path in ("/flow_runs/filter", "/logs/filter", "/artifacts/filter"):
            served.call(path, {"limit": 50})
            looked += 1
        return served.run(run_id)["state_type"] in {"COMPLETED", "FAILED", "CRASHED"}

    until(found, what="the end of the run")
    assert served.run(run_id)["state_type"] == "COMPLETED"
    assert looked > 20
    assert "database is locked" not in served.said()
