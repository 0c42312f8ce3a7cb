"""Restarting is a non-event: with everything kept, with either store lost, with rows missing or wrong."""

import json
import sqlite3
import time

import pytest

from support import timeline
from support.home import onboard
from support.waiting import wait_until

LOSSES = ["nothing", "database", "everything"]


@pytest.mark.parametrize("loss", LOSSES)
def test_a_restart_changes_nothing(running_world, loss):
    world = running_world
    world.learn_contexts()
    before = world.photograph()
    world.bot.restart(loss)
    world.assert_same(before)
    world.assert_usable()


def test_a_kill_and_the_loss_of_both_stores_change_nothing(running_world):
    world = running_world
    world.learn_contexts()
    before = world.photograph()
    world.bot.kill()
    world.bot.restart("everything")
    world.assert_same(before)
    world.assert_usable()


def test_a_full_first_sync_changes_nothing(running_world):
    world = running_world
    world.learn_contexts()
    before = world.photograph()
    world.bot.settings["SURFACES_INITIAL_SYNC"] = "full"
    world.bot.restart()
    del world.bot.settings["SURFACES_INITIAL_SYNC"]
    world.assert_same(before)


FALSIFICATIONS = {
    "chat-row-lost": ["DELETE FROM chat WHERE surface_ref = :c2"],
    "room-row-lost": ["DELETE FROM matrix_room WHERE room_id = :c2"],
    "user-row-lost": ["DELETE FROM matrix_user WHERE user_id = :alice"],
    "space-row-lost": ["DELETE FROM matrix_room WHERE room_id = :space"],
    "all-rows-of-a-user-lost": [
        "DELETE FROM chat WHERE user_id = :alice",
        "DELETE FROM matrix_room WHERE matrix_user_id = :alice",
        "DELETE FROM matrix_user WHERE user_id = :alice",
    ],
    "wrong-surface-ref": ["UPDATE chat SET surface_ref = '!wrong:test.localhost' WHERE surface_ref = :c2"],
    "missing-context": ["UPDATE matrix_room SET platform_chat_id = :nothing WHERE room_id = :c1"],
    "wrong-context": ["UPDATE matrix_room SET platform_chat_id = 'ffffffff-0000' WHERE room_id = :c2"],
    "stale-next-index": ["UPDATE matrix_user SET next_chat_index = 1 WHERE user_id = :alice"],
    "next-index-too-high": ["UPDATE matrix_user SET next_chat_index = 99 WHERE user_id = :alice"],
    "wrong-owner-of-the-room": ["UPDATE matrix_room SET matrix_user_id = :bob WHERE room_id = :c2"],
    "wrong-owner-of-the-chat": ["UPDATE chat SET user_id = :bob WHERE surface_ref = :c2"],
    "wrong-space": ["UPDATE matrix_user SET space_id = '!wrong:test.localhost' WHERE user_id = :alice"],
    "wrong-agent": ["UPDATE matrix_room SET agent_id = 'nobody' WHERE room_id = :c2"],
    "wrong-chat-id": ["UPDATE matrix_room SET chat_id = 'C77' WHERE room_id = :c2"],
    "wrong-status": ["UPDATE chat SET status = 'archived' WHERE surface_ref = :c2"],
    "wrong-type": [
        "UPDATE matrix_room SET room_type = (SELECT room_type FROM matrix_room WHERE room_id = :space)"
        " WHERE room_id = :c2"
    ],
    "wrong-name": ["UPDATE chat SET name = 'Wrong' WHERE surface_ref = :c2"],
}


@pytest.mark.parametrize("statements", FALSIFICATIONS.values(), ids=FALSIFICATIONS.keys())
def test_a_falsified_row_is_put_right(running_world, statements):
    """The report says that something is wrong, a restart puts it right, and then there is nothing to report."""
    world = running_world
    world.learn_contexts()
    before = world.photograph()
    assert world.bot.stop() == 0
    for statement in statements:
        _falsify(world, statement)

    assert world.bot.run("reconcile", "--check", "--json").code == 10
    world.bot.start()
    world.assert_same(before)
    assert world.bot.stop() == 0
    assert world.bot.run("reconcile", "--check", "--json").code == 0
    world.bot.start()


def test_two_chats_with_exchanged_rooms_are_put_right(running_world):
    world = running_world
    world.learn_contexts()
    before = world.photograph()
    assert world.bot.stop() == 0
    for old, new in (
        (world.alice.c1, "!swap"),
        (world.alice.chats[1], world.alice.c1),
        ("!swap", world.alice.chats[1]),
    ):
        world.bot.projection.falsify("UPDATE chat SET surface_ref = :new WHERE surface_ref = :old", new=new, old=old)
    world.bot.start()
    world.assert_same(before)


@pytest.mark.parametrize("loss", LOSSES)
def test_messages_sent_while_the_bot_was_down_are_answered_once_and_in_order(running_world, loss):
    world = running_world
    home, other = world.alice, world.bob
    answered = home.user.say(home.c1, "Answered before")
    home.echo_to(home.c1, answered, "Answered before")
    assert world.bot.stop() == 0
    waiting = [home.user.say(home.c1, f"While you were away {number}") for number in range(4)]
    elsewhere = other.user.say(other.c1, "In another chat")

    world.bot.restart(loss)
    for number, question in enumerate(waiting):
        home.echo_to(home.c1, question, f"While you were away {number}", limit=90)
    other.echo_to(other.c1, elsewhere, "In another chat")
    home.ask(home.c1, "And now")

    for question in (answered, *waiting):
        assert len(home.answers(home.c1, question)) == 1
    assert len(other.answers(other.c1, elsewhere)) == 1
    assert _questions_in_order_of_answers(home, waiting) == waiting


@pytest.mark.parametrize("loss", LOSSES)
def test_every_command_is_understood_as_first_message_after_a_restart(running_world, loss):
    world = running_world
    home = world.alice
    for text in ("!help", "!chats", "!context", "!rename Again", "!settings"):
        world.bot.restart(loss)
        question = home.user.say(home.c1, text)
        assert timeline.echo_of(home.answer_to(home.c1, question)["body"]) is None
        assert len(home.answers(home.c1, question)) == 1


@pytest.mark.parametrize("loss", LOSSES)
def test_commands_that_change_something_wait_for_the_bot_and_are_done_once(bot, home, admin, loss):
    context = home.ask(home.c1, "Before")
    assert bot.stop() == 0
    questions = [home.user.say(home.c1, text) for text in ("!new Away", "!clear", "!agent", "!rename Left alone")]
    hall = home.user.say(home.entry, "!new From the hall")
    bot.restart(loss)
    for question in questions:
        home.answer_to(home.c1, question)
    home.answer_to(home.entry, hall)
    assert home.ask(home.c1, "After") != context

    made = admin.rooms_made_by(bot.user_id) - {home.space, home.c1}
    assert sorted(admin.room(room).name for room in made) == ["Away", "From the hall"]
    assert admin.room(home.c1).content("io.lambda.surfaces.chat")["generation"] == 1
    assert [len(home.answers(home.c1, question)) for question in questions] == [1, 1, 1, 1]
    assert len(home.answers(home.entry, hall)) == 1


def test_an_edit_that_came_before_the_answer_counts(bot, home):
    assert bot.stop() == 0
    question = home.user.say(home.c1, "hlep")
    edit = home.user.edit(home.c1, question, "!help")
    bot.start()
    home.ask(home.c1, "Next")
    answers = home.answers(home.c1, question) + home.answers(home.c1, edit)
    assert len(answers) == 1
    assert "!rename" in answers[0]


def test_a_room_renamed_while_the_bot_was_down_renames_the_chat(bot, home):
    assert bot.stop() == 0
    home.user.set_state(home.c1, "m.room.name", {"name": "Renamed at night"})
    bot.start()
    row = lambda: bot.projection.one("chat", user_id=home.user.user_id)  # noqa: E731
    wait_until(lambda: row()["name"] == "Renamed at night", "the new name", seen=bot.log_tail)


@pytest.mark.parametrize("loss", ["nothing", "database"])
def test_an_answer_cut_off_by_a_kill_is_completed_in_place(bot, home, loss):
    text = " ".join(f"word{number}" for number in range(60))
    question = home.user.say(home.c1, text)
    home.answer_to(home.c1, question)
    bot.kill()
    bot.restart(loss)
    home.echo_to(home.c1, question, text, limit=90)
    home.ask(home.c1, "Next")
    assert len(home.answers(home.c1, question)) == 1


def test_messages_older_than_the_backlogs_limit_are_counted_in_one_notice(bot, home):
    assert bot.stop() == 0
    old = [home.user.say(home.c1, f"Long ago {number}") for number in range(2)]
    limit = time.monotonic() + 2
    wait_until(lambda: time.monotonic() > limit, "the messages to be too old", limit=5)
    bot.settings["SURFACES_BACKLOG_MAX_AGE"] = "1s"
    before = len(home.messages_of_bot(home.c1))
    bot.start()
    new = home.user.say(home.c1, "Just now")
    home.echo_to(home.c1, new, "Just now")
    for question in old:
        assert [text for text in home.answers(home.c1, question) if timeline.echo_of(text)] == []
    notice, answer = (message["content"]["body"] for message in home.messages_of_bot(home.c1)[before:])
    assert "2" in notice and timeline.echo_of(notice) is None
    bot.restart("database")
    home.ask(home.c1, "Later")
    assert len(home.messages_of_bot(home.c1)) == before + 3, "neither noticed nor answered again"


def test_the_device_stays_the_same_over_restarts(bot, home, admin):
    devices = admin.devices(bot.user_id)
    bot.restart()
    bot.restart("database")
    assert admin.devices(bot.user_id) == devices


def test_a_plain_restart_asks_for_no_more_than_it_needs(make_bot, synapse, proxy, alice):
    """A kept position makes the first sync an incremental one, and no room is read one by one."""
    bot = make_bot(synapse, homeserver=proxy.url).start()
    home = onboard(alice, bot)
    for _ in range(3):
        home.new_chat()
    wait_until(lambda: proxy.is_quiet(1), "the bot to be idle")
    assert bot.stop() == 0
    proxy.set_rule()
    bot.restart()
    wait_until(lambda: proxy.is_quiet(1), "the bot to be idle")
    per_room = [call for call in proxy.calls if call.kind.startswith("GET rooms/")]
    assert len(per_room) <= 2, [call.path for call in per_room]


@pytest.mark.long
def test_a_backlog_longer_than_a_sync_is_answered_whole(bot, home):
    home.command(home.c1, "!settings streaming off")
    assert bot.stop() == 0
    waiting = [home.user.say(home.c1, f"Message {number}") for number in range(130)]
    bot.start()
    home.echo_to(home.c1, waiting[-1], "Message 129", limit=240)
    assert [len(home.answers(home.c1, question)) for question in waiting] == [1] * 130
    assert _questions_in_order_of_answers(home, waiting) == waiting


def _falsify(world, statement: str) -> None:
    """Runs the statement with the world's names; where a column must not be NULL it is emptied instead."""
    names = {
        "alice": world.alice.user.user_id,
        "bob": world.bob.user.user_id,
        "space": world.alice.space,
        "c1": world.alice.c1,
        "c2": world.alice.chats[1],
        "nothing": None,
    }
    try:
        world.bot.projection.falsify(statement, **names)
    except sqlite3.IntegrityError:
        world.bot.projection.falsify(statement, **names | {"nothing": ""})


def _questions_in_order_of_answers(home, questions) -> list[str]:
    answered = [event["content"].get(timeline.ANSWERS_KEY) for event in home.messages_of_bot(home.c1)]
    return [question for question in answered if question in questions]


def _is_complete(bot) -> None:
    """The last start left no room aside."""
    ready = [json.loads(line) for line in bot.log_text().splitlines() if '"message":"ready"' in line]
    assert ready[-1]["skipped_rooms"] == 0, ready[-1]


def test_a_room_too_many_in_the_cache_costs_one_full_state_and_nothing_else(bot, home):
    """On an idle server the second sync ends where the first one ended, and the SDK drops such a response."""
    home.command(home.c1, "!save Trip")
    assert bot.stop() == 0
    before = bot.projection.everything()
    bot.projection.falsify("INSERT INTO joined_room (room_id) VALUES (:room)", room="!nowhere:test.localhost")
    for _ in range(2):
        bot.start()
        assert bot.projection.everything() == before
        _is_complete(bot)
        assert "Trip" in home.command(home.c1, "!load")["body"]
        assert bot.stop() == 0
    assert bot.log_text().count("asking for the full state") == 1
    bot.projection.falsify("INSERT INTO joined_room (room_id) VALUES (:room)", room="!nowhere:test.localhost")
    assert bot.run("reconcile").code == 0
    assert bot.projection.everything() == before
    assert bot.run("reconcile", "--check").code == 0


def test_a_position_that_the_server_does_not_know_costs_no_room(bot, home):
    home.ask(home.c1, "Before")
    assert bot.stop() == 0
    before = bot.projection.everything()
    bot.projection.falsify("UPDATE meta SET value = 'nonsense' WHERE key = 'sync_position'")
    question = home.user.say(home.c1, "Meanwhile")
    bot.start()
    home.echo_to(home.c1, question, "Meanwhile")
    assert bot.projection.everything() == before
    _is_complete(bot)
    assert bot.log_text().count("does not accept the kept position") == 1
