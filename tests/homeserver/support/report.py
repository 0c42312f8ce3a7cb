"""The reconcile report as `--json` prints it."""

import json

from .bot import Bot

KEYS = {
    "mode",
    "joined_rooms",
    "restored_user_meta",
    "restored_room_meta",
    "restored_chat_rows",
    "repaired_user_meta",
    "repaired_room_meta",
    "repaired_chat_rows",
    "backfilled_platform_chat_ids",
    "stamped_markers",
    "repaired_space_links",
    "gone_rooms",
    "skipped_rooms",
    "conflicts",
    "drift",
    "duration_ms",
}

# The figures that a second run must find at zero.
CHANGES = KEYS - {"mode", "joined_rooms", "skipped_rooms", "conflicts", "drift", "duration_ms"}


def reconcile(bot: Bot, check: bool = False) -> tuple[int, dict]:
    """Runs the command with `--json`; answers exit code and report. Standard output holds the report alone."""
    done = bot.run("reconcile", *(["--check"] if check else []), "--json", limit=180)
    assert done.out.strip(), f"no report, exit {done.code}: {done.err[-2000:]}"
    return done.code, json.loads(done.out)


def assert_clean(bot: Bot) -> dict:
    """A check finds nothing to do."""
    code, report = reconcile(bot, check=True)
    assert code == 0, report
    assert {key: report[key] for key in CHANGES if report[key]} == {}
    assert not report["drift"]
    return report


def reported_rooms(report: dict) -> set[str]:
    """Rooms that the report names as left alone or as contested."""
    return {entry["room_id"] for entry in report["skipped_rooms"] + report["conflicts"]}
