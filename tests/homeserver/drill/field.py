"""The field of a drill: a throwaway Synapse, a proxy before it, the bot, its people, and the deaths it may die."""

import random
import time
from dataclasses import dataclass, field
from pathlib import Path

from support.admin import CHAT_MARKER, Admin
from support.bot import Bot
from support.proxy import Call, Fault, LoseAnswer, Proxy, bad_gateway, rate_limited
from support.synapse import Synapse
from support.timeline import messages_from
from support.waiting import wait_until

from .ledger import RoomLedger, Verdict
from .people import Person, steadily
from .victim import Victim

# The pause between two pieces of an answer: a long one takes a hundred of them, so that it is seen growing.
DELAY_MS = 18
# Words of a long question: nearly two for each piece of the answer, so that drafts are edited before it ends.
LONG = 190
# An event is dead-lettered when it was in progress at twelve deaths. Few in a row keep every message far from that.
DEATHS_IN_A_ROW = 2
ANSWERED_WITHIN = 240.0


@dataclass(frozen=True)
class Plan:
    """The size of a drill."""

    rounds: int
    users: int
    rooms: int
    messages: int
    seed: int


@dataclass
class Field:
    """Everything a scenario works with."""

    plan: Plan
    chance: random.Random
    synapse: Synapse
    proxy: Proxy
    admin: Admin
    victim: Victim
    people: list[Person]
    hits_wanted: list[str] = field(default_factory=list)
    calls_broken: int = 0
    server_restarts: int = 0
    _row: int = 0
    _looks: int = 0

    @property
    def bot(self) -> Bot:
        return self.victim.bot

    def asked(self) -> int:
        return sum(len(ledger.questions) for ledger in self.ledgers())

    def ledgers(self) -> list[RoomLedger]:
        return [ledger for person in self.people for ledger in list(person.ledgers.values())]

    # Deaths.

    def died(self, died_by: str = "from outside") -> None:
        """Buries the bot; after too many deaths in a row it gets a life in which it answers everything."""
        self.victim.bury(died_by)
        self._row += 1
        if self._row >= DEATHS_IN_A_ROW:
            self.calm()

    def stop(self) -> None:
        """Kills the bot where it runs, and leaves it so. Nothing of an idle bot is cut off."""
        if self.bot.is_running():
            self._row += bool(self._open(self._everything_asked()))
            self.victim.bury()

    def calm(self) -> None:
        """The bot lives until all that was asked before now is answered."""
        if not self.bot.is_running():
            self.victim.launch()
        self.victim.wait_ready()
        asked = self._everything_asked()
        wait_until(lambda: not self._open(asked), "every answer", ANSWERED_WITHIN, every=0.2, seen=self._what_is_open)
        self._row = 0

    def _everything_asked(self) -> set[str]:
        return {question.event_id for ledger in self.ledgers() for question in list(ledger.questions)}

    def _open(self, asked: set[str]) -> set[str]:
        """Those of these questions that have no whole answer yet."""
        assert not self.victim.is_dead(), f"the bot was killed in a calm life\n{self.bot.log_tail()}"
        self._looks += 1
        for ledger in self.ledgers():
            if ledger.unanswered():
                steadily(lambda ledger=ledger: ledger.read_on(anew=self._looks % 50 == 0))
        return asked & {question.event_id for ledger in self.ledgers() for question in ledger.unanswered()}

    def _what_is_open(self) -> str:
        lines = [f"{ledger.name}: {question.wanted}" for ledger in self.ledgers() for question in ledger.unanswered()]
        return "\n".join([*lines, self.bot.log_tail()])

    # A network that breaks.

    def break_calls(self, share: float) -> None:
        """Lets the server act and loses its answer for this share of the bot's requests; refuses some others."""
        chance = random.Random(self.chance.random())

        def rule(_: Call) -> Fault | None:
            drawn = chance.random()
            if drawn >= share * 1.4:
                return None
            self.calls_broken += 1
            if drawn < share:
                return LoseAnswer()
            return rate_limited() if drawn < share * 1.2 else bad_gateway()

        self.proxy.set_rule(rule)

    def restart_server(self) -> None:
        """SIGKILL for the homeserver, and a new start on the same data."""
        self.server_restarts += 1
        self.synapse.kill()
        time.sleep(self.chance.uniform(0, 0.5))
        self.synapse.start()

    # The count.

    def verdict(self) -> Verdict:
        verdict = Verdict()
        for ledger in self.ledgers():
            ledger.read_on(anew=True)
            verdict.add(ledger)
        for person in self.people:
            verdict.faults += self._faults_of_rooms(person)
        if never := [name for name in self.hits_wanted if not self.victim.hits[name]]:
            verdict.faults.append(f"never died at {', '.join(never)}")
        if "already exists" in self.bot.log_text():
            verdict.faults.append("the bot uploaded other encryption keys under names that were taken")
        return verdict

    def _faults_of_rooms(self, person: Person) -> list[str]:
        """One Space, one room for each wish, one pointer for each invitation, one new context for each `!clear`."""
        name, faults = person.user.localpart, []
        made = {room.room_id: room for room in map(self.admin.room, self.admin.rooms_made_by(self.bot.user_id))}
        own = [room for room in made.values() if room.membership(person.user.user_id)]
        spaces = sum(room.is_space for room in own)
        if (spaces, len(own) - spaces) != (1, 1 + person.wished_chats):
            faults.append(f"{name} has {spaces} Spaces and {len(own) - spaces} chats")
        for entry in person.entries:
            pointers = self._pointers_in(person, entry)
            if pointers != 1:
                faults.append(f"{name} has {pointers} pointers in {entry}")
        for room, cleared in person.clears.items():
            generation = made[room].content(CHAT_MARKER).get("generation")
            if generation != cleared:
                faults.append(f"{name} cleared {room} {cleared} times, and its generation is {generation}")
        return faults


    def _pointers_in(self, person: Person, entry: str) -> int:
        """Waits for the first one: an invitation is no question, and nothing else waits for it."""
        count = lambda: len(messages_from(person.user.history(entry), self.bot.user_id))
        return wait_until(count, f"a pointer in {entry}", seen=self.bot.log_tail)


def set_up(folder: Path, plan: Plan) -> Field:
    """Starts the server and makes the accounts; the bot is not started yet."""
    synapse = Synapse(folder / "synapse", server_name="drill.localhost").start()
    try:
        proxy = Proxy(synapse.port)
        admin = Admin(synapse.register("admin", "password", admin=True))
        agents = folder / "agents.yaml"
        agents.write_text(f"agents: [{{id: echo, kind: mock, delay_ms: {DELAY_MS}}}]\n")
        account = synapse.register("bot", "password")
        bot = Bot(account, folder / "bot", proxy.url, {"MATRIX_AGENTS_CONFIG": str(agents)})
        people = [Person(synapse.register(f"user{number}", "password")) for number in range(1, plan.users + 1)]
        return Field(plan, random.Random(plan.seed), synapse, proxy, admin, Victim(bot), people)
    except BaseException:
        synapse.kill()
        raise


def tear_down(ground: Field) -> None:
    ground.bot.kill()
    ground.proxy.close()
    ground.synapse.kill()


