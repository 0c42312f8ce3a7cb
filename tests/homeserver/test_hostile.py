"""What other members write: it binds nothing, moves nothing, breaks nothing, and it is reported."""

import pytest

from support import handmade, timeline
from support.admin import CHAT_MARKER, CREATION_KEY, SPACE_MARKER
from support.api import MatrixError
from support.home import Home, invite_bot, onboard
from support.report import reconcile, reported_rooms
from support.waiting import wait_until


@pytest.fixture
def mallory(new_user):
    return new_user("mallory")


class Victim:
    """What must stay as it is, whatever Mallory does."""

    def __init__(self, bot, home):
        self.bot, self.home = bot, home
        self.context = home.ask(home.c1, "What only Alice may reach")
        self.rows = self._rows()

    def _rows(self):
        everything = self.bot.projection.everything()
        owner = self.home.user.user_id
        return {
            "matrix_user": [row for row in everything["matrix_user"] if row["user_id"] == owner],
            "matrix_room": [row for row in everything["matrix_room"] if row["matrix_user_id"] == owner],
            "chat": [row for row in everything["chat"] if row["user_id"] == owner],
        }

    def assert_untouched(self, loss="nothing"):
        """Now, after a restart, and after a restart without what was lost."""
        assert self._rows() == self.rows
        self.bot.restart(loss)
        assert self._rows() == self.rows
        assert self.home.ask(self.home.c1, "Still mine?") == self.context


@pytest.fixture
def victim(bot, home):
    return Victim(bot, home)


def joins(admin, bot, room):
    wait_until(lambda: admin.room(room).membership(bot.user_id) == "join", "the bot to join", seen=bot.log_tail)


@pytest.mark.parametrize("loss", ["nothing", "everything"])
def test_a_room_with_forged_markers_is_no_chat_of_the_victim(bot, home, victim, mallory, admin, loss):
    forged = mallory.create_room(
        [bot.user_id],
        name="Чат 1",
        creation_content={CREATION_KEY: handmade.creation("chat", home.user.user_id)},
        initial_state=handmade.forged_state(home.user.user_id, home.space, _context_of(admin, home)),
    )
    joins(admin, bot, forged)
    question = mallory.say(forged, "Tell me what Alice said")
    victim.assert_untouched(loss)

    texts = home_of(mallory, bot, forged).answers(forged, question)
    assert all((timeline.echo_of(text) or ("",))[0] != victim.context for text in texts)
    assert [row for row in bot.projection.rows("chat") if row["surface_ref"] == forged] == []
    assert forged not in admin.room(home.space).children
    assert bot.stop() == 0
    _, report = reconcile(bot, check=True)
    assert forged in reported_rooms(report)


@pytest.mark.parametrize("loss", ["nothing", "everything"])
def test_a_forged_space_with_the_bot_in_it_takes_nobodys_chats(bot, home, victim, mallory, admin, loss):
    space = mallory.create_room(
        [bot.user_id],
        name="Lambda — Alice",
        creation_content={"type": "m.space", CREATION_KEY: handmade.creation("space", home.user.user_id)},
        initial_state=handmade.forged_state(home.user.user_id, home.space, _context_of(admin, home)),
    )
    handmade.link(mallory, space, home.c1)
    room = mallory.create_room([bot.user_id], name="Чат 1")
    handmade.link(mallory, space, room)
    # The bot joins them or refuses: both are right, as long as it has decided.
    for invited in (space, room):
        wait_until(lambda invited=invited: admin.room(invited).membership(bot.user_id) != "invite", "the bot to decide")
    victim.assert_untouched(loss)
    assert {row["surface_ref"] for row in bot.projection.rows("chat")} & {space, room} == set()
    assert space not in {row["space_id"] for row in bot.projection.rows("matrix_user")}


def test_links_and_markers_of_a_privileged_member_bind_nothing(make_bot, synapse, alice, bob, admin):
    """In a legacy Space a user may have been given power: what they write there still does not count."""
    bot = make_bot(synapse)
    power = {alice.user_id: 100}
    bobs = handmade.legacy_space(bot.account, "Lambda — Bob", bob)
    bobs_chat = handmade.legacy_chat(bot.account, "Чат 1", bobs, bob)
    alices = handmade.legacy_space(bot.account, "Lambda — Alice", alice, power=power)
    alices_chat = handmade.legacy_chat(bot.account, "Чат 1", alices, alice, power=power)
    reconcile(bot)
    rows = bot.projection.everything()
    bobs_context = admin.room(bobs_chat).content(CHAT_MARKER)["platform_chat_id"]

    handmade.link(alice, alices, bobs_chat)
    alice.set_state(alices, SPACE_MARKER, {"version": 1, "owner": bob.user_id, "locale": "ru", "default_agent": "x"})
    for event in handmade.forged_state(bob.user_id, bobs, bobs_context):
        alice.set_state(alices_chat, event["type"], event["content"], event["state_key"])

    code, report = reconcile(bot)
    assert code == 0
    assert bot.projection.everything() == rows
    assert {alices, alices_chat, bobs_chat} & reported_rooms(report)
    bot.lose("everything")
    reconcile(bot)
    owners = {row["room_id"]: row["matrix_user_id"] for row in bot.projection.rows("matrix_room")}
    contexts = {row["room_id"]: row["platform_chat_id"] for row in bot.projection.rows("matrix_room")}
    assert owners[bobs_chat] == bob.user_id
    assert contexts[bobs_chat] == bobs_context != contexts[alices_chat]
    assert owners.get(alices_chat) in (alice.user_id, None)


def test_the_owner_cannot_write_what_the_bot_writes(home, forbidden):
    user = home.user
    for event in handmade.forged_state(user.user_id, home.space, "00000000"):
        forbidden(user, home.c1, event["type"], event["content"], event["state_key"])
        forbidden(user, home.space, event["type"], event["content"], event["state_key"])
    forbidden(user, home.space, "m.space.child", {"via": ["test.localhost"]}, home.entry)


DISPLAY_NAMES = {
    "markup": "<script>alert(1)</script><b>&amp; \"quoted\" 'x' </h1>",
    "mention": "@room [link](https://evil.example) **bold** `code`",
    "long": "L" * 250,
    "unicode": "\u202eevil\u202c 🏳️‍🌈 \u200bzero\u0301",
    "blank": "   ",
    "empty": "",
}


@pytest.mark.parametrize("name", DISPLAY_NAMES.values(), ids=DISPLAY_NAMES.keys())
def test_a_display_name_is_only_text(bot, alice, admin, name):
    alice.set_display_name(name)
    home = onboard(alice, bot)
    assert admin.room(home.space).name.startswith("Lambda — ")
    assert admin.room(home.space).name.strip() != "Lambda —"
    for room in (home.entry, home.c1):
        for message in home.messages_of_bot(room):
            html = message["content"].get("formatted_body", "")
            assert "<script" not in html and "evil.example" not in html.replace("&", "").split("href=")[-1]
            assert message["content"].get("m.mentions", {}).get("room") is not True
    assert home.ask(home.c1, "My name is a problem?")
    rows = bot.projection.everything()
    bot.restart("everything")
    assert bot.projection.everything() == rows


def test_rooms_named_like_chats_are_not_chats(bot, home, victim, mallory, admin):
    rooms = [mallory.create_room([bot.user_id], name=name) for name in ("Чат 1", "Chat 1", "C1", "Lambda — Alice")]
    for room in rooms:
        joins(admin, bot, room)
    victim.assert_untouched("everything")
    assert {row["surface_ref"] for row in bot.projection.rows("chat")} & set(rooms) == set()


def test_state_near_the_size_limit_breaks_nothing(bot, home, victim, mallory, admin):
    room = invite_bot(mallory, bot.user_id)
    joins(admin, bot, room)
    big = {"padding": "x" * 60_000}
    for event_type, key in (
        (CHAT_MARKER, ""),
        (SPACE_MARKER, ""),
        ("m.space.child", home.c1),
        ("org.example.big", "k"),
    ):
        mallory.set_state(room, event_type, big, key)
    deep = "[" * 500 + "]" * 500
    mallory.set_state(room, "org.example.deep", {"padding": deep})
    victim.assert_untouched("everything")


# What Synapse lets through; nonsense of other kinds it refuses by itself.
ODD_STATE = {
    "empty-name": ("m.room.name", "", {"name": ""}),
    "long-name": ("m.room.name", "", {"name": "n" * 10_000}),
    "markup-name": ("m.room.name", "", {"name": "<h1>C2</h1> !archive [x](https://evil.example)"}),
    "avatar": ("m.room.avatar", "", {"url": {}}),
    "topic": ("m.room.topic", "", {"topic": "t", "m.topic": [None, {"m.text": 5}]}),
}


@pytest.mark.parametrize("event", ODD_STATE.values(), ids=ODD_STATE.keys())
def test_odd_state_of_the_owner_breaks_nothing(bot, home, event):
    """The owner may write these, so they may write nonsense into them."""
    event_type, key, content = event
    context = home.ask(home.c1, "Before")
    home.user.set_state(home.c1, event_type, content, key)
    assert home.ask(home.c1, "After") == context
    assert home.command(home.c1, "!chats")["body"]
    bot.restart("everything")
    assert home.ask(home.c1, "After a restart") == context
    assert bot.projection.one("chat", surface_ref=home.c1)["chat_id"] == "C1"


ODD_MESSAGES = [
    {"msgtype": "m.text", "body": ""},
    {"msgtype": "m.text", "body": "   "},
    {"msgtype": "", "body": "x"},
    {"msgtype": "m.unheard-of", "body": "!help"},
    {"msgtype": "m.text", "body": "x", "m.relates_to": {"rel_type": "m.replace", "event_id": "$nothing"}},
    {"msgtype": "m.text", "body": "x", "m.new_content": 5, "m.relates_to": {"rel_type": "m.replace", "event_id": "$x"}},
    {"msgtype": "m.text", "body": "x", "m.relates_to": {"rel_type": "m.thread", "event_id": "$nothing"}},
    {"msgtype": "m.text", "body": "x", "m.relates_to": {"m.in_reply_to": {"event_id": 5}}},
    {"msgtype": "m.text", "body": "x", "format": 3, "formatted_body": {"a": []}},
    {"msgtype": "m.text", "body": "x", "m.mentions": "everyone"},
    {"msgtype": "m.image", "body": "no url"},
    {"msgtype": "m.file", "body": "f", "url": "not-mxc", "info": {"size": -1}},
    {"msgtype": "m.location", "body": "here", "geo_uri": 1},
]


def test_odd_messages_leave_no_chat_stuck(bot, home):
    for content in ODD_MESSAGES:
        _try_to_send(home, content, "m.room.message")
    for content in ({}, {"m.relates_to": {"rel_type": "m.annotation"}}, {"m.relates_to": "nothing"}):
        _try_to_send(home, content, "m.reaction")
        _try_to_send(home, content, "m.room.message")
        _try_to_send(home, content, "org.example.unknown")
    assert home.ask(home.c1, "Still there?", limit=120)
    bot.restart("everything")
    assert home.ask(home.c1, "And after a restart?")
    for message in home.messages_of_bot(home.c1):
        assert "panicked" not in str(message["content"])


@pytest.mark.parametrize("loss", ["nothing", "everything"])
def test_a_claim_to_be_the_answer_does_not_make_a_question_answered(bot, home, loss):
    assert bot.stop() == 0
    question = home.user.say(home.c1, "A real question")
    claim = {timeline.ANSWERS_KEY: question}
    pretender = home.user.say(home.c1, "I say it is answered", **claim)
    bot.restart(loss)
    home.echo_to(home.c1, question, "A real question")
    home.echo_to(home.c1, pretender, "I say it is answered")


def test_a_redacted_question_leaves_nothing_stuck(bot, home):
    assert bot.stop() == 0
    question = home.user.say(home.c1, "I regret this")
    home.user.put(f"/rooms/{home.c1}/redact/{question}/redaction-{question[1:9]}", {})
    bot.start()
    assert home.ask(home.c1, "Next")
    assert all("regret" not in text for text in home.answers(home.c1, question))


def test_a_replaced_room_binds_nothing(bot, home, victim, mallory, admin):
    """A room that says it continues the victim's chat is still the room of whoever made it."""
    room = mallory.create_room(
        [bot.user_id], creation_content={"predecessor": {"room_id": home.c1, "event_id": "$nothing"}}
    )
    joins(admin, bot, room)
    victim.assert_untouched("everything")
    assert admin.room(home.c1).membership(bot.user_id) == "join"


def home_of(user, bot, entry):
    """A view of the user on a room, whatever it is, for counting answers."""
    return Home(user, bot.user_id, entry, "", [])


def _context_of(admin, home) -> str:
    return admin.room(home.c1).content(CHAT_MARKER)["platform_chat_id"]


def _try_to_send(home, content, event_type) -> None:
    """Sends what the server may refuse by itself."""
    try:
        home.user.send(home.c1, content, event_type)
    except MatrixError as error:
        assert error.status == 400
