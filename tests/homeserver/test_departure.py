"""The bot is removed from a room at any moment: nothing waits for that room, and a new invitation works.

Something else may end the bot's membership at any time: a person removes it from their entry room, the operator uses its
account in another client. A proxy does that before the n-th request of an answer or of an onboarding.
"""

import time
from collections.abc import Callable, Iterator

import pytest

from support.admin import CREATION_KEY
from support.api import MatrixError, part
from support.home import Home, invite_bot, onboard, wait_for_pointer
from support.proxy import Meanwhile, at_request
from support.waiting import wait_until

# More requests than any flow may need.
MOST_REQUESTS = 60
# Requests before which the room is lost in the short run of this suite; a long one takes them all.
SOME_REQUESTS = {1, 2, 3, 5, 7, 9, 12, 15, 18}
# The grace time is 20 s. A bot that waits for nothing needs far less, on a busy machine too.
ENDS_WITHIN = 10.0
# How long the bot must ask for nothing before a run counts as ended.
QUIET = 1.5

LONG_ANSWER = " ".join(f"word{number}" for number in range(60))


def ends_quickly(bot, when: str) -> None:
    began = time.monotonic()
    assert bot.stop() == 0
    took = time.monotonic() - began
    assert took < ENDS_WITHIN, f"{when}: the end took {took:.1f} s\n{bot.log_tail()}"


def points(request) -> Iterator[int]:
    """The numbers of requests before which the room is lost."""
    every = range(1, MOST_REQUESTS)
    return iter(every if request.config.getoption("--long") else sorted(SOME_REQUESTS))


def is_met(bot, proxy, number: int) -> bool:
    """Waits until the bot has made so many requests; tells whether it came to that before it had nothing more to do."""
    wait_until(
        lambda: len(proxy.kinds()) >= number or (proxy.kinds() and proxy.is_quiet(QUIET)),
        f"request {number}",
        seen=bot.log_tail,
    )
    return len(proxy.kinds()) >= number


def leaves(bot, room: str) -> None:
    """The bot's account leaves, as by another client."""
    try:
        bot.account.leave(room)
    except MatrixError as error:
        assert error.status == 403, error


def rest(bot, proxy) -> None:
    wait_until(lambda: proxy.is_quiet(QUIET), "the bot to rest", seen=bot.log_tail)


def serves_again(bot, user, entry: str, when: str) -> None:
    """The invitation brings a pointer to a chat in which the bot answers."""

    def chat():
        rows = bot.projection.rows("chat")
        mine = [row for row in rows if row["user_id"] == user.user_id and row["status"] == "active"]
        return mine[0]["surface_ref"] if mine else None

    room = user.wait_for(chat, f"{when}: a chat", 60)
    wait_for_pointer(user, bot.user_id, entry, room)
    user.sync()
    if room in user.invites:
        user.join(room)
    home = Home(user, bot.user_id, entry, "", [room])
    assert home.ask(room, f"{when}: are you there?")


@pytest.mark.timeout(900)
def test_a_chat_that_is_lost_in_the_middle_of_an_answer_holds_nothing_up(
    request, make_bot, synapse, proxy, new_user
):
    bot = make_bot(synapse, homeserver=proxy.url).start()
    for number in points(request):
        when = f"lost before request {number}"
        user = new_user("alice")
        home = onboard(user, bot)
        rest(bot, proxy)
        proxy.set_rule(at_request(number, Meanwhile(lambda room=home.c1: leaves(bot, room))))
        user.say(home.c1, LONG_ANSWER)
        if not is_met(bot, proxy, number):
            return
        ends_quickly(bot, when)
        bot.start()
        rest(bot, proxy)
        ends_quickly(bot, f"{when}, the end after that")
        bot.start()
        serves_again(bot, user, invite_bot(user, bot.user_id), when)


def _kick_from_entry(bot, user, entry: str) -> None:
    try:
        user.kick(entry, bot.user_id)
    except MatrixError as error:
        # Not in it yet.
        assert error.status == 403, error


def _leave_newest(bot, user, entry: str) -> None:
    made = {}
    for room in bot.account.get("/joined_rooms")["joined_rooms"]:
        created = bot.account.get(f"/rooms/{part(room)}/state/m.room.create/", format="event")
        if created["content"].get(CREATION_KEY, {}).get("owner") == user.user_id:
            made[created["origin_server_ts"]] = room
    if made:
        leaves(bot, made[max(made)])


@pytest.mark.timeout(900)
@pytest.mark.parametrize("lose", [_kick_from_entry, _leave_newest], ids=["entry-room", "newest-room"])
def test_a_room_that_is_lost_in_the_middle_of_an_onboarding_holds_nothing_up(
    request, make_bot, synapse, proxy, new_user, lose: Callable
):
    bot = make_bot(synapse, homeserver=proxy.url).start()
    # A first start waits a little for what an earlier process may have asked for.
    onboard(new_user("carol"), bot)
    for number in points(request):
        when = f"lost before request {number}"
        user = new_user("alice")
        rest(bot, proxy)
        entry = user.create_room(preset="trusted_private_chat", is_direct=True)
        proxy.set_rule(at_request(number, Meanwhile(lambda user=user, entry=entry: lose(bot, user, entry))))
        user.invite(entry, bot.user_id)
        if not is_met(bot, proxy, number):
            return
        ends_quickly(bot, when)
        bot.start()
        rest(bot, proxy)
        if user.state(entry, "m.room.member", bot.user_id)["membership"] in ("join", "invite"):
            entry = invite_bot(user, bot.user_id)
        else:
            user.invite(entry, bot.user_id)
        serves_again(bot, user, entry, when)
        ends_quickly(bot, f"{when}, the end after that")
        bot.start()
