"""The bot as its operator sees it: a process with an environment, a data folder, and commands."""

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import requests

from .network import free_port
from .paths import bot_binary
from .projection import Projection
from .user import User
from .waiting import wait_until

READY_LIMIT = 60.0


@dataclass
class Finished:
    """A command that ended: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return f"{self.out}\n{self.err}"


@dataclass
class Bot:
    """One account's bot. Nothing of the tester's own environment reaches it."""

    account: User
    folder: Path
    homeserver: str
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.process: subprocess.Popen | None = None
        self.http = f"127.0.0.1:{free_port()}"
        self.log = self.folder / "bot.log"
        self.log.touch()
        self.projection = Projection(self.folder / "lambda_matrix.db")
        self.store = self.folder / "matrix_store"

    @property
    def user_id(self) -> str:
        return self.account.user_id

    def environment(self) -> dict[str, str]:
        """The whole environment; a setting of None takes a variable away."""
        base = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "MATRIX_HOMESERVER": self.homeserver,
            "MATRIX_USER_ID": self.account.user_id,
            "MATRIX_PASSWORD": self.account.password,
            "MATRIX_DB_PATH": str(self.projection.path),
            "MATRIX_STORE_PATH": str(self.store),
            "SURFACES_WORKSPACE_DIR": str(self.folder / "workspace"),
            "SURFACES_HTTP_ADDR": self.http,
            "SURFACES_LOG_FORMAT": "json",
            "RUST_LOG": os.environ.get("SURFACES_TEST_LOG", "info,matrix_sdk=warn,matrix_sdk::http_client=off"),
            "RUST_BACKTRACE": "1",
        }
        return {key: value for key, value in (base | self.settings).items() if value is not None}

    # The daemon.

    def launch(self) -> "Bot":
        """Starts the daemon without waiting for it."""
        assert self.process is None, "this bot is already running"
        (self.folder / "workspace").mkdir(exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [bot_binary()],
                env=self.environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    def start(self, limit: float = READY_LIMIT) -> "Bot":
        """Starts the daemon and returns when it says that it is ready."""
        self.launch()
        self.wait_ready(limit)
        return self

    def wait_ready(self, limit: float = READY_LIMIT) -> None:
        wait_until(self._ready_or_dead, "the bot to be ready", limit, seen=self.log_tail)

    def is_ready(self) -> bool:
        return self.http_status("/readyz") == 200

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def http_status(self, path: str) -> int | None:
        """The status of an operations endpoint; nothing where nobody listens."""
        try:
            return requests.get(f"http://{self.http}{path}", timeout=5).status_code
        except requests.RequestException:
            return None

    def stop(self, limit: float = 30.0) -> int:
        """SIGTERM; answers the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait_end(limit)

    def reload(self) -> None:
        """SIGHUP: the agent registry is read again."""
        self.process.send_signal(signal.SIGHUP)

    def kill(self) -> None:
        """SIGKILL: whatever it was doing, it is not doing it any more."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def wait_end(self, limit: float = 30.0) -> int:
        """Waits until the daemon ended by itself; answers the exit code."""
        code = wait_until(lambda: self._exit_code(), "the bot to end", limit, seen=self.log_tail)[0]
        self.process = None
        return code

    def restart(self, lose: str = "nothing") -> "Bot":
        """Stops if running, loses what `lose` says, starts again."""
        if self.is_running():
            assert self.stop() == 0
        self.process = None
        self.lose(lose)
        return self.start()

    def lose(self, what: str) -> None:
        """`nothing`, `database`, or `everything`: the database and the SDK's store."""
        if what in ("database", "everything"):
            self.projection.remove()
        if what == "everything":
            shutil.rmtree(self.store, ignore_errors=True)

    # Commands.

    def run(self, *arguments: str, limit: float = 60.0, **options) -> Finished:
        """Runs a command of the binary to its end, with no terminal."""
        done = subprocess.run(
            [bot_binary(), *arguments],
            env=self.environment(),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit,
            start_new_session=True,
            **options,
        )
        with self.log.open("a") as log:
            log.write(f"$ surfaces-bot {' '.join(arguments)} -> {done.returncode}\n{done.stdout}{done.stderr}")
        return Finished(done.returncode, done.stdout, done.stderr)

    def log_text(self) -> str:
        return self.log.read_text(errors="replace")

    def log_tail(self, lines: int = 40) -> str:
        return "\n".join([f"--- log of {self.user_id} ---", *self.log_text().splitlines()[-lines:]])

    def _exit_code(self) -> tuple[int] | None:
        """In a tuple, because the exit code that is hoped for is 0, and that is not true."""
        code = self.process.poll()
        return None if code is None else (code,)

    def _ready_or_dead(self) -> bool:
        if not self.is_running():
            raise AssertionError(f"the bot ended with {self.process.returncode}\n{self.log_tail()}")
        return self.is_ready()
