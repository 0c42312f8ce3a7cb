"""A Compose project of the repository's own files, from a clean clone, under names and ports of its own."""

import json
import os
import subprocess
from pathlib import Path

import requests

from support.network import free_port
from support.user import User, log_in
from support.waiting import wait_until

# The first build of the image takes as long as compiling every dependency does.
BUILD_LIMIT = 7000
RECOVERY_LIMIT = 180.0


class Stack:
    """One project. Nothing of the tester's own Compose variables reaches it."""

    def __init__(self, clone: Path, project: str, *files: str, **settings: str):
        self.clone = clone
        self.project = project
        self._files = files
        self.bot_port = free_port()
        self._settings = {"BOT_PORT": str(self.bot_port), **settings}

    def compose(self, *arguments: str, limit: float = 300.0, check: bool = True) -> str:
        """Runs `docker compose` with these arguments; answers what it printed."""
        files = [part for file in self._files for part in ("-f", file)]
        command = ["docker", "compose", "--project-name", self.project, *files, *arguments]
        return run(command, self.clone, self._environment(), limit, check)

    def up(self, *arguments: str, limit: float = 600.0) -> None:
        """Starts what is not running, in order, and returns when everything is healthy."""
        try:
            self.compose("up", "--wait", *arguments, limit=limit)
        except AssertionError as failure:
            raise AssertionError(f"{failure}\n{self.compose('logs', '--no-color', '--tail', '40', check=False)}") from None

    def down(self, *arguments: str) -> None:
        self.compose("down", "--timeout", "40", *arguments)

    def container(self, service: str) -> str:
        return self.compose("ps", "--all", "--quiet", service).strip()

    def remove_volume(self, name: str) -> None:
        run(["docker", "volume", "rm", f"{self.project}_{name}"], self.clone)

    def inspect(self, service: str) -> dict:
        return json.loads(run(["docker", "inspect", self.container(service)], self.clone))[0]

    def inside(self, service: str, *command: str, check: bool = True) -> str:
        return self.compose("exec", "-T", service, *command, check=check)

    def kill(self, service: str) -> None:
        """SIGKILL by the engine, which then leaves the container alone."""
        run(["docker", "kill", "-s", "KILL", self.container(service)], self.clone)

    def crash(self, service: str) -> None:
        """SIGKILL to the program from inside, as where memory runs out: the engine starts it again by itself."""
        before = self.inspect(service)["RestartCount"]
        self.inside(service, "sh", "-c", "kill -KILL $(cat /proc/1/task/1/children)", check=False)
        wait_until(
            lambda: self.inspect(service)["RestartCount"] > before and self.health(service) == "healthy",
            f"{service} to be started again and healthy",
            RECOVERY_LIMIT,
            every=0.5,
            seen=lambda: self.log_tail(service),
        )

    def health(self, service: str) -> str:
        state = self.inspect(service)["State"]
        return state["Health"]["Status"] if "Health" in state else state["Status"]

    def log_tail(self, service: str) -> str:
        return self.compose("logs", "--no-color", "--tail", "40", service, check=False)

    def bot_answers(self, path: str) -> int | None:
        """The status of the bot's published port."""
        try:
            return requests.get(f"http://127.0.0.1:{self.bot_port}{path}", timeout=5).status_code
        except requests.RequestException:
            return None

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "DOCKER_HOST") if name in os.environ}
        jobs = os.environ.get("CARGO_BUILD_JOBS")
        return kept | self._settings | ({"CARGO_BUILD_JOBS": jobs} if jobs else {})


class FullStack(Stack):
    """The project of docker-compose.fullstack.yml."""

    BOT = "@bot:localhost"

    def __init__(self, clone: Path, project: str, **settings: str):
        self.homeserver_port = free_port()
        self.element_port = free_port()
        super().__init__(
            clone,
            project,
            "docker-compose.fullstack.yml",
            STACK_HOMESERVER_PORT=str(self.homeserver_port),
            STACK_ELEMENT_PORT=str(self.element_port),
            **settings,
        )

    @property
    def url(self) -> str:
        """The homeserver, from outside."""
        return f"http://127.0.0.1:{self.homeserver_port}"

    def user(self) -> User:
        """The account that the stack makes, logged in with the password that it tells."""
        return log_in(self.url, "user", self.inside("homeserver", "cat", "/secrets/user_password"))

    def register(self, localpart: str, password: str, admin: bool = False) -> User:
        """Another account, made by the homeserver's own tool."""
        self.inside(
            "homeserver",
            "register_new_matrix_user",
            *("--config", "/config/homeserver.yaml"),
            *("--user", localpart, "--password", password, "--admin" if admin else "--no-admin"),
            "http://127.0.0.1:8008",
        )
        return log_in(self.url, localpart, password)


class ProdStack(Stack):
    """The project of docker-compose.prod.yml, with the full stack's homeserver as the operator's own."""

    PASSWORD = "the password of the second bot"

    def __init__(self, full: FullStack, **settings: str):
        clone, project = full.clone, f"{full.project}-prod"
        (clone / ".env").write_text("MATRIX_HOMESERVER=http://homeserver:8008\nMATRIX_USER_ID=@second:localhost\n")
        secrets = clone / "secrets"
        secrets.mkdir(mode=0o700)
        (secrets / "matrix_password").write_text(self.PASSWORD)
        # As root of the engine, because the tester need not be root.
        give = ["docker", "run", "--rm", "--user", "0:0", "--entrypoint", "chown", "--volume", f"{secrets}:/secrets"]
        run([*give, full.inspect("bot")["Image"], "-R", "65532:65532", "/secrets"], clone)
        # Both projects run on this machine: the one thing that an operator with a homeserver elsewhere does not need.
        (clone / "network.yml").write_text(
            "services: {bot: {networks: [homeserver]}}\n"
            f"networks: {{homeserver: {{external: true, name: {full.project}_matrix}}}}\n"
        )
        super().__init__(clone, project, "docker-compose.prod.yml", "network.yml", **settings)

    def back_up(self) -> None:
        """Copies what is kept into a file beside the Compose file, as the README does."""
        self._tar("-czf", ":ro", "data", "workspace")

    def restore(self) -> None:
        """The same file into volumes that are not there yet."""
        self._tar("-xzf", "")

    def _tar(self, how: str, mode: str, *folders: str) -> None:
        volumes = [f"{self.project}_{name}:/{name}{mode}" for name in ("data", "workspace")]
        mounts = [part for volume in (*volumes, f"{self.clone}:/backup") for part in ("-v", volume)]
        tar = ["debian:bookworm-slim", "tar", how, "/backup/surfaces-bot.tar.gz", *folders]
        run(["docker", "run", "--rm", *mounts, *tar], self.clone)


def run(
    command: list[str], folder: Path, environment: dict | None = None, limit: float = 120.0, check: bool = True
) -> str:
    """Runs a command to its end; answers its standard output, and shows everything where it fails."""
    done = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit
    )
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout
