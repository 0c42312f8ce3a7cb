"""Files through the homeserver's media repository, as clients send and load them."""

import struct
import zlib
from pathlib import Path

import requests

from .user import User


def upload(user: User, content: bytes, mime: str = "application/octet-stream") -> str:
    """Brings content to the server and answers its `mxc://` address."""
    headers = {"Authorization": f"Bearer {user.token}", "Content-Type": mime}
    answer = requests.post(f"{user.url}/_matrix/media/v3/upload", data=content, headers=headers, timeout=60)
    answer.raise_for_status()
    return answer.json()["content_uri"]


def download(user: User, url: str) -> bytes:
    """The content behind an `mxc://` address."""
    address = f"{user.url}/_matrix/client/v1/media/download/{url.removeprefix('mxc://')}"
    answer = requests.get(address, headers={"Authorization": f"Bearer {user.token}"}, timeout=60)
    answer.raise_for_status()
    return answer.content


def send_file(user: User, room_id: str, name: str, content: bytes, caption: str = "", kind: str = "m.file", **more) -> str:
    """Sends a file, with a caption as clients do since Matrix 1.10; answers the event id."""
    message = {"msgtype": kind, "body": caption or name, "filename": name, "url": upload(user, content), **more}
    message.setdefault("info", {"size": len(content)})
    return user.send(room_id, message)


def png(width: int, height: int) -> bytes:
    """A small black picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = b"".join(b"\0" * (width + 1) for _ in range(height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def inboxes(workspace: Path) -> list[Path]:
    """Every file that a user sent and the bot kept."""
    return sorted(workspace.glob("surfaces/matrix/*/*/inbox/*"))


def leftovers(workspace: Path) -> list[Path]:
    """What the bot did not tidy up: half of a download, a copy of a sent file."""
    found = [*workspace.glob("surfaces/matrix/*/*/.staging/part-*"), *workspace.glob("surfaces/matrix/*/*/.staging/out-*")]
    return sorted(found)
