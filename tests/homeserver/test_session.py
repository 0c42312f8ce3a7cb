"""The bot's session ends from outside: it is replaced in the same process, or the process says why it cannot be."""

import json

import requests

from support.home import onboard
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
