"""Makes the full stack's secrets on its first start, and gives folders and secrets to those who use them.

Runs as root, without a network, before everything else, at every start; needs only Python. What is there stays as it
is. A secret that the environment gives is taken on the first start. Where it differs from a kept one later, this says
so and stops: an account that exists does not take on another password from here.
"""

import base64
import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

# The users that the homeserver, and the bot and its agent, run as.
HOMESERVER = 991
BOT = 65532


def main() -> None:
    homeserver, bot, agent = Path("/homeserver/secrets"), Path("/bot/secrets"), Path("/agent/secrets")
    for folder, owner in (
        (Path("/homeserver/data"), HOMESERVER),
        (homeserver, HOMESERVER),
        (bot, BOT),
        (agent, BOT),
    ):
        give(folder, owner, 0o700)

    kept(homeserver / "signing.key", HOMESERVER, signing_key)
    for name in ("registration_secret", "macaroon_secret", "form_secret"):
        kept(homeserver / name, HOMESERVER)
    kept(homeserver / "user_password", HOMESERVER, given="STACK_USER_PASSWORD")
    copied(kept(homeserver / "bot_password", HOMESERVER, given="STACK_BOT_PASSWORD"), bot / "matrix_password", BOT)
    copied(kept(agent / "platform_agent_token", BOT, given="STACK_AGENT_TOKEN"), bot / "platform_agent_token", BOT)


def kept(path: Path, owner: int, make: Callable[[], str] = lambda: secrets.token_urlsafe(24), given: str = "") -> Path:
    """A secret that is made once: the one that the variable `given` holds, or a random one."""
    wished = os.environ.get(given, "")
    if not path.exists():
        write(path, wished or make(), owner)
    elif wished and wished != path.read_text():
        sys.exit(f"{given} is not the secret that was taken on the first start. Remove it, or the volumes.")
    return path


def copied(source: Path, path: Path, owner: int) -> None:
    """The same secret for somebody else."""
    if not path.exists() or path.read_text() != source.read_text():
        write(path, source.read_text(), owner)


def write(path: Path, text: str, owner: int) -> None:
    """The whole file or none, readable for its owner alone."""
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(text)
    give(draft, owner, 0o600)
    draft.replace(path)
    print(f"wrote {path}")


def give(path: Path, owner: int, mode: int) -> None:
    path.chmod(mode)
    os.chown(path, owner, owner)


def signing_key() -> str:
    """The homeserver's key, as it keeps it: kind, version and 32 random bytes."""
    return f"ed25519 a_{secrets.token_hex(2)} {base64.b64encode(secrets.token_bytes(32)).decode().rstrip('=')}\n"


if __name__ == "__main__":
    main()
