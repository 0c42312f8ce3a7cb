"""What passes ahead of a running answer, what agents ask of people, and contexts kept under names."""

import pytest

from support import timeline
from support.api import part
from support.home import onboard
from support.waiting import wait_until

AGENTS = """
default: quick
agents:
  - {id: quick, name: Quick, kind: mock, delay_ms: 0}
  - {id: slow, name: Slow, kind: mock, delay_ms: 1500}
"""
LONG = " ".join(f"word{number}" for number in range(40))


@pytest.fixture
def bot(make_bot, synapse):
    bot = make_bot(synapse, MATRIX_AGENTS_CONFIG="agents.yaml", SURFACES_PERMISSION_TIMEOUT="60s")
    (bot.folder / "agents.yaml").write_text(AGENTS)
    yield bot.start()
    bot.kill()


@pytest.fixture
def home(alice, bot):
    return onboard(alice, bot)


def slow_chat(home):
    """C1, in which a long answer takes a minute."""
    home.command(home.c1, "!agent slow")
    return home.c1


def begin_long_answer(home):
    """A question whose answer can be seen growing."""
    question = home.user.say(home.c1, LONG)
    home.answer_to(home.c1, question)
    return question


def text_of(home, question):
    """What the one answer to this event says now."""
    answers = home.answers(home.c1, question)
    assert len(answers) == 1, answers
    return answers[0]


def wait_for_text(home, question, condition, what):
    def found():
        events = home.user.events_in(home.c1)
        texts = [timeline.final_text(events, a) for a in timeline.answers_to(events, question, home.bot_id)]
        return next((text for text in texts if condition(text)), None)

    return home.user.wait_for(found, what, 60)


def questions(home):
    """The permission questions of the room: (event id, what it says now)."""
    events = home.user.events_in(home.c1)
    messages = timeline.messages_from(events, home.bot_id)
    asks = [m for m in messages if "io.lambda.surfaces.asks" in m["content"]]
    return [(m["event_id"], timeline.final_text(events, m)) for m in asks]


def begin_question(home, title="May I?"):
    turn = home.user.say(home.c1, f"ask permission {title}")
    asked = home.user.wait_for(lambda: questions(home), "the question")
    return turn, asked[0][0]


def react(user, room, event, key):
    relation = {"rel_type": "m.annotation", "event_id": event, "key": key}
    return user.send(room, {"m.relates_to": relation}, "m.reaction")


def fully_read(home, bot):
    path = f"/user/{part(bot.user_id)}/rooms/{part(home.c1)}/account_data/m.fully_read"
    return bot.account.get(path)["event_id"]


# What passes ahead.


def test_stop_ends_a_streamed_answer_at_once_and_the_next_message_is_answered(home, bot):
    slow_chat(home)
    first = begin_long_answer(home)
    second = home.user.say(home.c1, "next")
    third = home.user.say(home.c1, "last")
    stop = home.user.say(home.c1, "!stop")
    assert home.answer_to(home.c1, stop, limit=15)["body"] == "Stopped."
    assert text_of(home, first).endswith("Stopped.")
    assert "word39" not in text_of(home, first)
    for question, text in [(second, "next"), (third, "last")]:
        home.echo_to(home.c1, question, text)
    answered = [m["content"].get(timeline.ANSWERS_KEY) for m in home.messages_of_bot(home.c1)]
    order = [answered.index(question) for question in (first, second, third)]
    assert order == sorted(order)
    # A growing answer can look whole: its turn is over when the cursor has moved.
    wait_until(lambda: fully_read(home, bot) == stop, "the last turn to end", seen=bot.log_tail)
    assert home.command(home.c1, "!stop")["body"] == "Nothing is running here."


def test_help_comes_while_an_answer_grows_and_the_cursor_stays_before_it(home, bot):
    slow_chat(home)
    question = begin_long_answer(home)
    before = fully_read(home, bot)
    assert "!stop" in home.command(home.c1, "!help", limit=15)["body"]
    assert fully_read(home, bot) == before
    stop = home.user.say(home.c1, "!stop")
    home.answer_to(home.c1, stop)
    wait_until(lambda: fully_read(home, bot) == stop, "the cursor to follow", seen=bot.log_tail)
    assert text_of(home, question).endswith("Stopped.")


@pytest.mark.parametrize("loss", ["nothing", "database", "everything"])
def test_a_kill_after_help_repeats_neither_help_nor_loses_the_answer(home, bot, loss):
    slow_chat(home)
    question = home.user.say(home.c1, "one two three four five six")
    home.answer_to(home.c1, question)
    help_ = home.user.say(home.c1, "!help")
    home.answer_to(home.c1, help_)
    bot.kill()
    bot.restart(loss)
    home.echo_to(home.c1, question, "one two three four five six", limit=90)
    home.ask(home.c1, "Next")
    assert len(home.answers(home.c1, help_)) == 1
    assert len(home.answers(home.c1, question)) == 1


def test_a_stop_sent_while_the_bot_is_down_stops_what_it_comes_behind(home, bot):
    bot.kill()
    first, second = home.user.say(home.c1, "one"), home.user.say(home.c1, "two")
    stop = home.user.say(home.c1, "!stop")
    bot.restart()
    home.echo_to(home.c1, second, "two")
    assert home.answer_to(home.c1, stop)["body"] == "Stopped."
    assert text_of(home, first) == "Stopped."


# What agents ask.


@pytest.mark.parametrize(
    "reaction, words, expected",
    [
        ("👍", None, "You chose: once."),
        ("❌", None, "You chose: reject."),
        ("2️⃣", None, "You chose: always."),
        (None, "!yes", "You chose: once."),
        (None, "!no", "You chose: reject."),
        (None, "3", "You chose: reject."),
    ],
)
def test_a_permission_question_is_answered_by_its_owner(home, reaction, words, expected):
    turn, question = begin_question(home)
    if reaction:
        react(home.user, home.c1, question, reaction)
    else:
        home.user.say(home.c1, words)
    wait_for_text(home, turn, lambda text: text == expected, expected)
    assert len(questions(home)) == 1
    assert "Only you" not in questions(home)[0][1]


def test_a_reaction_to_something_else_decides_nothing(home):
    turn, question = begin_question(home)
    react(home.user, home.c1, turn, "👍")
    react(home.user, home.c1, question, "🎉")
    home.user.say(home.c1, "!no")
    wait_for_text(home, turn, lambda text: text == "You chose: reject.", "the refusal")


def test_a_stranger_decides_nothing(home, bot, bob):
    bot.account.invite(home.c1, bob.user_id)
    bob.join(home.c1)
    turn, question = begin_question(home)
    react(bob, home.c1, question, "👍")
    bob.say(home.c1, "!yes")
    home.user.say(home.c1, "!no")
    wait_for_text(home, turn, lambda text: text == "You chose: reject.", "the refusal")


def test_nobody_answering_means_no(home, bot):
    bot.settings["SURFACES_PERMISSION_TIMEOUT"] = "2s"
    bot.restart()
    turn, _ = begin_question(home)
    wait_for_text(home, turn, lambda text: text == "You refused.", "the refusal")
    assert "Nobody answered in time" in questions(home)[0][1]
    assert home.command(home.c1, "!yes")["body"] == "No agent is asking you anything here."


@pytest.mark.parametrize("loss", ["nothing", "database", "everything"])
@pytest.mark.parametrize("reaction", [True, False])
def test_an_answer_given_while_the_bot_was_dead_counts(home, bot, loss, reaction):
    turn, question = begin_question(home)
    bot.kill()
    if reaction:
        react(home.user, home.c1, question, "1️⃣")
    else:
        home.user.say(home.c1, "!yes")
    bot.restart(loss)
    wait_for_text(home, turn, lambda text: text == "You chose: once.", "the answer")
    home.ask(home.c1, "Next")
    assert len(questions(home)) == 1
    assert questions(home)[0][1].endswith("Allow once")
    assert len(home.answers(home.c1, turn)) == 1


# What is kept.


def test_a_kept_context_goes_on_in_another_chat(home):
    for number in range(3):
        home.ask(home.c1, f"Message {number}")
    assert home.command(home.c1, "!save Trip")["body"].startswith("Kept as Trip.")
    c2 = home.new_chat()
    before = home.ask(c2, "Before")
    assert "Trip" in home.command(c2, "!load")["body"]
    assert "goes on from" in home.command(c2, "!load trip")["body"]
    assert "messages 3" in home.command(c2, "!context")["body"]
    assert home.ask(c2, "After") != before
    assert "messages 3" in home.command(home.c1, "!context")["body"], "no other room notices"


@pytest.mark.parametrize("loss", ["database", "everything"])
def test_what_was_kept_survives_the_loss_of_the_stores_and_nobody_else_sees_it(home, bot, bob, loss):
    home.ask(home.c1, "Message")
    home.command(home.c1, "!save Trip")
    bot.kill()
    bot.restart(loss)
    other = onboard(bob, bot)
    assert "nothing yet" in other.command(other.c1, "!load")["body"]
    assert "nothing as Trip" in other.command(other.c1, "!load Trip")["body"]
    assert "Trip" in home.command(home.c1, "!load")["body"]
    assert "goes on from" in home.command(home.c1, "!load Trip")["body"]
    assert "messages 1" in home.command(home.c1, "!context")["body"]


def test_what_a_user_writes_into_the_space_is_refused(home, forbidden):
    save = {"version": 1, "owner": home.user.user_id, "name": "Mine", "agent_id": "quick"}
    forbidden(home.user, home.space, "io.lambda.surfaces.save", save, "mine")
