"""The real opencode over stdio, on a scripted model: what it remembers of which room, and for how long."""

import pytest

from support import timeline
from support.cast import register
from support.home import onboard
from support.opencode import ScriptedModel, registry

# A first question waits until opencode has started, which takes its time on a busy machine.
LIMIT = 240.0

ANSWERS = {
    "favourite": "I will remember the walrus.",
    "second room": "This is another room.",
    "once more": "Yes, once more.",
    "forgotten": "It is forgotten.",
    "restarted": "Back again.",
}


class Chats:
    def __init__(self, bot, home, model):
        self.bots, self.bot, self.home, self.model = [bot], bot, home, model

    def ask(self, text: str, expected: str, room: str | None = None) -> None:
        room = room or self.home.c1
        question = self.home.user.say(room, text)

        def final():
            events = self.home.user.events_in(room)
            found = timeline.answers_to(events, question, self.bot.user_id)
            return [answer for answer in found if timeline.final_text(events, answer) == expected]

        self.home.user.wait_for(final, f"the answer to {text!r}", LIMIT)
        assert self.home.answers(room, question) == [expected]

    def sent_with(self, word: str) -> str:
        """The conversation that the model was given with the last question of this word."""
        return self.model.conversations(word)[-1]


@pytest.fixture(scope="module")
def chats(make_module_bot, synapse, tmp_path_factory):
    folder = tmp_path_factory.mktemp("opencode")
    model = ScriptedModel(folder, ANSWERS)
    bot = make_module_bot(synapse, MATRIX_AGENTS_CONFIG=str(registry(folder, model))).start()
    yield Chats(bot, onboard(register(synapse, "alice"), bot), model)
    bot.kill()
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
