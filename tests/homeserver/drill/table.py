"""What a drill prints."""

from support import timeline

from .field import Field
from .ledger import DRAFT_KEY, RoomLedger, Verdict
from .scenario import Act


def acts(lines: list[Act]) -> str:
    rows = [f"{'act':58} {'asked':>6} {'deaths':>7} {'seconds':>8}"]
    rows += [f"{act.title[:58]:58} {act.asked:6} {act.deaths:7} {act.seconds:8.1f}" for act in lines]
    return "\n".join(rows)


def boundaries(ground: Field) -> str:
    hits = ground.victim.hits
    return "\n".join(f"  {name:24} {hits[name] or 'NEVER':>6}" for name in ground.hits_wanted)


def figures(ground: Field, verdict: Verdict) -> str:
    rows = [
        ("messages sent", verdict.sent),
        ("answered exactly once", verdict.once),
        ("lost", verdict.lost),
        ("repeated", verdict.repeated),
        ("out of order", verdict.disordered),
        ("wrong text or context", verdict.wrong),
        ("drafts left unfinished", verdict.unfinished),
        ("said unasked", verdict.uncalled),
        ("deaths of the bot", ground.victim.deaths.total()),
        *((f"  {how}", count) for how, count in sorted(ground.victim.deaths.items())),
        ("requests broken", ground.calls_broken),
        ("Synapse killed", ground.server_restarts),
    ]
    return "\n".join(f"{name:28} {count:6}" for name, count in rows)


def room(ledger: RoomLedger) -> str:
    """A room as its events came: questions, drafts, edits, answers. The notices of a flood are left out."""
    lines = [f"--- {ledger.name}, {ledger.room_id}"]
    for event in ledger.events:
        content = event["content"]
        is_flood = event["sender"] != ledger.bot_id and content.get("msgtype") == "m.notice"
        if event["type"] == "m.room.message" and content and not is_flood:
            what = "edit" if timeline.is_edit(event) else content.get("msgtype", "?").removeprefix("m.")
            mark = " (draft)" if DRAFT_KEY in content else ""
            who = event["sender"].split(":")[0]
            body = str(content.get("body", "")).replace("\n", " / ")
            lines.append(f"{event['origin_server_ts'] % 10_000_000 / 1000:9.3f} {who:6} {what}{mark}: {body[:100]}")
    return "\n".join(lines)
