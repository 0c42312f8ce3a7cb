"""Clients make direct chats encrypted by default: the entry room must work there too, and stay encrypted."""

import asyncio
import json

from support import timeline
from support.encrypted_user import EncryptedUser
from support.home import accept, onboard
from support.waiting import wait_until


def in_encrypted_room(scenario):
    """Runs the scenario with an encrypted direct chat in which the bot was invited and has left its pointer."""

    async def run(user, bot, folder):
        person = await EncryptedUser(user, folder).log_in()
        try:
            entry = await person.create_encrypted_direct_chat(bot.user_id)
            home = await asyncio.to_thread(accept, user, bot.user_id, entry)
            await person.wait_for(lambda: person.messages(entry, bot.user_id), "a pointer that can be read")
            await scenario(person, bot, home)
        finally:
            await person.close()

    def test(alice, bot, tmp_path):
        asyncio.run(run(alice, bot, tmp_path))

    test.__name__ = scenario.__name__
    test.__doc__ = scenario.__doc__
    return test


@in_encrypted_room
async def test_the_pointer_can_be_read_and_was_encrypted(person, bot, home):
    (pointer,) = person.messages(home.entry, bot.user_id)
    assert pointer["decrypted"]
    assert home.c1 in timeline.links_in(pointer["content"])
    assert timeline.messages_from(home.user.history(home.entry), bot.user_id) == [], "nothing in the clear"


@in_encrypted_room
async def test_the_commands_of_the_entry_room_work(person, bot, home):
    help_text = await person.command(home.entry, "!help", bot.user_id)
    assert help_text["decrypted"] and "!new" in help_text["content"]["body"]
    start = await person.command(home.entry, "!start", bot.user_id)
    assert home.c1 in timeline.links_in(start["content"])
    new = await person.command(home.entry, "!new From an encrypted room", bot.user_id)
    (room,) = {link for link in timeline.links_in(new["content"]) if link.startswith("!")}
    await asyncio.to_thread(home.enter, room)
    assert await asyncio.to_thread(home.ask, room, "A chat that is not encrypted")
    chats = await person.command(home.entry, "!chats", bot.user_id)
    assert {home.c1, room} <= timeline.links_in(chats["content"])
    assert timeline.messages_from(home.user.history(home.entry), bot.user_id) == [], "nothing in the clear"


@in_encrypted_room
async def test_they_work_after_a_restart(person, bot, home):
    for loss in ("nothing", "database"):
        await asyncio.to_thread(bot.restart, loss)
        answer = await person.command(home.entry, "!chats", bot.user_id)
        assert home.c1 in timeline.links_in(answer["content"])
    assert len(person.messages(home.entry, bot.user_id)) == 3, "one pointer, two answers"


@in_encrypted_room
async def test_they_work_after_both_stores_are_lost(person, bot, home):
    """The bot is a new device then, with new keys, and the user's client must have heard of it."""
    before = person.devices_of(bot.user_id)
    await asyncio.to_thread(bot.restart, "everything")
    await person.wait_for(lambda: person.devices_of(bot.user_id) - before, "the bot's new device")
    answer = await person.command(home.entry, "!start", bot.user_id)
    assert home.c1 in timeline.links_in(answer["content"])


@in_encrypted_room
async def test_a_command_sent_while_the_bot_was_down_is_read(person, bot, home):
    await asyncio.to_thread(bot.stop)
    question = await person.say(home.entry, "!chats")
    await asyncio.to_thread(bot.start)

    def answered():
        messages = person.messages(home.entry, bot.user_id)
        return [m for m in messages if m["content"].get(timeline.ANSWERS_KEY) == question]

    assert len(await person.wait_for(answered, "an answer")) == 1


def test_keys_that_others_took_are_replaced_while_nothing_but_words_comes(alice, bob, bot):
    """Without them nobody new could write to the bot in an encrypted room. It keeps fifty on the server."""
    home = onboard(alice, bot)
    device = json.loads((bot.store / "session.json").read_text())["device_id"]
    taken = set()

    def take_one():
        answer = bob.post("/keys/claim", {"one_time_keys": {bot.user_id: {device: "signed_curve25519"}}})
        for name, key in answer["one_time_keys"][bot.user_id][device].items():
            # The fallback key is given out again and again.
            if not key.get("fallback"):
                taken.add(name)

    for _ in range(45):
        take_one()
    home.ask(home.c1, "Plain words")

    def more_than_there_were():
        take_one()
        return len(taken) > 60

    wait_until(more_than_there_were, "new keys", 30, seen=bot.log_tail)
