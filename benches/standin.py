"""A stand-in for a homeserver, in memory and on loopback: just what the bot asks for, at sizes Synapse is too slow for.

It knows one account, the bot. Rooms are made by calling `add_home`; people speak by calling `say`.
"""

import asyncio
import itertools
import json
import threading
import time
from dataclasses import dataclass, field

from aiohttp import web

SERVER = "standin.localhost"
BOT = f"@bot:{SERVER}"
PASSWORD = "password"
PREFIX = "/_matrix/client"
VERSIONS = ["v1.1", "v1.5", "v1.11", "v1.13"]


@dataclass
class Room:
    """State that never changes here, and the timeline with the stream position of each event."""

    state: list[dict]
    timeline: list[tuple[int, dict]] = field(default_factory=list)
    read: tuple[int, str] = (0, "")
    said_at: dict[str, float] = field(default_factory=dict)


class StandIn:
    """Serves from a thread of its own. Every public method may be called from any other thread."""

    def __init__(self):
        self.rooms: dict[str, Room] = {}
        self.requests: dict[str, int] = {}
        # question -> seconds until its answer was there
        self.answered: dict[str, float] = {}
        self.repeated = 0
        self._stream = itertools.count(1)
        self._position = 0
        self._news: set[str] = set()
        self._log: list[tuple[int, str]] = []
        self._sent: dict[str, str] = {}
        self._loop = asyncio.new_event_loop()
        self._changed = asyncio.Event()
        ready = threading.Event()
        threading.Thread(target=self._serve, args=(ready,), daemon=True).start()
        ready.wait()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    # What the bench does.

    def add_home(self, number: int, chats: int) -> list[str]:
        """A Space and its chats, marked as the bot marks them; answers the chats."""
        owner = f"@owner{number}:{SERVER}"
        space = f"!space{number}:{SERVER}"
        rooms = [f"!chat{number}-{chat}:{SERVER}" for chat in range(1, chats + 1)]
        settings = {"version": 1, "owner": owner, "locale": "en", "default_agent": "echo", "streaming": True}
        marker = [("io.lambda.surfaces.space", "", settings)]
        links = [("m.space.child", room, {"via": [SERVER]}) for room in rooms]
        self._add_room(space, owner, "space", f"Lambda — owner{number}", marker + links)
        for chat, room in enumerate(rooms, 1):
            content = {
                "version": 1,
                "owner": owner,
                "chat_id": f"C{chat}",
                "space_id": space,
                "agent_id": "echo",
                "platform_chat_id": f"00000000-0000-4000-8000-{number:06x}{chat:06x}",
                "generation": 0,
                "archived": False,
            }
            parent = ("m.space.parent", space, {"via": [SERVER], "canonical": True})
            self._add_room(room, owner, "chat", f"Chat {chat}", [("io.lambda.surfaces.chat", "", content), parent])
        return rooms

    def say(self, room: str, text: str) -> str:
        """The owner of the room says something; answers the event's id."""
        owner = room.split(":")[0].removeprefix("!chat").split("-")[0]
        event = self._event("m.room.message", f"@owner{owner}:{SERVER}", {"msgtype": "m.text", "body": text})

        def add():
            self.rooms[room].said_at[event["event_id"]] = time.monotonic()
            self._add_to_timeline(room, event)

        self._loop.call_soon_threadsafe(add)
        return event["event_id"]

    # Rooms and events.

    def _add_room(self, room: str, owner: str, kind: str, name: str, more: list[tuple[str, str, dict]]) -> None:
        intent = f"00000000-0000-4000-9000-{abs(hash(room)) % 16**12:012x}"
        creation = {"room_version": "10", "creator": BOT}
        creation["io.lambda.surfaces"] = {"version": 1, "kind": kind, "owner": owner, "intent": intent}
        if kind == "space":
            creation["type"] = "m.space"
        power = {"users": {BOT: 100}, "users_default": 0, "state_default": 100, "events": {"m.room.name": 0}}
        rows = [
            ("m.room.create", "", creation),
            ("m.room.member", BOT, {"membership": "join", "displayname": "bot"}),
            ("m.room.member", owner, {"membership": "join", "displayname": owner[1:].split(":")[0]}),
            ("m.room.power_levels", "", power),
            ("m.room.join_rules", "", {"join_rule": "invite"}),
            ("m.room.history_visibility", "", {"history_visibility": "shared"}),
            ("m.room.guest_access", "", {"guest_access": "forbidden"}),
            ("m.room.name", "", {"name": name}),
            *more,
        ]
        state = []
        for kind, key, content in rows:
            sender = owner if key == owner else BOT
            state.append(self._event(kind, sender, content) | {"state_key": key})
        self.rooms[room] = Room(state)

    def _event(self, kind: str, sender: str, content: dict) -> dict:
        return {
            "event_id": f"$e{next(self._stream)}",
            "type": kind,
            "sender": sender,
            "content": content,
            "origin_server_ts": int(time.time() * 1000),
        }

    def _add_to_timeline(self, room: str, event: dict) -> None:
        self._position += 1
        timeline = self.rooms[room].timeline
        timeline.append((self._position, event))
        del timeline[:-100]
        self._note_change(room)

    def _note_change(self, room: str) -> None:
        self._log.append((self._position, room))
        del self._log[:-20_000]
        self._changed.set()

    # The server.

    def _serve(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application(client_max_size=1 << 26)
        add = app.router.add_route
        add("GET", PREFIX + "/versions", self._fixed({"versions": VERSIONS, "unstable_features": {}}))
        add("GET", PREFIX + "/v3/login", self._fixed({"flows": [{"type": "m.login.password"}]}))
        login = {"user_id": BOT, "access_token": "token", "device_id": "DEVICE"}
        add("POST", PREFIX + "/v3/login", self._fixed(login))
        add("GET", PREFIX + "/v3/account/whoami", self._fixed({"user_id": BOT, "device_id": "DEVICE"}))
        versions = {"m.room_versions": {"default": "10", "available": {"10": "stable"}}}
        add("GET", PREFIX + "/v3/capabilities", self._fixed({"capabilities": versions}))
        add("POST", PREFIX + "/v3/user/{user}/filter", self._fixed({"filter_id": "1"}))
        add("POST", PREFIX + "/v3/keys/upload", self._fixed({"one_time_key_counts": {"signed_curve25519": 50}}))
        add("POST", PREFIX + "/v3/keys/query", self._fixed({"device_keys": {}, "failures": {}}))
        add("POST", PREFIX + "/v3/keys/claim", self._fixed({"one_time_keys": {}, "failures": {}}))
        add("GET", PREFIX + "/v3/joined_rooms", self._joined_rooms)
        add("GET", PREFIX + "/v3/sync", self._sync)
        add("GET", PREFIX + "/v3/rooms/{room}/state", self._state)
        add("GET", PREFIX + "/v3/rooms/{room}/state/{type}/{key:.*}", self._nothing_there)
        add("GET", PREFIX + "/v3/user/{user}/account_data/{type}", self._nothing_there)
        add("PUT", PREFIX + "/v3/rooms/{room}/send/{type}/{transaction}", self._send)
        add("POST", PREFIX + "/v3/rooms/{room}/read_markers", self._read_markers)
        add("PUT", PREFIX + "/v3/rooms/{room}/typing/{user}", self._fixed({}))
        add("*", "/{rest:.*}", self._unknown)

        async def begin():
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0, backlog=512)
            await site.start()
            self.port = runner.addresses[0][1]
            ready.set()

        self._loop.run_until_complete(begin())
        self._loop.run_forever()

    def _count(self, request: web.Request) -> None:
        """Requests by kind, for the benches to print."""
        kind = f"{request.method} {request.match_info.route.resource.canonical.removeprefix(PREFIX)}"
        self.requests[kind] = self.requests.get(kind, 0) + 1

    def _fixed(self, answer: dict):
        async def respond(request: web.Request) -> web.Response:
            self._count(request)
            return web.json_response(answer)

        return respond

    async def _unknown(self, request: web.Request) -> web.Response:
        print(f"the stand-in does not know {request.method} {request.path}", flush=True)
        return web.json_response({"errcode": "M_UNRECOGNIZED", "error": "not served here"}, status=404)

    async def _joined_rooms(self, request: web.Request) -> web.Response:
        self._count(request)
        return web.json_response({"joined_rooms": list(self.rooms)})

    async def _state(self, request: web.Request) -> web.Response:
        self._count(request)
        return web.json_response(self.rooms[request.match_info["room"]].state)

    async def _nothing_there(self, request: web.Request) -> web.Response:
        """What is asked for alone is what nothing has here: encryption of a room, a key backup of the account."""
        self._count(request)
        return web.json_response({"errcode": "M_NOT_FOUND", "error": "not set"}, status=404)

    async def _send(self, request: web.Request) -> web.Response:
        self._count(request)
        room, transaction = request.match_info["room"], request.match_info["transaction"]
        if transaction not in self._sent:
            content = await request.json()
            event = self._event(request.match_info["type"], BOT, content)
            self._sent[transaction] = event["event_id"]
            self._take_answer(self.rooms[room], content)
            self._add_to_timeline(room, event | {"unsigned": {"transaction_id": transaction}})
        return web.json_response({"event_id": self._sent[transaction]})

    def _take_answer(self, room: Room, content: dict) -> None:
        question = content.get("io.lambda.surfaces.answers")
        if question is None or "io.lambda.surfaces.draft" in content:
            return
        if question in self.answered:
            self.repeated += 1
        self.answered[question] = time.monotonic() - room.said_at.pop(question, time.monotonic())

    async def _read_markers(self, request: web.Request) -> web.Response:
        self._count(request)
        room = request.match_info["room"]
        self._position += 1
        self.rooms[room].read = (self._position, (await request.json())["m.fully_read"])
        self._note_change(room)
        return web.json_response({})

    async def _sync(self, request: web.Request) -> web.Response:
        self._count(request)
        since = int(request.query["since"]) if "since" in request.query else None
        full = since is None or request.query.get("full_state") == "true"
        deadline = self._loop.time() + min(60.0, int(request.query.get("timeout", 0)) / 1000)
        while not full and self._position <= since and self._loop.time() < deadline:
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), deadline - self._loop.time())
            except TimeoutError:
                break
        position = self._position
        changed = self.rooms if full else {room for at, room in self._log if at > since}
        joined = {room: self._room_answer(self.rooms[room], since, full) for room in changed}
        body = {"next_batch": str(position), "device_one_time_keys_count": {"signed_curve25519": 50}}
        body |= {"device_unused_fallback_key_types": ["signed_curve25519"], "rooms": {"join": joined}}
        return web.Response(text=json.dumps(body), content_type="application/json")

    def _room_answer(self, room: Room, since: int | None, full: bool) -> dict:
        new = [(at, event) for at, event in room.timeline if since is None or at > since][-50:]
        position, marker = room.read
        data = [{"type": "m.fully_read", "content": {"event_id": marker}}] if position > (since or 0) else []
        timeline = {"events": [event for _, event in new], "limited": False, "prev_batch": str(new[0][0] if new else 0)}
        return {"state": {"events": room.state if full else []}, "timeline": timeline, "account_data": {"events": data}}
