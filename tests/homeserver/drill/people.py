"""People who go on asking while the server and the bot come and go."""

import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import requests

from support.api import MatrixError, part
from support.home import Home
from support.user import User

from .ledger import Question, RoomLedger

T = TypeVar("T")
# Longer than any outage of a drill.
PATIENCE = 180.0


def steadily(request: Callable[[], T]) -> T:
    """Asks again while the homeserver is down or starting."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return request()
        except (requests.RequestException, MatrixError) as error:
            passing = not isinstance(error, MatrixError) or error.status >= 500
            if not passing or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@dataclass
class Person:
    """One account with its home, and what it asked, room by room."""

    user: User
    home: Home | None = None
    ledgers: dict[str, RoomLedger] = field(default_factory=dict)
    # Rooms in which the bot was invited; each must end with exactly one pointer.
    entries: list[str] = field(default_factory=list)
    clears: dict[str, int] = field(default_factory=dict)
    wished_chats: int = 0
    _count: int = 0

    def watch(self, room: str, bot_id: str, name: str) -> None:
        self.ledgers[room] = RoomLedger(self.user, room, bot_id, f"{self.user.localpart} {name}")

    def send(self, room: str, content: dict) -> str:
        """Under one transaction id however often it takes: the people must not be the ones who repeat themselves."""
        path = f"/rooms/{part(room)}/send/m.room.message/{uuid.uuid4().hex}"
        return steadily(lambda: self.user.put(path, content))["event_id"]

    def say(self, room: str, text: str, is_command: bool = False) -> Question:
        question = Question(self.send(room, {"msgtype": "m.text", "body": text}), room, None if is_command else text)
        self.ledgers[room].questions.append(question)
        return question

    def ask(self, room: str) -> Question:
        """A short question, numbered."""
        return self.say(room, self._numbered(room))

    def ask_long(self, room: str, words: int) -> Question:
        """A question whose answer takes a while to stream."""
        return self.say(room, " ".join([self._numbered(room), *(f"word{number}" for number in range(words))]))

    def clear(self, room: str) -> Question:
        self.clears[room] = self.clears.get(room, 0) + 1
        return self.say(room, "!clear", is_command=True)

    def wish_for_a_chat(self, room: str) -> Question:
        self.wished_chats += 1
        return self.say(room, f"!new Wish {self.wished_chats}", is_command=True)

    def flood(self, room: str, events: int, questions: int) -> None:
        """More events than a sync brings at once; most are notices, which no bot answers."""
        for number in range(events):
            if number % max(1, events // questions) == 0:
                self.ask(room)
            else:
                self.send(room, {"msgtype": "m.notice", "body": f"Notice {number}"})

    def chat_at_random(self, chance: random.Random) -> str:
        return chance.choice(self.home.chats)

    def _numbered(self, room: str) -> str:
        self._count += 1
        return f"Question {self._count} in {self.ledgers[room].name}"
