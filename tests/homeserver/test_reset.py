"""`reset`: what it removes in each mode, when it refuses, and that a clean start follows."""

import hashlib

import pytest

from support.home import accept, invite_bot, wait_for_pointer
from support.paths import bot_binary
from support.proxy import LoseAnswer, first_of_each_kind
from support.terminal import run_on_terminal

MODES = ["local-only", "server-leave-forget"]


@pytest.fixture
def stopped(bot, home):
    """A bot with something to lose: two chats, one foreign room."""
    home.new_chat()
    home.ask(home.c1, "Before the reset")
    assert bot.stop() == 0
    return bot


def picture(bot, admin):
    """All that a reset could touch: files by content, rooms by membership."""
    files = [bot.projection.path, *sorted(path for path in bot.store.rglob("*") if path.is_file())]
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.exists()}
    return digests, admin.joined_rooms(bot.user_id)


@pytest.mark.parametrize("mode", MODES)
def test_a_dry_run_prints_the_plan_and_touches_nothing(stopped, home, admin, mode):
    before = picture(stopped, admin)
    done = stopped.run("reset", "--mode", mode, "--dry-run")
    assert done.code == 0, done.text
    assert picture(stopped, admin) == before
    if mode == "local-only":
        assert "lambda_matrix.db" in done.text and "matrix_store" in done.text
    else:
        assert home.space in done.text and home.c1 in done.text and home.entry in done.text


@pytest.mark.parametrize("mode", MODES)
def test_a_running_daemon_keeps_its_data(bot, home, admin, mode):
    rooms = admin.joined_rooms(bot.user_id)
    done = bot.run("reset", "--mode", mode, "--yes")
    assert done.code == 4, done.text
    assert admin.joined_rooms(bot.user_id) == rooms
    assert home.ask(home.c1, "Still running?")


@pytest.mark.parametrize("mode", MODES)
def test_nothing_is_destroyed_without_a_yes(stopped, admin, mode):
    before = picture(stopped, admin)
    done = stopped.run("reset", "--mode", mode)
    assert done.code in (1, 2) and "--yes" in done.text, done.text
    assert picture(stopped, admin) == before

    code, output = run_on_terminal(
        [bot_binary(), "reset", "--mode", mode], "no", env=stopped.environment(), cwd=stopped.folder
    )
    assert picture(stopped, admin) == before, f"exit {code}: {output}"


@pytest.mark.parametrize("arguments", [[], ["--mode", "everything"]])
def test_a_mode_must_be_chosen(stopped, admin, arguments):
    before = picture(stopped, admin)
    done = stopped.run("reset", *arguments, "--yes")
    assert done.code == 2
    assert "--mode" in done.text
    assert picture(stopped, admin) == before


def test_local_only_loses_the_cache_and_a_start_brings_it_back(stopped, home, admin):
    rows, rooms = stopped.projection.everything(), admin.joined_rooms(stopped.user_id)
    done = stopped.run("reset", "--mode", "local-only", "--yes")
    assert done.code == 0, done.text
    for suffix in ("", "-wal", "-shm"):
        assert not stopped.projection.path.with_name(f"lambda_matrix.db{suffix}").exists()
    assert not any(path.is_file() for path in stopped.store.rglob("*"))
    assert admin.joined_rooms(stopped.user_id) == rooms

    stopped.start()
    assert stopped.projection.everything() == rows
    assert home.ask(home.c1, "A clean start")


def test_local_only_needs_no_homeserver(stopped):
    stopped.homeserver = "http://127.0.0.1:9"
    assert stopped.run("reset", "--mode", "local-only", "--yes").code == 0
    assert not stopped.projection.path.exists()


def test_server_leave_forget_leaves_what_the_bot_made_and_a_new_life_begins(stopped, home, bob, admin):
    foreign = bob.create_room(preset="public_chat", name="Town square")
    stopped.account.join(foreign)
    made = admin.rooms_made_by(stopped.user_id)

    done = stopped.run("reset", "--mode", "server-leave-forget", "--yes", limit=120)
    assert done.code == 0, done.text
    assert foreign in done.text and home.entry in done.text, "rooms of others are listed"
    assert admin.joined_rooms(stopped.user_id) == {foreign, home.entry}
    for room in made:
        assert admin.room(room).membership(home.user.user_id) in ("join", "invite"), "others keep their rooms"

    stopped.start()
    assert admin.joined_rooms(stopped.user_id) == {foreign, home.entry}
    for room in (home.c1, home.space, *home.chats[1:]):
        home.user.leave(room)
    home.user.sync()
    entry = invite_bot(home.user, stopped.user_id)
    again = accept(home.user, stopped.user_id, entry)
    wait_for_pointer(home.user, stopped.user_id, entry, again.c1)
    assert {again.space, again.c1} & made == set()
    assert len(admin.rooms_made_by(stopped.user_id) - made) == 2
    assert again.ask(again.c1, "A new life?")
    stopped.restart("everything")
    assert again.ask(again.c1, "And it lasts?")


def test_server_leave_forget_gets_through_lost_answers(stopped, home, proxy, admin):
    stopped.homeserver = proxy.url
    proxy.set_rule(first_of_each_kind(LoseAnswer(), 2))
    stopped.run("reset", "--mode", "server-leave-forget", "--yes", limit=240)
    proxy.set_rule()
    done = stopped.run("reset", "--mode", "server-leave-forget", "--yes", limit=120)
    assert done.code == 0, done.text
    assert admin.joined_rooms(stopped.user_id) == {home.entry}
