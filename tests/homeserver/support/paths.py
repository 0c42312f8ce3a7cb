"""Where things are: the repository, the ignored working folder, the bot's binary."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
WORKING_FOLDER = REPOSITORY / ".homeserver"


def bot_binary() -> Path:
    """The debug build, or the one that SURFACES_BOT_BIN names."""
    named = os.environ.get("SURFACES_BOT_BIN")
    target = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
    binary = Path(named) if named else target / "debug" / "surfaces-bot"
    if not os.access(binary, os.X_OK):
        raise FileNotFoundError(f"{binary} is not there: run `cargo build --locked` first")
    return binary.resolve()
