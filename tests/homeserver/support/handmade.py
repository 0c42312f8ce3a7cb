"""Rooms that the bot's account made without the bot: what a predecessor left behind, and what nobody should find."""

from .admin import CHAT_MARKER, CREATION_KEY, SPACE_MARKER
from .api import part
from .user import User


def legacy_space(account: User, name: str, *users: User, power: dict[str, int] | None = None) -> str:
    """A Space as the predecessor made it: no creation content of ours, no marker. The users join it."""
    override = {"power_level_content_override": _levels(power)} if power else {}
    return _shared(account, users, name=name, creation_content={"type": "m.space"}, **override)


def legacy_chat(account: User, name: str, space: str, *users: User, power: dict[str, int] | None = None) -> str:
    """A chat room as the predecessor made it, linked both ways."""
    override = {"power_level_content_override": _levels(power)} if power else {}
    room = _shared(account, users, name=name, initial_state=[_parent(account, space)], **override)
    link(account, space, room)
    return room


def marked_chat(account: User, owner: User, space: str, chat_id: str, context: str, **more) -> str:
    """A chat room exactly as the bot writes it, though the bot has no row for it. The owner joins it."""
    marker = {
        "version": 1,
        "owner": owner.user_id,
        "chat_id": chat_id,
        "space_id": space,
        "agent_id": account.state(space, SPACE_MARKER)["default_agent"],
        "platform_chat_id": context,
        "generation": 0,
        "archived": False,
    } | more
    room = _shared(
        account,
        [owner],
        name=f"Chat {chat_id[1:]}",
        creation_content={CREATION_KEY: creation("chat", owner.user_id)},
        initial_state=[
            {"type": CHAT_MARKER, "state_key": "", "content": marker},
            _parent(account, space),
        ],
    )
    link(account, space, room)
    return room


def creation(kind: str, owner: str) -> dict:
    return {"version": 1, "kind": kind, "owner": owner, "intent": "00000000-0000-4000-8000-000000000000"}


def forged_state(owner: str, space: str, context: str) -> list[dict]:
    """Everything that would make a room a chat of `owner`, if it came from the bot."""
    chat = {
        "version": 1,
        "owner": owner,
        "chat_id": "C1",
        "space_id": space,
        "agent_id": "mock",
        "platform_chat_id": context,
        "generation": 0,
        "archived": False,
    }
    user_settings = {"version": 1, "owner": owner, "locale": "ru", "default_agent": "mock"}
    return [
        {"type": CHAT_MARKER, "state_key": "", "content": chat},
        {"type": SPACE_MARKER, "state_key": "", "content": user_settings},
        {"type": "m.space.parent", "state_key": space, "content": {"via": ["test.localhost"], "canonical": True}},
    ]


def link(account: User, space: str, room: str, **more) -> None:
    account.set_state(space, "m.space.child", {"via": [account.server_name], **more}, room)


def unlink(account: User, space: str, room: str) -> None:
    account.set_state(space, "m.space.child", {}, room)


def _shared(account: User, users, **request) -> str:
    room = account.create_room([user.user_id for user in users], **request)
    for user in users:
        user.post(f"/join/{part(room)}")
    return room


def _parent(account: User, space: str) -> dict:
    content = {"via": [account.server_name], "canonical": True}
    return {"type": "m.space.parent", "state_key": space, "content": content}


def _levels(power: dict[str, int]) -> dict:
    """The creator must not be listed from room version 12 on, which is Synapse's default."""
    return {"users": power}
