"""The real opencode as an ACP agent, with its model replaced by a scripted endpoint on this machine."""

import json
import os
import subprocess
from pathlib import Path

import requests

from .network import free_port
from .paths import WORKING_FOLDER
from .waiting import wait_until

PROGRAMS = WORKING_FOLDER / "npm" / "node_modules" / ".bin"


class ScriptedModel:
    """An OpenAI-compatible endpoint that answers by the words in a question."""

    def __init__(self, folder: Path, answers: dict[str, str]):
        fixtures = [{"match": {"userMessage": word}, "response": {"content": text}} for word, text in answers.items()]
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


def registry(folder: Path, model: ScriptedModel) -> Path:
    """An agent registry whose only agent is opencode on this model, with a home of its own."""
    home = folder / "home"
    home.mkdir()
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "Mock",
        "options": {"baseURL": f"{model.url}/v1", "apiKey": "unused"},
        "models": {"scripted": {"name": "Scripted"}},
    }
    settings = folder / "opencode.json"
    settings.write_text(
        json.dumps(
            {
                "model": "mock/scripted",
                "small_model": "mock/scripted",
                "enabled_providers": ["mock"],
                "provider": {"mock": provider},
                "autoupdate": False,
                "share": "disabled",
            }
        )
    )
    agent = {
        "id": "coder",
        "kind": "acp",
        "command": [os.fspath(PROGRAMS / "opencode"), "acp"],
        "mode": "build",
        "env": {
            "HOME": os.fspath(home),
            "OPENCODE_CONFIG": os.fspath(settings),
            "OPENCODE_DISABLE_MODELS_FETCH": "1",
            "OPENCODE_DISABLE_AUTOUPDATE": "1",
            "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
            "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
        },
    }
    path = folder / "agents.yaml"
    # JSON is YAML.
    path.write_text(json.dumps({"agents": [agent]}))
    return path
