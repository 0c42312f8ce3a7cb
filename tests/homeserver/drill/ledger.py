"""What was asked, and what became of it: counted from the server's own history, which no lost answer can embellish."""

from collections import Counter
from dataclasses import dataclass, field

from support import timeline
from support.api import part
from support.user import User

DRAFT_KEY = "io.lambda.surfaces.draft"


@dataclass(frozen=True)
class Question:
    """One message of a person. `wanted` is the text that the mock agent must echo; commands have none."""

    event_id: str
    room: str
    wanted: str | None


@dataclass
class RoomLedger:
    """One room: its questions as they were asked, and its events as far as they were read."""

    reader: User
    room_id: str
    bot_id: str
    name: str
    questions: list[Question] = field(default_factory=list)
    events: list[dict] = field(default_factory=list)
    _position: dict = field(default_factory=dict)

    def read_on(self, anew: bool = False) -> None:
        """Takes in what came since the last look, or everything once more: an event can be sorted in late."""
        if anew:
            self.events, self._position = [], {}
        while True:
            path = f"/rooms/{part(self.room_id)}/messages"
            page = self.reader.get(path, dir="f", limit=500, **self._position)
            self.events += page["chunk"]
            if not page["chunk"] or "end" not in page:
                return
            self._position = {"from": page["end"]}

    def answers(self) -> dict[str, list[str]]:
        """Question -> the messages that answer it, oldest first. An edit belongs to the message that it edits."""
        found: dict[str, list[str]] = {}
        for event in self._of_bot():
            question = event["content"].get(timeline.ANSWERS_KEY)
            if question and DRAFT_KEY not in event["content"]:
                roots = found.setdefault(question, [])
                if root_of(event) not in roots:
                    roots.append(root_of(event))
        return found

    def texts(self) -> dict[str, str]:
        """Message -> what a reader sees after its last edit."""
        seen = {}
        for event in self._of_bot():
            content = event["content"]
            if timeline.is_edit(event):
                content = content.get("m.new_content", {})
            seen[root_of(event)] = str(content.get("body", ""))
        return seen

    def drafts_left(self) -> list[str]:
        """Messages whose last form is still a draft."""
        last = {root_of(event): DRAFT_KEY in event["content"] for event in self._of_bot()}
        return [root for root, is_draft in last.items() if is_draft]

    def unanswered(self) -> list[Question]:
        answered = self.answers()
        return [question for question in self.questions if question.event_id not in answered]

    def _of_bot(self) -> list[dict]:
        return [
            event
            for event in self.events
            if event["type"] == "m.room.message" and event["sender"] == self.bot_id and event["content"]
        ]


def root_of(event: dict) -> str:
    """The message that an event shows or changes."""
    return event["content"]["m.relates_to"]["event_id"] if timeline.is_edit(event) else event["event_id"]


@dataclass
class Verdict:
    """The figures; `faults` says in words what is wrong, where anything is."""

    sent: int = 0
    once: int = 0
    lost: int = 0
    repeated: int = 0
    disordered: int = 0
    wrong: int = 0
    unfinished: int = 0
    uncalled: int = 0
    faults: list[str] = field(default_factory=list)

    def add(self, ledger: RoomLedger) -> None:
        answers, texts = ledger.answers(), ledger.texts()
        order = {event["event_id"]: number for number, event in enumerate(ledger.events)}
        questions = sorted(ledger.questions, key=lambda question: order[question.event_id])
        counts = Counter({question.event_id: len(answers.get(question.event_id, [])) for question in questions})
        self.sent += len(questions)
        self.once += sum(count == 1 for count in counts.values())
        self._note("lost", ledger, [q for q in questions if counts[q.event_id] == 0])
        self._note("repeated", ledger, [q for q in questions if counts[q.event_id] > 1])
        answered = [question for question in questions if counts[question.event_id]]
        first = [order[answers[question.event_id][0]] for question in answered]
        self._note("disordered", ledger, [q for q, at, before in zip(answered[1:], first[1:], first) if at < before])
        self._note("wrong", ledger, _wrong(answered, {q.event_id: texts[answers[q.event_id][0]] for q in answered}))
        self._note("unfinished", ledger, ledger.drafts_left())
        self._note("uncalled", ledger, _uncalled(ledger, set(counts)))

    def _note(self, kind: str, ledger: RoomLedger, found: list) -> None:
        setattr(self, kind, getattr(self, kind) + len(found))
        self.faults += [f"{kind}: {ledger.name}: {what}" for what in found]

    @property
    def holds(self) -> bool:
        return self.sent > 0 and self.once == self.sent and not self.faults


def _wrong(questions: list[Question], texts: dict[str, str]) -> list[str]:
    """Echoes that are not exact, or that name another context than the room had since its last `!clear`."""
    faults, context, used = [], None, set()
    for question in questions:
        if question.wanted is None:
            context = None
            continue
        echo = timeline.echo_of(texts[question.event_id])
        if not echo or echo[1] != question.wanted:
            faults.append(f"{question.wanted[:60]!r} was answered {texts[question.event_id][:160]!r}")
            continue
        if context is None and echo[0] in used or context not in (None, echo[0]):
            faults.append(f"{question.wanted[:60]!r} was answered in context {echo[0]} and not in {context}")
        context = echo[0]
        used.add(context)
    return faults


def _uncalled(ledger: RoomLedger, asked: set[str]) -> list[str]:
    """What the bot said without being asked; one welcome or pointer a room is expected."""
    said = [event["content"] for event in timeline.messages_from(ledger.events, ledger.bot_id)]
    greetings = [content for content in said if timeline.ANSWERS_KEY not in content]
    others = [content for content in said if content.get(timeline.ANSWERS_KEY) not in asked | {None}]
    return [str(content.get("body"))[:160] for content in greetings[1:] + others]
