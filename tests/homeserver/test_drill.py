"""The short form of `scripts/drill`: whatever dies, every message gets exactly one answer, in order."""

import secrets

import pytest

from drill.__main__ import SHORT, drill
from drill.field import Plan
from support.paths import drill_binary


@pytest.mark.timeout(1500)
def test_whatever_dies_every_message_gets_exactly_one_answer(run_folder, monkeypatch):
    monkeypatch.setenv("SURFACES_BOT_BIN", str(drill_binary()))
    plan = Plan(seed=secrets.randbelow(1_000_000), **SHORT)
    print(f"scripts/drill --short --seed {plan.seed}")
    assert drill(run_folder / "drill", plan)
