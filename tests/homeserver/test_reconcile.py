"""`reconcile` as a command, and what it does about links, lost rooms, doubles and rooms that are not ours."""

import uuid

import pytest

from support import handmade, timeline
from support.admin import CHAT_MARKER
from support.report import CHANGES, KEYS, assert_clean, reconcile, reported_rooms
from support.waiting import wait_until


@pytest.fixture
def stopped(bot, home):
    """A bot that was used and then stopped."""
    home.ask(home.c1, "Before the end")
    assert bot.stop() == 0
    return bot


def test_the_report_has_its_documented_keys_and_nothing_to_tell(stopped, home):
    for check in (True, False):
        code, report = reconcile(stopped, check)
        assert code == 0
        assert set(report) >= KEYS
        assert report["joined_rooms"] == 3
        assert {key: report[key] for key in CHANGES if report[key]} == {}


def test_the_report_can_be_read_by_people_too(stopped):
    done = stopped.run("reconcile", "--check")
    assert done.code == 0
    assert done.out.strip() and not done.out.lstrip().startswith("{")


def test_a_running_daemon_keeps_its_data_to_itself_but_may_be_checked(bot, home, admin):
    devices = admin.devices(bot.user_id)
    done = bot.run("reconcile")
    assert done.code == 4, done.text
    code, report = reconcile(bot, check=True)
    assert (code, report["joined_rooms"]) == (0, 3)
    assert home.ask(home.c1, "Undisturbed?")
    assert admin.devices(bot.user_id) == devices


def test_a_check_tells_what_a_run_would_do_and_writes_nothing(stopped, home, admin):
    handmade.unlink(stopped.account, home.space, home.c1)
    stopped.lose("database")
    rooms = admin.rooms_made_by(stopped.user_id) | {home.entry}
    before = admin.state_ids(rooms)

    code, told = reconcile(stopped, check=True)
    assert (code, bool(told["drift"])) == (10, True)
    assert admin.state_ids(rooms) == before
    assert not stopped.projection.path.exists() or not any(stopped.projection.everything().values())

    code, done = reconcile(stopped)
    assert code == 0
    assert {key: done[key] for key in CHANGES} == {key: told[key] for key in CHANGES}
    assert (done["restored_user_meta"], done["restored_chat_rows"], done["repaired_space_links"]) == (1, 1, 1)
    assert_clean(stopped)


@pytest.mark.parametrize(
    "broken",
    [{}, {"order": "a"}, {"via": "test.localhost"}, {"via": []}],
    ids=["removed", "no-via", "via-is-no-list", "via-is-empty"],
)
def test_a_broken_link_of_a_known_chat_is_written_again(stopped, home, admin, broken):
    stopped.account.set_state(home.space, "m.space.child", broken, home.c1)
    code, report = reconcile(stopped)
    assert (code, report["repaired_space_links"]) == (0, 1)
    assert admin.room(home.space).content("m.space.child", home.c1)["via"] == ["test.localhost"]
    assert_clean(stopped)


def test_a_room_the_bot_is_no_longer_in_is_marked_gone_and_its_number_not_given_again(bot, home):
    c2 = home.new_chat()
    assert bot.stop() == 0
    bot.account.leave(c2)
    code, report = reconcile(bot)
    assert (code, report["gone_rooms"]) == (0, 1)
    assert bot.projection.one("chat", surface_ref=c2)["status"] == "gone"
    assert_clean(bot)

    bot.start()
    c3 = home.new_chat()
    assert bot.projection.one("chat", surface_ref=c3)["chat_id"] == "C3"
    assert bot.projection.one("chat", surface_ref=c2)["status"] == "gone"


def test_a_row_whose_room_never_was_is_marked_gone(stopped, home):
    copy = {"surface_ref": "!nowhere:test.localhost", "chat_id": "C9"}
    stopped.projection.add_copy("chat", {"surface_ref": home.c1}, copy)
    stopped.projection.add_copy(
        "matrix_room", {"room_id": home.c1}, {"room_id": "!nowhere:test.localhost", "chat_id": "C9"}
    )
    stopped.start()
    assert stopped.projection.one("chat", chat_id="C9")["status"] == "gone"
    c10 = home.new_chat()
    assert stopped.projection.one("chat", surface_ref=c10)["chat_id"] == "C10"


def test_of_two_rooms_with_one_number_the_older_keeps_it(stopped, home):
    context = str(uuid.uuid4())
    double = handmade.marked_chat(stopped.account, home.user, home.space, "C1", context)
    for loss in ("nothing", "database"):
        stopped.lose(loss)
        _, report = reconcile(stopped)
        assert stopped.projection.one("chat", chat_id="C1")["surface_ref"] == home.c1
        bound = [row for row in stopped.projection.rows("chat") if row["surface_ref"] == double]
        assert all(row["chat_id"] != "C1" for row in bound)
        assert bound or double in reported_rooms(report)
    stopped.start()
    assert home.ask(home.c1, "The older one") != context[:8]


def test_two_rooms_never_share_a_context(stopped, home, admin):
    """A marker copied by whatever accident must not let one chat read the other's memory."""
    context = admin.room(home.c1).content(CHAT_MARKER)["platform_chat_id"]
    double = handmade.marked_chat(stopped.account, home.user, home.space, "C2", context)
    stopped.start()
    home.user.wait_for(lambda: double in home.user.rooms, "the second room to be joined")
    first = home.ask(home.c1, "The older one")
    question = home.user.say(double, "The younger one")
    home.ask(home.c1, "Time passes")
    texts = home.answers(double, question)
    assert all((timeline.echo_of(text) or ("",))[0] != first for text in texts)
    contexts = [row["platform_chat_id"] for row in stopped.projection.rows("matrix_room") if row["platform_chat_id"]]
    assert len(contexts) == len(set(contexts))


def test_a_space_with_two_possible_owners_is_left_alone(stopped, alice, bob):
    space = handmade.legacy_space(stopped.account, "Lambda — Both", alice, bob)
    room = handmade.legacy_chat(stopped.account, "Чат 1", space, alice, bob)
    code, report = reconcile(stopped)
    assert code == 0
    assert "owner_ambiguous" in {conflict["kind"] for conflict in report["conflicts"]}
    assert {space, room} & reported_rooms(report)
    assert [user["user_id"] for user in stopped.projection.rows("matrix_user")] == [alice.user_id]
    assert [row for row in stopped.projection.rows("chat") if row["surface_ref"] == room] == []


def test_a_room_that_appears_while_the_bot_runs_is_recovered_by_its_first_message(bot, home):
    context = str(uuid.uuid4())
    room = handmade.marked_chat(bot.account, home.user, home.space, "C2", context)
    home.user.wait_for(lambda: room in home.user.rooms, "the room to be joined")
    assert home.ask(room, "Do you know me?") == context[:8]
    assert bot.projection.one("chat", surface_ref=room)["chat_id"] == "C2"
    c3 = home.new_chat()
    assert bot.projection.one("chat", surface_ref=c3)["chat_id"] == "C3"


def test_a_row_lost_while_the_bot_runs_is_restored_by_the_next_message_or_command(bot, home):
    """Nobody should delete rows under a running bot. If it happens, the chat must not be dead."""
    c2 = home.new_chat()
    context = home.ask(c2, "Before")
    for table, column in (("chat", "surface_ref"), ("matrix_room", "room_id")):
        bot.projection.falsify(f"DELETE FROM {table} WHERE {column} = :room", room=c2)
    assert home.ask(c2, "After") == context


def test_a_foreign_room_is_left_alone_and_reported_once(bot, home, bob):
    room = bob.create_room(preset="public_chat", name="Town square")
    bot.account.join(room)
    questions = [bob.say(room, text) for text in ("Hello", "!help", "!new", "Hello again")]
    home.ask(home.c1, "Time passes")
    events = bob.history(room)
    assert [timeline.answers_to(events, question, bot.user_id) for question in questions] == [[], [], [], []]
    assert timeline.messages_from(events, bot.user_id) == []
    mentions = [line for line in bot.log_text().splitlines() if room in line]
    assert 1 <= len(mentions) <= 2, mentions

    assert bot.stop() == 0
    _, report = reconcile(bot, check=True)
    assert room in {skipped["room_id"] for skipped in report["skipped_rooms"]}
    assert all(skipped["reason"] for skipped in report["skipped_rooms"])


def test_the_context_of_an_unmarked_room_is_the_same_on_every_machine(make_bot, synapse, stopped, home, alice):
    room = handmade.legacy_chat(stopped.account, "Чат 7", home.space, alice)
    other = make_bot(synapse, account=stopped.account)
    contexts = []
    for machine in (stopped, other):
        # The marker of the first run is taken away again, so that the second has nothing to read it from.
        code, report = reconcile(machine, check=False)
        assert (code, report["backfilled_platform_chat_ids"]) == (0, 1)
        contexts.append(machine.projection.one("matrix_room", room_id=room)["platform_chat_id"])
        assert machine.projection.one("chat", surface_ref=room)["chat_id"] == "C7"
        stopped.account.set_state(room, CHAT_MARKER, {})
    assert contexts[0] == contexts[1]
    uuid.UUID(contexts[0])
    assert uuid.UUID(contexts[0]).version == 5


def test_metrics_and_health_tell_of_the_run(bot, home):
    assert bot.http_status("/healthz") == 200
    assert bot.http_status("/readyz") == 200
    ready = [line for line in bot.log_text().splitlines() if "ready" in line and "joined_rooms" in line]
    wait_until(lambda: ready, "a log line that says ready with the report's figures", limit=1, seen=bot.log_tail)
