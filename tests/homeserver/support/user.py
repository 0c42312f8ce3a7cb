"""One Matrix account with a small client of its own: what it sees by syncing, and what it does."""

import json
import uuid
from dataclasses import dataclass, field

import requests

from . import timeline
from .api import Api, MatrixError, part
from .waiting import wait_until

_FILTER = json.dumps({"room": {"timeline": {"limit": 100}}})


@dataclass
class RoomView:
    """What this account has seen of a room so far."""

    state: dict[tuple[str, str], dict] = field(default_factory=dict)
    events: list[dict] = field(default_factory=list)


class User(Api):
    """An account. `rooms` and `invites` hold what the last `sync` knew."""

    def __init__(self, url: str, user_id: str, password: str, token: str, device_id: str):
        super().__init__(url, token)
        self.user_id = user_id
        self.password = password
        self.device_id = device_id
        self.rooms: dict[str, RoomView] = {}
        self.invites: dict[str, dict[tuple[str, str], dict]] = {}
        self._since: str | None = None

    @property
    def localpart(self) -> str:
        return self.user_id[1:].split(":")[0]

    @property
    def server_name(self) -> str:
        return self.user_id.split(":", 1)[1]

    # What the account sees.

    def sync(self, timeout_ms: int = 0) -> None:
        """One sync request, taken into `rooms` and `invites`."""
        params = {"timeout": timeout_ms, "filter": _FILTER}
        if self._since:
            params["since"] = self._since
        answer = self.get("/sync", **params)
        self._since = answer["next_batch"]
        changes = answer.get("rooms", {})
        for room_id, change in changes.get("join", {}).items():
            self.invites.pop(room_id, None)
            self._take(room_id, change)
        for room_id, change in changes.get("invite", {}).items():
            self.rooms.pop(room_id, None)
            state = change["invite_state"]["events"]
            self.invites[room_id] = {(e["type"], e["state_key"]): e for e in state}
        for room_id in changes.get("leave", {}):
            self.rooms.pop(room_id, None)
            self.invites.pop(room_id, None)

    def wait_for(self, condition, what: str, limit: float = 30.0):
        """Syncs until the condition holds; returns what it answered."""

        def look():
            return condition() or self._synced_and(condition)

        return wait_until(look, f"{what} ({self.user_id})", limit, every=0, seen=self.last_seen)

    def wait_for_invites(self, inviter: str, count: int, limit: float = 30.0) -> dict[str, str]:
        """Waits for invitations by this account; answers room id -> room type (`m.space` or empty)."""

        def found():
            rooms = {
                room_id: state.get(("m.room.create", ""), {}).get("content", {}).get("type", "")
                for room_id, state in self.invites.items()
                if state[("m.room.member", self.user_id)]["sender"] == inviter
            }
            return rooms if len(rooms) >= count else None

        return self.wait_for(found, f"{count} invitations from {inviter}", limit)

    def events_in(self, room_id: str) -> list[dict]:
        """The events that came by sync, oldest first."""
        return self.rooms[room_id].events if room_id in self.rooms else []

    def history(self, room_id: str) -> list[dict]:
        """Every event of the room from the server, oldest first: what counts are made of."""
        events, position = [], {}
        while True:
            page = self.get(f"/rooms/{part(room_id)}/messages", dir="f", limit=1000, **position)
            events += page["chunk"]
            if "end" not in page or not page["chunk"]:
                return events
            position = {"from": page["end"]}

    def state(self, room_id: str, event_type: str, state_key: str = "") -> dict | None:
        """The content of one state event, or nothing where there is none."""
        try:
            return self.get(f"/rooms/{part(room_id)}/state/{part(event_type)}/{part(state_key)}")
        except MatrixError as error:
            if error.status == 404:
                return None
            raise

    def last_seen(self) -> str:
        """The end of every room's timeline, for messages about failures."""
        lines = [f"--- last seen by {self.user_id} ---"]
        for room_id, view in self.rooms.items():
            lines += [f"{room_id}:", timeline.describe(view.events)]
        lines += [f"invited to {room_id}" for room_id in self.invites]
        return "\n".join(lines)

    # What the account does.

    def create_room(self, invite: list[str] = (), **request) -> str:
        body = {"preset": "private_chat", "invite": list(invite), **request}
        return self.post("/createRoom", body)["room_id"]

    def create_direct_chat(self, other: str, **request) -> str:
        return self.create_room([other], is_direct=True, preset="trusted_private_chat", **request)

    def invite(self, room_id: str, user_id: str) -> None:
        self.post(f"/rooms/{part(room_id)}/invite", {"user_id": user_id})

    def join(self, room_id: str) -> None:
        self.post(f"/join/{part(room_id)}")

    def leave(self, room_id: str) -> None:
        self.post(f"/rooms/{part(room_id)}/leave")

    def kick(self, room_id: str, user_id: str) -> None:
        self.post(f"/rooms/{part(room_id)}/kick", {"user_id": user_id})

    def forget(self, room_id: str) -> None:
        self.post(f"/rooms/{part(room_id)}/forget")

    def send(self, room_id: str, content: dict, event_type: str = "m.room.message") -> str:
        """Sends an event and answers its id."""
        transaction = uuid.uuid4().hex
        path = f"/rooms/{part(room_id)}/send/{part(event_type)}/{transaction}"
        return self.put(path, content)["event_id"]

    def say(self, room_id: str, text: str, **more) -> str:
        return self.send(room_id, {"msgtype": "m.text", "body": text, **more})

    def say_formatted(self, room_id: str, text: str, html: str) -> str:
        return self.say(room_id, text, format="org.matrix.custom.html", formatted_body=html)

    def edit(self, room_id: str, event_id: str, text: str) -> str:
        """Replaces an own message, as clients do."""
        new = {"msgtype": "m.text", "body": text}
        relation = {"rel_type": "m.replace", "event_id": event_id}
        return self.send(room_id, {**new, "body": f"* {text}", "m.new_content": new, "m.relates_to": relation})

    def set_state(self, room_id: str, event_type: str, content: dict, state_key: str = "") -> str:
        path = f"/rooms/{part(room_id)}/state/{part(event_type)}/{part(state_key)}"
        return self.put(path, content)["event_id"]

    def set_display_name(self, name: str) -> None:
        self.put(f"/profile/{part(self.user_id)}/displayname", {"displayname": name})

    def _synced_and(self, condition):
        self.sync(timeout_ms=1000)
        return condition()

    def _take(self, room_id: str, change: dict) -> None:
        view = self.rooms.setdefault(room_id, RoomView())
        incoming = change.get("timeline", {}).get("events", [])
        known = {event["event_id"] for event in view.events}
        view.events += [event for event in incoming if event["event_id"] not in known]
        for event in change.get("state", {}).get("events", []) + incoming:
            if "state_key" in event:
                view.state[(event["type"], event["state_key"])] = event


def log_in(url: str, localpart: str, password: str) -> User:
    """A new login of an existing account."""
    identifier = {"type": "m.id.user", "user": localpart}
    body = {"type": "m.login.password", "identifier": identifier, "password": password}
    answer = Api(url).post("/login", body)
    return User(url, answer["user_id"], password, answer["access_token"], answer["device_id"])


def server_answers(url: str) -> bool:
    """Whether a homeserver answers at this address at all."""
    try:
        return requests.get(f"{url}/_matrix/client/versions", timeout=2).ok
    except requests.RequestException:
        return False
