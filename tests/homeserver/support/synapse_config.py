"""The configuration of a Synapse that talks to nobody but this machine."""

import base64
import json
import secrets
from pathlib import Path

_UNLIMITED = {"per_second": 100_000, "burst_count": 100_000}

# Every limit a client can run into. Without these keys Synapse's own defaults hold.
RAISED_LIMITS = {
    "rc_message": _UNLIMITED,
    "rc_registration": _UNLIMITED,
    "rc_login": {"address": _UNLIMITED, "account": _UNLIMITED, "failed_attempts": _UNLIMITED},
    "rc_joins": {"local": _UNLIMITED, "remote": _UNLIMITED},
    "rc_joins_per_room": _UNLIMITED,
    "rc_invites": {"per_room": _UNLIMITED, "per_user": _UNLIMITED, "per_issuer": _UNLIMITED},
    "rc_room_creation": _UNLIMITED,
    "rc_admin_redaction": _UNLIMITED,
    "rc_key_requests": _UNLIMITED,
    "rc_media_create": _UNLIMITED,
}


def write_config(folder: Path, server_name: str, port: int, raised_limits: bool) -> None:
    """Writes `homeserver.yaml` with its key, secret and log settings; JSON is YAML, so no YAML library is needed.

    Keys and secrets that are there already stay: the data in the folder belongs to them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _keep_or_make(folder / "signing.key", f"ed25519 a_local {_unpadded_base64(secrets.token_bytes(32))}\n")
    secret = _keep_or_make(folder / "registration_secret", secrets.token_hex(32))
    macaroon = _keep_or_make(folder / "macaroon_secret", secrets.token_hex(32))
    config = {
        "server_name": server_name,
        "report_stats": False,
        "pid_file": str(folder / "homeserver.pid"),
        "signing_key_path": str(folder / "signing.key"),
        "registration_shared_secret": secret,
        "macaroon_secret_key": macaroon,
        "media_store_path": str(folder / "media"),
        "log_config": str(folder / "log.yaml"),
        "database": {"name": "sqlite3", "args": {"database": str(folder / "homeserver.db")}},
        "listeners": [
            {
                "port": port,
                "type": "http",
                "tls": False,
                "bind_addresses": ["127.0.0.1"],
                "resources": [{"names": ["client"], "compress": False}],
            }
        ],
        # No other server: nothing is asked for keys, nothing is federated.
        "trusted_key_servers": [],
        "suppress_key_server_warning": True,
        "federation_domain_whitelist": [],
        "presence": {"enabled": False},
        "push": {"enabled": False},
        # The accounts are throw-away ones; the default costs a quarter of a second a login.
        "bcrypt_rounds": 4,
    }
    if raised_limits:
        config |= RAISED_LIMITS
    (folder / "homeserver.yaml").write_text(json.dumps(config, indent=2))
    (folder / "log.yaml").write_text(json.dumps(_log_config()))


def _keep_or_make(path: Path, text: str) -> str:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(text)
    return path.read_text().strip()


def _unpadded_base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")


def _log_config() -> dict:
    """Warnings to stderr, which `Synapse` sends into a file."""
    return {
        "version": 1,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "disable_existing_loggers": False,
    }
