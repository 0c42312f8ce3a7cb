"""The bot's session ends from outside: it is replaced in the same process, or the process says why it cannot be."""

import json

import requests

from support.home import onboard
from support.registry import write_registry
from support.synapse import Synapse
from support.waiting import wait_until


def session_of(bot) -> dict:
    return json.loads((bot.store / "session.json").read_text())


def sign_out(bot) -> None:
    """As somebody does who ends the bot's session in another client: its device is deleted."""
    answer = requests.post(
        f"{bot.homeserver}/_matrix/client/v3/logout",
        headers={"Authorization": f"Bearer {session_of(bot)['access_token']}"},
        timeout=30,
    )
    answer.raise_for_status()


def test_a_session_that_is_signed_out_is_replaced_by_the_same_process(make_bot, synapse, alice):
    bot = make_bot(synapse).start()
    home = onboard(alice, bot)
    home.ask(home.c1, "Before")
    process, device = bot.process.pid, session_of(bot)["device_id"]
    sign_out(bot)
    home.ask(home.c1, "After", 90)
    assert session_of(bot)["device_id"] != device
    assert bot.is_running() and bot.process.pid == process
    bot.wait_ready()


def test_a_registry_that_was_read_again_outlives_the_session(make_bot, synapse, alice):
    """An agent that was taken away from a user stays away when the session is replaced."""
    bot = make_bot(synapse)
    first, second = ({"id": name, "kind": "mock"} for name in ("first", "second"))
    write_registry(bot, [first, second])
    bot.start()
    home = onboard(alice, bot)
    assert "second" in home.command(home.c1, "!agent")["body"]
    write_registry(bot, [first, second | {"users": ["@nobody:*"]}])
    bot.reload()
    wait_until(lambda: "registry is read again" in bot.log_text(), "the new registry", seen=bot.log_tail)
    assert "second" not in home.command(home.c1, "!agent")["body"]
    device = session_of(bot)["device_id"]
    sign_out(bot)
    assert "second" not in home.command(home.c1, "!agent", 90)["body"]
    assert session_of(bot)["device_id"] != device
    assert bot.stop() == 0


def test_a_session_that_expires_goes_on_as_the_same_device(make_bot, tmp_path_factory):
    """Soft logout: the server ends the token and keeps the device."""
    server = Synapse(tmp_path_factory.mktemp("expiring", numbered=True)).start()
    try:
        account, alice = server.register("bot", "password"), server.register("alice", "password")
        server.stop()
        # From here on; Alice's session is older and stays.
        server.configure(session_lifetime="15s")
        server.start()
        bot = make_bot(server, account=account).start()
        first = session_of(bot)
        home = onboard(alice, bot)
        context = home.ask(home.c1, "Before")
        wait_until(lambda: session_of(bot)["access_token"] != first["access_token"], "a new token", 120, seen=bot.log_tail)
        question = alice.say(home.c1, "After")
        assert home.echo_to(home.c1, question, "After", 90) == context
        assert len(home.answers(home.c1, question)) == 1
        assert session_of(bot)["device_id"] == first["device_id"]
        assert bot.stop() == 0
    finally:
        server.stop()


def test_a_session_that_cannot_be_replaced_leaves_a_process_that_says_why(make_bot, synapse, alice):
    bot = make_bot(synapse).start()
    token = session_of(bot)
    assert bot.stop() == 0
    bot.process = None
    bot.settings |= {"MATRIX_PASSWORD": None, "MATRIX_ACCESS_TOKEN": token["access_token"]}
    bot.start()
    sign_out(bot)

    def says_why() -> bool:
        answer = requests.get(f"http://{bot.http}/readyz", timeout=5)
        return answer.status_code == 503 and "MATRIX_ACCESS_TOKEN" in answer.text

    wait_until(says_why, "the reason in /readyz", 90, seen=bot.log_tail)
    assert bot.is_running()
    assert bot.http_status("/healthz") == 200
    assert bot.log_text().count("there is no session, and none can be had") == 1
    assert bot.stop() == 0
