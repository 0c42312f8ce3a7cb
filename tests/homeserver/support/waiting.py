"""Waiting for a condition, with a limit. Nothing in the suite sleeps for luck."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class WaitTimeout(AssertionError):
    """A condition did not come true in time; the message says which, and what was seen instead."""


def wait_until(
    condition: Callable[[], T],
    what: str,
    limit: float = 30.0,
    every: float = 0.05,
    seen: Callable[[], str] = lambda: "",
) -> T:
    """Asks `condition` until it answers something true, and returns that answer."""
    deadline = time.monotonic() + limit
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise WaitTimeout(f"waited {limit:.0f} s for {what}\n{seen()}".rstrip())
        time.sleep(every)
