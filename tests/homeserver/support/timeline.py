"""Reading a room's events: what is an answer, what does it say after its edits, which links does it hold."""

import re
from urllib.parse import unquote

ANSWERS_KEY = "io.lambda.surfaces.answers"

_ECHO = re.compile(r"\AEcho \(context ([0-9a-f]{8})\): (.*)\Z", re.DOTALL)
_LINK = re.compile(r"https://matrix\.to/#/([^\s?\"'<>)\]]+)")


def is_message(event: dict) -> bool:
    """A message in its own right, not an edit of one and not a redacted rest."""
    return event["type"] == "m.room.message" and bool(event["content"]) and not is_edit(event)


def is_edit(event: dict) -> bool:
    relation = event["content"].get("m.relates_to")
    return isinstance(relation, dict) and relation.get("rel_type") == "m.replace"


def messages_from(events: list[dict], sender: str) -> list[dict]:
    return [event for event in events if is_message(event) and event["sender"] == sender]


def answers_to(events: list[dict], question: str, sender: str) -> list[dict]:
    """The bot's messages that say they answer this question; edits of them are not counted again."""
    return [event for event in messages_from(events, sender) if event["content"].get(ANSWERS_KEY) == question]


def edits_of(events: list[dict], event: dict) -> list[dict]:
    return [
        edit
        for edit in events
        if edit["type"] == "m.room.message"
        and is_edit(edit)
        and edit["sender"] == event["sender"]
        and edit["content"]["m.relates_to"].get("event_id") == event["event_id"]
    ]


def final_content(events: list[dict], event: dict) -> dict:
    """The content a reader sees: that of the last edit, or the message's own."""
    edits = edits_of(events, event)
    return edits[-1]["content"].get("m.new_content", {}) if edits else event["content"]


def final_text(events: list[dict], event: dict) -> str:
    body = final_content(events, event).get("body", "")
    return body if isinstance(body, str) else repr(body)


def echo_of(text: str) -> tuple[str, str] | None:
    """Takes the mock agent's answer apart: (first eight characters of the context, echoed text)."""
    found = _ECHO.match(text)
    return (found[1], found[2]) if found else None


def links_in(content: dict) -> set[str]:
    """Rooms, users and events that a message links to, whether in its text or in its HTML."""
    text = f"{content.get('body', '')}\n{content.get('formatted_body', '')}"
    return {unquote(link) for link in _LINK.findall(text)}


def describe(events: list[dict], last: int = 12) -> str:
    """The last events of a room, one line each, for messages about failures."""
    lines = []
    for event in events[-last:]:
        content = event["content"]
        text = content.get("body") if event["type"] == "m.room.message" else content
        mark = "edit" if is_edit(event) else event["type"]
        lines.append(f"  {event['sender']} {mark}: {str(text)[:160]}")
    return "\n".join(lines)
