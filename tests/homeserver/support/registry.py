"""Agent registries for bots under test."""

import json

from .bot import Bot

KEY = "sk-of-the-test"


def write_registry(bot: Bot, agents: list[dict], **more) -> None:
    """Gives the bot these agents, the first as the default. JSON is YAML."""
    (bot.folder / "agents.yaml").write_text(json.dumps({"agents": agents, **more}))
    bot.settings |= {"MATRIX_AGENTS_CONFIG": "agents.yaml", "MODEL_KEY": KEY}


def model_agent(url: str, agent_id: str = "gpt", model: str = "scripted", **more) -> dict:
    """An agent of the kind openai."""
    common = {"id": agent_id, "kind": "openai", "base_url": url, "model": model, "api_key_env": "MODEL_KEY"}
    return common | more
