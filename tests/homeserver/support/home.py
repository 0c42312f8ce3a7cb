"""A user at home: the Space and the chats that the bot made for them, and talking in these."""

from dataclasses import dataclass, field

from . import timeline
from .bot import Bot
from .user import User

# A streamed answer makes about one edit a second, so the whole of it takes a while.
ANSWER_LIMIT = 45.0


@dataclass
class Home:
    """What one user has: entry room, Space, first chat. `chats` grows with `new_chat`."""

    user: User
    bot_id: str
    entry: str
    space: str
    chats: list[str] = field(default_factory=list)

    @property
    def c1(self) -> str:
        return self.chats[0]

    def command(self, room_id: str, text: str, limit: float = ANSWER_LIMIT) -> dict:
        """Says something and answers the content of the bot's (first) answer to it."""
        return self.answer_to(room_id, self.user.say(room_id, text), limit)

    def answer_to(self, room_id: str, question: str, limit: float = ANSWER_LIMIT) -> dict:
        """Waits for the answer to this event."""

        def first():
            events = self.user.events_in(room_id)
            found = timeline.answers_to(events, question, self.bot_id)
            return timeline.final_content(events, found[0]) if found else None

        return self.user.wait_for(first, f"an answer to {question}", limit)

    def ask(self, room_id: str, text: str, limit: float = ANSWER_LIMIT) -> str:
        """Asks the agent, waits for the whole echo, and answers the context it names."""
        return self.echo_to(room_id, self.user.say(room_id, text), text, limit)

    def echo_to(self, room_id: str, question: str, text: str, limit: float = ANSWER_LIMIT) -> str:
        """Waits until the answer to this event has streamed to its end; answers the context it names."""

        def whole():
            events = self.user.events_in(room_id)
            for answer in timeline.answers_to(events, question, self.bot_id):
                echo = timeline.echo_of(timeline.final_text(events, answer))
                if echo and echo[1] == text:
                    return echo[0]
            return None

        return self.user.wait_for(whole, f"the echo of {text[:60]!r}", limit)

    def answers(self, room_id: str, question: str) -> list[str]:
        """The final texts of all answers to this event, from the server's own history."""
        events = self.user.history(room_id)
        found = timeline.answers_to(events, question, self.bot_id)
        return [timeline.final_text(events, answer) for answer in found]

    def messages_of_bot(self, room_id: str) -> list[dict]:
        return timeline.messages_from(self.user.history(room_id), self.bot_id)

    def new_chat(self, name: str = "", room_id: str | None = None) -> str:
        """Says `!new`, goes where the answer links to, and answers that room's id."""
        answer = self.command(room_id or self.c1, f"!new {name}".strip())
        rooms = [link for link in timeline.links_in(answer) if link.startswith("!")]
        assert len(rooms) == 1, f"not exactly one room is linked in {answer}"
        self.enter(rooms[0])
        self.chats.append(rooms[0])
        return rooms[0]

    def enter(self, room_id: str) -> None:
        """Joins a room, by invitation or as a member of the Space."""
        self.user.join(room_id)
        self.user.wait_for(lambda: room_id in self.user.rooms, f"{room_id} to be joined")


def invite_bot(user: User, bot_id: str) -> str:
    """Starts a direct chat with the bot, as a client does; answers the entry room."""
    return user.create_direct_chat(bot_id)


def onboard(user: User, bot: Bot | str, limit: float = 60.0) -> Home:
    """Invites the bot, accepts what it offers, and waits until it has said all it says to a new user."""
    bot_id = bot if isinstance(bot, str) else bot.user_id
    return settle(user, bot_id, invite_bot(user, bot_id), limit)


def settle(user: User, bot_id: str, entry: str, limit: float = 60.0) -> Home:
    """The part of onboarding after the invitation: join the Space and the chat, wait for welcome and pointer."""
    home = accept(user, bot_id, entry, limit)
    user.wait_for(lambda: timeline.messages_from(user.events_in(home.c1), bot_id), "the welcome in C1", limit)
    wait_for_pointer(user, bot_id, entry, home.c1, limit)
    return home


def accept(user: User, bot_id: str, entry: str, limit: float = 60.0) -> Home:
    """Joins the Space and the chat that the bot invites to; takes part of it as given where already joined."""

    def offered():
        invited = {room for room, state in user.invites.items() if state[_member(user)]["sender"] == bot_id}
        joined = {room for room, view in user.rooms.items() if _creator(view.state) == bot_id}
        return invited | joined if len(invited | joined) >= 2 else None

    for room_id in user.wait_for(offered, "Space and chat to be offered", limit):
        if room_id in user.invites:
            user.join(room_id)
    home = user.wait_for(lambda: find_home(user, bot_id, entry), "Space and chat to be joined", limit)
    return home


def find_home(user: User, bot_id: str, entry: str) -> Home | None:
    """The joined Space and chats that the bot made; nothing while either is missing."""
    made = {room: view.state for room, view in user.rooms.items() if _creator(view.state) == bot_id}
    spaces = [room for room, state in made.items() if _type(state) == "m.space"]
    chats = [room for room, state in made.items() if _type(state) != "m.space"]
    if len(spaces) != 1 or not chats:
        return None
    return Home(user, bot_id, entry, spaces[0], sorted(chats, key=lambda room: _created_at(made[room])))


def wait_for_pointer(user: User, bot_id: str, entry: str, chat: str, limit: float = 60.0) -> dict:
    """Waits for the bot's message in the entry room that links to the chat."""

    def pointer():
        for message in timeline.messages_from(user.events_in(entry), bot_id):
            if chat in timeline.links_in(message["content"]):
                return message
        return None

    return user.wait_for(pointer, "the pointer in the entry room", limit)


def _member(user: User) -> tuple[str, str]:
    return ("m.room.member", user.user_id)


def _creator(state: dict) -> str | None:
    return state.get(("m.room.create", ""), {}).get("sender")


def _type(state: dict) -> str:
    return state[("m.room.create", "")]["content"].get("type", "")


def _created_at(state: dict) -> int:
    return state[("m.room.create", "")]["origin_server_ts"]
