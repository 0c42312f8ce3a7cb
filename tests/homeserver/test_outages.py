"""The homeserver is down, slow, refusing or forgetful: the bot waits, and loses and doubles nothing."""

import pytest

from support import timeline
from support.home import invite_bot, onboard, settle
from support.proxy import HANG_UP, Fault, LoseAnswer, Refuse, bad_gateway, first_of_each_kind, rate_limited
from support.report import assert_clean
from support.synapse import Synapse
from support.waiting import wait_until


@pytest.fixture
def own_synapse(tmp_path_factory):
    """A server that may be stopped without anybody else noticing."""
    server = Synapse(tmp_path_factory.mktemp("synapse", numbered=True)).start()
    yield server
    server.stop()


@pytest.fixture
def own_people(own_synapse):
    return own_synapse.register("bot", "password"), own_synapse.register("alice", "password")


def test_a_homeserver_that_is_down_is_waited_for(make_bot, own_synapse, own_people):
    """At the very first start, during work, and at a later start."""
    account, alice = own_people
    bot = make_bot(own_synapse, account=account)
    own_synapse.stop()
    bot.launch()
    wait_until(lambda: bot.http_status("/healthz") == 200, "the process to be alive", seen=bot.log_tail)
    assert bot.http_status("/readyz") != 200
    assert bot.run("healthcheck").code == 1
    own_synapse.start()
    bot.wait_ready()
    home = onboard(alice, bot)
    context = home.ask(home.c1, "Before the outage")

    own_synapse.kill()
    wait_until(lambda: "rror" in bot.log_text() or "WARN" in bot.log_text(), "the outage to be noticed")
    assert bot.is_running()
    own_synapse.start()
    assert home.ask(home.c1, "After the outage", limit=120) == context
    made = home.new_chat()
    assert home.ask(made, "Everything works")

    assert bot.stop() == 0
    own_synapse.stop()
    bot.launch()
    wait_until(lambda: bot.http_status("/healthz") == 200, "the process to be alive", seen=bot.log_tail)
    own_synapse.start()
    bot.wait_ready()
    assert home.ask(home.c1, "After another one") == context


def test_an_outage_in_the_middle_of_an_answer_costs_nothing(make_bot, own_synapse, own_people):
    account, alice = own_people
    bot = make_bot(own_synapse, account=account).start()
    home = onboard(alice, bot)
    text = " ".join(f"word{number}" for number in range(80))
    question = alice.say(home.c1, text)
    home.answer_to(home.c1, question)
    own_synapse.kill()
    own_synapse.start()
    home.echo_to(home.c1, question, text, limit=120)
    assert len(home.answers(home.c1, question)) == 1


def test_a_stop_is_heard_while_the_homeserver_is_down(make_bot, own_synapse, own_people):
    account, _ = own_people
    bot = make_bot(own_synapse, account=account)
    own_synapse.stop()
    bot.launch()
    wait_until(lambda: bot.http_status("/healthz") == 200, "the process to be alive", seen=bot.log_tail)
    assert bot.stop() == 0


def test_a_sync_that_goes_silent_is_asked_for_again(make_bot, synapse, proxy, alice):
    """As behind a gateway that has forgotten the connection: it stays open, and nothing comes any more."""
    bot = make_bot(synapse, homeserver=proxy.url).start()
    home = onboard(alice, bot)
    context = home.ask(home.c1, "Before the silence")
    proxy.silence_next_sync()
    wait_until(lambda: not proxy.silent_syncs, "the silence to begin", 60)
    question = alice.say(home.c1, "Into the silence")
    assert home.echo_to(home.c1, question, "Into the silence", limit=150) == context
    assert "the sync failed" in bot.log_text()
    assert len(home.answers(home.c1, question)) == 1


FAULTS = {
    "rate-limited": rate_limited(),
    "bad-gateway": bad_gateway(),
    "connection-lost": Refuse(HANG_UP),
    "answer-lost": LoseAnswer(),
}


@pytest.mark.timeout(400)
@pytest.mark.parametrize("times", [1, pytest.param(3, marks=pytest.mark.long)])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_on_every_kind_of_request(make_bot, synapse, proxy, alice, admin, fault: Fault, times):
    """From the first start through onboarding, an answer, each command, and a restart."""
    proxy.set_rule(first_of_each_kind(fault, times))
    bot = make_bot(synapse, homeserver=proxy.url).start(limit=180)
    entry = invite_bot(alice, bot.user_id)
    home = settle(alice, bot.user_id, entry, limit=180)
    home.ask(home.c1, "Through all of this?", limit=120)
    questions = {home.c1: [], home.entry: []}
    for room, text in (
        (home.c1, "!new Second"),
        (home.c1, "!rename First"),
        (home.c1, "!clear"),
        (home.c1, "!archive C2"),
        (home.c1, "!unarchive C2"),
        (home.c1, "!settings language ru"),
        (home.entry, "!chats"),
    ):
        questions[room].append(alice.say(room, text))
        home.answer_to(room, questions[room][-1], limit=120)
    proxy.set_rule(first_of_each_kind(fault, times))
    bot.restart()
    home.ask(home.c1, "After a restart", limit=120)
    proxy.set_rule()

    made = admin.rooms_made_by(bot.user_id)
    assert len(made) == 3 and {home.space, home.c1} <= made
    assert admin.room(home.space).children == made - {home.space}
    for room, asked in questions.items():
        assert [len(home.answers(room, question)) for question in asked] == [1] * len(asked)
    assert len([m for m in home.messages_of_bot(entry) if timeline.ANSWERS_KEY not in m["content"]]) == 1
    assert admin.room(home.c1).content("io.lambda.surfaces.chat")["generation"] == 1
    assert bot.stop() == 0
    assert_clean(bot)
