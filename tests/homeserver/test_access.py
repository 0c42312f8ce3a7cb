"""A user who is taken from the list of those who may use the bot."""

from support.api import part
from support.home import onboard
from support.waiting import wait_until

REFUSAL = "You are not among the people who may use this bot"


def is_passed(home, bot, room: str, event: str) -> None:
    """Waits until the bot's read marker is at this event, and asserts that the event has no answer."""
    path = f"/user/{part(bot.user_id)}/rooms/{part(room)}/account_data/m.fully_read"
    wait_until(lambda: bot.account.get(path)["event_id"] == event, "the read marker", seen=bot.log_tail)
    assert home.answers(room, event) == []


def test_a_user_taken_from_the_list_is_told_once_a_day_and_nothing_else_happens(make_bot, synapse, alice, admin):
    bot = make_bot(synapse).start()
    home = onboard(alice, bot)
    context = home.ask(home.c1, "Before")
    made = admin.rooms_made_by(bot.user_id)

    bot.settings["SURFACES_ALLOWED_USERS"] = "@nobody:elsewhere.example"
    bot.restart()
    assert home.command(home.c1, "Hello?")["body"].startswith(REFUSAL)
    for text in ("Hello??", "!new", "!chats", "!clear", "!settings language ru"):
        is_passed(home, bot, home.c1, alice.say(home.c1, text))
    is_passed(home, bot, home.entry, alice.say(home.entry, "!new Trip"))
    bot.kill()
    bot.restart()
    is_passed(home, bot, home.c1, alice.say(home.c1, "And after a crash?"))
    assert admin.rooms_made_by(bot.user_id) == made

    bot.settings["SURFACES_ALLOWED_USERS"] = None
    bot.restart()
    assert home.ask(home.c1, "After") == context
    assert "messages 1" in home.command(home.c1, "!context")["body"], "since this start"
    assert "language: English" in home.command(home.c1, "!settings")["body"]
