"""Everybody asks everywhere at once: nothing is lost, repeated or reordered, memory stays bounded, nobody waits for a
chat whose agent does not answer."""

import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from drill.ledger import Verdict
from drill.people import Person
from support.bot import Bot
from support.handmade import marked_chat
from support.home import onboard
from support.waiting import wait_until

USERS = 5
ROOMS = 50
# What the whole process may take more than when it was idle, with all of the messages in its queues.
MEBIBYTES_MORE = 48
AGENTS = "agents: [{id: echo, kind: mock, delay_ms: 0}, {id: stuck, kind: mock, delay_ms: 60000}]\n"


@dataclass
class Crowd:
    """People with many chats each, on one bot that is running."""

    bot: Bot
    people: list[Person]

    @property
    def bots(self) -> list[Bot]:
        return [self.bot]

    def talk(self, messages: int) -> None:
        """Each person asks in their rooms in turn, as fast as the server takes it, all persons at the same time."""

        def talk(person: Person) -> None:
            rooms = person.home.chats
            for number in range(messages // USERS):
                person.ask(rooms[number % len(rooms)])

        talkers = [threading.Thread(target=talk, args=(person,), daemon=True) for person in self.people]
        for talker in talkers:
            talker.start()
        for talker in talkers:
            talker.join()

    def verdict(self) -> Verdict:
        verdict = Verdict()
        for person in self.people:
            for ledger in person.ledgers.values():
                ledger.read_on(anew=True)
                verdict.add(ledger)
        return verdict

    def waiting(self) -> int:
        """Messages without an answer."""
        return sum(len(_looked_at(ledger).unanswered()) for person in self.people for ledger in person.ledgers.values())


def _looked_at(ledger):
    if ledger.unanswered():
        ledger.read_on()
    return ledger


@pytest.fixture
def crowd(make_bot, synapse, new_user, tmp_path_factory) -> Crowd:
    """Fifty chats: the first of each person by invitation, the others as the bot would have made them."""
    agents = tmp_path_factory.mktemp("agents") / "agents.yaml"
    agents.write_text(AGENTS)
    bot = make_bot(synapse, MATRIX_AGENTS_CONFIG=str(agents)).start()
    people = []
    for _ in range(USERS):
        user = new_user()
        people.append(Person(user, onboard(user, bot)))
    assert bot.stop() == 0
    for number, person in enumerate(people):
        for chat in range(2, ROOMS // USERS + 1):
            context = f"{number:04}{chat:04}-0000-4000-8000-000000000000"
            room = marked_chat(bot.account, person.user, person.home.space, f"C{chat}", context)
            person.home.chats.append(room)
        for chat, room in enumerate(person.home.chats, 1):
            person.watch(room, bot.user_id, f"C{chat}")
    bot.start()
    return Crowd(bot, people)


def resident(bot: Bot) -> float:
    """Mebibytes."""
    rows = Path(f"/proc/{bot.process.pid}/status").read_text().splitlines()
    return next(int(row.split()[1]) / 1024 for row in rows if row.startswith("VmRSS"))


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("messages", [500, pytest.param(2000, marks=pytest.mark.long)])
def test_a_burst_over_fifty_rooms_is_answered_once_each_in_order_within_bounded_memory(crowd, messages):
    idle, peaks, over = resident(crowd.bot), [], threading.Event()

    def sample() -> None:
        while not over.wait(0.1):
            peaks.append(resident(crowd.bot))

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    crowd.talk(messages)
    wait_until(lambda: crowd.waiting() == 0, "every answer", 1200, every=1, seen=crowd.bot.log_tail)
    over.set()
    sampler.join()
    verdict = crowd.verdict()
    assert verdict.holds, verdict.faults
    assert verdict.once == messages
    assert max(peaks) < idle + MEBIBYTES_MORE, f"idle {idle:.0f}, peak {max(peaks):.0f} MiB"
    print(f"idle {idle:.0f}, peak {max(peaks):.0f} MiB")


def test_a_chat_whose_agent_does_not_answer_delays_no_other(crowd):
    """The same person's other chats neither."""
    person = crowd.people[0]
    home, stuck = person.home, person.home.chats.pop()
    del person.ledgers[stuck]
    home.command(stuck, "!agent stuck")
    question = home.user.say(stuck, "This takes for ever")
    crowd.talk(100)
    wait_until(lambda: crowd.waiting() == 0, "every other answer", 120, every=0.5, seen=crowd.bot.log_tail)
    assert not any("for ever" in text for text in home.answers(stuck, question))
    verdict = crowd.verdict()
    assert verdict.holds, verdict.faults
