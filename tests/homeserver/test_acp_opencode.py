"""The real opencode on a scripted model: as a child of the bot, and away from it behind the platform agent."""

import os
import signal

import pytest

from support import timeline
from support.cast import register
from support.home import onboard
from support.media import download, send_file
from support.opencode import TOKEN, Opencode, ScriptedModel, says, uses
from support.waiting import wait_until

# A first question waits until opencode has started, which takes its time on a busy machine.
LIMIT = 240.0
# A turn that lasts until something happens to it: so many words at so many milliseconds.
SLOW = " ".join(f"step{number}" for number in range(400))

SCRIPT = [
    says("favourite", "I will remember the walrus."),
    says("second room", "This is another room."),
    says("once more", "Yes, once more."),
    says("forgotten", "It is forgotten."),
    says("restarted", "Back again."),
    uses("run it", "bash", command="echo ran > ran.txt", description="Runs it"),
    says("run it", "That is all."),
    says("what is in", "I have read it."),
    uses("write a report", "write", filePath="report.txt", content="made by opencode"),
    says("write a report", "Here is [the report](report.txt)."),
    says("long story", SLOW, latency=300),
    says("short again", "Short."),
]


class Chats:
    def __init__(self, bot, home, model, opencode):
        self.bots, self.bot, self.home, self.model, self.opencode = [bot], bot, home, model, opencode

    def answer(self, room: str, question: str, until) -> str:
        """The text of an answer to this event, once it is as `until` says."""

        def found():
            events = self.home.user.events_in(room)
            texts = [
                timeline.final_text(events, answer)
                for answer in timeline.answers_to(events, question, self.bot.user_id)
            ]
            return next((text for text in texts if until(text)), None)

        return self.home.user.wait_for(found, f"the answer to {question}", LIMIT)

    def ask(self, text: str, expected: str, room: str | None = None) -> str:
        room = room or self.home.c1
        question = self.home.user.say(room, text)
        self.answer(room, question, lambda said: said == expected)
        assert self.home.answers(room, question)[0] == expected
        return question

    def sent_with(self, word: str) -> str:
        """The conversation that the model was given with the last question of this word."""
        return self.model.conversations(word)[-1]

    def permission_question(self, room: str) -> str:
        """The newest message of the bot that asks for a permission."""

        def found():
            events = self.home.user.events_in(room)
            asks = [
                message["event_id"]
                for message in timeline.messages_from(events, self.bot.user_id)
                if "io.lambda.surfaces.asks" in message["content"]
            ]
            return asks[-1] if asks else None

        return self.home.user.wait_for(found, "the permission question", LIMIT)

    def in_the_middle(self, room: str) -> str:
        """A question whose answer can be seen growing."""
        question = self.home.user.say(room, "Tell me a long story")
        self.answer(room, question, lambda said: "step3" in said)
        return question


@pytest.fixture(scope="module", params=["child", "served"])
def chats(request, make_module_bot, synapse, tmp_path_factory):
    folder = tmp_path_factory.mktemp("opencode")
    model = ScriptedModel(folder, SCRIPT)
    opencode = Opencode(folder, model, served=request.param == "served")
    bot = make_module_bot(
        synapse,
        MATRIX_AGENTS_CONFIG=str(opencode.registry),
        SURFACES_WORKSPACE_DIR=str(opencode.workspace),
        CODER_TOKEN=TOKEN,
    )
    bot.start()
    yield Chats(bot, onboard(register(synapse, "alice"), bot), model, opencode)
    bot.kill()
    opencode.close()
    model.close()


def test_rooms_are_kept_apart_and_a_cleared_one_begins_anew(chats):
    chats.ask("My favourite animal is the walrus", "I will remember the walrus.")
    room = chats.home.new_chat("Second")
    chats.ask("This is the second room", "This is another room.", room)
    assert "walrus" not in chats.sent_with("second room")
    chats.ask("Tell me once more", "Yes, once more.")
    assert "walrus" in chats.sent_with("once more")
    chats.home.command(chats.home.c1, "!clear")
    chats.ask("Is it forgotten?", "It is forgotten.")
    assert "walrus" not in chats.sent_with("forgotten")
    chats.ask("Tell me once more", "Yes, once more.", room)
    assert "second room" in chats.sent_with("once more")


@pytest.mark.parametrize("loss", ["nothing", "database"])
def test_after_a_restart_the_conversation_goes_on(chats, loss):
    room = chats.home.new_chat("Lasting")
    chats.ask("My favourite animal is the walrus", "I will remember the walrus.", room)
    chats.bot.restart(loss)
    chats.ask("You were restarted", "Back again.", room)
    assert "walrus" in chats.sent_with("restarted")


@pytest.mark.parametrize("decision, is_run", [("👍", True), ("!no", False)])
def test_a_command_is_run_if_its_owner_says_so(chats, decision, is_run):
    room = chats.home.new_chat("Permissions")
    question = chats.home.user.say(room, "Please run it")
    asked = chats.permission_question(room)
    if decision.startswith("!"):
        chats.home.user.say(room, decision)
    else:
        relation = {"rel_type": "m.annotation", "event_id": asked, "key": decision}
        chats.home.user.send(room, {"m.relates_to": relation}, "m.reaction")

    def traces():
        return list(chats.opencode.workspace.rglob("ran.txt"))

    if is_run:
        chats.answer(room, question, lambda said: "That is all." in said)
        assert [path.read_text() for path in traces()] == ["ran\n"]
        traces()[0].unlink()
    else:
        # opencode ends the turn where a tool is refused.
        wait_until(lambda: chats.home.answers(room, question), "the end of the turn", LIMIT)
        chats.ask("Now short again", "Short.", room)
        assert traces() == []


def test_stop_ends_an_answer_and_the_chat_goes_on(chats):
    room = chats.home.new_chat("Stopped")
    question = chats.in_the_middle(room)
    assert chats.home.command(room, "!stop")["body"] == "Stopped."
    text = chats.answer(room, question, lambda said: said.endswith("Stopped."))
    assert "step399" not in text
    chats.ask("Now short again", "Short.", room)


def test_a_file_goes_in_and_another_comes_out(chats):
    room = chats.home.new_chat("Files")
    event = send_file(chats.home.user, room, "facts.txt", b"the moon is a walrus", caption="what is in it?")
    chats.answer(room, event, lambda said: said == "I have read it.")
    assert "the moon is a walrus" in chats.sent_with("what is in")
    question = chats.ask("Please write a report", "Here is [the report](report.txt).", room)

    def sent():
        found = timeline.answers_to(chats.home.user.events_in(room), question, chats.bot.user_id)
        return [message["content"] for message in found if message["content"]["msgtype"] == "m.file"]

    (content,) = chats.home.user.wait_for(sent, "the file", LIMIT)
    assert content["filename"] == "report.txt"
    assert download(chats.home.user, content["url"]) == b"made by opencode"


def test_an_agent_that_is_killed_in_the_middle_is_said_and_started_again(chats):
    room = chats.home.new_chat("Killed")
    question = chats.in_the_middle(room)
    for pid in chats.opencode.processes():
        os.kill(pid, signal.SIGKILL)
    chats.answer(room, question, lambda said: "step3" in said and "The answer broke off here." in said)
    chats.ask("Now short again", "Short.", room)
    assert "long story" in chats.sent_with("short again")


def test_a_bot_that_is_killed_in_the_middle_answers_once(chats):
    room = chats.home.new_chat("Bot killed")
    question = chats.in_the_middle(room)
    chats.bot.kill()
    chats.bot.restart()
    chats.home.command(room, "!stop")
    chats.ask("Now short again", "Short.", room)
    assert len(chats.home.answers(room, question)) == 1
