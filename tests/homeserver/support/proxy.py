"""A loopback proxy between the bot and Synapse that counts requests and breaks the ones it is told to break."""

import http.client
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}
# Longer than any long poll of a sync.
_UPSTREAM_TIMEOUT = 120


@dataclass(frozen=True)
class Call:
    """One request of the bot. `number` counts from 1 since the rule was set; syncs are not counted."""

    number: int
    method: str
    path: str
    body: bytes

    @property
    def kind(self) -> str:
        """The request without its ids, e.g. `PUT rooms/*/state/m.space.child`."""
        return f"{self.method} {_kind_of(self.path)}"


class Fault:
    """What happens to a request instead of an answer. The default: it passes."""

    def before(self) -> "Reply | None":
        """Runs before the request is forwarded; a reply given here keeps it from the server."""

    def after(self, reply: "Reply") -> "Reply":
        """Runs when the server has answered; decides what the bot gets."""
        return reply


@dataclass(frozen=True)
class Reply:
    """An answer; without a status the connection is closed instead, as when the network breaks."""

    status: int | None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


HANG_UP = Reply(None)


@dataclass(frozen=True)
class Refuse(Fault):
    """The request never reaches the server; the bot gets this answer."""

    reply: Reply

    def before(self) -> Reply:
        return self.reply


class LoseAnswer(Fault):
    """The server acts, the bot never hears of it."""

    def after(self, reply: Reply) -> Reply:
        return HANG_UP


@dataclass(frozen=True)
class KillBefore(Fault):
    """The bot dies before the request is on its way."""

    kill: Callable[[], None]

    def before(self) -> Reply:
        self.kill()
        return HANG_UP


@dataclass(frozen=True)
class KillAfter(Fault):
    """The server acts, and the bot dies before it hears of it."""

    kill: Callable[[], None]

    def after(self, reply: Reply) -> Reply:
        self.kill()
        return HANG_UP


@dataclass(frozen=True)
class Meanwhile(Fault):
    """Something else happens on the server before the request reaches it. Syncs wait for neither."""

    act: Callable[[], None]

    def before(self) -> None:
        self.act()


@dataclass(frozen=True)
class Silence(Fault):
    """The connection stays open and nothing comes, until the proxy is closed."""

    over: threading.Event

    def before(self) -> Reply:
        self.over.wait()
        return HANG_UP


@dataclass(frozen=True)
class Hold(Fault):
    """The request is passed on when this event is set, or after a minute."""

    release: threading.Event

    def before(self) -> None:
        self.release.wait(60)


def rate_limited(retry_after_ms: int = 300) -> Refuse:
    body = {"errcode": "M_LIMIT_EXCEEDED", "error": "Too Many Requests", "retry_after_ms": retry_after_ms}
    return Refuse(Reply(429, (("Content-Type", "application/json"),), json.dumps(body).encode()))


def bad_gateway() -> Refuse:
    return Refuse(Reply(502, (("Content-Type", "text/html"),), b"<html><body>502 Bad Gateway</body></html>"))


Rule = Callable[[Call], Fault | None]


def at_request(number: int, fault: Fault) -> Rule:
    """The n-th request since the rule was set."""
    return lambda call: fault if call.number == number else None


def first_of_each_kind(fault: Fault, times: int = 1) -> Rule:
    """The first requests of every kind there is."""
    met: dict[str, int] = {}

    def rule(call: Call) -> Fault | None:
        met[call.kind] = met.get(call.kind, 0) + 1
        return fault if met[call.kind] <= times else None

    return rule


class Proxy:
    """Listens on a port of its own. Give `url` to the bot as its homeserver."""

    def __init__(self, upstream_port: int):
        self.upstream_port = upstream_port
        self.calls: list[Call] = []
        self._rule: Rule = lambda call: None
        self._lock = threading.Lock()
        # Syncs that are still to be silenced.
        self.silent_syncs = 0
        self._held_syncs: Fault | None = None
        self._closed = threading.Event()
        self._open_calls = 0
        self._last_activity = time.monotonic()
        self._server = _QuietServer(("127.0.0.1", 0), _handler_for(self))
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def set_rule(self, rule: Rule | None = None) -> None:
        """Counts from one again, and breaks what the rule says; without a rule, nothing."""
        with self._lock:
            self.calls = []
            self._rule = rule or (lambda call: None)

    def silence_next_sync(self) -> None:
        """The next sync that is asked for gets no answer."""
        with self._lock:
            self.silent_syncs += 1

    def hold_syncs(self) -> threading.Event:
        """Syncs that are asked for from here on wait until the event is set."""
        release = threading.Event()
        with self._lock:
            self._held_syncs = Hold(release)
        return release

    def kinds(self) -> list[str]:
        return [call.kind for call in self.calls]

    def is_quiet(self, seconds: float) -> bool:
        """Whether the bot has asked for nothing but syncs for so long."""
        with self._lock:
            return self._open_calls == 0 and time.monotonic() - self._last_activity > seconds

    def close(self) -> None:
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()

    def _begin(self, method: str, path: str, body: bytes) -> Fault:
        with self._lock:
            if _kind_of(path) == "sync":
                is_silent = self.silent_syncs > 0
                self.silent_syncs -= is_silent
                return Silence(self._closed) if is_silent else self._held_syncs or Fault()
            call = Call(len(self.calls) + 1, method, path, body)
            self.calls.append(call)
            self._open_calls += 1
            self._last_activity = time.monotonic()
            return self._rule(call) or Fault()

    def _end(self, path: str) -> None:
        if _kind_of(path) == "sync":
            return
        with self._lock:
            self._open_calls -= 1
            self._last_activity = time.monotonic()


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        """A bot that died in the middle of a request is what this proxy is for."""


def _handler_for(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Small answers must not wait for the next packet.
        disable_nagle_algorithm = True

        def _serve(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fault = proxy._begin(self.command, self.path, body)
            try:
                reply = fault.before() or fault.after(self._forward(body))
                self._answer(reply)
            finally:
                proxy._end(self.path)

        do_GET = do_PUT = do_POST = do_DELETE = do_OPTIONS = do_HEAD = _serve

        def _forward(self, body: bytes) -> Reply:
            headers = {key: value for key, value in self.headers.items() if key.lower() not in _HOP_BY_HOP}
            server = http.client.HTTPConnection("127.0.0.1", proxy.upstream_port, timeout=_UPSTREAM_TIMEOUT)
            try:
                server.request(self.command, self.path, body or None, headers)
                answer = server.getresponse()
                kept = tuple((k, v) for k, v in answer.getheaders() if k.lower() not in _HOP_BY_HOP)
                return Reply(answer.status, kept, answer.read())
            except (OSError, http.client.HTTPException):
                return HANG_UP
            finally:
                server.close()

        def _answer(self, reply: Reply) -> None:
            if reply.status is None:
                self.close_connection = True
                return
            self.send_response_only(reply.status)
            for key, value in reply.headers:
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_):
            """The scenarios say what they need to; a line per request does not help."""

    return Handler


def _kind_of(path: str) -> str:
    """`/_matrix/client/v3/rooms/!a:b/send/m.room.message/txn` becomes `rooms/*/send/m.room.message`."""
    bare = re.sub(r"^/_matrix/(client|media)/(unstable/[^/]+|[^/]+)/", "", path.split("?")[0])
    parts = [unquote(piece) for piece in bare.split("/")]
    if parts[0] in ("rooms", "join", "user", "profile", "knock") and len(parts) > 1:
        parts[1] = "*"
    if parts[0] == "rooms" and len(parts) > 2 and parts[2] in ("send", "state", "typing", "receipt"):
        parts = parts[:3] if parts[2] == "typing" else parts[:4]
    return "/".join(parts)
