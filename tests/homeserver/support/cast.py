"""Accounts and bots that no other test knows: tests share one homeserver and must not disturb each other."""

import itertools
import secrets
from pathlib import Path

from .bot import Bot
from .synapse import Synapse
from .user import User

_numbers = itertools.count(1)


def register(server: Synapse, name: str) -> User:
    """An account with a name that no other test has."""
    return server.register(f"{name}-{next(_numbers)}-{secrets.token_hex(2)}", secrets.token_hex(8))


class BotFactory:
    """Makes bots with accounts and folders of their own, and ends what still runs at the end."""

    def __init__(self, folder: Path):
        self._folder = folder
        self.bots: list[Bot] = []

    def __call__(self, server: Synapse, homeserver: str | None = None, account: User | None = None, **settings) -> Bot:
        account = account or register(server, "bot")
        # Accounts of servers of their own may have the same name: no bot finds what another one left.
        folder = self._folder / f"{account.localpart}-{next(_numbers)}"
        bot = Bot(account, folder, homeserver or server.url, settings)
        self.bots.append(bot)
        return bot

    def close(self) -> None:
        for bot in self.bots:
            bot.kill()


class WarmBots:
    """Running bots that nobody has used yet.

    A bot that finds no database must take into account that a room may still be in the making from a life it does not
    remember, and waits some seconds before it makes its first one. The next bots do that while a test still runs.
    """

    AHEAD = 2

    def __init__(self, factory: BotFactory, server: Synapse):
        self._factory = factory
        self._server = server
        self._waiting: list[Bot] = []

    def take(self) -> Bot:
        while len(self._waiting) <= self.AHEAD:
            self._waiting.append(self._factory(self._server).launch())
        bot = self._waiting.pop(0)
        bot.wait_ready()
        return bot
