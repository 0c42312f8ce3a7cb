"""The server's own view by Synapse's admin API: which rooms exist, who made them, who is in them."""

from dataclasses import dataclass

from .api import part
from .user import User
from .waiting import wait_until

CREATION_KEY = "io.lambda.surfaces"
SPACE_MARKER = "io.lambda.surfaces.space"
CHAT_MARKER = "io.lambda.surfaces.chat"


@dataclass(frozen=True)
class ServerRoom:
    """A room as the server holds it: its current state by (type, state key)."""

    room_id: str
    state: dict[tuple[str, str], dict]

    def content(self, event_type: str, state_key: str = "") -> dict:
        return self.state.get((event_type, state_key), {}).get("content", {})

    def sender(self, event_type: str, state_key: str = "") -> str | None:
        return self.state.get((event_type, state_key), {}).get("sender")

    def membership(self, user_id: str) -> str | None:
        return self.content("m.room.member", user_id).get("membership")

    @property
    def is_space(self) -> bool:
        return self.content("m.room.create").get("type") == "m.space"

    @property
    def name(self) -> str | None:
        return self.content("m.room.name").get("name")

    @property
    def version(self) -> int:
        return int(self.content("m.room.create").get("room_version", "1"))

    @property
    def children(self) -> set[str]:
        """Rooms this Space links to by a link that counts: one with `via`."""
        return {
            key for (kind, key), event in self.state.items() if kind == "m.space.child" and event["content"].get("via")
        }


class Admin:
    """Asks with an administrator's account."""

    def __init__(self, account: User):
        self._account = account

    def rooms_made_by(self, user_id: str) -> set[str]:
        """Every room this account ever created and that the server still holds."""
        found, start = set(), 0
        while start is not None:
            page = self._account.get("/_synapse/admin/v1/rooms", **{"limit": 500, "from": start})
            found |= {room["room_id"] for room in page["rooms"] if room["creator"] == user_id}
            start = page.get("next_batch")
        return found

    def joined_rooms(self, user_id: str) -> set[str]:
        return set(self._account.get(f"/_synapse/admin/v1/users/{part(user_id)}/joined_rooms")["joined_rooms"])

    def room(self, room_id: str) -> ServerRoom:
        answer = self._account.get(f"/_synapse/admin/v1/rooms/{part(room_id)}/state")
        return ServerRoom(room_id, {(e["type"], e["state_key"]): e for e in answer["state"]})

    def members(self, room_id: str) -> set[str]:
        return set(self._account.get(f"/_synapse/admin/v1/rooms/{part(room_id)}/members")["members"])

    def devices(self, user_id: str) -> set[str]:
        answer = self._account.get(f"/_synapse/admin/v2/users/{part(user_id)}/devices")
        return {device["device_id"] for device in answer["devices"]}

    def delete(self, room_id: str) -> None:
        """Removes everybody from the room and the room from the server, and waits until that is done."""
        path = f"/_synapse/admin/v2/rooms/{part(room_id)}"
        started = self._account.call("DELETE", path, {"purge": True})

        def is_done() -> bool:
            status = self._account.get(f"/_synapse/admin/v2/rooms/delete_status/{started['delete_id']}")["status"]
            assert status != "failed", status
            return status == "complete"

        wait_until(is_done, f"{room_id} to be deleted")

    def state_ids(self, room_ids: set[str]) -> dict[str, set[str]]:
        """The event ids of all current state: equal before and after means that nothing was written."""
        return {room_id: {e["event_id"] for e in self.room(room_id).state.values()} for room_id in room_ids}
