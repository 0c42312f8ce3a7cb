"""`surfaces-bot platform-agent` as a bot and an operator see it: a process, a WebSocket, an exit code. No homeserver."""

import asyncio
import hashlib
import os
import signal
import subprocess
from pathlib import Path

import aiohttp
import pytest

from support.network import free_port
from support.paths import bot_binary
from support.waiting import wait_until

TOKEN = "a-token-of-this-test"
LIMIT = 60


class Gateway:
    """The process, in a folder of its own and with nothing of the tester's environment."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.workspace = folder / "workspace"
        self.workspace.mkdir()
        self.addr = f"127.0.0.1:{free_port()}"
        self.log = folder / "agent.log"
        self.settings = {"SURFACES_PLATFORM_AGENT_TOKEN": TOKEN}
        self.process = None

    def environment(self) -> dict[str, str]:
        base = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "SURFACES_WORKSPACE_DIR": str(self.workspace)}
        return base | self.settings

    def start(self) -> "Gateway":
        """The reference agent, healthy."""
        self.launch()
        wait_until(lambda: self.health().returncode == 0, "the platform agent to be healthy", LIMIT)
        return self

    def launch(self, *command: str):
        arguments = [bot_binary(), "platform-agent", "--listen", self.addr, *(["--", *command] if command else [])]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                arguments, cwd=self.folder, env=self.environment(), stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LIMIT)

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def health(self) -> subprocess.CompletedProcess:
        return self.run("healthcheck", "--url", f"http://{self.addr}/health")

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [bot_binary(), *arguments], cwd=self.folder, env=self.environment(), capture_output=True, text=True,
            timeout=LIMIT,
        )


@pytest.fixture
def gateway(tmp_path):
    gateway = Gateway(tmp_path)
    yield gateway
    gateway.kill()


class Client:
    """An ACP client with one session."""

    def __init__(self, socket):
        self.socket = socket
        self.number = 0
        self.session = None

    async def begin(self, method: str, **params) -> int:
        self.number += 1
        await self.socket.send_json({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params})
        return self.number

    async def until(self, number: int) -> tuple[dict, str, list[dict]]:
        """The answer to a request, and the text and links that came before it."""
        text, links = "", []
        while True:
            message = await self.socket.receive_json(timeout=LIMIT)
            if message.get("id") == number:
                return message["result"], text, links
            content = message["params"]["update"].get("content", {})
            if isinstance(content, dict) and content.get("type") == "resource_link":
                links.append(content)
            elif isinstance(content, dict):
                text += content.get("text", "")

    async def call(self, method: str, **params) -> dict:
        return (await self.until(await self.begin(method, **params)))[0]

    async def open(self, cwd: Path):
        await self.call("initialize", protocolVersion=1)
        self.session = (await self.call("session/new", cwd=str(cwd), mcpServers=[]))["sessionId"]

    async def ask(self, text: str, *blocks: dict) -> tuple[str, list[dict]]:
        prompt = [{"type": "text", "text": text}, *blocks]
        number = await self.begin("session/prompt", sessionId=self.session, prompt=prompt)
        result, text, links = await self.until(number)
        assert result["stopReason"] == "end_turn"
        return text, links


class connected:
    """Connects to the gateway for as long as the block lasts."""

    def __init__(self, gateway: Gateway, token: str = TOKEN):
        self.http = aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"})
        self.url = f"ws://{gateway.addr}/acp"

    async def __aenter__(self) -> Client:
        try:
            return Client(await self.http.ws_connect(self.url))
        except BaseException:
            await self.http.close()
            raise

    async def __aexit__(self, *_):
        await self.http.close()


def test_the_reference_agent_answers_and_remembers_over_a_restart(gateway):
    chat = gateway.workspace / "chat"
    chat.mkdir()
    (chat / "in.bin").write_bytes(b"\0\1" * 5000)
    link = {"type": "resource_link", "name": "in.bin", "uri": (chat / "in.bin").as_uri()}

    async def first() -> str:
        async with connected(gateway) as client:
            await client.open(chat)
            text, _ = await client.ask("hello there")
            assert "hello there" in text
            text, _ = await client.ask("", link)
            assert f"10000 bytes, SHA-256 `{hashlib.sha256((chat / 'in.bin').read_bytes()).hexdigest()}`" in text
            _, links = await client.ask("write out.txt: written")
            assert links[0]["uri"] == (chat / "out.txt").as_uri()
            return client.session

    async def second(session: str):
        async with connected(gateway) as client:
            await client.call("initialize", protocolVersion=1)
            client.session = session
            await client.call("session/resume", sessionId=session, cwd=str(chat), mcpServers=[])
            text, _ = await client.ask("what do you remember?")
            assert "3 messages" in text and "hello there" in text

    gateway.start()
    session = asyncio.run(first())
    assert (chat / "out.txt").read_text() == "written"
    assert gateway.stop() == 0
    gateway.start()
    asyncio.run(second(session))
    assert gateway.stop() == 0
    log = gateway.log.read_text()
    assert TOKEN not in log and "hello there" not in log


def test_a_wrong_token_is_refused(gateway):
    gateway.start()

    async def refused():
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            async with connected(gateway, "wrong"):
                pass
        assert refusal.value.status == 401

    asyncio.run(refused())


def test_sigterm_says_goodbye_and_leaves_no_process_of_a_command(gateway):
    gateway.settings["MATRIX_PASSWORD"] = "hidden"
    script = 'trap "" TERM; env | grep -c "^MATRIX_\\|^SURFACES_"; while read line; do echo "$$"; done; sleep 1000'
    gateway.launch("sh", "-c", script)
    # The script knows no protocol: it listens, and is not healthy.
    wait_until(lambda: "503" in gateway.health().stderr, "the platform agent to listen", LIMIT)

    async def talk():
        async with connected(gateway) as client:
            assert (await client.socket.receive(timeout=LIMIT)).data == "0"
            await client.socket.send_str("{}")
            process = (await client.socket.receive(timeout=LIMIT)).data
            assert Path("/proc", process).exists()
            gateway.process.send_signal(signal.SIGTERM)
            goodbye = await client.socket.receive(timeout=LIMIT)
            assert (goodbye.type, goodbye.data) == (aiohttp.WSMsgType.CLOSE, 1001)
            return process

    process = asyncio.run(talk())
    assert gateway.process.wait(LIMIT) == 0
    wait_until(lambda: not Path("/proc", process).exists(), "the command to be gone", LIMIT)


def test_wrong_configuration_is_refused_with_all_its_problems(gateway):
    gateway.settings = {"SURFACES_LOG_FORMAT": "xml", "SURFACES_PLATFORM_AGENT_DATA_DIR": str(gateway.workspace / "x")}
    refused = gateway.run("platform-agent", "--listen", "0.0.0.0:0")
    assert refused.returncode == 2
    for name in ("SURFACES_PLATFORM_AGENT_TOKEN", "SURFACES_LOG_FORMAT", "SURFACES_PLATFORM_AGENT_DATA_DIR"):
        assert name in refused.stderr
    assert "MATRIX_" not in refused.stderr
    refused = gateway.run("platform-agent", "--", "no-such-program")
    assert refused.returncode == 2 and "no-such-program" in refused.stderr


def test_two_processes_do_not_share_a_data_folder(gateway):
    gateway.start()
    second = gateway.run("platform-agent", "--listen", "127.0.0.1:0")
    assert second.returncode == 4


def test_the_help_tells_what_an_operator_needs(gateway):
    text = gateway.run("platform-agent", "--help").stdout
    for word in ("/acp", "/health", "SURFACES_PLATFORM_AGENT_TOKEN", "SURFACES_WORKSPACE_DIR", "--listen", "COMMAND"):
        assert word in text
