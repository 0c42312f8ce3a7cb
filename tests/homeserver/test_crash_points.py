"""SIGKILL between every two requests of onboarding and of `!new`: never two of anything, never one too few.

A proxy counts the bot's requests and kills it at the n-th, for n = 1, 2, ... until a run ends before its n-th request.
Two ways to die: before the request is sent, and after the server has acted but before the bot hears of it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from support import timeline
from support.admin import CHAT_MARKER, CREATION_KEY, Admin
from support.bot import Bot
from support.home import Home, invite_bot, onboard, settle
from support.proxy import KillAfter, KillBefore, Proxy, at_request
from support.report import assert_clean
from support.waiting import wait_until

# More requests than any flow may need; without a bound a bot that asks for ever would hang the sweep.
MOST_REQUESTS = 60
# How long the bot must ask for nothing before a run counts as ended.
QUIET = 0.7

DEATHS = {"before-the-request": KillBefore, "after-the-server-acted": KillAfter}


@dataclass
class Lab:
    """A bot behind a proxy that can kill it."""

    bot: Bot
    proxy: Proxy
    admin: Admin

    def points(self, death: type, only: set[int] | None = None) -> Iterator["Point"]:
        """One point of death after the other, until a run got by without dying."""
        for number in range(1, MOST_REQUESTS):
            if only and number > max(only):
                return
            if only and number not in only:
                continue
            point = Point(self, number)
            self.proxy.set_rule(at_request(number, death(self.bot.kill)))
            yield point
            if not point.died:
                assert number > 3, f"only {self.proxy.kinds()} were asked for"
                return
        raise AssertionError(f"after {MOST_REQUESTS} requests there is still no end: {self.proxy.kinds()[-20:]}")

    def is_dead(self) -> bool:
        return self.bot.process.poll() is not None

    def rest(self) -> None:
        """Waits until the bot has nothing more to ask for, or is dead."""
        wait_until(lambda: self.is_dead() or self.proxy.is_quiet(QUIET), "the bot to rest", seen=self.bot.log_tail)


@dataclass
class Point:
    """One run that may be cut off."""

    lab: Lab
    number: int
    died: bool = False

    def run(self, finished: Callable[[], object], loss: str = "nothing") -> None:
        """Waits for the end of the run or of the bot; after a death the bot is started again."""
        lab = self.lab
        wait_until(lambda: lab.is_dead() or finished(), "the end of the flow or of the bot", seen=lab.bot.log_tail)
        lab.rest()
        self.died = lab.is_dead()
        killed_at = lab.proxy.kinds()[-1:] if self.died else ["none"]
        lab.proxy.set_rule()
        if self.died:
            with lab.bot.log.open("a") as log:
                log.write(f"=== killed at request {self.number}: {killed_at[0]}\n")
            lab.bot.restart(loss)


@pytest.fixture
def lab(make_bot, synapse, proxy, admin):
    bot = make_bot(synapse, homeserver=proxy.url).start()
    return Lab(bot, proxy, admin)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("death", DEATHS.values(), ids=DEATHS.keys())
def test_the_first_start_survives_death_at_every_request(make_bot, synapse, proxy, admin, new_user, death):
    """From the login on, with a new account for each point."""
    for number in range(1, MOST_REQUESTS):
        bot = make_bot(synapse, homeserver=proxy.url)
        lab = Lab(bot, proxy, admin)
        proxy.set_rule(at_request(number, death(bot.kill)))
        bot.launch()
        wait_until(lambda: lab.is_dead() or bot.is_ready(), "readiness or death", seen=bot.log_tail)
        lab.rest()
        died = lab.is_dead()
        proxy.set_rule()
        if died:
            bot.restart()
        home = onboard(new_user(), bot)
        assert admin.rooms_made_by(bot.user_id) == {home.space, home.c1}
        assert bot.stop() == 0
        if not died:
            return
    raise AssertionError(f"after {MOST_REQUESTS} requests there is still no end: {proxy.kinds()[-20:]}")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("death", DEATHS.values(), ids=DEATHS.keys())
def test_onboarding_survives_death_at_every_request(lab, new_user, death):
    for point in lab.points(death):
        _onboard_through(lab, point, new_user("alice"), "nothing")
    assert lab.bot.stop() == 0
    assert_clean(lab.bot)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("loss", ["database", "everything"])
def test_onboarding_survives_death_and_loss(lab, new_user, loss):
    for point in lab.points(KillAfter, only={1, 2, 3, 4, 6, 8}):
        _onboard_through(lab, point, new_user("alice"), loss)
    assert lab.bot.stop() == 0
    assert_clean(lab.bot)


@pytest.mark.timeout(600)
@pytest.mark.long
@pytest.mark.parametrize("loss", ["database", "everything"])
@pytest.mark.parametrize("death", DEATHS.values(), ids=DEATHS.keys())
def test_onboarding_survives_death_and_loss_at_every_request(lab, new_user, death, loss):
    for point in lab.points(death):
        _onboard_through(lab, point, new_user("alice"), loss)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("death", DEATHS.values(), ids=DEATHS.keys())
def test_new_survives_death_at_every_request(lab, alice, death):
    home = onboard(alice, lab.bot)
    lab.rest()
    for point in lab.points(death):
        _new_through(lab, point, home, "nothing")
    assert lab.bot.stop() == 0
    assert_clean(lab.bot)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("loss", ["database", "everything"])
def test_new_survives_death_and_loss(lab, alice, loss):
    home = onboard(alice, lab.bot)
    lab.rest()
    for point in lab.points(KillAfter, only={1, 2, 3, 4}):
        _new_through(lab, point, home, loss)
    assert lab.bot.stop() == 0
    assert_clean(lab.bot)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("death", DEATHS.values(), ids=DEATHS.keys())
@pytest.mark.parametrize("text", ["!clear", "!archive C2", "!rename Tested", "Just a question"])
def test_other_messages_survive_death_at_every_request(lab, alice, death, text):
    home = onboard(alice, lab.bot)
    c2 = home.new_chat()
    generation = 0
    lab.rest()
    for point in lab.points(death):
        question = home.user.say(home.c1, text)
        point.run(lambda: home.answers(home.c1, question))
        home.answer_to(home.c1, question)
        generation += 1
        home.ask(home.c1, f"Alive after {point.number}?")
        assert len(home.answers(home.c1, question)) == 1, f"killed at request {point.number}"
        if text == "!clear":
            assert lab.admin.room(home.c1).content(CHAT_MARKER)["generation"] == generation, "rotated once each"
        if text.startswith("!archive"):
            assert lab.bot.projection.one("chat", surface_ref=c2)["status"] == "archived"
            home.command(home.c1, "!unarchive C2")
            lab.rest()
    assert lab.bot.stop() == 0
    assert_clean(lab.bot)


def _onboard_through(lab: Lab, point: Point, user, loss: str) -> None:
    """One user is onboarded, whatever dies on the way, and has one of everything at the end."""
    where = f"request {point.number}, {loss} lost"
    before = lab.admin.rooms_made_by(lab.bot.user_id)
    entry = invite_bot(user, lab.bot.user_id)
    point.run(lambda: _pointers(user, lab.bot.user_id, entry), loss)
    home = settle(user, lab.bot.user_id, entry)
    home.ask(home.c1, "Is everything there?")

    made = lab.admin.rooms_made_by(lab.bot.user_id) - before
    assert made == {home.space, home.c1}, f"{where}: {_kinds(lab.admin, made)}"
    assert lab.admin.room(home.space).children == {home.c1}, where
    assert lab.admin.room(home.c1).content(CHAT_MARKER)["chat_id"] == "C1", where
    assert len(_pointers(user, lab.bot.user_id, entry)) == 1, f"{where}: pointers"
    welcomes = [m for m in home.messages_of_bot(home.c1) if timeline.ANSWERS_KEY not in m["content"]]
    assert len(welcomes) <= 1, f"{where}: welcomes"
    row = lab.bot.projection.one("matrix_user", user_id=user.user_id)
    assert (row["space_id"], row["next_chat_index"]) == (home.space, 2), where


def _new_through(lab: Lab, point: Point, home: Home, loss: str) -> None:
    """One chat is asked for, whatever dies on the way, and one chat is there at the end."""
    where = f"request {point.number}, {loss} lost"
    before = lab.admin.rooms_made_by(lab.bot.user_id)
    question = home.user.say(home.c1, f"!new Wanted {point.number}")
    point.run(lambda: home.answers(home.c1, question), loss)
    answer = home.answer_to(home.c1, question)
    home.ask(home.c1, "Anything else?")

    made = lab.admin.rooms_made_by(lab.bot.user_id) - before
    assert len(made) == 1, f"{where}: {_kinds(lab.admin, made)}"
    (room,) = made
    assert room in timeline.links_in(answer), where
    assert len(home.answers(home.c1, question)) == 1, where
    assert room in lab.admin.room(home.space).children, where
    assert lab.admin.room(room).name == f"Wanted {point.number}", where
    assert lab.admin.room(room).membership(home.user.user_id) == "invite", where
    home.enter(room)
    home.chats.append(room)
    assert lab.bot.projection.one("chat", surface_ref=room)["chat_id"] == f"C{len(home.chats)}", where
    assert home.ask(room, "And does it work?")
    lab.rest()


def _pointers(user, bot_id: str, entry: str) -> list[dict]:
    return timeline.messages_from(user.history(entry), bot_id)


def _kinds(admin: Admin, rooms: set[str]) -> list[str]:
    creations = {room: admin.room(room).content("m.room.create") for room in rooms}
    return [f"{room}: {creation.get(CREATION_KEY)}" for room, creation in creations.items()]
