"""`tidemark serve`: keeps a server and a runner alive for one home, and ends them together."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from ipaddress import ip_address
from pathlib import Path

from expectations.errors import BadRequest, HomeBusy, SourceUnavailable
from flows import deadline
from flows.clock import Clock
from flows.jobs import home_start
from flows.pipeline import origin
from flows.serve.environment import PARENT, prefect_home, served_environment
from flows.serve.forms import remember_address
from flows.settings import Settings
from warehouse.store.home import claim_home, hold

Tell = Callable[[str], None]

AUTHENTICATION = "PREFECT_SERVER_API_AUTH_STRING"
READY = b"ready\n"
ANSWER_SECONDS = 2.0
LOOK_EVERY_SECONDS = 0.2
UP_WITHIN_SECONDS = 120.0
PORT_FREE_WITHIN_SECONDS = 5.0  # the children of a killed `serve` release the port within a second
RUNNER_ENDS_WITHIN_SECONDS = 40.0  # Prefect gives a flow half a minute to end
SERVER_ENDS_WITHIN_SECONDS = 10.0
TOO_OFTEN = 5  # deaths of one process
WITHIN_SECONDS = 60.0


def require_private(host: str, given: Mapping[str, str]) -> None:
    """Refuse to open the UI to other machines without a password.

    Raises:
        BadRequest: The host is not loopback and Prefect's authentication is not configured.
    """
    try:
        private = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        private = False
    if not private and not given.get(AUTHENTICATION):
        raise BadRequest(
            f"--host {host} lets other machines start runs: set {AUTHENTICATION} to user:password first, "
            "or stay on 127.0.0.1"
        )


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A listening socket for the lifetime of `serve`, kept across restarts of the server process.

    Raises:
        HomeBusy: The port is in use.
        BadRequest: This machine has no such address.
    """
    patience = Clock.ticks() + PORT_FREE_WITHIN_SECONDS
    while True:
        try:
            family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            bound = socket.create_server(address[:2], family=family, backlog=512)
            break
        except socket.gaierror:
            raise BadRequest(f"--host {host}: this machine has no such address") from None
        except OSError as taken:
            if Clock.ticks() > patience:
                raise HomeBusy(
                    f"cannot listen on {host}:{port} ({taken.strerror}): another program is there, "
                    "end it or choose another --port"
                ) from taken
            Clock.wait(LOOK_EVERY_SECONDS)
    with bound:
        yield bound


@dataclass
class Child:
    """A child process that is started, watched and restarted."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    descriptors: tuple[int, ...] = ()
    process: "subprocess.Popen[bytes] | None" = None
    _deaths: list[float] = field(default_factory=list)

    def start(self) -> None:
        """Start it in its own session, so that an interrupt at the terminal reaches only the parent."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", *self.command],
            env={**self.environment, PARENT: str(os.getpid())},
            pass_fds=self.descriptors,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    @property
    def ended(self) -> int | None:
        """Its exit status; None while it runs."""
        return None if self.process is None else self.process.poll()

    def record_exit(self) -> None:
        """Count an exit.

        Raises:
            SourceUnavailable: It exits too often.
        """
        now = Clock.ticks()
        self._deaths = [*(at for at in self._deaths if at > now - WITHIN_SECONDS), now]
        if len(self._deaths) >= TOO_OFTEN:
            raise SourceUnavailable(f"expected the {self.name} to stay alive, found it dead {TOO_OFTEN} times a minute")

    def end(self, within: float) -> None:
        """Terminate it; kill it after a timeout."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass
class Service:
    """The server and the runner of one home.

    Attributes:
        server: Prefect's API and UI.
        runner: The process that runs the flows; it needs the server.
        address: The host and port of the server.
        stopping: Set when a user or the system asks to end.
    """

    server: Child
    runner: Child
    address: tuple[str, int]
    stopping: threading.Event = field(default_factory=threading.Event)

    def answers(self) -> bool:
        """Whether the health check of the server succeeds."""
        connection = HTTPConnection(*self.address, timeout=ANSWER_SECONDS)
        try:
            with deadline.within(ANSWER_SECONDS):
                connection.connect()
                deadline.watch(connection.sock)
                connection.request("GET", "/api/health")
                return connection.getresponse().status < 500  # noqa: PLR2004  a refusal is an answer too
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def start_server(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            SourceUnavailable: It does not answer.
        """
        self.server.start()
        patience = Clock.ticks() + UP_WITHIN_SECONDS
        while not self.stopping.is_set() and not self.answers():
            if self.server.ended is not None or Clock.ticks() > patience:
                raise SourceUnavailable("expected Prefect's server to answer, found it silent: its messages are above")
            self.stopping.wait(LOOK_EVERY_SECONDS)

    def start_runner(self, when_ready: Callable[[], None]) -> None:
        """Start the runner; `when_ready` is called once it has registered the deployments."""
        self.runner.start()
        process = self.runner.process

        def listen() -> None:
            # Read to the end, so that the runner never blocks on a full pipe.
            for line in process.stdout if process is not None and process.stdout is not None else ():
                if line == READY:
                    when_ready()
                else:
                    sys.stdout.buffer.write(line)
                    sys.stdout.buffer.flush()

        threading.Thread(target=listen, name="runner-output", daemon=True).start()

    def keep_alive(self, tell: Tell) -> None:
        """Restart the server or the runner when it dies, until asked to end."""
        while not self.stopping.wait(LOOK_EVERY_SECONDS):
            if self.server.ended is not None:
                tell(f"the server died ({self.server.ended}); restarting it")
                self.server.record_exit()
                self.start_server()
            if self.runner.ended is not None:
                tell(f"the runner died ({self.runner.ended}); restarting it")
                self.runner.record_exit()
                self.start_runner(lambda: tell("the runner is back"))

    def end(self) -> None:
        """End the runner first, so that it can still report the state of its runs."""
        self.runner.end(RUNNER_ENDS_WITHIN_SECONDS)
        self.server.end(SERVER_ENDS_WITHIN_SECONDS)


def serve(settings: Settings, *, host: str, port: int, tell: Tell) -> None:
    """Serve a home until asked to end.

    Args:
        settings: The settings, with the home.
        host: The address to listen on.
        port: The port; 0 picks a free port.
        tell: Receives progress messages.

    Raises:
        BadRequest: Other machines could reach the host without a password.
        HomeBusy: Another `serve` serves the home, or the port is in use.
        SourceUnavailable: The server or the runner does not stay alive.
    """
    require_private(host, os.environ)
    home = claim_home(settings.home, origin=origin(settings), start=home_start(settings), now=settings.clock.now())
    folder = prefect_home(home.folder)
    (folder / "tmp").mkdir(parents=True, exist_ok=True)
    lock = hold(
        folder / "serve.lock",
        who=f"tidemark serve on {host}:{port}",
        wait=False,
        tell=tell,
        busy=f"{home.folder} is served already by {{holder}}: use that one, or end it first",
    )
    with lock, listening(host, port) as bound:
        service = made(home.folder, host, bound)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: service.stopping.set())
        address = f"http://{'localhost' if host == '0.0.0.0' else host}:{bound.getsockname()[1]}"  # noqa: S104  compared
        remember_address(home.folder, service.server.environment["PREFECT_UI_URL"])
        try:
            service.start_server()
            service.start_runner(lambda: tell(f"tidemark is at {address} (home {home.folder}); Ctrl-C ends it"))
            service.keep_alive(tell)
        finally:
            service.end()
    tell("ended; scheduled runs stay scheduled")


def made(home: Path, host: str, bound: socket.socket) -> Service:
    """The two processes for a listening socket, not yet started."""
    port = bound.getsockname()[1]
    environment = served_environment(home, host, port, os.environ)
    server = Child("server", ["flows.serve.server", str(bound.fileno())], environment, (bound.fileno(),))
    runner = Child("runner", ["flows.serve.runner"], environment)
    reached = "::1" if bound.family == socket.AF_INET6 else "127.0.0.1"
    return Service(server, runner, (reached, port))
