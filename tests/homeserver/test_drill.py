"""The short form of `scripts/drill`: whatever dies, every message gets exactly one answer, in order."""

import secrets

import pytest

from drill.__main__ import SHORT, drill
from drill.field import Plan
from drill.ledger import DRAFT_KEY, Question, RoomLedger, Verdict
from support.paths import drill_binary
from support.timeline import ANSWERS_KEY

BOT = "@bot:drill.localhost"


@pytest.mark.timeout(1500)
def test_whatever_dies_every_message_gets_exactly_one_answer(run_folder, monkeypatch):
    monkeypatch.setenv("SURFACES_BOT_BIN", str(drill_binary()))
    plan = Plan(seed=secrets.randbelow(1_000_000), **SHORT)
    print(f"scripts/drill --short --seed {plan.seed}")
    assert drill(run_folder / "drill", plan)


# A count that cannot fail would prove nothing.


def asked(event_id: str) -> dict:
    return event(event_id, "@user:drill.localhost", {"body": f"Text of {event_id}"})


def answer(event_id: str, question: str, text: str | None = None, **more) -> dict:
    echo = f"Echo (context 00000000): Text of {question}" if text is None else text
    return event(event_id, BOT, {"body": echo, ANSWERS_KEY: question, **more})


def edit(event_id: str, message: str, question: str, text: str | None = None) -> dict:
    new = answer(event_id, question, text)["content"]
    relation = {"rel_type": "m.replace", "event_id": message}
    return event(event_id, BOT, new | {"m.new_content": new, "m.relates_to": relation})


def event(event_id: str, sender: str, content: dict) -> dict:
    content = {"msgtype": "m.text"} | content
    return {"event_id": event_id, "type": "m.room.message", "sender": sender, "content": content}


DRAFT = {DRAFT_KEY: True}
Q1, Q2 = asked("$1"), asked("$2")


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([Q1, answer("$a", "$1"), Q2, answer("$b", "$2")], {}),
        ([Q1, Q2, answer("$a", "$1", "Ec", **DRAFT), edit("$b", "$a", "$1"), answer("$c", "$2")], {}),
        ([Q1, Q2, answer("$a", "$1")], {"lost": 1}),
        ([Q1, Q2, answer("$a", "$1"), answer("$b", "$2", "Ec", **DRAFT)], {"lost": 1, "unfinished": 1}),
        ([Q1, answer("$a", "$1"), answer("$b", "$1"), Q2, answer("$c", "$2")], {"repeated": 1}),
        ([Q1, answer("$a", "$1", "E", **DRAFT), answer("$b", "$1"), Q2, answer("$c", "$2")], {"unfinished": 1}),
        ([Q1, Q2, answer("$a", "$2"), answer("$b", "$1")], {"disordered": 1}),
        ([Q1, answer("$a", "$1", "Sorry"), Q2, answer("$b", "$2")], {"wrong": 1}),
        ([Q1, answer("$a", "$1"), edit("$b", "$a", "$1", "Echo (context"), Q2, answer("$c", "$2")], {"wrong": 1}),
        ([Q1, answer("$a", "$1"), Q2, answer("$b", "$2", "Echo (context 11111111): Text of $2")], {"wrong": 1}),
        ([Q1, answer("$a", "$1"), Q2, answer("$b", "$2"), answer("$c", "$3")], {"uncalled": 1}),
    ],
    ids=[
        "all well",
        "a draft completed by an edit",
        "lost",
        "only a draft",
        "repeated",
        "a draft left beside the answer",
        "out of order",
        "a failure instead of an echo",
        "cut off by its last edit",
        "another context",
        "an answer to what nobody asked",
    ],
)
def test_the_count_sees_what_is_wrong(events, expected):
    ledger = RoomLedger(None, "!room", BOT, "user C1", [Question(f"${n}", "!room", f"Text of ${n}") for n in (1, 2)])
    ledger.events = events
    verdict = Verdict()
    verdict.add(ledger)
    kinds = ("lost", "repeated", "disordered", "wrong", "unfinished", "uncalled")
    assert {kind: getattr(verdict, kind) for kind in kinds if getattr(verdict, kind)} == expected
    assert verdict.holds == (not expected)
