"""A real Synapse as a child process: start, wait until healthy, stop, kill, start again on the same data."""

import hashlib
import hmac
import json
import subprocess
import sys
from pathlib import Path

import requests

from .network import free_port
from .synapse_config import write_config
from .user import User
from .waiting import wait_until


class Synapse:
    """One homeserver with its data folder. The address stays the same over restarts."""

    def __init__(
        self,
        folder: Path,
        server_name: str = "test.localhost",
        port: int | None = None,
        raised_limits: bool = True,
    ):
        self.folder = folder
        self.server_name = server_name
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen | None = None
        write_config(folder, server_name, self.port, raised_limits)

    def configure(self, **settings) -> None:
        """Changes settings; they hold from the next start on."""
        path = self.folder / "homeserver.yaml"
        path.write_text(json.dumps(json.loads(path.read_text()) | settings, indent=2))

    def start(self, limit: float = 120.0) -> "Synapse":
        """Starts the server and returns when it is healthy."""
        self.launch()
        try:
            wait_until(self._healthy_or_dead, "Synapse to be healthy", limit, seen=self.log_tail)
        except BaseException:
            self.kill()
            raise
        return self

    def launch(self) -> None:
        """Starts the server without waiting for it."""
        with (self.folder / "synapse.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "synapse.app.homeserver", "-c", str(self.folder / "homeserver.yaml")],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A Ctrl-C at the terminal is for the program that started this server, which then stops it in order.
                start_new_session=True,
            )

    def stop(self) -> None:
        """Ends the server as an operator would."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.kill()
        self.process = None

    def kill(self) -> None:
        """Ends the server at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def register(self, localpart: str, password: str, admin: bool = False) -> User:
        """Makes an account by the shared secret; no limit applies to that, and it brings a token along."""
        endpoint = f"{self.url}/_synapse/admin/v1/register"
        nonce = requests.get(endpoint, timeout=30).json()["nonce"]
        secret = (self.folder / "registration_secret").read_text().strip()
        parts = [nonce, localpart, password, "admin" if admin else "notadmin"]
        answer = requests.post(
            endpoint,
            timeout=30,
            json={
                "nonce": nonce,
                "username": localpart,
                "displayname": localpart,
                "password": password,
                "admin": admin,
                "mac": hmac.new(secret.encode(), "\0".join(parts).encode(), hashlib.sha1).hexdigest(),
            },
        )
        answer.raise_for_status()
        account = answer.json()
        return User(self.url, account["user_id"], password, account["access_token"], account["device_id"])

    def log_tail(self, lines: int = 20) -> str:
        """The end of the server's log, for messages about failures."""
        text = (self.folder / "synapse.log").read_text(errors="replace")
        return "\n".join(["--- Synapse log ---", *text.splitlines()[-lines:]])

    def _healthy_or_dead(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            raise AssertionError(f"Synapse ended with {self.process.returncode}\n{self.log_tail(60)}")
        try:
            return requests.get(f"{self.url}/health", timeout=2).status_code == 200
        except requests.RequestException:
            return False
