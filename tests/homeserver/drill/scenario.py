"""What happens in a drill, act by act: first start, onboarding, every boundary, storms, loss of both stores."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from support.home import accept, invite_bot
from support.proxy import KillAfter, KillBefore, at_request
from support.timeline import links_in

from .field import LONG, Field
from .people import Person, steadily

# How long a life may take to reach the boundary it was made for.
REACHED_WITHIN = 25.0
# Events of a flood: more than the fifty that a sync brings of a room.
FLOOD = 62
PROVISIONING = ("invite-joined", "room-requested", "room-made", "room-recorded", "chat-linked", "pointer-sent")


@dataclass(frozen=True)
class Act:
    """A line of the table."""

    title: str
    asked: int
    deaths: int
    seconds: float


def run(ground: Field, say: Callable[[str], None]) -> Iterator[Act]:
    """Everything, one act after the other."""
    acts = [("first start, killed twice", _first_start), ("onboarding and !new", _provisioning)]
    acts += [("every boundary", _sweep)]
    storms = [_kills, _server_restarts, _kills_between_requests, _database_lost]
    chosen = [storms[number % len(storms)] for number in range(ground.plan.rounds)]
    acts += [(f"storm {number}: {storm.__doc__}", storm) for number, storm in enumerate(chosen, 1)]
    acts += [("both stores deleted", _both_stores_lost)]
    for title, act in acts:
        say(title)
        asked, deaths, started = ground.asked(), ground.victim.deaths.total(), time.monotonic()
        act(ground)
        ground.proxy.set_rule()
        ground.calm()
        yield Act(title, ground.asked() - asked, ground.victim.deaths.total() - deaths, time.monotonic() - started)


# The first start.


def _first_start(ground: Field) -> None:
    """Dies once the session is saved, then in the middle of the first sync; no encryption key may be sent twice."""
    victim = ground.victim
    victim.launch("session-saved")
    victim.has_died_within(REACHED_WITHIN)
    ground.hits_wanted = victim.boundaries()
    victim.bury()
    victim.launch()
    time.sleep(ground.chance.uniform(0.1, 0.5))
    victim.bury()


# Homes.


def _provisioning(ground: Field) -> None:
    """Onboarding of each person and each `!new`, with a death at one boundary of it after the other."""
    boundaries = [name for name in ground.hits_wanted if name in PROVISIONING]
    for number in range(ground.plan.rooms):
        for person in ground.people:
            at = boundaries.pop(0) if boundaries else None
            if number == 0:
                _die_at(ground, at, lambda person=person: _invite(ground, person))
                _come_home(ground, person)
            else:
                _die_at(ground, at, lambda person=person: person.wish_for_a_chat(person.home.c1))
                _enter_new_chat(ground, person)
    for name in boundaries:
        _sweep_one(ground, name)


def _invite(ground: Field, person: Person) -> None:
    room = invite_bot(person.user, ground.bot.user_id)
    person.entries.append(room)


def _come_home(ground: Field, person: Person) -> None:
    """The person joins what they are invited to."""
    ground.calm()
    person.home = steadily(lambda: accept(person.user, ground.bot.user_id, person.entries[0], limit=120))
    person.watch(person.home.c1, ground.bot.user_id, "C1")


def _enter_new_chat(ground: Field, person: Person) -> None:
    ground.calm()
    home, ledger = person.home, person.ledgers[person.home.c1]
    text = ledger.texts()[ledger.answers()[ledger.questions[-1].event_id][0]]
    (room,) = [link for link in links_in({"body": text}) if link.startswith("!")]
    home.enter(room)
    home.chats.append(room)
    person.watch(room, home.bot_id, f"C{len(home.chats)}")


# Boundaries.


def _sweep(ground: Field) -> None:
    """A death at every boundary that was not reached yet, with questions before the start and after it."""
    for name in ground.hits_wanted:
        if not ground.victim.hits[name]:
            _sweep_one(ground, name)


def _sweep_one(ground: Field, name: str) -> None:
    """One try with what is likely to lead there, and one more with a death at the first passage."""
    comes_once = name in PROVISIONING or name.startswith(("reconcile", "session", "gap"))
    passage = 1 if comes_once else ground.chance.randint(1, 3)
    for number in (passage, 1):
        _lead_to(ground, name, number)
        if ground.victim.hits[name]:
            return


def _lead_to(ground: Field, name: str, passage: int) -> None:
    person = ground.chance.choice(ground.people)
    room = person.chat_at_random(ground.chance)
    if name == "session-saved":
        ground.stop()
        ground.bot.lose("everything")
    if name.startswith("gap"):
        ground.stop()
        person.flood(room, FLOOD, 12)
    stimuli = {
        "marker-written": lambda: [person.clear(room) for _ in range(passage)],
        "invite-joined": lambda: _invite(ground, person),
        "pointer-sent": lambda: _invite(ground, person),
        "room-requested": lambda: person.wish_for_a_chat(room),
        "room-made": lambda: person.wish_for_a_chat(room),
        "room-recorded": lambda: person.wish_for_a_chat(room),
        "chat-linked": lambda: person.wish_for_a_chat(room),
    }
    needs_drafts = name.startswith("draft") or name == "between-edits"
    usual = lambda: [person.ask_long(room, LONG) if needs_drafts else person.ask(room) for _ in range(passage)]
    _die_at(ground, f"{name}:{passage}", stimuli.get(name, usual))


def _die_at(ground: Field, at: str | None, stimulate: Callable[[], object]) -> None:
    """A life that ends at a boundary; what leads there happens before its start or after it."""
    ground.stop()
    before = ground.chance.random() < 0.5
    if before:
        stimulate()
    ground.victim.launch(at)
    if not before:
        ground.victim.wait_ready()
        stimulate()
    if at is None:
        return
    ground.victim.has_died_within(REACHED_WITHIN)
    ground.died()


# Storms.


def _kills(ground: Field) -> None:
    """SIGKILL, lost responses"""
    ground.break_calls(0.08)
    with _talk(ground):
        for _ in range(3):
            _random_death(ground)


def _server_restarts(ground: Field) -> None:
    """SIGKILL, Synapse killed and started"""
    with _talk(ground):
        _random_death(ground)
        ground.victim.launch_if_dead()
        ground.restart_server()
        _random_death(ground)


def _kills_between_requests(ground: Field) -> None:
    """SIGKILL before or after a request"""
    with _talk(ground):
        for _ in range(4):
            ground.victim.launch_if_dead()
            death = ground.chance.choice([KillBefore, KillAfter])
            ground.proxy.set_rule(at_request(ground.chance.randint(1, 40), death(ground.bot.process.kill)))
            ground.victim.has_died_within(6.0)
            ground.proxy.set_rule()
            ground.died("between requests")


def _database_lost(ground: Field) -> None:
    """SIGKILL, lost responses, database deleted"""
    ground.break_calls(0.05)
    with _talk(ground):
        _random_death(ground)
        ground.stop()
        ground.bot.lose("database")
        ground.victim.launch()


def _both_stores_lost(ground: Field) -> None:
    """Killed in the middle of answers; questions and a flood come while it is down, and nothing local is left."""
    with _talk(ground):
        _random_death(ground)
        ground.stop()
        ground.bot.lose("everything")
        person = ground.chance.choice(ground.people)
        person.flood(person.chat_at_random(ground.chance), FLOOD, 12)
        ground.victim.launch()


def _random_death(ground: Field) -> None:
    """A life of random length; every other one may end sooner, at a boundary."""
    if not ground.bot.is_running():
        at = f"{ground.chance.choice(ground.hits_wanted)}:{ground.chance.randint(1, 6)}"
        ground.victim.launch(at if ground.chance.random() < 0.5 else None)
    ground.victim.has_died_within(ground.chance.uniform(0.1, 3.5))
    ground.died()


@contextmanager
def _talk(ground: Field) -> Iterator[None]:
    """While the body runs, every person asks their share of questions in all of their rooms."""
    share = max(1, ground.plan.messages // (ground.plan.rounds + 1))
    problems: list[BaseException] = []

    def talk(person: Person, chance: random.Random) -> None:
        try:
            for room in chance.sample(person.home.chats * share, k=share * len(person.home.chats)):
                _say_something(person, room, chance)
                time.sleep(chance.uniform(0, 8.0 / (share * len(person.home.chats))))
        except BaseException as problem:  # noqa: BLE001 - told to the thread that waits
            problems.append(problem)

    talkers = [
        threading.Thread(target=talk, args=(person, random.Random(ground.chance.random())), daemon=True)
        for person in ground.people
    ]
    for talker in talkers:
        talker.start()
    yield
    for talker in talkers:
        talker.join()
    if problems:
        raise problems[0]


def _say_something(person: Person, room: str, chance: random.Random) -> None:
    drawn = chance.random()
    if drawn < 0.1:
        person.clear(room)
    elif drawn < 0.3:
        person.ask_long(room, LONG)
    else:
        person.ask(room)
