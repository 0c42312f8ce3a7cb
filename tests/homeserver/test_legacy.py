"""Rooms from before markers existed: recovered by what links them, then stamped, so that nothing is guessed twice."""

from dataclasses import dataclass

import pytest

from support.admin import CHAT_MARKER, SPACE_MARKER, Admin
from support.bot import Bot
from support.cast import BotFactory, register
from support.handmade import legacy_chat, legacy_space
from support.home import Home
from support.report import CHANGES, assert_clean, reconcile
from support.user import User

USERS = 20
CHATS = 5


@dataclass
class Legacy:
    """The bot that finds the rooms, and by user the Space and the chats in order."""

    bot: Bot
    homes: dict[User, tuple[str, list[str]]]

    @property
    def bots(self) -> list[Bot]:
        return [self.bot]

    @property
    def rooms(self) -> set[str]:
        return {room for space, chats in self.homes.values() for room in (space, *chats)}


@pytest.fixture(scope="module")
def legacy(run_folder, synapse):
    """20 users with 5 rooms each, made by plain requests of the bot's account."""
    factory = BotFactory(run_folder)
    bot = factory(synapse)
    homes = {}
    for number in range(USERS):
        user = register(synapse, "legacy")
        space = legacy_space(bot.account, f"Lambda — Display name {number}", user)
        homes[user] = (space, [legacy_chat(bot.account, f"Чат {n}", space, user) for n in range(1, CHATS + 1)])
    yield Legacy(bot, homes)
    factory.close()


@pytest.mark.timeout(600)
def test_the_whole_life_of_a_legacy_layout(legacy: Legacy, admin: Admin):
    bot, rooms = legacy.bot, legacy.rooms
    states = admin.state_ids(rooms)

    code, told = reconcile(bot, check=True)
    assert (code, bool(told["drift"])) == (10, True)
    assert admin.state_ids(rooms) == states, "a check writes nothing"
    assert told["restored_user_meta"] == USERS
    assert told["restored_chat_rows"] == USERS * CHATS
    assert told["backfilled_platform_chat_ids"] == USERS * CHATS
    assert told["stamped_markers"] >= USERS * CHATS
    assert told["conflicts"] == []

    code, done = reconcile(bot)
    assert code == 0
    assert {key: done[key] for key in CHANGES} == {key: told[key] for key in CHANGES}
    assert admin.joined_rooms(bot.user_id) == rooms, "nothing was created, joined or left"
    assert_clean(bot)
    for user, (space, chats) in legacy.homes.items():
        assert admin.room(space).content(SPACE_MARKER)["owner"] == user.user_id
        assert bot.projection.one("matrix_user", user_id=user.user_id)["next_chat_index"] == CHATS + 1
        for number, room in enumerate(chats, 1):
            marker, row = admin.room(room).content(CHAT_MARKER), bot.projection.one("matrix_room", room_id=room)
            assert (marker["owner"], marker["chat_id"]) == (user.user_id, f"C{number}")
            assert (marker["platform_chat_id"], row["chat_id"]) == (row["platform_chat_id"], f"C{number}")
            assert bot.projection.one("chat", surface_ref=room)["status"] == "active"

    _assert_usable(legacy, admin)
    rows = bot.projection.everything()
    bot.restart("everything")
    assert bot.projection.everything() == rows, "the stamped rooms need no guessing"


def test_names_that_give_no_number_get_the_next_free_one(make_bot, synapse, new_user, admin):
    bot, user = make_bot(synapse), new_user("legacy")
    space = legacy_space(bot.account, "Lambda — Somebody", user)
    names = ["Чат 3", "Покупки", "Чат 3", "Chat 1", "Чат 99999999999999999999999"]
    rooms = [legacy_chat(bot.account, name, space, user) for name in names]
    code, report = reconcile(bot)
    assert code == 0
    ids = [bot.projection.one("chat", surface_ref=room)["chat_id"] for room in rooms]
    assert (ids[0], ids[3]) == ("C3", "C1"), "a free number in a name is kept"
    assert len(set(ids)) == len(ids)
    assert_clean(bot)
    bot.lose("everything")
    reconcile(bot)
    assert [bot.projection.one("chat", surface_ref=room)["chat_id"] for room in rooms] == ids


def test_a_legacy_user_who_left_a_room_is_still_its_owner(make_bot, synapse, new_user):
    bot, user = make_bot(synapse), new_user("legacy")
    space = legacy_space(bot.account, "Lambda — Gone", user)
    room = legacy_chat(bot.account, "Чат 1", space, user)
    user.leave(room)
    user.leave(space)
    reconcile(bot)
    assert bot.projection.one("matrix_room", room_id=room)["matrix_user_id"] == user.user_id


def _assert_usable(legacy: Legacy, admin: Admin) -> None:
    """The daemon answers in a recovered room, and the next chat has the next number."""
    user, (space, chats) = next(iter(legacy.homes.items()))
    home = Home(user, legacy.bot.user_id, "", space, list(chats))
    legacy.bot.start()
    user.sync()
    context = admin.room(chats[2]).content(CHAT_MARKER)["platform_chat_id"]
    assert home.ask(chats[2], "Does the third one still work?") == context[:8]
    home.command(chats[0], "!rename Новое имя")
    assert admin.room(chats[0]).name == "Новое имя"
    room = home.new_chat()
    assert legacy.bot.projection.one("chat", surface_ref=room)["chat_id"] == f"C{CHATS + 1}"
