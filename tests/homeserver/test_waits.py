"""What the homeserver makes one user wait for, nobody else waits for."""

import time

from support.home import onboard
from support.proxy import Call, rate_limited
from support.report import assert_clean

# As Synapse's own limit on invitations of one user.
LIMIT_MS = 333_000


def test_an_invitation_limit_of_one_user_holds_up_nobody(make_bot, synapse, proxy, new_user, admin):
    carol, alice, dave = new_user("carol"), new_user("alice"), new_user("dave")
    bot = make_bot(synapse, homeserver=proxy.url).start()
    home = onboard(carol, bot)

    def rule(call: Call):
        is_invitation = call.kind == "POST rooms/*/invite"
        return rate_limited(LIMIT_MS) if is_invitation and alice.user_id.encode() in call.body else None

    proxy.set_rule(rule)
    entry = alice.create_direct_chat(bot.user_id)
    pointed = lambda: any("in a few minutes" in f"{event['content']}" for event in alice.events_in(entry))
    alice.wait_for(pointed, "the pointer that tells of the delay")
    # The bot leaves a room, so that a reconcile comes between.
    began = time.monotonic()
    bot.account.leave(home.entry)
    home.command(home.c1, "!settings streaming off")
    assert home.new_chat()
    onboard(dave, bot)
    home.command(home.c1, "!archive C2")
    assert time.monotonic() - began < 60
    assert not [room for room, state in alice.invites.items()]
    limited = [call for call in proxy.calls if alice.user_id.encode() in call.body and "invite" in call.kind]
    assert len(limited) == 2, "once for the Space and once for the chat"

    # The process waits for minutes and ends at once all the same; the next one waits on.
    began = time.monotonic()
    assert bot.stop() == 0
    assert time.monotonic() - began < 10
    bot.start()
    home.ask(home.c1, "Still there?")
    assert len([call for call in proxy.calls if "invite" in call.kind and alice.user_id.encode() in call.body]) == 2
    assert bot.stop() == 0

    # The time of the invitations has come.
    proxy.set_rule()
    bot.projection.falsify("UPDATE owed_invite SET not_before = 0")
    bot.start()
    alice.wait_for(lambda: len(alice.invites) == 2, "both invitations")
    assert_clean(bot)
