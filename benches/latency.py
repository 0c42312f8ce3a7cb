"""From question to answer through a real Synapse, beside the least that any bot must do, in the same run.

One person asks in two rooms, in turn: in a chat of the bot (mock agent without delay, streaming off), and in a room of
the floor, a loop of a few lines in a process of its own that long-polls /sync and sends an answer at once. Closed loop:
the next question comes when the answer to the last one was seen, after `--pause`.

    scripts/test homeserver --collect-only >/dev/null     # installs Synapse once
    cargo build --release --locked
    .homeserver/venv/bin/python benches/latency.py
"""

import argparse
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "tests" / "homeserver"))

from support.api import Api, part  # noqa: E402
from support.bot import Bot  # noqa: E402
from support.home import onboard  # noqa: E402
from support.proxy import Proxy  # noqa: E402
from support.synapse import Synapse  # noqa: E402
from support.timeline import ANSWERS_KEY  # noqa: E402
from support.user import User  # noqa: E402

AGENTS = "agents: [{id: echo, kind: mock, delay_ms: 0}]\n"
# Like the bot's: no presence, no typing notices.
FILTER = json.dumps({"presence": {"not_types": ["*"]}, "room": {"ephemeral": {"not_types": ["*"]}}})


def floor(url: str, token: str, me: str) -> None:
    """Long-polls and sends; keeps nothing, and would answer twice after a crash."""
    api = Api(url, token)
    since = api.get("/sync", timeout=0, filter=FILTER)["next_batch"]
    for number in range(1 << 30):
        answer = api.get("/sync", timeout=30_000, since=since, filter=FILTER)
        since = answer["next_batch"]
        for room, change in answer.get("rooms", {}).get("join", {}).items():
            for event in change["timeline"]["events"]:
                if event["type"] == "m.room.message" and event["sender"] != me:
                    content = {"msgtype": "m.text", "body": event["content"]["body"], ANSWERS_KEY: event["event_id"]}
                    api.put(f"/rooms/{part(room)}/send/m.room.message/{number}", content)


class Asker:
    """A person with a long-polling client."""

    def __init__(self, user: User):
        self.user = user
        self.since = user.get("/sync", timeout=0, filter=FILTER)["next_batch"]
        self.count = 0

    def ask(self, room: str) -> float:
        """Milliseconds from the question's request to the sync that brings its answer."""
        self.count += 1
        text = {"msgtype": "m.text", "body": f"Question {self.count}"}
        began = time.perf_counter()
        question = self.user.put(f"/rooms/{part(room)}/send/m.room.message/q{self.count}", text)["event_id"]
        while True:
            answer = self.user.get("/sync", timeout=30_000, since=self.since, filter=FILTER)
            self.since = answer["next_batch"]
            events = answer.get("rooms", {}).get("join", {}).get(room, {}).get("timeline", {}).get("events", [])
            if any(event["content"].get(ANSWERS_KEY) == question for event in events):
                return (time.perf_counter() - began) * 1000


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def report(title: str, bot: list[float], least: list[float]) -> None:
    print(f"{title}, {len(bot)} questions each")
    for name, values in (("bot", bot), ("floor", least)):
        p50, p99 = statistics.median(values), percentile(values, 0.99)
        print(f"  {name:6} p50 {p50:6.1f} ms   p99 {p99:6.1f} ms")
    ratios = [statistics.median(bot) / statistics.median(least), percentile(bot, 0.99) / percentile(least, 0.99)]
    print(f"  ratio  p50 {ratios[0]:6.2f}      p99 {ratios[1]:6.2f}", flush=True)


def alternate(asker: Asker, rooms: list[str], count: int, pause: float) -> list[list[float]]:
    """One question in each room in turn."""
    times: list[list[float]] = [[] for _ in rooms]
    for _ in range(count):
        for room, own in zip(rooms, times):
            own.append(asker.ask(room))
            time.sleep(pause)
    return times


def requests_of_one_answer(proxy: Proxy, asker: Asker, room: str) -> None:
    proxy.set_rule()
    asker.ask(room)
    time.sleep(1)
    print(f"requests for one answer, syncs apart: {proxy.kinds()}")


def bench(folder: Path, options: argparse.Namespace, with_synapse: Callable[[], Synapse]) -> None:
    synapse = with_synapse()
    user, other, account = (synapse.register(name, "password") for name in ("user", "floor", "bot"))
    (folder / "agents.yaml").write_text(AGENTS)
    proxy = Proxy(synapse.port)
    bot = Bot(account, folder / "bot", proxy.url, {"MATRIX_AGENTS_CONFIG": str(folder / "agents.yaml")}).start()
    loop = multiprocessing.Process(target=floor, args=(synapse.url, other.token, other.user_id), daemon=True)
    try:
        home = onboard(user, bot)
        home.command(home.c1, "!settings streaming off")
        room = user.create_room([other.user_id])
        other.join(room)
        loop.start()
        time.sleep(2)
        asker = Asker(user)
        requests_of_one_answer(proxy, asker, home.c1)
        # Without the proxy from here on.
        assert bot.stop() == 0
        bot.homeserver = synapse.url
        bot.start()
        alternate(asker, [home.c1, room], 30, 0.05)
        times = alternate(asker, [home.c1, room], options.count, options.pause)
        report(f"in turn, {options.pause * 1000:.0f} ms of rest after each", *times)
        blocks = [[asker.ask(where) for _ in range(options.count)] for where in (home.c1, room)]
        report("each alone, no rest", *blocks)
        assert bot.stop() == 0
    finally:
        bot.kill()
        loop.kill()
        synapse.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--pause", type=float, default=0.05, help="seconds between an answer and the next question")
    parser.add_argument("--binary", default=str(REPOSITORY / "target/release/surfaces-bot"))
    options = parser.parse_args()
    os.environ["SURFACES_BOT_BIN"] = options.binary
    with tempfile.TemporaryDirectory() as folder:
        bench(Path(folder), options, lambda: Synapse(Path(folder) / "synapse").start())


if __name__ == "__main__":
    main()
