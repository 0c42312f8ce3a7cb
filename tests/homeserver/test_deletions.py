"""The server's administrator deletes rooms of the bot, as moderators and clean-up scripts do."""

import pytest

from support import timeline
from support.admin import CHAT_MARKER
from support.report import assert_clean


@pytest.mark.parametrize("command", ["!start", "!new"])
def test_a_deleted_space_is_made_anew_around_the_chats_that_are_left(bot, home, admin, alice, command):
    home.command(home.c1, "!settings streaming off")
    c2 = home.new_chat("To be deleted")
    context = home.ask(home.c1, "Before")
    admin.delete(c2)
    admin.delete(home.space)

    answer = home.command(home.c1, command)
    assert "matrix.to" in f"{answer}"
    row = bot.projection.one("matrix_user", user_id=alice.user_id)
    space = row["space_id"]
    assert space != home.space
    alice.wait_for(lambda: space in alice.invites or space in alice.rooms, "the invitation to the new Space")
    chat = admin.room(home.c1)
    assert chat.content(CHAT_MARKER)["space_id"] == space
    assert chat.content("m.space.parent", home.space) == {}
    assert chat.content("m.space.parent", space)["canonical"] is True
    assert chat.content("m.room.join_rules")["allow"][0]["room_id"] == space
    assert home.c1 in admin.room(space).children
    assert bot.projection.one("chat", surface_ref=c2)["status"] == "gone"

    if command == "!start":
        answer = home.command(home.c1, "!new")
    (link,) = [room for room in timeline.links_in(answer) if room.startswith("!")]
    assert bot.projection.one("chat", surface_ref=link)["chat_id"] == "C3"
    assert home.ask(home.c1, "After") == context
    shown = f"{home.command(home.c1, '!chats')}"
    assert "C1 ·" in shown and "C3 ·" in shown and "C2 ·" not in shown
    assert len([room for room in admin.rooms_made_by(bot.user_id) if admin.room(room).is_space]) == 1
    assert_clean(bot)


def test_after_a_rich_session_a_check_finds_nothing(bot, home, admin, alice, bob):
    entry = alice.create_direct_chat(bot.user_id, name="Named entry")
    alice.wait_for(lambda: timeline.messages_from(alice.events_in(entry), bot.user_id), "the second pointer")
    for text in ("!new Trip", "!rename Work", "!clear", "!save Here", "!archive C2", "!unarchive C2", "!load Here"):
        home.command(home.c1, text)
    for text in ("!settings language ru", "!settings streaming off"):
        home.command(home.c1, text)
    alice.set_state(home.c1, "m.room.name", {"name": "  By hand \n"})
    alice.set_state(entry, "m.room.name", {"name": "Renamed entry"})
    alice.set_display_name("Another Alice")
    alice.leave(home.space)
    home.command(home.c1, "!rename Once more")
    alice.set_state(home.c1, "m.room.name", {"name": "Last name"})
    home.ask(home.c1, "Still there?")
    assert_clean(bot)
    assert bot.projection.one("chat", surface_ref=home.c1)["name"] == "Last name"
    assert bot.projection.one("matrix_room", room_id=entry)["display_name"] == "Renamed entry"
