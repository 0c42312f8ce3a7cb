"""The real opencode as an ACP agent, with its model replaced by a scripted endpoint on this machine."""

import json
import os
import subprocess
from pathlib import Path

import requests

from .network import free_port
from .paths import WORKING_FOLDER, bot_binary
from .waiting import wait_until

PROGRAMS = WORKING_FOLDER / "npm" / "node_modules" / ".bin"
TOKEN = "a-token-of-this-test"


def says(word: str, text: str, latency: int = 20) -> dict:
    """The model's answer to a question with this word, and to what a tool gave for it."""
    return {"match": {"userMessage": word}, "response": {"content": text}, "latency": latency}


def uses(word: str, tool: str, **arguments) -> dict:
    """The model first has a tool used for a question with this word."""
    call = {"name": tool, "arguments": json.dumps(arguments)}
    return {
        "match": {"userMessage": word, "toolName": tool, "hasToolResult": False},
        "response": {"toolCalls": [call]},
    }


class ScriptedModel:
    """An OpenAI-compatible endpoint that answers by the words in a question."""

    def __init__(self, folder: Path, fixtures: list[dict]):
        script = folder / "answers.json"
        script.write_text(json.dumps({"fixtures": fixtures}))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        with (folder / "model.log").open("wb") as log:
            self._process = subprocess.Popen(
                [PROGRAMS / "llmock", "--port", str(self.port), "--fixtures", script, "--latency", "50"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(self._answers, "the scripted model to answer", 60)

    def conversations(self, word: str) -> list[str]:
        """What was sent with each question that holds this word: the whole conversation, as text."""
        found = []
        for entry in requests.get(f"{self.url}/__aimock/journal", timeout=10).json():
            messages = (entry.get("body") or {}).get("messages", [])
            asked = [message for message in messages if message["role"] == "user"]
            if asked and word in json.dumps(asked[-1]["content"]):
                found.append(json.dumps(messages))
        return found

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/__aimock/journal", timeout=5).ok
        except requests.RequestException:
            return False


class Opencode:
    """opencode on this model, with a home of its own, as `agents.yaml` names it: a child of the bot, or served by the
    platform agent over WebSocket."""

    def __init__(self, folder: Path, model: ScriptedModel, served: bool):
        self.folder, self.served = folder, served
        self.home = folder / "home"
        self.home.mkdir()
        self.workspace = folder / "workspace"
        self.workspace.mkdir()
        self.addr = f"127.0.0.1:{free_port()}"
        self.settings = folder / "opencode.json"
        self.settings.write_text(json.dumps(_settings(model)))
        self.registry = folder / "agents.yaml"
        # JSON is YAML.
        self.registry.write_text(json.dumps({"agents": [self._agent()]}))
        self._gateway = None
        if served:
            self.serve()

    @property
    def command(self) -> list[str]:
        return [os.fspath(PROGRAMS / "opencode"), "acp"]

    def environment(self) -> dict[str, str]:
        return {
            "HOME": os.fspath(self.home),
            "OPENCODE_CONFIG": os.fspath(self.settings),
            "OPENCODE_DISABLE_MODELS_FETCH": "1",
            "OPENCODE_DISABLE_AUTOUPDATE": "1",
            "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
            "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
        }

    def serve(self) -> None:
        """Starts the platform agent and waits until it says that opencode is well."""
        own = {
            "PATH": os.environ["PATH"],
            "SURFACES_WORKSPACE_DIR": os.fspath(self.workspace),
            "SURFACES_PLATFORM_AGENT_TOKEN": TOKEN,
        }
        with (self.folder / "gateway.log").open("ab") as log:
            self._gateway = subprocess.Popen(
                [bot_binary(), "platform-agent", "--listen", self.addr, "--", *self.command],
                cwd=self.folder,
                env=own | self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(self._is_well, "opencode to be served", 120)

    def processes(self) -> list[int]:
        """The processes of this opencode, by their home."""
        mark = f"HOME={self.home}\0".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if b"opencode" in (folder / "cmdline").read_bytes() and mark in (folder / "environ").read_bytes():
                    if b"platform-agent" not in (folder / "cmdline").read_bytes():
                        found.append(int(folder.name))
            except OSError:
                continue
        return found

    def close(self) -> None:
        if self._gateway is not None:
            self._gateway.terminate()
            self._gateway.wait()

    def _is_well(self) -> bool:
        try:
            return requests.get(f"http://{self.addr}/health", timeout=5).ok
        except requests.RequestException:
            return False

    def _agent(self) -> dict:
        agent = {"id": "coder", "kind": "acp", "mode": "build", "linked_files": True}
        if self.served:
            reach = {"url": f"ws://{self.addr}/acp", "token_env": "CODER_TOKEN"}
        else:
            reach = {"command": self.command, "env": self.environment()}
        return agent | reach


def _settings(model: ScriptedModel) -> dict:
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "Mock",
        "options": {"baseURL": f"{model.url}/v1", "apiKey": "unused"},
        "models": {"scripted": {"name": "Scripted"}},
    }
    return {
        "model": "mock/scripted",
        "small_model": "mock/scripted",
        "enabled_providers": ["mock"],
        "provider": {"mock": provider},
        "permission": {"bash": "ask", "edit": "allow"},
        "autoupdate": False,
        "share": "disabled",
    }
