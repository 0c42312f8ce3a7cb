"""A model server that says what a test tells it to, as server-sent events, and keeps what it was asked."""

import json
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Says:
    """An answer in pieces, with a pause between them; `cut` breaks the connection in the place of an end."""

    pieces: tuple[str, ...]
    pause: float = 0.0
    cut: bool = False


@dataclass(frozen=True)
class Sends:
    """A body as it is, under any media type."""

    body: str
    media_type: str = "text/event-stream"


@dataclass(frozen=True)
class Fails:
    """A status in the place of an answer."""

    status: int
    error: dict
    headers: tuple[tuple[str, str], ...] = ()


def says(text: str, pause: float = 0.0, cut: bool = False) -> Says:
    """The text word by word."""
    words = text.split(" ")
    return Says((*(f"{word} " for word in words[:-1]), words[-1]), pause, cut)


def events(*pieces: str) -> str:
    """Pieces of an answer as events, without an end."""
    return "".join(f"data: {json.dumps({'choices': [{'delta': {'content': piece}}]})}\n\n" for piece in pieces)


def overflow() -> Fails:
    return Fails(400, {"code": "context_length_exceeded", "message": "maximum context length", "type": "invalid"})


class ScriptedModel:
    """Listens on a port of its own; without a script it tells how many messages it was given, and the last one."""

    def __init__(self):
        self.requests: list[dict] = []
        self.models = ["scripted"]
        self.last_piece_at = 0.0
        self._script: list[Says | Sends | Fails] = []
        self._lock = threading.Lock()
        self._server = _QuietServer(("127.0.0.1", 0), _handler_for(self))
        self.root = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.url = f"{self.root}/v1"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def then(self, *replies: Says | Sends | Fails) -> None:
        """Answers the next requests like this, one after the other."""
        with self._lock:
            self._script += replies

    def conversation(self) -> list[tuple[str, str]]:
        """The messages of the last request."""
        return [(message["role"], message["content"]) for message in self.requests[-1]["messages"]]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _reply_to(self, request: dict) -> Says | Sends | Fails:
        with self._lock:
            if request["model"] not in self.models:
                return Fails(404, {"message": f"The model `{request['model']}` does not exist."})
            self.requests.append(request)
            if self._script:
                return self._script.pop(0)
        messages = request["messages"]
        return says(f"Heard {len(messages)}: {messages[-1]['content']}")


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A bot that was killed closes connections as it likes."""


def _handler_for(model: ScriptedModel) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self):
            self._whole(200, {"object": "list", "data": [{"id": name} for name in model.models]})

        def do_POST(self):
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path != "/v1/chat/completions":
                return self._whole(404, {"message": "Not Found"})
            reply = model._reply_to(request)
            if isinstance(reply, Fails):
                self._whole(reply.status, {"error": reply.error}, reply.headers)
            elif isinstance(reply, Sends):
                self._bytes(200, reply.body.encode(), (("Content-Type", reply.media_type),))
            else:
                self._stream(reply)

        def _stream(self, reply: Says) -> None:
            self.close_connection = True
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in reply.pieces:
                self._event({"choices": [{"index": 0, "delta": {"content": piece}}]})
                model.last_piece_at = time.monotonic()
                time.sleep(reply.pause)
            if reply.cut:
                return
            self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
            self._chunk(b"data: [DONE]\n\n")
            self._chunk(b"")

        def _event(self, data: dict) -> None:
            self._chunk(b"data: " + json.dumps(data).encode() + b"\n\n")

        def _chunk(self, data: bytes) -> None:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()

        def _whole(self, status: int, body: dict, headers: tuple[tuple[str, str], ...] = ()) -> None:
            self._bytes(status, json.dumps(body).encode(), (("Content-Type", "application/json"), *headers))

        def _bytes(self, status: int, content: bytes, headers: tuple[tuple[str, str], ...]) -> None:
            self.send_response(status)
            for key, value in headers:
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            """The tests say what they need to."""

    return Handler
