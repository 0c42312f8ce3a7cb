"""What a start costs on a real Synapse: how long until ready, and how many CPU seconds of the server.

Makes a homeserver with Spaces of four chats each, as a predecessor without markers would have left them, and starts the
release binary on it: the first time (rows and markers are made), with its stores kept, and with its stores deleted.
Beside it stands the bare request that the last of these cannot do without: a full /sync of the same account.

    scripts/test homeserver --collect-only >/dev/null     # installs Synapse once
    cargo build --release --locked
    .homeserver/venv/bin/python benches/startup.py --rooms 1000
"""

import argparse
import json
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "tests" / "homeserver"))

from support.bot import Bot  # noqa: E402
from support.synapse import Synapse  # noqa: E402
from support.user import User, log_in  # noqa: E402

CHATS = 4
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(synapse: Synapse) -> float:
    """What the server's process has used so far."""
    fields = Path(f"/proc/{synapse.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def make_home(bot: User, number: int) -> None:
    """One Space with its chats; the owner is invited, as a person would be."""
    owner = f"@owner{number}:{bot.server_name}"
    via = {"via": [bot.server_name]}
    create = lambda **body: bot.post("/createRoom", {"preset": "private_chat", "invite": [owner], **body})["room_id"]
    space = create(name=f"Lambda — owner{number}", creation_content={"type": "m.space"})
    for chat in range(1, CHATS + 1):
        parent = {"type": "m.space.parent", "state_key": space, "content": {**via, "canonical": True}}
        room = create(name=f"Чат {chat}", initial_state=[parent])
        bot.set_state(space, "m.space.child", via, room)


def report_of(bot: Bot) -> dict:
    """The figures of the line that says `ready`."""
    lines = [json.loads(line) for line in bot.log_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("fields", line).get("message") == "ready"][-1]


def start(title: str, bot: Bot, synapse: Synapse) -> None:
    cpu, began = cpu_seconds(synapse), time.monotonic()
    bot.launch()
    while not bot.is_ready():
        assert bot.is_running(), bot.log_tail()
        time.sleep(0.01)
    ready = time.monotonic() - began
    line = report_of(bot)
    fields = line.get("fields", line)
    memory = next(row for row in Path(f"/proc/{bot.process.pid}/status").read_text().splitlines() if "VmRSS" in row)
    print(
        f"{title:34} ready after {ready:6.2f} s, reconcile {int(fields['reconcile_ms']) / 1000:6.2f} s, "
        f"server {cpu_seconds(synapse) - cpu:6.2f} CPU s, memory {int(memory.split()[1]) / 1024:4.0f} MB",
        flush=True,
    )
    assert bot.stop() == 0
    bot.process = None


def bare_sync(account: User, synapse: Synapse) -> None:
    """On a new device each time, so that the server answers from no cache."""
    device = log_in(synapse.url, account.localpart, account.password)
    cpu, began = cpu_seconds(synapse), time.monotonic()
    answer = requests.get(
        f"{synapse.url}/_matrix/client/v3/sync", headers={"Authorization": f"Bearer {device.token}"}, timeout=600
    )
    answer.raise_for_status()
    rooms = len(answer.json()["rooms"]["join"])
    print(
        f"{'a bare full /sync':34} took        {time.monotonic() - began:6.2f} s, {'':18}"
        f"server {cpu_seconds(synapse) - cpu:6.2f} CPU s, {rooms} rooms",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", type=int, default=1000)
    parser.add_argument("--binary", default=str(REPOSITORY / "target/release/surfaces-bot"))
    arguments = parser.parse_args()
    os.environ["SURFACES_BOT_BIN"] = arguments.binary
    with tempfile.TemporaryDirectory() as folder:
        synapse = Synapse(Path(folder) / "synapse").start()
        try:
            account = synapse.register("bot", "benchmark")
            homes = arguments.rooms // (CHATS + 1)
            print(f"making {homes * (CHATS + 1)} rooms ...", flush=True)
            with ThreadPoolExecutor(3) as pool:
                list(pool.map(lambda number: make_home(account, number), range(homes)))
            bare_sync(account, synapse)
            bot = Bot(account, Path(folder) / "bot", synapse.url)
            start("first start, rooms without markers", bot, synapse)
            start("stores kept", bot, synapse)
            start("stores kept, once more", bot, synapse)
            bot.lose("database")
            start("database deleted", bot, synapse)
            bot.lose("everything")
            start("both stores deleted", bot, synapse)
            bare_sync(account, synapse)
        finally:
            synapse.stop()


if __name__ == "__main__":
    main()
