"""Prefect's server and UI behind an access check: only same-origin requests, and pages that call no other host."""

import asyncio
import base64
import hmac
import logging
import os
import socket
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from prefect.server.api.server import create_app

from expectations.errors import quoted
from flows.serve.environment import end_with_parent
from flows.serve.forms import BACKFILL

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK_NAMES = {"127.0.0.1", "localhost", "::1"}
REPORTS = "/reports/"
INTERFACE = "/v2"
BUSY = 503
RETRIES = "prefect.server.utilities.messaging.memory"  # its logger reports every message that is retried
PAUSES_SECONDS = (0.1, 0.2, 0.4, 0.8, 1.6)
# The UI is self-contained: a browser with this policy contacts no other host and shows it in no frame.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; worker-src 'self' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
)
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
]


class Door:
    """Allows requests from the server's own pages and from programs on this machine, and no others.

    A cross-site request is detected by its `Origin`; DNS rebinding is detected by its `Host`.

    Args:
        app: Prefect's server.
        reports: The pages of the home, below `/reports/`; they link to the backfill form.
        loopback: Whether the server listens on loopback only.
        authentication: `user:password` if Prefect's authentication is configured; it protects the reports too.
    """

    def __init__(self, app: App, reports: App, *, loopback: bool, authentication: str | None) -> None:
        self._app = app
        self._reports = reports
        self._loopback = loopback
        self._expected = b"Basic " + base64.b64encode(authentication.encode()) if authentication else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        reason = self.refusal(headers)
        if reason is not None:
            await refuse(scope, send, 403, reason)
        elif scope["type"] == "http" and scope["path"].startswith((REPORTS, BACKFILL)):
            if self._expected and not hmac.compare_digest(headers.get(b"authorization", b""), self._expected):
                await refuse(scope, send, 401, "user and password required", (b"www-authenticate", b"Basic"))
            elif scope["path"] == BACKFILL:
                await to_form(scope, with_headers(send))
            else:
                await self._reports(scope, receive, with_headers(send))
        elif scope["type"] == "http":
            await retry_when_busy(self._app, scope, receive, with_headers(send))
        else:
            await self._app(scope, receive, with_headers(send))

    def refusal(self, headers: dict[bytes, bytes]) -> str | None:
        """The reason to refuse a request; None to allow it."""
        host = headers.get(b"host", b"").decode("latin-1")
        if self._loopback and name_of(f"//{host}") not in LOOPBACK_NAMES:
            return f"tidemark answers on this machine only, and {quoted(host)} is not one of its names"
        origin = headers.get(b"origin")
        if origin is not None and place_of(origin.decode("latin-1")) != host:
            return f"tidemark answers its own pages only, not those of {quoted(origin.decode('latin-1'))}"
        return None


async def retry_when_busy(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """Retry a request when Prefect answers that its database is busy: SQLite sometimes refuses a writer and rolls back.

    Prefect's own clients retry too; a browser does not.
    """
    question = [await receive()]
    while question[-1].get("more_body"):
        question.append(await receive())
    for pause in PAUSES_SECONDS:
        if not await _was_busy(app, scope, again(question, receive), send):
            return
        await asyncio.sleep(pause)
    await app(dict(scope), again(question, receive), send)


async def _was_busy(app: App, scope: Scope, receive: Receive, send: Send) -> bool:
    """Forward a request; send its answer back unless that is "busy"."""
    busy = False

    async def unless_busy(message: MutableMapping[str, Any]) -> None:
        nonlocal busy
        busy = busy or message.get("status") == BUSY
        if not busy:
            await send(message)

    try:
        await app(dict(scope), receive, unless_busy)
    except Exception:
        if busy:  # Starlette also raises the error that it has answered
            return True
        raise
    return busy


def again(question: list[MutableMapping[str, Any]], receive: Receive) -> Receive:
    """Replay the messages of a request that was read; later messages come from the client."""
    left = iter(question)

    async def read() -> MutableMapping[str, Any]:
        message = next(left, None)
        return await receive() if message is None else message

    return read


def worth_telling(record: logging.LogRecord) -> bool:
    """Whether to log a record of Prefect: not if SQLite refused a writer, because the message is retried."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(getattr(error, "orig", None), sqlite3.OperationalError)


def place_of(address: str) -> str | None:
    """The host and port in an address, as written; None if it is invalid."""
    try:
        return urlsplit(address).netloc
    except ValueError:
        return None


def name_of(address: str) -> str | None:
    """The host name in an address; None if it is invalid."""
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def with_headers(send: Send) -> Send:
    """Add our headers to every answer."""

    async def with_headers(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), *HEADERS]}
        await send(message)

    return with_headers


async def refuse(scope: Scope, send: Send, status: int, reason: str, *extra: tuple[bytes, bytes]) -> None:
    """Refuse a request with a reason."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": reason})
        return
    headers: Iterable[tuple[bytes, bytes]] = [(b"content-type", b"text/plain; charset=utf-8"), *extra]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": f"{reason}\n".encode()})


async def to_form(scope: Scope, send: Send) -> None:
    """Redirect to the backfill form, prefilled from the query; the id of the form comes from Prefect."""
    async with get_client() as client:
        try:
            form = await client.read_deployment_by_name("backfill/backfill")
        except ObjectNotFound:
            await refuse(scope, send, BUSY, "the form is not there yet: `tidemark serve` says when it is")
            return
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    place = f"{INTERFACE}/deployments/deployment/{form.id}/run".encode() + query
    await send({"type": "http.response.start", "status": 307, "headers": [(b"location", place)]})
    await send({"type": "http.response.body", "body": b""})


def pages_of(folder: Path) -> App:
    """An app that serves the pages of the home below `/reports/`."""
    folder.mkdir(parents=True, exist_ok=True)
    app = FastAPI(openapi_url=None)
    app.mount(REPORTS.rstrip("/"), StaticFiles(directory=folder, html=True))
    return app


def main(descriptor: int) -> None:
    """Serve on the listening socket of the parent process, until told to stop."""
    end_with_parent()
    listening = socket.socket(fileno=descriptor)
    door = Door(
        create_app(),
        pages_of(Path(os.environ["TIDEMARK_HOME"]) / "reports"),
        loopback=name_of(f"//{listening.getsockname()[0]}") in LOOPBACK_NAMES,
        authentication=os.environ.get("PREFECT_SERVER_API_AUTH_STRING"),
    )
    logging.getLogger(RETRIES).addFilter(worth_telling)
    config = uvicorn.Config(door, log_level="warning", access_log=False, timeout_graceful_shutdown=5)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main(int(sys.argv[1]))
