"""An ACP agent on the Python reference implementation: answers, ends, restarts, and everything hostile."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from support import timeline
from support.cast import register
from support.home import onboard
from support.media import download, send_file
from support.waiting import wait_until

AGENT = Path(__file__).parent / "agents" / "acp_agent.py"
LIMIT = 90.0


def registry(folder: Path, state: Path) -> Path:
    """One agent in several ways; `brief` may not take long."""
    agent = {"id": "coder", "kind": "acp", "command": [sys.executable, str(AGENT)]}
    env = {"AGENT_STATE": str(state)}

    def variant(agent_id, more=(), **keys):
        return {**agent, "id": agent_id, "env": env | dict(more), **keys}

    login = {"AGENT_LOGIN": "api-key"}
    agents = [
        variant("coder"),
        variant("brief", turn_limit="12s"),
        variant("forgetful", {"AGENT_OFFERS": "none"}),
        variant("locked", login),
        variant("unlocked", login, auth="api-key"),
        variant("slow", {"AGENT_START_SECONDS": "65"}),
    ]
    path = folder / "agents.yaml"
    # JSON is YAML.
    path.write_text(json.dumps({"agents": agents}))
    return path


class Coder:
    """A user whose chats are answered by the agent."""

    def __init__(self, bot, home, state):
        self.bot, self.home, self.state = bot, home, state

    @property
    def bots(self):
        return [self.bot]

    def say(self, text, room=None):
        return self.home.user.say(room or self.home.c1, text)

    def answer(self, question, room=None, until=lambda text: True, limit=LIMIT):
        """The text of the answer to this event, once it is as `until` says."""
        room = room or self.home.c1

        def final():
            events = self.home.user.events_in(room)
            for answer in timeline.answers_to(events, question, self.bot.user_id):
                text = timeline.final_text(events, answer)
                if until(text):
                    return text
            return None

        return self.home.user.wait_for(final, f"an answer to {question}", limit)

    def ask(self, text, contains, room=None):
        return self.answer(self.say(text, room), room, lambda said: contains in said)

    def pid(self):
        return int(self.ask("where are you", "pid ").split("pid ")[1])


@pytest.fixture(scope="module")
def coder(make_module_bot, synapse, tmp_path_factory):
    folder = tmp_path_factory.mktemp("coder")
    state = folder / "state"
    state.mkdir()
    bot = make_module_bot(synapse, MATRIX_AGENTS_CONFIG=str(registry(folder, state))).start()
    return Coder(bot, onboard(register(synapse, "alice"), bot), state)


def permission_questions(coder, room: str) -> list[str]:
    """What the bot asked in this room on the agent's behalf."""
    events = coder.home.user.events_in(room)
    messages = timeline.messages_from(events, coder.bot.user_id)
    asks = [message for message in messages if "io.lambda.surfaces.asks" in message["content"]]
    return [message["content"]["body"] for message in asks]


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except FileNotFoundError:
        return False


def test_an_answer_streams_and_thoughts_stay_with_the_agent(coder):
    text = coder.ask("echo hello there", "hello there")
    assert text.startswith("Session ") and "question" in text
    assert "SECRET THOUGHT" not in json.dumps(coder.home.user.history(coder.home.c1))


def test_the_agent_works_in_the_chats_own_folder_and_finds_no_secrets(coder):
    where = coder.ask("where are you", "pid ")
    assert f"cwd {coder.bot.folder}/workspace/surfaces/matrix/" in where
    names = coder.ask("environment please", "AGENT_STATE").split()
    assert "PATH" in names
    assert not [name for name in names if name.startswith(("MATRIX_", "SURFACES_"))]


def test_two_chats_and_a_cleared_one_have_sessions_of_their_own(coder):
    first = coder.ask("echo one", ": echo one").split(",")[0]
    room = coder.home.new_chat("Second")
    second = coder.ask("echo two", ": echo two", room)
    assert second.split(",")[0] != first and "question 1:" in second
    coder.home.command(coder.home.c1, "!clear")
    cleared = coder.ask("echo three", ": echo three")
    assert cleared.split(",")[0] != first and "question 1:" in cleared
    assert "question 2:" in coder.ask("echo four", ": echo four", room)


@pytest.mark.parametrize("loss", ["nothing", "database"])
def test_after_a_restart_the_session_goes_on(coder, loss):
    room = coder.home.new_chat("Lasting")
    before = coder.ask("echo before", ": echo before", room)
    pid = coder.pid()
    coder.bot.restart(loss)
    wait_until(lambda: not lives(pid), "the agent to end with the bot", LIMIT)
    after = coder.ask("echo after", ": echo after", room)
    assert after.split(",")[0] == before.split(",")[0]
    assert "question 2:" in after
    assert "REPLAY" not in json.dumps(coder.home.user.history(room))


def test_an_agent_that_dies_in_the_middle_is_said_and_started_again(coder):
    pid = coder.pid()
    text = coder.answer(coder.say("die now"), until=lambda said: len(said) > len("half an answer "))
    assert text == "half an answer\n\nThe answer broke off here. Please ask again in a moment."
    assert coder.ask("echo again", ": echo again")
    assert coder.pid() != pid


def test_an_agent_that_is_killed_in_the_middle_is_started_again(coder):
    pid = coder.pid()
    question = coder.say("slow please")
    coder.answer(question, until=lambda said: "3 " in said)
    os.kill(pid, signal.SIGKILL)
    coder.answer(question, until=lambda said: "\n" in said)
    assert coder.ask("echo again", ": echo again")


def test_a_bot_that_is_killed_in_the_middle_answers_once_and_leaves_no_agent_behind(coder):
    pid = coder.pid()
    question = coder.say("slow please")
    coder.answer(question, until=lambda said: "3 " in said)
    coder.bot.kill()
    wait_until(lambda: not lives(pid), "the agent to end with the bot", LIMIT)
    coder.bot.process = None
    coder.bot.start()
    coder.answer(question, until=lambda said: "599" in said)
    assert len(coder.home.answers(coder.home.c1, question)) == 1


@pytest.mark.parametrize("decision, expected", [("!yes", "outcome selected yes"), ("2", "outcome selected no")])
def test_a_permission_is_what_the_owner_decides(coder, decision, expected):
    room = coder.home.new_chat("Permission")
    question = coder.say("permission please", room)
    coder.home.user.wait_for(lambda: permission_questions(coder, room), "the question", LIMIT)
    assert "Delete everything" in permission_questions(coder, room)[0]
    assert "rm -r /" in permission_questions(coder, room)[0]
    coder.say(decision, room)
    assert coder.answer(question, room, until=lambda said: "outcome" in said).endswith(expected)


NOTHING_ASKED = "No agent is asking you anything here."
CHOICES = "To answer the question above, write `!yes`, `!no` or a number: 1 ✅ Allow, 2 ❌ Reject."


def shown_questions(coder, room: str) -> list[str]:
    """The permission questions of this room as a client shows them, edits applied."""
    events = coder.home.user.events_in(room)
    messages = timeline.messages_from(events, coder.bot.user_id)
    asks = [message for message in messages if "io.lambda.surfaces.asks" in message["content"]]
    return [timeline.final_text(events, message) for message in asks]


def test_what_was_sent_before_a_question_does_not_answer_it(coder):
    room = coder.home.new_chat("Early")
    trigger = coder.state / "ask-now"
    turn = coder.say(f"later {trigger}", room)
    coder.answer(turn, room, until=lambda said: "Working" in said)
    number = coder.say("1", room)
    for _ in range(2):
        assert coder.home.command(room, "!yes")["body"] == NOTHING_ASKED
    trigger.touch()
    coder.home.user.wait_for(lambda: permission_questions(coder, room), "the question", LIMIT)
    # Words after the question that do not say what is meant: an answer shows that all before them was looked at.
    assert coder.home.command(room, "yes")["body"] == CHOICES
    assert coder.home.command(room, "7")["body"] == CHOICES
    assert "Only you can answer" in shown_questions(coder, room)[0]
    coder.say("2", room)
    assert coder.answer(turn, room, until=lambda said: "outcome" in said).endswith("outcome selected no")
    assert coder.answer(number, room, until=lambda said: ": 1" in said)


@pytest.mark.parametrize("loss", ["nothing", "everything"])
def test_what_was_sent_before_a_question_does_not_answer_it_after_a_crash(coder, loss):
    room = coder.home.new_chat("Early crash")
    trigger = coder.state / f"ask-after-{loss}"
    turn = coder.say(f"later {trigger}", room)
    coder.answer(turn, room, until=lambda said: "Working" in said)
    number = coder.say("1", room)
    assert coder.home.command(room, "!yes")["body"] == NOTHING_ASKED
    trigger.touch()
    coder.home.user.wait_for(lambda: permission_questions(coder, room), "the question", LIMIT)
    coder.bot.kill()
    coder.bot.restart(loss)
    assert coder.home.command(room, "yes")["body"] == CHOICES
    assert "Only you can answer" in shown_questions(coder, room)[0]
    coder.say("2", room)
    assert coder.answer(turn, room, until=lambda said: "outcome" in said).endswith("outcome selected no")
    assert coder.answer(number, room, until=lambda said: ": 1" in said)


def test_an_answer_to_the_first_question_does_not_answer_the_second(coder):
    room = coder.home.new_chat("Two questions")
    trigger = coder.state / "ask-again"
    turn = coder.say(f"twice {trigger}", room)
    coder.home.user.wait_for(lambda: permission_questions(coder, room), "the first question", LIMIT)
    coder.say("1", room)
    coder.answer(turn, room, until=lambda said: "outcome selected yes" in said)
    for _ in range(2):
        assert coder.home.command(room, "!yes")["body"] == NOTHING_ASKED
    trigger.touch()
    coder.home.user.wait_for(lambda: len(permission_questions(coder, room)) == 2, "the second question", LIMIT)
    assert coder.home.command(room, "ok")["body"] == CHOICES
    first, second = shown_questions(coder, room)
    assert first.endswith("✅ Allow") and "Only you can answer" in second
    coder.say("!no", room)
    assert coder.answer(turn, room, until=lambda said: "selected no" in said).count("outcome") == 2


def test_stop_cancels_the_open_question_too(coder):
    room = coder.home.new_chat("Stopped question")
    question = coder.say("permission please", room)
    coder.home.user.wait_for(lambda: permission_questions(coder, room), "the question", LIMIT)
    assert coder.home.command(room, "!stop")["body"] == "Stopped."
    coder.answer(question, room, until=lambda said: said.endswith("Stopped."))
    assert coder.ask("echo after", ": echo after", room)
    assert len(permission_questions(coder, room)) == 1


def test_stop_ends_the_agents_work_as_well(coder):
    room = coder.home.new_chat("Stopped")
    question = coder.say("slow please", room)
    coder.answer(question, room, until=lambda said: "3 " in said)
    assert coder.home.command(room, "!stop")["body"] == "Stopped."
    assert "599" not in coder.answer(question, room, until=lambda said: said.endswith("Stopped."))
    # One question at a time: an agent that went on would not be asked this one.
    assert coder.ask("echo after", ": echo after", room)


def test_a_file_goes_in_and_another_comes_out(coder):
    room = coder.home.new_chat("Files")
    content = b"twelve bytes"
    event = send_file(coder.home.user, room, "in.txt", content, caption="read it")
    said = coder.answer(event, room, until=lambda text: "twelve bytes" in text)
    assert f" {len(content)} {content.decode()}" in said
    question = coder.say("write it", room)

    def sent():
        found = timeline.answers_to(coder.home.user.events_in(room), question, coder.bot.user_id)
        return [message["content"] for message in found if message["content"]["msgtype"] == "m.file"]

    (file,) = coder.home.user.wait_for(sent, "the file", LIMIT)
    assert download(coder.home.user, file["url"]) == b"made by the agent"


def test_garbage_is_skipped(coder):
    assert coder.ask("garbage please", "said through the noise")


@pytest.mark.parametrize("word", ["huge", "endless"])
def test_what_is_too_much_ends_the_answer_and_not_the_bot(coder, word):
    question = coder.say(f"{word} please")
    coder.answer(question, until=lambda said: "la la" in said or "again" in said)
    assert coder.ask(f"echo after {word}", f": echo after {word}")
    assert coder.home.answers(coder.home.c1, question)[-1].endswith(("go on.", "in a moment."))
    assert coder.bot.is_running()


def test_an_agent_that_never_answers_is_given_up_and_a_cleared_chat_goes_on(coder):
    room = coder.home.new_chat("Deaf")
    coder.home.command(room, "!agent brief")
    coder.ask("deaf please", "did not finish within", room)
    assert "question 2:" in coder.ask("echo hello", ": echo hello", room)


@pytest.mark.parametrize("agent, remembers", [("coder", True), ("forgetful", False)])
def test_after_a_hung_answer_that_was_stopped_the_next_question_is_answered(coder, agent, remembers):
    room = coder.home.new_chat("Hung")
    if agent != "coder":
        coder.home.command(room, f"!agent {agent}")
    question = coder.say("hang please", room)
    coder.answer(question, room, until=lambda said: "hanging" in said)
    coder.home.command(room, "!stop")
    text = coder.ask("echo after", ": echo after", room)
    assert ("question 2:" in text) is remembers
    assert ("does not remember what was said" in text) is not remembers


@pytest.mark.parametrize("milliseconds", [0, 50, 300])
def test_words_that_come_just_after_the_end_belong_to_the_answer(coder, milliseconds):
    question = coder.say(f"late {milliseconds}")
    assert coder.answer(question, until=lambda said: "LAST WORDS" in said) == "first words LAST WORDS"
    assert "LAST" not in coder.ask("echo next", ": echo next")


def test_pictures_and_recordings_are_told_until_they_can_be_shown(coder):
    picture = coder.ask("picture please", "sent a picture")
    assert picture == "The agent sent a picture, which I cannot show here yet."
    media = coder.ask("media please", "sent a recording")
    assert "sent a picture" in media and "Here you are." in media


def test_an_agent_that_is_not_logged_in_is_told_and_one_with_a_method_is_logged_in(coder):
    room = coder.home.new_chat("Locked")
    coder.home.command(room, "!agent locked")
    coder.ask("echo hello", "has to be logged in first", room)
    assert "api-key (API key), browser (Log in with the browser)" in coder.bot.log_text()
    coder.home.command(room, "!agent unlocked")
    coder.ask("echo hello", ": echo hello", room)


def test_doctor_goes_as_far_as_a_session_and_names_the_methods(coder):
    lines = coder.bot.run("doctor", limit=200).out.splitlines()
    found = {line.split(":")[0][5:]: line for line in lines}
    assert found["agent coder"] == "ok   agent coder: coder opens a session"
    assert found["agent unlocked"].startswith("ok ")
    assert found["agent slow"].startswith("ok ")
    locked = found["agent locked"]
    assert locked.startswith("FAIL ") and "api-key (API key), browser (Log in with the browser)" in locked
    assert "with auth in its entry of the agent registry" in locked
    assert not list((coder.bot.folder / "workspace" / "surfaces").glob("doctor-*"))


def test_an_agent_that_takes_long_to_start_answers(coder):
    room = coder.home.new_chat("Slow")
    coder.home.command(room, "!agent slow")
    question = coder.say("echo hello", room)
    assert ": echo hello" in coder.answer(question, room, lambda said: ": echo" in said, 150.0)


def test_the_whole_of_a_long_command_is_shown_before_it_is_asked_for(coder):
    room = coder.home.new_chat("Long command")
    question = coder.say("command please", room)
    coder.home.user.wait_for(lambda: permission_questions(coder, room), "the question", LIMIT)
    bodies = [message["content"]["body"] for message in coder.home.messages_of_bot(room)]
    (asked,) = [number for number, body in enumerate(bodies) if "Only you can answer" in body]
    assert any("rm -rf THE_END" in body for body in bodies[:asked])
    coder.say("!yes", room)
    assert coder.answer(question, room, until=lambda said: "outcome" in said).endswith("outcome selected")


def test_what_is_said_for_other_sessions_reaches_nobody(coder):
    room = coder.home.new_chat("Bystander")
    coder.ask("echo here", ": echo here", room)
    # What an agent says just after the end of a turn belongs to its answer: the next message waits for that.
    coder.home.command(room, "!files")
    assert coder.ask("imposter please", "only here")
    assert coder.ask("echo still", ": echo still", room)
    for chat in (room, coder.home.c1):
        assert "INTRUDER" not in json.dumps(coder.home.user.history(chat))


def test_nobody_is_pinged_by_what_an_agent_says(coder):
    question = coder.say("ping everybody")
    coder.answer(question, until=lambda said: "@room" in said)
    for event in coder.home.messages_of_bot(coder.home.c1):
        assert event["content"]["m.mentions"] == {}
