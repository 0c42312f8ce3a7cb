"""How messages of every kind are read, and how answers are tied to them, in a room's history as a person sees it."""

import pytest

from support import timeline
from support.home import Home
from support.media import inboxes, send_file
from support.waiting import wait_until

POLL = {
    "question": {"org.matrix.msc1767.text": "What to drink?"},
    "answers": [{"id": "1", "org.matrix.msc1767.text": "Tea"}, {"id": "2", "org.matrix.msc1767.text": "Coffee"}],
}


def relation_of_answer(home: Home, question: str) -> dict | None:
    """The relation of the answer's own event, from the server's history."""
    (answer,) = timeline.answers_to(home.user.history(home.c1), question, home.bot_id)
    return answer["content"].get("m.relates_to")


def reply(home: Home, to: str, text: str) -> str:
    return home.user.say(home.c1, text, **{"m.relates_to": {"m.in_reply_to": {"event_id": to}}})


def draft_of(home: Home, question: str) -> dict:
    def found():
        return timeline.answers_to(home.user.events_in(home.c1), question, home.bot_id)

    return home.user.wait_for(found, "a draft")[0]


def test_a_command_behind_the_display_name_is_a_command_typed_or_as_a_pill(home, bot):
    bot.account.set_display_name("Surfaces Bot")
    member = ("m.room.member", bot.user_id)

    def is_renamed():
        return home.user.rooms[home.c1].state[member]["content"].get("displayname") == "Surfaces Bot"

    home.user.wait_for(is_renamed, "the new name")
    for text in ("Surfaces Bot: !chats", "surfaces bot, !chats", "@Surfaces Bot !chats"):
        assert home.command(home.c1, text)["body"].startswith("Your chats:"), text
    pill = f'<a href="https://matrix.to/#/{bot.user_id}">Surfaces Bot</a>: !chats'
    sent = home.user.say_formatted(home.c1, "Surfaces Bot: !chats", pill)
    assert home.answer_to(home.c1, sent)["body"].startswith("Your chats:")
    home.ask(home.c1, "Surfaces Bot: what is up?")


@pytest.mark.parametrize(
    ("event_type", "content", "expected"),
    [
        ("m.sticker", {"body": "a waving cat", "url": "mxc://x/y", "info": {}}, "[A sticker:]\na waving cat"),
        (
            "org.matrix.msc3381.poll.start",
            {"org.matrix.msc3381.poll.start": POLL, "org.matrix.msc1767.text": "What to drink?"},
            "[A poll:]\nWhat to drink?\n1. Tea\n2. Coffee",
        ),
        (
            "m.room.message",
            {"msgtype": "m.location", "body": "Big Ben", "geo_uri": "geo:51.5008,0.1247"},
            "[A location: geo:51.5008,0.1247]\nBig Ben",
        ),
        (
            "m.room.message",
            {"msgtype": "dm.filament.gallery", "body": "our trip", "itemtypes": [{"itemtype": "m.image", "body": "a.jpg"}]},
            "[A gallery of files that were not handed over: a.jpg]\nour trip",
        ),
        ("m.room.message", {"msgtype": "m.emote", "body": "waves"}, "waves"),
        ("m.room.message", {"msgtype": "org.example.new", "body": "hi"}, "[A message of the type org.example.new:]\nhi"),
    ],
)
def test_other_kinds_of_messages_reach_the_agent_in_words(home, event_type, content, expected):
    home.echo_to(home.c1, home.user.send(home.c1, content, event_type), expected)


def test_what_cannot_be_read_is_told_in_one_line(home):
    sent = home.user.send(home.c1, {"msgtype": "m.image", "body": "a picture that is nowhere"})
    assert home.answer_to(home.c1, sent)["body"].startswith("I can't read this kind of message.")


def test_a_voice_message_is_kept_with_an_ending(home, bot):
    info = {"size": 4, "mimetype": "audio/ogg; codecs=opus"}
    voice = {"org.matrix.msc3245.voice": {}}
    sent = send_file(home.user, home.c1, "Voice message", b"OggS", kind="m.audio", info=info, **voice)
    assert home.answer_to(home.c1, sent)["body"].startswith("Voice message.ogg (4 bytes) goes with")
    (kept,) = inboxes(bot.folder / "workspace")
    assert kept.name.endswith("-Voice_message.ogg")


@pytest.mark.parametrize("killed", [False, True])
def test_answers_to_questions_asked_meanwhile_say_what_they_answer(home, bot, killed):
    words = " ".join(f"word{number}" for number in range(60))
    first = home.user.say(home.c1, words)
    draft_of(home, first)
    others = [home.user.say(home.c1, text) for text in ("the second", "the third")]
    if killed:
        bot.kill()
        bot.restart()
    home.echo_to(home.c1, first, words)
    for question, text in zip(others, ("the second", "the third")):
        home.echo_to(home.c1, question, text)
        assert relation_of_answer(home, question) == {"m.in_reply_to": {"event_id": question}}
    assert relation_of_answer(home, first) is None
    alone = home.user.say(home.c1, "and now")
    home.echo_to(home.c1, alone, "and now")
    assert relation_of_answer(home, alone) is None


def test_what_is_replied_to_goes_with_the_question(home):
    earlier = home.user.say(home.c1, "one two")
    home.echo_to(home.c1, earlier, "one two")
    own = reply(home, earlier, "explain this one")
    home.echo_to(home.c1, own, "[In reply to my earlier message:]\n> one two\n\nexplain this one")
    # A streamed answer is quoted in its last form.
    words = " ".join(f"word{number}" for number in range(60))
    question = home.user.say(home.c1, words)
    home.echo_to(home.c1, question, words)
    (answer,) = timeline.answers_to(home.user.history(home.c1), question, home.bot_id)
    asked = reply(home, answer["event_id"], "and this?")

    def whole():
        text = home.answers(home.c1, asked)
        return text and text[0].endswith("word59\n\nand this?") and text[0]

    text = wait_until(whole, "the answer with its quote")
    assert "[In reply to your earlier message:]\n> Echo (context " in text
    assert home.answer_to(home.c1, reply(home, answer["event_id"], "!chats"))["body"].startswith("Your chats:")


def test_a_file_that_comes_meanwhile_is_told_at_once_and_goes_with_the_question_behind_it(home):
    words = " ".join(f"word{number}" for number in range(90))
    running = home.user.say(home.c1, words)
    draft_of(home, running)
    before = home.user.say(home.c1, "before")
    file = send_file(home.user, home.c1, "x.txt", b"hello")
    after = home.user.say(home.c1, "after")
    note = home.answer_to(home.c1, file)
    assert note["body"].startswith("x.txt (5 bytes) goes with")
    home.user.wait_for(lambda: home.answers(home.c1, after)[:1] and home.answers(home.c1, after)[0].endswith("`"), "it")
    events = home.user.history(home.c1)
    of = {name: timeline.answers_to(events, event, home.bot_id)[0] for name, event in
          {"running": running, "before": before, "file": file, "after": after}.items()}
    order = [event["event_id"] for event in events]
    places = [order.index(of[name]["event_id"]) for name in ("running", "file", "before", "after")]
    assert places == sorted(places)
    assert ["surfaces/" in home.answers(home.c1, event)[0] for event in (running, before, after)] == [False, False, True]
