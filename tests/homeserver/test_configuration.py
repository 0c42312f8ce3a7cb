"""Configuration, credentials, data and agents that are wrong: a clear message, the right exit code, nothing lost."""

import json
import stat

import pytest

from support.bot import Bot
from support.hardship import fill, make_room, small_disk, without_rights
from support.home import onboard
from support.waiting import wait_until

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def idle(make_bot, synapse) -> Bot:
    """A bot that was never started."""
    return make_bot(synapse)


def refused(bot: Bot, *named: str, code: int = 2, arguments=("run",)) -> str:
    """Runs the daemon, which must end by itself with this code, naming all of these."""
    done = bot.run(*arguments, limit=60)
    assert done.code == code, f"exit {done.code}\n{done.text}"
    missing = [name for name in named if name.lower() not in done.text.lower()]
    assert not missing, f"not named: {missing}\n{done.text}"
    assert "panicked" not in done.text
    return done.text


# Variables.


def test_everything_that_is_missing_is_listed_at_once(idle):
    idle.settings |= dict.fromkeys(["MATRIX_HOMESERVER", "MATRIX_USER_ID", "MATRIX_PASSWORD"])
    refused(idle, "MATRIX_HOMESERVER", "MATRIX_USER_ID", "MATRIX_PASSWORD")


def test_everything_that_is_malformed_is_listed_at_once(idle):
    wrong = {
        "MATRIX_HOMESERVER": "not a url",
        "MATRIX_USER_ID": "bot",
        "SURFACES_INITIAL_SYNC": "maybe",
        "SURFACES_LOCALE": "xx",
        "SURFACES_HTTP_ADDR": "nonsense",
        "SURFACES_LOG_FORMAT": "xml",
        "SURFACES_MAX_UPLOAD_BYTES": "plenty",
        "SURFACES_BACKLOG_MAX_AGE": "soon",
    }
    idle.settings |= wrong
    text = refused(idle, *wrong)
    assert "maybe" in text and "auto" in text, "what was read and what is expected"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"MATRIX_PASSWORD_FILE": "password"}, ["MATRIX_PASSWORD", "MATRIX_PASSWORD_FILE"]),
        ({"MATRIX_PASSWORD": None, "MATRIX_PASSWORD_FILE": "not-there"}, ["MATRIX_PASSWORD_FILE", "not-there"]),
        ({"MATRIX_ACCESS_TOKEN": "token", "MATRIX_ACCESS_TOKEN_FILE": "password"}, ["MATRIX_ACCESS_TOKEN_FILE"]),
        ({"MATRIX_AGENTS_CONFIG": "not-there.yaml"}, ["MATRIX_AGENTS_CONFIG", "not-there.yaml"]),
        ({"MATRIX_HOMESERVER": "ftp://example.org"}, ["MATRIX_HOMESERVER"]),
        ({"MATRIX_USER_ID": "@bot"}, ["MATRIX_USER_ID"]),
        ({"MATRIX_PASSWORD": ""}, ["MATRIX_PASSWORD"]),
    ],
    ids=["both", "file-missing", "both-tokens", "agents-missing", "scheme", "no-server", "empty-password"],
)
def test_contradictions_and_dead_ends_are_named(idle, settings, named):
    (idle.folder / "password").write_text("secret\n")
    idle.settings |= settings
    refused(idle, *named)


def test_bad_configuration_is_found_before_anything_is_contacted(idle, proxy):
    idle.homeserver = proxy.url
    idle.settings["SURFACES_LOCALE"] = "xx"
    refused(idle, "SURFACES_LOCALE")
    assert proxy.calls == []
    assert not idle.projection.path.exists()


def test_a_secret_may_stand_in_a_file(idle):
    (idle.folder / "password").write_text(idle.account.password + "\n")
    idle.settings |= {"MATRIX_PASSWORD": None, "MATRIX_PASSWORD_FILE": "password"}
    idle.start()
    assert idle.account.password not in idle.log_text()


def test_the_settings_may_stand_in_a_file_called_env(idle):
    idle.settings |= {"MATRIX_PASSWORD": None, "SURFACES_LOG_FORMAT": None}
    (idle.folder / ".env").write_text(
        f"MATRIX_PASSWORD={idle.account.password}\nMATRIX_HOMESERVER={NOWHERE}\nSURFACES_LOG_FORMAT=json\n"
    )
    idle.start()
    line = next(line for line in idle.log_text().splitlines() if line.startswith("{"))
    assert json.loads(line)


def test_an_unknown_name_is_warned_about_with_the_nearest_known_one(idle):
    idle.settings |= {"MATRIX_HOMESERVR": "x", "SURFACES_LOCAL": "ru"}
    idle.start()
    for known, unknown in (("MATRIX_HOMESERVER", "MATRIX_HOMESERVR"), ("SURFACES_LOCALE", "SURFACES_LOCAL")):
        lines = [line for line in idle.log_text().splitlines() if f"{unknown}" in line and known in line]
        assert lines, idle.log_tail()


def test_without_an_agents_file_the_mock_serves_and_the_log_says_so(idle):
    idle.start()
    assert any("mock" in line for line in idle.log_text().splitlines())


AGENTS = {
    "unknown-kind": ("agents:\n  - {id: a, name: A, kind: telepathy}\n", ["telepathy"]),
    "duplicate-ids": ("agents:\n  - {id: twin, name: A, kind: mock}\n  - {id: twin, name: B, kind: mock}\n", ["twin"]),
    "missing-default": ("default: nobody\nagents:\n  - {id: a, name: A, kind: mock}\n", ["nobody"]),
    "no-agents": ("agents: []\n", ["agents"]),
    "no-yaml": ("agents: [unclosed\n", ["agents.yaml"]),
    "empty": ("", ["agents.yaml"]),
    "no-id": ("agents:\n  - {name: A, kind: mock}\n", ["id"]),
}


@pytest.mark.parametrize(("text", "named"), AGENTS.values(), ids=AGENTS.keys())
def test_a_wrong_agent_registry_is_refused(idle, text, named):
    (idle.folder / "agents.yaml").write_text(text)
    idle.settings["MATRIX_AGENTS_CONFIG"] = "agents.yaml"
    refused(idle, *named)


# Usage.


def test_the_command_line_explains_itself(idle):
    done = idle.run("--help")
    assert done.code == 0
    for command in ("run", "reconcile", "reset", "doctor", "healthcheck"):
        assert command in done.out
    assert idle.run("--version").out.startswith("surfaces-bot ")
    assert idle.run("fly").code == 2
    assert idle.run("reconcile", "--sideways").code == 2


# Credentials.


def test_a_wrong_password_is_refused_and_not_logged(idle):
    idle.settings["MATRIX_PASSWORD"] = "a-wrong-password"
    text = refused(idle, "MATRIX_PASSWORD", code=3)
    assert "a-wrong-password" not in text


def test_a_token_of_another_user_is_refused(idle, alice):
    idle.settings |= {
        "MATRIX_PASSWORD": None,
        "MATRIX_ACCESS_TOKEN": alice.token,
        "MATRIX_DEVICE_ID": alice.device_id,
    }
    text = refused(idle, alice.user_id, code=3)
    assert alice.token not in text


def test_a_token_that_nobody_knows_is_refused(idle):
    idle.settings |= {"MATRIX_PASSWORD": None, "MATRIX_ACCESS_TOKEN": "syt_invalid", "MATRIX_DEVICE_ID": "DEVICE"}
    refused(idle, "MATRIX_ACCESS_TOKEN", code=3)


def test_a_token_will_do_instead_of_a_password(idle, alice):
    idle.settings |= {
        "MATRIX_PASSWORD": None,
        "MATRIX_ACCESS_TOKEN": idle.account.token,
        "MATRIX_DEVICE_ID": idle.account.device_id,
    }
    home = onboard(alice, idle.start())
    idle.restart("everything")
    assert home.ask(home.c1, "With a token?")


def test_the_saved_session_is_for_the_owners_eyes_only(idle):
    idle.start()
    for path in idle.store.rglob("*"):
        if "session" in path.name:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert any("session" in path.name for path in idle.store.rglob("*"))


def test_a_session_that_was_ended_elsewhere_is_renewed_by_the_password(bot, home):
    """Somebody removed the bot's device; with the password it can help itself."""
    context = home.ask(home.c1, "Before")
    assert bot.stop() == 0
    bot.account.post("/logout/all")
    bot.start()
    assert home.ask(home.c1, "After") == context


# Data.


def test_a_second_daemon_is_refused(bot, home):
    refused(bot, code=4)
    assert home.ask(home.c1, "The first one goes on")


def test_a_database_of_a_newer_version_is_left_as_it_is(bot, home):
    assert bot.stop() == 0
    bot.projection.pretend_newer()
    before = bot.projection.path.read_bytes()
    done = bot.run("run")
    assert done.code in (1, 2), done.text
    assert "newer" in done.text
    assert bot.projection.path.read_bytes() == before


@pytest.mark.parametrize("damage", ["garbage", "truncated", "middle"])
def test_a_corrupt_database_is_moved_aside_and_rebuilt(bot, home, damage):
    rows = bot.projection.everything()
    assert bot.stop() == 0
    path = bot.projection.path
    whole = path.read_bytes()
    broken = {
        "garbage": b"this is no database" * 500,
        "truncated": whole[: len(whole) // 2],
        "middle": whole[:4096] + b"\xff" * (len(whole) - 8192) + whole[-4096:],
    }[damage]
    path.write_bytes(broken)
    bot.start()
    assert bot.projection.everything() == rows
    aside = list(bot.folder.glob("lambda_matrix.db.corrupt-*"))
    assert any(file.read_bytes() == broken for file in aside), aside
    assert home.ask(home.c1, "Rebuilt")


def test_a_folder_that_cannot_be_written_to_is_named(idle):
    data = idle.folder / "data"
    data.mkdir()
    (idle.folder / "workspace").mkdir()
    idle.settings |= {
        "MATRIX_DB_PATH": str(data / "lambda_matrix.db"),
        "MATRIX_STORE_PATH": str(data / "matrix_store"),
    }
    with without_rights(data) as options:
        done = idle.run("run", **options)
    assert done.code in (1, 2), done.text
    assert str(data) in done.text and "panicked" not in done.text


def test_a_full_disk_is_said_and_loses_nothing(make_bot, synapse, alice):
    bot = make_bot(synapse)
    data = bot.folder / "disk"
    with small_disk(data, 24 * 1024):
        bot.settings |= {
            "MATRIX_DB_PATH": str(data / "lambda_matrix.db"),
            "MATRIX_STORE_PATH": str(data / "matrix_store"),
        }
        bot.projection.path = data / "lambda_matrix.db"
        home = onboard(alice, bot.start())
        context = home.ask(home.c1, "While there is room")
        fill(data)
        question = alice.say(home.c1, "No room for this")
        wait_until(
            lambda: not bot.is_running() or "full" in bot.log_text().lower(),
            "the full disk to be noticed",
            seen=bot.log_tail,
        )
        assert "full" in bot.log_text().lower() and "panicked" not in bot.log_text()
        make_room(data)
        if not bot.is_running():
            bot.restart()
        home.echo_to(home.c1, question, "No room for this", limit=120)
        assert home.ask(home.c1, "Room again") == context
        assert len(home.answers(home.c1, question)) == 1
        assert bot.stop() == 0


def test_a_disk_that_is_full_at_the_start_is_named(idle):
    data = idle.folder / "disk"
    with small_disk(data, 64):
        fill(data)
        idle.settings |= {
            "MATRIX_DB_PATH": str(data / "lambda_matrix.db"),
            "MATRIX_STORE_PATH": str(data / "matrix_store"),
        }
        done = idle.run("run")
        assert done.code in (1, 2), done.text
        assert "panicked" not in done.text and str(data) in done.text


# Doctor, health, end.


def test_doctor_finds_nothing_wrong_where_nothing_is(bot, home):
    assert bot.stop() == 0
    done = bot.run("doctor")
    assert done.code == 0, done.text
    report = bot.run("doctor", "--json")
    assert report.code == 0
    assert json.loads(report.out)


def test_doctor_says_what_to_do_about_each_failure(idle):
    (idle.folder / "workspace").mkdir()
    idle.homeserver = NOWHERE
    done = idle.run("doctor")
    assert done.code not in (0, 101), done.text
    assert NOWHERE in done.text or "MATRIX_HOMESERVER" in done.text
    idle.settings["SURFACES_LOCALE"] = "xx"
    assert "SURFACES_LOCALE" in idle.run("doctor").text
    json.loads(idle.run("doctor", "--json").out)


def test_doctor_tells_a_token_of_another_user(idle, alice):
    (idle.folder / "workspace").mkdir()
    idle.settings |= {
        "MATRIX_PASSWORD": None,
        "MATRIX_ACCESS_TOKEN": alice.token,
        "MATRIX_DEVICE_ID": alice.device_id,
    }
    done = idle.run("doctor")
    assert done.code != 0, done.text
    assert alice.user_id in done.text and alice.token not in done.text


def test_healthcheck_tells_a_running_bot_from_none(bot):
    assert bot.run("healthcheck").code == 0
    assert bot.stop() == 0
    assert bot.run("healthcheck").code == 1


@pytest.mark.parametrize("moment", ["idle", "answering"])
def test_an_end_by_signal_is_clean_and_loses_nothing(bot, home, moment):
    text = " ".join(f"word{number}" for number in range(40))
    question = home.user.say(home.c1, text)
    if moment == "idle":
        home.echo_to(home.c1, question, text)
    else:
        home.answer_to(home.c1, question)
    assert bot.stop() == 0
    bot.start()
    home.echo_to(home.c1, question, text)
    home.ask(home.c1, "Next")
    assert len(home.answers(home.c1, question)) == 1
