"""Agents of the kind openai, with LiteLLM's proxy in front of models that it makes up itself."""

import json
import os
import subprocess
import venv

import pytest
import requests

from support.home import onboard
from support.network import free_port
from support.paths import REPOSITORY, WORKING_FOLDER
from support.registry import KEY, model_agent, write_registry
from support.waiting import wait_until

REQUIREMENTS = REPOSITORY / "tests" / "homeserver" / "requirements-litellm.txt"
TEXT = "This is a made-up answer of several words, and it streams."
MODELS = {
    "fine": TEXT,
    "busy": "litellm.RateLimitError",
    "broken": "litellm.InternalServerError",
    "full": "litellm.ContextWindowExceededError",
}


def litellm_binary():
    """In a folder of its own: its packages do not go with those of the suite."""
    folder = WORKING_FOLDER / "litellm"
    binary = folder / "bin" / "litellm"
    if not binary.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", "-r", REQUIREMENTS], check=True)
    return binary


@pytest.fixture(scope="module")
def litellm(run_folder):
    """The proxy's address."""
    folder = run_folder / "litellm"
    folder.mkdir()
    models = [
        {"model_name": name, "litellm_params": {"model": f"openai/{name}", "api_key": "none", "mock_response": said}}
        for name, said in MODELS.items()
    ]
    config = {"model_list": models, "general_settings": {"master_key": KEY}, "litellm_settings": {"num_retries": 0}}
    (folder / "config.yaml").write_text(json.dumps(config))
    port = free_port()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [litellm_binary(), "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port)],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"

    def is_up() -> bool:
        assert process.poll() is None, (folder / "log").read_text()
        try:
            return requests.get(f"{url}/health/liveliness", timeout=5).ok
        except requests.RequestException:
            return False

    try:
        wait_until(is_up, "LiteLLM's proxy", 240, every=0.5, seen=(folder / "log").read_text)
        yield url
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def home(make_module_bot, synapse, litellm):
    bot = make_module_bot(synapse)
    agents = [model_agent(f"{litellm}/v1", agent_id=name, model=name) for name in [*MODELS, "unknown"]]
    agents.append(model_agent(f"{litellm}/v1", agent_id="locked", model="fine") | {"api_key_env": "WRONG_KEY"})
    bot.settings["WRONG_KEY"] = "sk-wrong"
    write_registry(bot, agents)
    return onboard(synapse.register("alice-litellm", "password"), bot.start())


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        ("fine", TEXT),
        ("busy", "try again"),
        ("broken", "Please try again in a moment"),
        ("full", "grown too long for the agent"),
        ("unknown", "trying again will not help"),
        ("locked", "trying again will not help"),
    ],
)
def test_what_the_proxy_says_becomes_an_outcome(home, agent, expected):
    home.command(home.c1, f"!agent {agent}")
    question = home.user.say(home.c1, "Anything")

    def answered():
        return [text for text in home.answers(home.c1, question) if expected in text]

    assert home.user.wait_for(answered, f"{expected!r} from {agent}", 120)


def test_doctor_tells_the_key_that_is_refused(home, litellm, make_bot, synapse):
    bot = make_bot(synapse)
    wrong = model_agent(f"{litellm}/v1", agent_id="locked", model="fine") | {"api_key_env": "WRONG_KEY"}
    write_registry(bot, [model_agent(f"{litellm}/v1", model="fine"), wrong])
    bot.settings["WRONG_KEY"] = "sk-wrong"
    lines = bot.run("doctor").out.splitlines()
    assert any(line.startswith("ok   agent gpt") for line in lines), lines
    failed = [line for line in lines if line.startswith("FAIL agent locked")]
    assert failed and "sk-wrong" not in failed[0], lines
