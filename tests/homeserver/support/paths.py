"""Where things are: the repository, the ignored working folder, the bot's binary."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
WORKING_FOLDER = REPOSITORY / ".homeserver"


def bot_binary() -> Path:
    """The debug build, or the one that SURFACES_BOT_BIN names."""
    named = os.environ.get("SURFACES_BOT_BIN")
    return _executable(Path(named) if named else _target() / "debug" / "surfaces-bot", "cargo build --locked")


def drill_binary() -> Path:
    """The build that can be told to die at named boundaries."""
    return _executable(_target() / "drill" / "surfaces-bot", "scripts/drill --short")


def _target() -> Path:
    return Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))


def _executable(binary: Path, made_by: str) -> Path:
    if not os.access(binary, os.X_OK):
        raise FileNotFoundError(f"{binary} is not there: run `{made_by}` first")
    return binary.resolve()
