"""A user invites the bot: what they get, and that they get it once."""

import threading

from support import timeline
from support.admin import CHAT_MARKER, CREATION_KEY, SPACE_MARKER
from support.home import accept, invite_bot, onboard, settle, wait_for_pointer
from support.waiting import wait_until


def test_an_invitation_brings_a_space_and_a_first_chat(bot, alice, admin):
    alice.set_display_name("Alice Liddell")
    home = onboard(alice, bot)

    assert admin.rooms_made_by(bot.user_id) == {home.space, home.c1}
    space, chat = admin.room(home.space), admin.room(home.c1)
    assert (space.is_space, space.name) == (True, "Lambda — Alice Liddell")
    assert (chat.is_space, chat.name) == (False, "Chat 1")
    assert admin.members(home.space) == admin.members(home.c1) == {alice.user_id, bot.user_id}
    assert len(home.messages_of_bot(home.c1)) == 1, "one welcome"
    pointers = home.messages_of_bot(home.entry)
    assert len(pointers) == 1, "one pointer"
    assert home.c1 in timeline.links_in(pointers[0]["content"])
    assert len(home.ask(home.c1, "Are you there?")) == 8


def test_the_rows_say_what_the_server_says(bot, home, alice):
    user = bot.projection.one("matrix_user", user_id=alice.user_id)
    assert (user["space_id"], user["next_chat_index"]) == (home.space, 2)
    room = bot.projection.one("matrix_room", room_id=home.c1)
    assert (room["chat_id"], room["matrix_user_id"], room["space_id"]) == ("C1", alice.user_id, home.space)
    chat = bot.projection.one("chat", user_id=alice.user_id)
    assert (chat["chat_id"], chat["platform"], chat["surface_ref"]) == ("C1", "matrix", home.c1)
    assert (chat["name"], chat["status"]) == ("Chat 1", "active")
    assert home.ask(home.c1, "Which context?") == room["platform_chat_id"][:8]


def test_what_a_room_is_stands_on_the_server(bot, home, alice, admin):
    space, chat = admin.room(home.space), admin.room(home.c1)

    for room, kind in ((space, "space"), (chat, "chat")):
        creation = room.content("m.room.create")[CREATION_KEY]
        assert (creation["version"], creation["kind"], creation["owner"]) == (1, kind, alice.user_id)
        assert creation["intent"]
        assert room.content("m.room.history_visibility")["history_visibility"] == "shared"
        assert room.content("m.room.guest_access").get("guest_access", "forbidden") == "forbidden"
        listing = alice.get(f"/directory/list/room/{room.room_id}")
        assert listing["visibility"] == "private"

    marker = space.content(SPACE_MARKER)
    assert (marker["version"], marker["owner"], marker["locale"]) == (1, alice.user_id, "en")
    assert marker["default_agent"]
    row = bot.projection.one("matrix_room", room_id=home.c1)
    assert chat.content(CHAT_MARKER) == {
        "version": 1,
        "owner": alice.user_id,
        "chat_id": "C1",
        "space_id": home.space,
        "agent_id": row["agent_id"],
        "platform_chat_id": row["platform_chat_id"],
        "generation": 0,
        "archived": False,
    }
    assert chat.sender(CHAT_MARKER) == space.sender(SPACE_MARKER) == bot.user_id
    assert chat.content("m.space.parent", home.space)["canonical"] is True
    assert chat.content("m.space.parent", home.space)["via"] == [alice.server_name]
    assert space.content("m.space.child", home.c1)["via"] == [alice.server_name]
    rule = chat.content("m.room.join_rules")
    assert rule["join_rule"] == "restricted"
    assert [allowed["room_id"] for allowed in rule["allow"]] == [home.space]


def test_the_power_is_the_bots(bot, home, admin, forbidden):
    for room_id in (home.space, home.c1):
        room = admin.room(room_id)
        levels = room.content("m.room.power_levels")
        # From room version 12 on the creator stands above all levels and must not be listed.
        assert room.version >= 12 or levels["users"][bot.user_id] == 100
        assert levels["events"].get(SPACE_MARKER if room.is_space else CHAT_MARKER, 100) == 100

    user = home.user
    user.set_state(home.c1, "m.room.name", {"name": "Mine"})
    user.set_state(home.c1, "m.room.topic", {"topic": "What it is about"})
    user.set_state(home.c1, "m.room.avatar", {"url": "mxc://test.localhost/none"})
    levels = admin.room(home.c1).content("m.room.power_levels")
    forbidden(user, home.c1, CHAT_MARKER, {"version": 1, "owner": user.user_id})
    forbidden(user, home.c1, "m.room.power_levels", {**levels, "users_default": 100})
    forbidden(user, home.c1, "m.room.join_rules", {"join_rule": "public"})
    forbidden(user, home.c1, "m.room.history_visibility", {"history_visibility": "world_readable"})
    forbidden(user, home.c1, "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"})
    forbidden(user, home.c1, "m.room.member", {"membership": "leave"}, bot.user_id)
    forbidden(user, home.c1, "m.space.parent", {"via": ["test.localhost"]}, home.space)
    forbidden(user, home.space, SPACE_MARKER, {"version": 1, "owner": user.user_id})
    forbidden(user, home.space, "m.space.child", {}, home.c1)
    forbidden(user, home.space, "m.room.power_levels", {**levels, "users_default": 100})


def test_a_member_of_the_space_may_join_its_chats_without_an_invitation(home):
    home.user.leave(home.c1)
    home.user.join(home.c1)
    home.enter(home.c1)
    assert home.ask(home.c1, "Back by myself")


def test_a_second_invitation_points_to_what_is_there(bot, home, admin):
    second = invite_bot(home.user, bot.user_id)
    wait_for_pointer(home.user, bot.user_id, second, home.c1)

    assert (
        home.ask(home.c1, "Still the same chat")
        == bot.projection.one("matrix_room", room_id=home.c1)["platform_chat_id"][:8]
    )
    assert admin.rooms_made_by(bot.user_id) == {home.space, home.c1}
    assert len(home.messages_of_bot(second)) == 1
    assert len(home.messages_of_bot(home.entry)) == 1
    assert len(home.messages_of_bot(home.c1)) == 2, "the welcome and the one answer"
    assert bot.projection.one("matrix_user", user_id=home.user.user_id)["next_chat_index"] == 2


def test_two_invitations_at_once_make_one_space(bot, alice, admin):
    entries = _at_once([lambda: invite_bot(alice, bot.user_id)] * 2)
    home = settle(alice, bot.user_id, entries[0])
    wait_for_pointer(alice, bot.user_id, entries[1], home.c1)

    assert admin.rooms_made_by(bot.user_id) == {home.space, home.c1}
    for entry in entries:
        assert len(home.messages_of_bot(entry)) == 1
    assert len(home.messages_of_bot(home.c1)) == 1


def test_three_users_at_once_get_a_space_each(bot, new_user, admin):
    users = [new_user(name) for name in ("alice", "bob", "carol")]
    homes = _at_once([lambda user=user: onboard(user, bot) for user in users])

    assert len({home.space for home in homes} | {home.c1 for home in homes}) == 6
    assert admin.rooms_made_by(bot.user_id) == {room for home in homes for room in (home.space, home.c1)}
    for home in homes:
        assert admin.members(home.c1) == {home.user.user_id, bot.user_id}
    contexts = {home.ask(home.c1, f"I am {home.user.user_id}") for home in homes}
    assert len(contexts) == 3


def test_a_user_who_left_everything_comes_back_to_the_same_rooms(bot, home, admin):
    context = home.ask(home.c1, "Remember me")
    for room in (home.c1, home.space, home.entry):
        home.user.leave(room)
    home.user.wait_for(lambda: not home.user.rooms, "all rooms to be left")

    entry = invite_bot(home.user, bot.user_id)
    back = accept(home.user, bot.user_id, entry)
    wait_for_pointer(home.user, bot.user_id, entry, home.c1)

    assert (back.space, back.chats) == (home.space, home.chats)
    assert admin.rooms_made_by(bot.user_id) == {home.space, home.c1}
    assert back.ask(home.c1, "Do you?") == context


def test_a_user_who_declined_is_invited_again(bot, alice, admin):
    entry = invite_bot(alice, bot.user_id)
    for room in alice.wait_for_invites(bot.user_id, 2):
        alice.leave(room)
    alice.wait_for(lambda: not alice.invites, "the invitations to be declined")

    entry = invite_bot(alice, bot.user_id)
    home = settle(alice, bot.user_id, entry)
    assert admin.rooms_made_by(bot.user_id) == {home.space, home.c1}


def test_a_user_who_is_not_allowed_is_refused(make_bot, synapse, alice, bob, admin):
    bot = make_bot(synapse, SURFACES_ALLOWED_USERS=f"@nobody:elsewhere.example, @{bob.localpart[:5]}*:test.localhost")
    bot.start()
    refused = invite_bot(alice, bot.user_id)
    wait_until(
        lambda: admin.room(refused).membership(bot.user_id) == "leave",
        "the invitation to be rejected",
        seen=bot.log_tail,
    )
    home = onboard(bob, bot)

    assert admin.rooms_made_by(bot.user_id) == {home.space, home.c1}
    assert [user["user_id"] for user in bot.projection.rows("matrix_user")] == [bob.user_id]
    alice.sync()
    assert not alice.invites


def test_invitations_that_came_while_the_bot_was_down_are_taken_up(bot, alice, bob, admin):
    assert bot.stop() == 0
    entries = {user: invite_bot(user, bot.user_id) for user in (alice, bob)}
    bot.start()
    homes = [settle(user, bot.user_id, entry) for user, entry in entries.items()]
    assert admin.rooms_made_by(bot.user_id) == {room for home in homes for room in (home.space, home.c1)}


def test_the_bots_own_read_marker_follows_what_it_finished(bot, home):
    question = home.user.say(home.c1, "Read me")
    home.echo_to(home.c1, question, "Read me")
    path = f"/user/{bot.user_id}/rooms/{home.c1}/account_data/m.fully_read"

    def position():
        order = [event["event_id"] for event in home.user.history(home.c1)]
        marker = bot.account.get(path).get("event_id")
        return marker in order and order.index(marker) >= order.index(question)

    wait_until(position, "the read marker to stand at the question or after it", seen=bot.log_tail)


def _at_once(actions):
    """Runs the actions in threads of their own; answers their results in order."""
    results, errors = [None] * len(actions), []

    def run(index, action):
        try:
            results[index] = action()
        except BaseException as error:  # noqa: BLE001 - whatever it was, the test must fail with it
            errors.append(error)

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results
