"""Resident memory of the bot: idle with many rooms after a restart, and after an hour's worth of messages at once.

    scripts/test homeserver --collect-only >/dev/null     # installs the Python environment once
    cargo build --release --locked
    .homeserver/venv/bin/python benches/memory.py

The homeserver is a stand-in (benches/standin.py), so that neither size nor pace depends on a real one.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(REPOSITORY / "tests" / "homeserver"), str(REPOSITORY / "benches")]

from standin import BOT, PASSWORD, StandIn  # noqa: E402

from support.bot import Bot  # noqa: E402
from support.waiting import wait_until  # noqa: E402

CHATS = 4
AGENTS = "agents: [{id: echo, kind: mock, delay_ms: 0}]\n"


def memory(bot: Bot) -> str:
    """All that is resident, and of that what is the process's own and no file of the binary."""
    rows = Path(f"/proc/{bot.process.pid}/status").read_text().splitlines()
    sizes = {row.split(":")[0]: row.split()[1] for row in rows if row.startswith(("VmRSS", "RssAnon", "VmHWM"))}
    resident, own, peak = (int(sizes[name]) / 1024 for name in ("VmRSS", "RssAnon", "VmHWM"))
    return f"{resident:6.1f} MB resident, {own:6.1f} MB of it the process's own, peak {peak:6.1f} MB"


def new_bot(folder: Path, server: StandIn, extra: dict[str, str]) -> Bot:
    folder.mkdir()
    (folder / "agents.yaml").write_text(AGENTS)
    account = SimpleNamespace(user_id=BOT, password=PASSWORD, localpart="bot")
    return Bot(account, folder, server.url, {"MATRIX_AGENTS_CONFIG": str(folder / "agents.yaml")} | extra)


def restart(bot: Bot, settle: float) -> float:
    began = time.monotonic()
    bot.restart()
    ready = time.monotonic() - began
    time.sleep(settle)
    return ready


def idle(folder: Path, rooms: int, settle: float, extra: dict[str, str]) -> None:
    server = StandIn()
    for number in range(max(1, rooms // (CHATS + 1))):
        server.add_home(number, CHATS)
    bot = new_bot(folder, server, extra)
    bot.start(limit=600)
    time.sleep(settle)
    print(f"{len(server.rooms):6} rooms, first start:   {memory(bot)}", flush=True)
    ready = restart(bot, settle)
    print(f"{len(server.rooms):6} rooms, after restart: {memory(bot)}, ready after {ready:.2f} s", flush=True)
    assert bot.stop() == 0


def growth(folder: Path, rooms: int, options: argparse.Namespace, extra: dict[str, str]) -> None:
    messages, settle = options.messages, options.settle
    server = StandIn()
    chats = [room for number in range(rooms // (CHATS + 1)) for room in server.add_home(number, CHATS)]
    bot = new_bot(folder, server, extra)
    bot.start(limit=600)
    restart(bot, settle)
    print(f"{len(server.rooms):6} rooms, before:        {memory(bot)}", flush=True)
    for batch in range(1, options.batches + 1):
        began = time.monotonic()
        before = len(server.answered)
        for number in range(messages):
            enough = lambda number=number: len(server.answered) - before > number - options.in_flight
            wait_until(enough, "answers", limit=600, every=0.005, seen=bot.log_tail)
            server.say(chats[number % len(chats)], f"Message {number}, and some words")
        all_of_them = lambda: len(server.answered) - before == messages
        wait_until(all_of_them, "all answers", limit=600, every=0.01, seen=bot.log_tail)
        took = time.monotonic() - began
        time.sleep(settle)
        print(f"{messages:6} messages, batch {batch}: {memory(bot)}, {messages / took:5.0f} messages/s", flush=True)
    assert server.repeated == 0
    print("requests:", dict(sorted(server.requests.items(), key=lambda item: -item[1])[:6]))
    assert bot.stop() == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", type=int, nargs="*", default=[10, 1000, 10_000])
    parser.add_argument("--messages", type=int, default=3600, help="an hour's worth at one a second")
    parser.add_argument("--in-flight", type=int, default=50, help="messages that wait for their answers at a time")
    parser.add_argument("--batches", type=int, default=4)
    parser.add_argument("--settle", type=float, default=5.0, help="seconds of rest before memory is read")
    parser.add_argument("--binary", default=str(REPOSITORY / "target/release/surfaces-bot"))
    parser.add_argument("--env", nargs="*", default=[], help="more variables for the bot, such as MALLOC_ARENA_MAX=2")
    options = parser.parse_args()
    extra = dict(setting.split("=", 1) for setting in options.env)
    os.environ["SURFACES_BOT_BIN"] = options.binary
    with tempfile.TemporaryDirectory() as folder:
        for rooms in options.rooms:
            idle(Path(folder) / f"idle-{rooms}", rooms, options.settle, extra)
        growth(Path(folder) / "growth", 1000, options, extra)


if __name__ == "__main__":
    main()
