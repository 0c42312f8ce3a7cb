"""A bot with a past: two users, renamed, archived and cleared chats. What must survive every loss."""

from dataclasses import dataclass

from .admin import Admin
from .bot import Bot
from .home import Home, onboard
from .user import User


@dataclass
class World:
    """`contexts` holds, by room, what the mock agent called the context when it was last asked."""

    bot: Bot
    admin: Admin
    alice: Home
    bob: Home
    contexts: dict[str, str]

    @property
    def bots(self) -> list[Bot]:
        return [self.bot]

    def active_rooms(self) -> dict[str, Home]:
        """Rooms in which the agent answers, with the home they belong to."""
        archived = {row["surface_ref"] for row in self.bot.projection.rows("chat") if row["status"] != "active"}
        return {room: home for home in (self.alice, self.bob) for room in home.chats if room not in archived}

    def learn_contexts(self) -> None:
        self.contexts = self.ask_everywhere("Which context?")

    def ask_everywhere(self, text: str) -> dict[str, str]:
        """Asks in all rooms at once; answers the context by room."""
        asked = {room: (home, home.user.say(room, text)) for room, home in self.active_rooms().items()}
        return {room: home.echo_to(room, question, text) for room, (home, question) in asked.items()}

    def photograph(self) -> "Photograph":
        return Photograph(
            self.bot.projection.everything(),
            self.admin.rooms_made_by(self.bot.user_id),
            self.admin.joined_rooms(self.bot.user_id),
        )

    def assert_same(self, before: "Photograph") -> None:
        """Rows and the server's room list are what they were, and every chat still has its context."""
        after = self.photograph()
        for table, rows in before.rows.items():
            assert after.rows[table] == rows, table
        assert after.made == before.made, "rooms were created"
        assert after.joined == before.joined, "rooms were joined or left"
        assert self.ask_everywhere("Same context?") == self.contexts

    def assert_usable(self) -> None:
        """`!rename` and `!new` work at once, and the next chat has the next number."""
        numbers = [int(row["chat_id"][1:]) for row in self.rows_of(self.alice)]
        name = f"Chat of {len(numbers)}"
        self.alice.command(self.alice.c1, f"!rename {name}")
        assert self.admin.room(self.alice.c1).name == name
        room = self.alice.new_chat()
        added = self.bot.projection.one("chat", surface_ref=room)
        assert added["chat_id"] == f"C{max(numbers) + 1}"
        self.contexts[room] = self.alice.ask(room, "A new context")
        assert list(self.contexts.values()).count(self.contexts[room]) == 1

    def rows_of(self, home: Home) -> list[dict]:
        return [row for row in self.bot.projection.rows("chat") if row["user_id"] == home.user.user_id]


@dataclass(frozen=True)
class Photograph:
    """Rows and rooms at one moment."""

    rows: dict[str, list[dict]]
    made: set[str]
    joined: set[str]


def build_world(bot: Bot, admin: Admin, alice: User, bob: User) -> World:
    """Alice: C1 cleared once, C2 renamed, C3 archived, C4 plain. Bob: C1 only."""
    world = World(bot, admin, onboard(alice, bot), onboard(bob, bot), {})
    home = world.alice
    home.ask(home.c1, "A context that is cleared away")
    home.command(home.c1, "!clear")
    home.new_chat("Kept name")
    archived = home.new_chat("To be archived")
    home.command(archived, "!archive")
    home.new_chat()
    world.learn_contexts()
    return world
