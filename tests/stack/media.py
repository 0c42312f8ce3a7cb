"""Files in rooms, as a client sends and fetches them."""

import requests

from support.api import part
from support.user import User


def send_file(user: User, room_id: str, name: str, data: bytes, caption: str = "") -> str:
    """Uploads and sends a file, with a caption where one is given; answers the event's id."""
    answer = requests.post(
        f"{user.url}/_matrix/media/v3/upload",
        params={"filename": name},
        data=data,
        headers={"Authorization": f"Bearer {user.token}", "Content-Type": "text/plain"},
        timeout=60,
    )
    answer.raise_for_status()
    info = {"size": len(data), "mimetype": "text/plain"}
    content = {"msgtype": "m.file", "body": caption or name, "url": answer.json()["content_uri"], "info": info}
    return user.send(room_id, content | ({"filename": name} if caption else {}))


def download(user: User, url: str) -> bytes:
    """The content behind an `mxc` address."""
    server, media_id = url.removeprefix("mxc://").split("/")
    answer = requests.get(
        f"{user.url}/_matrix/client/v1/media/download/{part(server)}/{part(media_id)}",
        headers={"Authorization": f"Bearer {user.token}"},
        timeout=60,
    )
    answer.raise_for_status()
    return answer.content
