"""Every command: what it does, what it says to wrong use, who may say it, and where."""

import pytest

from support import timeline
from support.admin import CHAT_MARKER, SPACE_MARKER
from support.home import onboard
from support.waiting import wait_until

COMMANDS = [
    "help", "start", "new", "chats", "rename", "archive", "unarchive", "clear", "context", "agent", "settings", "save",
    "load", "stop", "yes", "no",
]

AGENTS = """
default: assistant
agents:
  - {id: assistant, name: Assistant, kind: mock}
  - {id: second, name: Second, kind: mock}
  - {id: hidden, name: Hidden, kind: mock, users: ["@someone-else:*"]}
"""


@pytest.fixture(scope="module")
def bot(make_module_bot, synapse):
    """One bot for the whole file, with more than one agent; every test brings users of its own."""
    bot = make_module_bot(synapse, MATRIX_AGENTS_CONFIG="agents.yaml")
    (bot.folder / "agents.yaml").write_text(AGENTS)
    return bot.start()


def chat_row(bot, home, chat_id):
    return bot.projection.one("chat", user_id=home.user.user_id, chat_id=chat_id)


def marker(admin, room_id):
    return admin.room(room_id).content(CHAT_MARKER)


def is_brief(answer):
    """A line that says what is right, at most with the choices below it: no echo, no stack trace, no essay."""
    body = answer["body"].strip()
    return 0 < len(body) <= 400 and body.count("\n") <= 6 and timeline.echo_of(body) is None


# What each command does.


def test_help_names_every_command(home):
    text = home.command(home.c1, "!help")["body"]
    assert [name for name in COMMANDS if f"!{name}" not in text] == []


def test_start_says_where_the_chats_are(home):
    assert home.c1 in timeline.links_in(home.command(home.c1, "!start"))


def test_new_makes_one_room_in_the_space_and_links_to_it(bot, home, admin):
    before = admin.rooms_made_by(bot.user_id)
    c2 = home.new_chat()
    c3 = home.new_chat("Trip to Ürümqi 🚂")

    assert admin.rooms_made_by(bot.user_id) - before == {c2, c3}
    assert admin.room(home.space).children == {home.c1, c2, c3}
    assert [admin.room(room).name for room in (c2, c3)] == ["Chat 2", "Trip to Ürümqi 🚂"]
    assert [marker(admin, room)["chat_id"] for room in (c2, c3)] == ["C2", "C3"]
    assert chat_row(bot, home, "C3")["name"] == "Trip to Ürümqi 🚂"
    assert len({home.ask(room, "Whose context?") for room in home.chats}) == 3


def test_chats_lists_id_name_agent_status_and_link(home):
    c2 = home.new_chat("Second one")
    home.command(home.c1, "!archive C2")
    answer = home.command(home.c1, "!chats")
    for expected in ("C1", "Chat 1", "C2", "Second one", "ssistant"):
        assert expected in answer["body"], expected
    assert {home.c1, c2} <= timeline.links_in(answer)


def test_rename_agrees_everywhere(bot, home, admin):
    home.command(home.c1, "!rename Tax return")
    assert chat_row(bot, home, "C1")["name"] == "Tax return"
    assert admin.room(home.c1).name == "Tax return"
    assert "Tax return" in home.command(home.c1, "!chats")["body"]


def test_a_room_renamed_in_the_client_renames_the_chat(bot, home):
    home.user.set_state(home.c1, "m.room.name", {"name": "Renamed by hand"})
    wait_until(lambda: chat_row(bot, home, "C1")["name"] == "Renamed by hand", "the new name", seen=bot.log_tail)
    assert "Renamed by hand" in home.command(home.c1, "!chats")["body"]


def test_an_archived_chat_leaves_the_space_and_says_so(bot, home, admin):
    c2 = home.new_chat()
    context = home.ask(c2, "Before")
    home.command(c2, "!archive")
    assert admin.room(home.space).children == {home.c1}
    assert marker(admin, c2)["archived"] is True
    assert chat_row(bot, home, "C2")["status"] == "archived"
    silent = home.command(c2, "Anybody?")
    assert timeline.echo_of(silent["body"]) is None

    home.command(home.c1, "!unarchive C2")
    assert admin.room(home.space).children == {home.c1, c2}
    assert marker(admin, c2)["archived"] is False
    assert chat_row(bot, home, "C2")["status"] == "active"
    assert home.ask(c2, "After") == context


def test_a_chat_is_archived_from_another_one_and_brought_back_from_itself(bot, home):
    c2 = home.new_chat()
    home.command(home.c1, "!archive C2")
    assert chat_row(bot, home, "C2")["status"] == "archived"
    home.command(c2, "!unarchive C2")
    assert chat_row(bot, home, "C2")["status"] == "active"


def test_clear_rotates_this_context_and_no_other(bot, home, admin):
    c2 = home.new_chat()
    old, other = home.ask(home.c1, "Old"), home.ask(c2, "Other")
    home.command(home.c1, "!clear")
    new = home.ask(home.c1, "New")

    assert new != old
    assert home.ask(c2, "Still other") == other
    assert marker(admin, home.c1)["generation"] == 1
    assert marker(admin, home.c1)["platform_chat_id"][:8] == new
    assert bot.projection.one("matrix_room", room_id=home.c1)["platform_chat_id"][:8] == new


def test_context_says_which_context_this_is(home, admin):
    home.command(home.c1, "!clear")
    text = home.command(home.c1, "!context all")["body"]
    for expected in ("C1", "ssistant", marker(admin, home.c1)["platform_chat_id"][:8], "1"):
        assert expected in text, expected


def test_agent_lists_what_this_user_may_use_and_switches_this_chat(bot, home, admin):
    c2 = home.new_chat()
    listing = home.command(home.c1, "!agent")["body"]
    assert "assistant" in listing and "second" in listing and "hidden" not in listing

    home.command(home.c1, "!agent second")
    assert marker(admin, home.c1)["agent_id"] == "second"
    assert marker(admin, c2)["agent_id"] == "assistant"
    assert bot.projection.one("matrix_room", room_id=home.c1)["agent_id"] == "second"
    assert "econd" in home.command(home.c1, "!context")["body"]
    assert home.ask(home.c1, "Is somebody there?")


def test_settings_are_shown_and_kept_on_the_server(home, admin):
    text = home.command(home.c1, "!settings")["body"]
    assert "language" in text and "streaming" in text and "agent" in text

    home.command(home.c1, "!settings agent second")
    c2 = home.new_chat()
    assert marker(admin, c2)["agent_id"] == "second"
    assert marker(admin, home.c1)["agent_id"] == "assistant", "the setting is for new chats"
    assert admin.room(home.space).content(SPACE_MARKER)["default_agent"] == "second"


def test_without_streaming_an_answer_comes_whole(home):
    home.command(home.c1, "!settings streaming off")
    question = home.user.say(home.c1, "All at once, please, and not word by word")
    home.echo_to(home.c1, question, "All at once, please, and not word by word")
    events = home.user.history(home.c1)
    (answer,) = timeline.answers_to(events, question, home.bot_id)
    assert timeline.edits_of(events, answer) == []

    home.command(home.c1, "!settings streaming on")
    assert home.ask(home.c1, "And now again")


# Wrong use.


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param(["!frobnicate", "!новый"], id="unknown"),
        pytest.param(["!rename", "!rename  "], id="rename"),
        pytest.param(
            ["!archive C99", "!archive banana", "!archive C0", "!archive C99999999999999999999"], id="archive"
        ),
        pytest.param(["!unarchive", "!unarchive C99", "!unarchive C1"], id="unarchive"),
        pytest.param(["!agent nobody", "!agent hidden", "!agent a b c"], id="agent"),
        pytest.param(["!settings language xx", "!settings streaming maybe", "!settings agent hidden"], id="settings"),
        pytest.param(["!settings colour blue", "!settings language", "!settings language en ru"], id="settings-shape"),
    ],
)
def test_wrong_use_is_answered_briefly_and_changes_nothing(bot, home, admin, texts):
    before = (bot.projection.everything(), admin.state_ids({home.space, home.c1}))
    for text in texts:
        question = home.user.say(home.c1, text)
        answer = home.answer_to(home.c1, question)
        assert is_brief(answer), f"{text}: {answer['body']}"
        assert len(home.answers(home.c1, question)) == 1, text
    assert (bot.projection.everything(), admin.state_ids({home.space, home.c1})) == before
    assert home.ask(home.c1, "Nothing is stuck")


def test_an_unknown_command_points_to_help(home):
    assert "!help" in home.command(home.c1, "!frobnicate")["body"]


NASTY = {
    "only-marks": ["!", "!!", "! ", "!!!help", "! help"],
    "spaces": ["  !help  ", "!help\nand more", "\n\n!help", "!new\t", "!rename a\nb"],
    "long": ["!rename " + "x" * 5000, "!new " + "я" * 5000, "word " * 1000],
    "unicode": ["\u202e!help", "!help\u200b", "🏳️‍🌈", "a\u0000b", "!rename \u0000"],
    "markup": ["<b>!help</b>", "**!help**", "`!help`", "[x](javascript:alert(1))", "&amp;&lt;"],
}


@pytest.mark.parametrize("texts", NASTY.values(), ids=NASTY.keys())
def test_nothing_a_user_types_leaves_a_chat_stuck(home, texts):
    questions = [home.user.say(home.c1, text) for text in texts]
    assert home.ask(home.c1, "Still with me?", limit=90)
    for text, question in zip(texts, questions):
        answers = home.answers(home.c1, question)
        assert len(answers) == 1, f"{text[:40]!r}: {answers}"
        assert "panicked" not in answers[0] and "Error {" not in answers[0]


def test_an_answer_longer_than_an_event_comes_in_parts(home):
    text = " ".join(f"word{number}" for number in range(6500))
    question = home.user.say(home.c1, text)
    home.ask(home.c1, "Was that all?", limit=90)
    parts = home.answers(home.c1, question)
    assert len(parts) > 1
    words = [word for part in parts for word in part.split() if word.startswith("word")]
    assert words == text.split()


def test_names_with_markup_are_shown_and_not_rendered(home):
    home.command(home.c1, "!rename <b>bold</b> & @room")
    answer = home.command(home.c1, "!chats")
    assert "<b>bold</b> & @room" in answer["body"] or "bold" in answer["body"]
    assert "<b>bold</b>" not in answer.get("formatted_body", "")
    assert answer.get("m.mentions", {}) == {}


# How a command may be written.


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("!help", "<p>!help</p>"),
        ("!help", "<strong>!help</strong>"),
        ("> <@x:test.localhost> before\n\n!help", "<mx-reply><blockquote>before</blockquote></mx-reply>!help"),
    ],
)
def test_a_formatted_message_is_a_command_too(home, text, html):
    reply = {"m.relates_to": {"m.in_reply_to": {"event_id": "$nothing"}}} if "mx-reply" in html else {}
    content = {"msgtype": "m.text", "body": text, "format": "org.matrix.custom.html", "formatted_body": html}
    answer = home.answer_to(home.c1, home.user.send(home.c1, content | reply))
    assert "!rename" in answer["body"]


def test_an_edit_of_an_answered_message_is_ignored(home):
    question = home.user.say(home.c1, "First thought")
    home.echo_to(home.c1, question, "First thought")
    edit = home.user.edit(home.c1, question, "!new")
    home.ask(home.c1, "Later")
    assert len(home.answers(home.c1, question)) == 1
    assert home.answers(home.c1, edit) == []


def test_notices_are_left_alone_and_a_sticker_is_no_command(home):
    notice = home.user.send(home.c1, {"msgtype": "m.notice", "body": "!help"})
    sticker = home.user.send(home.c1, {"body": "!help", "url": "mxc://x/y", "info": {}}, "m.sticker")
    home.echo_to(home.c1, sticker, "[A sticker:]\n!help")
    home.ask(home.c1, "Real question")
    assert home.answers(home.c1, notice) == []


# Who may say it.


def test_another_member_of_a_chat_is_ignored(bot, home, bob, admin):
    bot.account.invite(home.c1, bob.user_id)
    bob.join(home.c1)
    before = admin.rooms_made_by(bot.user_id)
    strange = [bob.say(home.c1, text) for text in ("!new", "!clear", "!rename Mine", "Hello?")]
    home.ask(home.c1, "I am the owner")

    assert [home.answers(home.c1, question) for question in strange] == [[], [], [], []]
    assert admin.rooms_made_by(bot.user_id) == before
    assert admin.room(home.c1).name == "Chat 1"
    assert bot.projection.one("matrix_room", room_id=home.c1)["matrix_user_id"] == home.user.user_id


def test_another_member_of_an_entry_room_gets_no_command_done(bot, home, bob, admin):
    home.user.invite(home.entry, bob.user_id)
    bob.join(home.entry)
    before = admin.rooms_made_by(bot.user_id)
    strange = [bob.say(home.entry, text) for text in ("!new", "!chats")]
    home.command(home.entry, "!help")
    for question in strange:
        for answer in home.answers(home.entry, question):
            assert home.c1 not in answer
    assert admin.rooms_made_by(bot.user_id) == before


# The entry room.


def test_the_entry_room_knows_its_four_commands(bot, home, admin):
    assert "!new" in home.command(home.entry, "!help")["body"]
    assert home.c1 in timeline.links_in(home.command(home.entry, "!start"))
    c2 = home.new_chat("From the hall", room_id=home.entry)
    assert admin.room(home.space).children == {home.c1, c2}
    listing = home.command(home.entry, "!chats")
    assert {home.c1, c2} <= timeline.links_in(listing) and "From the hall" in listing["body"]
    assert home.ask(c2, "A chat like every other")


def test_the_entry_room_is_no_chat(bot, home, admin):
    before = (bot.projection.everything(), admin.state_ids({home.space, home.c1, home.entry}))
    for text in ("!clear", "!rename Hall", "!archive", "!context", "!agent second"):
        answer = home.command(home.entry, text)
        assert is_brief(answer), f"{text}: {answer['body']}"
    question = home.user.say(home.entry, "Just talking")
    home.command(home.entry, "!help")
    for answer in home.answers(home.entry, question):
        assert timeline.echo_of(answer) is None
    assert (bot.projection.everything(), admin.state_ids({home.space, home.c1, home.entry})) == before


def test_message_texts_stay_out_of_the_log(bot, home):
    home.ask(home.c1, "a-very-private-thing")
    home.command(home.c1, "!rename another-private-thing")
    assert "a-very-private-thing" not in bot.log_text()
    assert "another-private-thing" not in bot.log_text()


# Russian.


def in_russian(answer):
    return sum("а" <= letter.lower() <= "я" for letter in answer["body"]) > 5


@pytest.fixture(scope="module")
def russian_bot(make_module_bot, synapse):
    return make_module_bot(synapse, SURFACES_LOCALE="ru", SURFACES_BRAND="Ассистент").start()


def test_everything_is_said_in_russian_where_the_operator_wants_it(russian_bot, alice, admin):
    home = onboard(alice, russian_bot)
    assert admin.room(home.c1).name == "Чат 1"
    assert admin.room(home.space).name == f"Ассистент — {alice.localpart}"
    assert admin.room(home.space).content(SPACE_MARKER)["locale"] == "ru"
    for room in (home.entry, home.c1):
        assert in_russian(home.messages_of_bot(room)[0]["content"])
    for text in ("!help", "!start", "!chats", "!rename Имя", "!clear", "!context", "!agent", "!settings", "!нет"):
        answer = home.command(home.c1, text)
        assert in_russian(answer), f"{text}: {answer['body']}"
    c2 = home.new_chat()
    assert admin.room(c2).name == "Чат 2"
    assert in_russian(home.command(c2, "!archive"))
    assert in_russian(home.command(c2, "Есть кто?"))
    assert in_russian(home.command(home.c1, "!unarchive C2"))
    assert home.ask(c2, "Привет")


def test_a_user_chooses_the_language(home, admin):
    assert not in_russian(home.command(home.c1, "!chats"))
    home.command(home.c1, "!settings language ru")
    assert admin.room(home.space).content(SPACE_MARKER)["locale"] == "ru"
    assert in_russian(home.command(home.c1, "!help"))
    assert in_russian(home.command(home.entry, "!help"))
    assert admin.room(home.new_chat()).name == "Чат 2"
    home.command(home.c1, "!settings language en")
    assert not in_russian(home.command(home.c1, "!help"))
