"""What operators see of a bot that comes to its end."""

import requests

from support.home import onboard
from support.waiting import wait_until

# Slow enough that the answer is still being made when the end begins, and whole within the grace time.
AGENTS = "agents: [{id: echo, kind: mock, delay_ms: 60}]\n"


def test_while_the_last_answer_is_finished_the_bot_says_that_it_is_ending(make_bot, synapse, alice, tmp_path):
    agents = tmp_path / "agents.yaml"
    agents.write_text(AGENTS)
    bot = make_bot(synapse, MATRIX_AGENTS_CONFIG=str(agents)).start()
    home = onboard(alice, bot)
    text = " ".join(f"word{number}" for number in range(120))
    question = home.user.say(home.c1, text)
    working = lambda: "surfaces_messages_received_total 1" in requests.get(f"http://{bot.http}/metrics", timeout=5).text
    wait_until(working, "the question to be taken up", seen=bot.log_tail)
    bot.process.terminate()
    ending = lambda: bot.http_status("/readyz") == 503
    wait_until(ending, "the bot to say that it is not ready", seen=bot.log_tail)
    answer = requests.get(f"http://{bot.http}/readyz", timeout=5).json()
    assert answer == {"ready": False, "missing": ["the bot is shutting down"]}
    assert bot.http_status("/healthz") == 200
    assert bot.wait_end() == 0
    home.echo_to(home.c1, question, text)
