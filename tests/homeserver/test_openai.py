"""Agents of the kind openai, with a model server that follows a script."""

import json

import pytest

from support import timeline
from support.home import onboard
from support.registry import model_agent, write_registry
from support.scripted_model import Fails, ScriptedModel, Sends, events, overflow, says
from support.waiting import wait_until


# An error in the middle of a stream, as vLLM and many gateways send it.
ERROR = 'event: error\ndata: {"message": "x", "type": "server_error"}\n\ndata: [DONE]\n\n'
WHOLE = json.dumps({"choices": [{"message": {"content": "Whole."}, "finish_reason": "stop"}]})


@pytest.fixture(scope="module")
def module_model():
    model = ScriptedModel()
    yield model
    model.close()


@pytest.fixture(scope="module")
def module_bot(make_module_bot, synapse, module_model):
    bot = make_module_bot(synapse)
    write_registry(bot, [model_agent(module_model.url)])
    return bot.start()


@pytest.fixture
def model(module_model):
    module_model.requests.clear()
    return module_model


@pytest.fixture
def talk(new_user, module_bot, model):
    """A user at home with the bot: says something and answers what came of it."""
    home = onboard(new_user("alice"), module_bot)

    def ask(text: str, room_id: str | None = None) -> str:
        room = room_id or home.c1
        question = home.user.say(room, text)
        return final_answer(home, room, question)

    ask.home, ask.bot = home, module_bot
    return ask


def final_answer(home, room: str, question: str) -> str:
    """The one answer, once it is no draft any more."""

    def whole():
        events = home.user.events_in(room)
        found = timeline.answers_to(events, question, home.bot_id)
        content = timeline.final_content(events, found[0]) if found else {}
        return content if content and "io.lambda.surfaces.draft" not in content else None

    answer = home.user.wait_for(whole, f"the whole answer to {question}", 90)
    assert answer["m.mentions"] == {}
    assert len(home.answers(room, question)) == 1
    return answer["body"]


def test_an_answer_streams_and_ends_exact(talk, model):
    text = " ".join(f"word{number}" for number in range(60))
    model.then(says(text, pause=0.1))
    assert talk("Count") == text
    events = talk.home.user.history(talk.home.c1)
    question = [event for event in events if event["content"].get("body") == "Count"][0]
    answer = timeline.answers_to(events, question["event_id"], talk.home.bot_id)[0]
    assert 2 <= len(timeline.edits_of(events, answer)) <= 30
    request = model.requests[0]
    assert request["stream"] is True and request["model"] == "scripted"


@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        ([Fails(401, {"message": "bad key"})], "trying again will not help"),
        ([Fails(404, {"message": "no such model"})], "trying again will not help"),
        ([Fails(503, {"message": "down"})] * 3, "Please try again in a moment"),
        ([Fails(429, {"message": "slow down"}, (("Retry-After", "300"),))], "Please try again in 5 min"),
        ([overflow()], "grown too long for the agent"),
        ([says("Half of it", cut=True)], "Half of it\n\nThe answer broke off here. Please ask again"),
        ([Sends(events("Half of it") + ERROR)], "Half of it\n\nThe answer broke off here. Please ask again"),
        ([Sends(ERROR)] * 3, "The agent could not answer just now"),
    ],
    ids=["401", "404", "503", "429", "overflow", "cut", "error event", "error event first"],
)
def test_each_failure_has_words_of_its_own(talk, model, replies, expected):
    model.then(*replies)
    assert expected in talk("Anything")
    assert talk("And now?").startswith("Heard ")


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (WHOLE, "text/plain"),
        (f"{WHOLE}\n\ndata: [DONE]\n\n", "text/event-stream"),
        (f"data:\n\ndata: : keepalive\n\n{events('Who', 'le.')}data: [DONE]\n\n", "application/json"),
    ],
    ids=["json as text", "json as events", "events as json"],
)
def test_an_answer_is_known_by_its_content(talk, model, body, media_type):
    model.then(Sends(body, media_type))
    assert talk("Anything") == "Whole."


def test_reasoning_reaches_neither_the_room_nor_the_next_question(talk, model):
    thoughts = " ".join(f"thought{number}" for number in range(30))
    model.then(says(f"<think>\n{thoughts}\n</think>\n\nFour, as `<think>` says.", pause=0.1))
    assert talk("2+2") == "Four, as `<think>` says."
    assert "thought1" not in json.dumps(talk.home.user.history(talk.home.c1))
    talk("And?")
    assert model.conversation()[1] == ("assistant", "Four, as `<think>` says.")


def test_doctor_names_what_is_wrong_with_a_model(make_bot, synapse, model):
    bot = make_bot(synapse)
    agents = {
        "whole": model_agent(f"{model.url}/chat/completions", "whole"),
        "short": model_agent(model.root, "short"),
        "unknown": model_agent(model.url, "unknown", model="nosuch"),
        "elsewhere": model_agent(f"{model.root}/somewhere", "elsewhere"),
    }
    write_registry(bot, list(agents.values()))
    lines = bot.run("doctor").text.splitlines()
    found = {name: next(line for line in lines if f" agent {name}: " in line) for name in agents}
    assert found["whole"].startswith("ok") and found["short"].startswith("ok")
    assert found["unknown"].startswith("FAIL") and "no model nosuch" in found["unknown"]
    assert "one that the server has: scripted" in found["unknown"]
    assert found["elsewhere"].startswith("FAIL") and "set base_url" in found["elsewhere"]


def test_a_short_wait_and_a_passing_failure_are_not_seen(talk, model):
    model.then(Fails(429, {}, (("Retry-After", "1"),)), Fails(502, {}))
    assert talk("Anything") == "Heard 1: Anything"


def test_two_rooms_keep_apart_and_clear_forgets_one_of_them(talk):
    other = talk.home.new_chat()
    assert talk("one") == "Heard 1: one"
    assert talk("two") == "Heard 3: two"
    assert talk("other", other) == "Heard 1: other"
    talk.home.command(talk.home.c1, "!clear")
    assert talk("three") == "Heard 1: three"
    assert talk("other again", other) == "Heard 3: other again"


def test_an_overflow_leaves_out_the_oldest(talk, model):
    for text in ("one", "two", "three"):
        talk(text)
    model.then(overflow())
    assert talk("four").endswith(": four")
    messages = [content for _, content in model.conversation()]
    assert messages[-1] == "four" and 1 < len(messages) < 7 and "one" not in messages


def test_a_lost_database_is_read_back_from_the_rooms(talk, model):
    other = talk.home.new_chat()
    talk("before the clear")
    talk.home.command(talk.home.c1, "!clear")
    talk("remember me")
    talk("other", other)
    for lost in ("database", "everything"):
        talk.bot.restart(lose=lost)
        talk(f"without the {lost}")
        asked = [content for role, content in model.conversation() if role == "user"]
        assert asked[0] == "remember me" and asked[-1] == f"without the {lost}"
        talk(f"other without the {lost}", other)
        asked = [content for role, content in model.conversation() if role == "user"]
        assert asked[0] == "other" and "remember me" not in asked


def test_a_bot_that_is_killed_in_mid_stream_answers_once(talk, model):
    home = talk.home
    text = " ".join(f"word{number}" for number in range(80))
    model.then(says(text, pause=0.1), says(text, pause=0.01))
    question = home.user.say(home.c1, "Count")
    home.user.wait_for(
        lambda: timeline.answers_to(home.user.events_in(home.c1), question, home.bot_id), "the first words", 60
    )
    talk.bot.kill()
    talk.bot.process = None
    talk.bot.start()
    assert final_answer(home, home.c1, question) == text
    talk("And then?")
    assert [role for role, _ in model.conversation()] == ["user", "assistant", "user"]


def test_a_registry_that_changes_is_taken_in_without_a_restart(make_bot, synapse, alice, model):
    bot = make_bot(synapse)
    write_registry(bot, [model_agent(model.url, system_prompt="Old.")])
    bot.start()
    home = onboard(alice, bot)
    assert final_answer(home, home.c1, home.user.say(home.c1, "one")) == "Heard 2: one"
    (bot.folder / "agents.yaml").write_text("agents: [{id: gpt, kind: magic}, {id: '', kind: mock}]")
    bot.reload()
    wait_until(lambda: "magic" in bot.log_text(), "the complaint", seen=bot.log_tail)
    assert final_answer(home, home.c1, home.user.say(home.c1, "two")) == "Heard 4: two"
    write_registry(bot, [model_agent(model.url), {"id": "echo", "kind": "mock"}])
    bot.reload()
    wait_until(lambda: "registry is read again" in bot.log_text(), "the new registry", seen=bot.log_tail)
    assert final_answer(home, home.c1, home.user.say(home.c1, "three")) == "Heard 5: three"
    assert "echo" in home.command(home.c1, "!agent")["body"]


def test_stop_ends_a_stream_and_what_was_said_is_remembered(talk, model):
    home = talk.home
    model.then(says(" ".join(f"word{number}" for number in range(300)), pause=0.1))
    question = home.user.say(home.c1, "Count")
    home.user.wait_for(
        lambda: timeline.answers_to(home.user.events_in(home.c1), question, home.bot_id), "the first words", 60
    )
    assert home.command(home.c1, "!stop")["body"] == "Stopped."
    assert final_answer(home, home.c1, question).endswith("Stopped.")
    talk("And then?")
    said = model.conversation()
    assert said[0] == ("user", "Count") and said[1][0] == "assistant"
    assert "word1 " in said[1][1] and "word299" not in said[1][1] and "Stopped" not in said[1][1]


@pytest.mark.parametrize("lost", ["nothing", "database", "everything"])
def test_what_was_kept_goes_on_in_another_chat(talk, model, lost):
    talk("remember me")
    talk.home.command(talk.home.c1, "!save Trip")
    talk("not this")
    other = talk.home.new_chat()
    talk("before", other)
    talk.bot.restart(lose=lost)
    assert "goes on from" in talk.home.command(other, "!load Trip")["body"]
    talk("and on", other)
    asked = [content for role, content in model.conversation() if role == "user"]
    assert asked == ["remember me", "and on"]
