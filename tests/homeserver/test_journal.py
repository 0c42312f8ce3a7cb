"""What waits in the journal: the order around a gap, deaths in mid-stream, deleted files, strangers, missing keys."""

import threading

import pytest

from support import timeline
from support.api import part
from support.home import ANSWER_LIMIT, onboard
from support.media import send_file
from support.proxy import Hold
from support.waiting import wait_until

AGENTS = "agents: [{id: echo, kind: mock, delay_ms: 60}, {id: slow, kind: mock, delay_ms: 400}]\n"
LONG = " ".join(f"word{number}" for number in range(90))
BURST = 75


@pytest.fixture
def bot(make_bot, synapse, proxy, tmp_path):
    """Its requests go through the proxy."""
    agents = tmp_path / "agents.yaml"
    agents.write_text(AGENTS)
    bot = make_bot(synapse, homeserver=proxy.url, MATRIX_AGENTS_CONFIG=str(agents)).start()
    yield bot
    bot.kill()


def encrypted(session):
    """An event that nobody can read."""
    return {
        "algorithm": "m.megolm.v1.aes-sha2",
        "session_id": session,
        "ciphertext": "AwgAEpABm6",
        "sender_key": "cQ2oVbqmEUeJIRyVs0nwT7Qj2H6AGXl2M9h5i1W2m0o",
        "device_id": "NODEVICE",
    }


def redact(user, room, event):
    user.put(f"/rooms/{part(room)}/redact/{part(event)}/redaction-{event[1:9]}", {})


def order_of_answers(home):
    """The questions in the order in which the bot began to answer them."""
    events = home.user.history(home.c1)
    answered = [m["content"].get(timeline.ANSWERS_KEY) for m in timeline.messages_from(events, home.bot_id)]
    return [question for question in answered if question]


def test_a_burst_behind_a_busy_agent_is_answered_in_order(home, proxy):
    """Longer than a timeline, and the agent is done before the rest of it has been fetched."""
    fetched = threading.Event()
    proxy.set_rule(lambda call: Hold(fetched) if call.kind == "GET rooms/*/messages" else None)
    questions = [home.user.say(home.c1, LONG)]
    home.answer_to(home.c1, questions[0])
    synced = proxy.hold_syncs()
    questions += [home.user.say(home.c1, f"number {number}") for number in range(BURST)]
    synced.set()
    wait_until(lambda: "GET rooms/*/messages" in proxy.kinds(), "the gap", 30)
    home.echo_to(home.c1, questions[0], LONG)
    # Time enough to answer what must not be answered yet.
    early = home.user.say(home.c1, "!files")
    assert not home.answers(home.c1, questions[-1])
    fetched.set()
    home.answer_to(home.c1, early, 120)
    home.echo_to(home.c1, questions[-1], f"number {BURST - 1}", 120)
    assert order_of_answers(home) == [*questions, early]


def test_a_message_killed_in_mid_stream_three_times_is_answered_in_the_end(home, bot):
    home.command(home.c1, "!agent slow")
    text = " ".join(f"word{number}" for number in range(20))
    question = home.user.say(home.c1, text)
    home.answer_to(home.c1, question)

    def edits():
        events = home.user.history(home.c1)
        answers = timeline.answers_to(events, question, home.bot_id)
        return sum(len(timeline.edits_of(events, answer)) for answer in answers)

    for _ in range(3):
        seen = edits()
        wait_until(lambda: edits() > seen, "the answer to grow", ANSWER_LIMIT)
        bot.kill()
        bot.restart()
    home.echo_to(home.c1, question, text, 90)
    assert len(home.answers(home.c1, question)) == 1


def test_a_file_whose_message_was_deleted_is_not_given(home):
    kept = send_file(home.user, home.c1, "kept.txt", b"public")
    deleted = send_file(home.user, home.c1, "deleted.txt", b"secret")
    home.answer_to(home.c1, kept)
    home.answer_to(home.c1, deleted)
    redact(home.user, home.c1, deleted)
    files = home.command(home.c1, "!files")["body"]
    assert "kept.txt" in files and "deleted.txt" not in files
    answer = home.user.say(home.c1, "read")

    def with_files():
        return next((text for text in home.answers(home.c1, answer) if "Files:" in text), None)

    text = home.user.wait_for(with_files, "an answer with files", ANSWER_LIMIT)
    assert "kept.txt" in text and "deleted.txt" not in text


def test_strangers_in_an_entry_room_cost_nothing(home, bot, bob, proxy):
    home.user.invite(home.entry, bob.user_id)
    bob.join(home.entry)
    wait_until(lambda: proxy.is_quiet(1), "silence", 30)
    proxy.set_rule()
    for number in range(20):
        said = bob.say(home.entry, "!help")
        bob.send(home.entry, encrypted(f"session {number}"), "m.room.encrypted")
        reaction = {"rel_type": "m.annotation", "event_id": said, "key": "👍"}
        bob.send(home.entry, {"m.relates_to": reaction}, "m.reaction")
    home.command(home.entry, "!help", 10)
    wait_until(lambda: proxy.is_quiet(1), "silence", 30)
    of_the_room = [kind for kind in proxy.kinds() if " rooms/" in kind]
    assert len(of_the_room) <= 5, of_the_room
    assert len(home.messages_of_bot(home.entry)) == 2, "the pointer, and help"


def test_a_session_without_a_key_gets_one_notice_and_holds_up_nothing(home):
    for _ in range(4):
        home.user.send(home.c1, encrypted("a session"), "m.room.encrypted")
    home.ask(home.c1, "hello", 20)
    home.user.send(home.c1, encrypted("a session"), "m.room.encrypted")
    home.ask(home.c1, "at once", 5)
    notices = [m for m in home.messages_of_bot(home.c1) if "could not decrypt" in m["content"]["body"]]
    assert len(notices) == 1
