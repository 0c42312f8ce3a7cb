"""The bot that is killed: one life after another, and a record of how each ended."""

import json
import signal
from collections import Counter
from dataclasses import dataclass, field

from support.bot import Bot
from support.waiting import WaitTimeout, wait_until

DIE_AT = "SURFACES_TEST_DIE_AT"
# A start may have to wait for a homeserver that is starting itself.
READY_LIMIT = 180.0


@dataclass
class Victim:
    """`deaths` counts by the way of dying; `hits` counts the boundaries at which a life really ended."""

    bot: Bot
    deaths: Counter = field(default_factory=Counter)
    hits: Counter = field(default_factory=Counter)
    _log_read: int = 0

    def launch(self, die_at: str | None = None) -> None:
        """Another life, which ends by itself at the boundary `die_at`, given as `name:passage`."""
        assert not self.bot.is_running()
        self.bot.process = None
        self.bot.settings[DIE_AT] = die_at
        self._log_read = self.bot.log.stat().st_size
        self.bot.launch()

    def launch_if_dead(self) -> None:
        if not self.bot.is_running():
            self.launch()

    def is_dead(self) -> bool:
        """Any other end than SIGKILL is a fault of its own."""
        code = self.bot.process.poll()
        if code is None:
            return False
        assert code == -signal.SIGKILL, f"the bot ended by itself with {code}\n{self.bot.log_tail()}"
        return True

    def is_dead_or_ready(self) -> bool:
        return self.is_dead() or self.bot.is_ready()

    def wait_ready(self) -> None:
        wait_until(self.is_dead_or_ready, "the bot to be ready", READY_LIMIT, seen=self.bot.log_tail)

    def has_died_within(self, limit: float) -> bool:
        try:
            return wait_until(self.is_dead, "the bot to die", limit)
        except WaitTimeout:
            return False

    def bury(self, died_by: str = "from outside") -> None:
        """Ends the life where it has not ended by what was meant to end it, and counts what it died of."""
        if not self.is_dead():
            self.bot.kill()
            died_by = "from outside"
        boundary = self._boundary_hit()
        if boundary:
            self.hits[boundary] += 1
            died_by = "at a boundary"
        self.deaths[died_by] += 1
        with self.bot.log.open("a") as log:
            log.write(f"=== died {died_by} {boundary or ''}\n")

    def boundaries(self) -> list[str]:
        """The boundaries this build knows, as it says at its start."""
        for fields in self._fields():
            if "boundaries" in fields:
                return fields["boundaries"].split(",")
        raise AssertionError("this bot knows no boundaries: build it with `--features boundaries`")

    def _boundary_hit(self) -> str | None:
        return next((fields["boundary"] for fields in self._fields() if "boundary" in fields), None)

    def _fields(self) -> list[dict]:
        """The log lines of this life."""
        with self.bot.log.open("rb") as log:
            log.seek(self._log_read)
            lines = log.read().decode(errors="replace").splitlines()
        entries = [_parsed(line) for line in lines if line.startswith("{")]
        return [entry.get("fields", entry) for entry in entries]


def _parsed(line: str) -> dict:
    """A process that is killed can leave half a line."""
    try:
        return json.loads(line)
    except ValueError:
        return {}
