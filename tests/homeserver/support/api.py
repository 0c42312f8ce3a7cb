"""Plain client-server requests of one account, and how they fail."""

import threading
import time
from urllib.parse import quote

import requests

from .waiting import WaitTimeout

# Requests to the server are quick on loopback; a stuck one must not hang a test for long.
REQUEST_TIMEOUT = 60


class MatrixError(Exception):
    """An answer of the homeserver that is not a success."""

    def __init__(self, method: str, path: str, status: int, body: dict):
        super().__init__(f"{method} {path}: {status} {body}")
        self.status = status
        self.errcode = body.get("errcode")


class Api:
    """Sends requests with an access token. Waits where the server says 429, as every client must."""

    def __init__(self, url: str, token: str | None = None):
        self.url = url
        self.token = token
        self._local = threading.local()

    def get(self, path: str, **params) -> dict:
        return self.call("GET", path, params=params)

    def put(self, path: str, body: dict) -> dict:
        return self.call("PUT", path, body)

    def post(self, path: str, body: dict | None = None) -> dict:
        return self.call("POST", path, body or {})

    def call(self, method: str, path: str, body: dict | None = None, params: dict | None = None) -> dict:
        """One request; the path is relative to the client-server API unless it starts with `/_`."""
        address = self.url + (path if path.startswith("/_") else f"/_matrix/client/v3{path}")
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        deadline = time.monotonic() + 10 * REQUEST_TIMEOUT
        while True:
            answer = self._session().request(
                method, address, json=body, params=params, headers=headers, timeout=REQUEST_TIMEOUT
            )
            content = _json_of(answer)
            if answer.status_code == 200:
                return content
            if answer.status_code != 429:
                raise MatrixError(method, path, answer.status_code, content)
            if time.monotonic() > deadline:
                raise WaitTimeout(f"{method} {path} is still rate-limited: {content}")
            time.sleep(content.get("retry_after_ms", 500) / 1000)

    def _session(self) -> requests.Session:
        """One connection pool per thread: some scenarios act at the same time."""
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        return self._local.session


def part(text: str) -> str:
    """One part of a path, with everything escaped that a room id or a user id may hold."""
    return quote(text, safe="")


def _json_of(answer: requests.Response) -> dict:
    try:
        return answer.json()
    except ValueError:
        return {"error": answer.text[:200]}
