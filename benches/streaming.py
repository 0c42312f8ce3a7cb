"""What it costs that answers grow in front of the user, on a real Synapse: requests to the homeserver for one answer, and
the time from the model's last token until the user's client has the whole text; with streaming on, and off.

    scripts/test homeserver --collect-only >/dev/null     # installs Synapse once
    cargo build --release --locked
    .homeserver/venv/bin/python benches/streaming.py
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "tests" / "homeserver"))

from support import timeline  # noqa: E402
from support.bot import Bot  # noqa: E402
from support.home import Home, onboard  # noqa: E402
from support.proxy import Proxy  # noqa: E402
from support.registry import model_agent, write_registry  # noqa: E402
from support.scripted_model import ScriptedModel, says  # noqa: E402
from support.synapse import Synapse  # noqa: E402


def answer(home: Home, proxy: Proxy, model: ScriptedModel, text: str, pace: float) -> tuple[float, Counter]:
    """Asks once; answers the seconds from the last token to the whole text, and the requests by kind."""
    model.then(says(text, pause=1 / pace))
    proxy.set_rule()
    question = home.user.say(home.c1, "Tell me")

    def whole():
        events = home.user.events_in(home.c1)
        found = timeline.answers_to(events, question, home.bot_id)
        return found and timeline.final_text(events, found[0]) == text

    home.user.wait_for(whole, "the whole answer", 600)
    seconds = time.monotonic() - model.last_piece_at
    while not proxy.is_quiet(2):
        time.sleep(0.1)
    return seconds, Counter(proxy.kinds())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=2000)
    parser.add_argument("--pace", type=float, default=50, help="tokens a second")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--binary", default=str(REPOSITORY / "target/release/surfaces-bot"))
    arguments = parser.parse_args()
    os.environ["SURFACES_BOT_BIN"] = arguments.binary
    # A token is about four characters; two thousand of them just fit into one message.
    text = " ".join(f"{number % 1000:03}" for number in range(arguments.tokens))
    with tempfile.TemporaryDirectory() as folder:
        synapse, model = Synapse(Path(folder) / "synapse").start(), ScriptedModel()
        proxy = Proxy(synapse.port)
        bot = Bot(synapse.register("bot", "benchmark"), Path(folder) / "bot", proxy.url)
        try:
            write_registry(bot, [model_agent(model.url)])
            home = onboard(synapse.register("user", "benchmark"), bot.start())
            for setting in ("on", "off"):
                home.command(home.c1, f"!settings streaming {setting}")
                runs = [answer(home, proxy, model, text, arguments.pace) for _ in range(arguments.rounds)]
                times = sorted(seconds for seconds, _ in runs)
                requests = [sum(kinds.values()) for _, kinds in runs]
                print(
                    f"streaming {setting:3}: {statistics.median(requests):3.0f} requests an answer; last token to whole "
                    f"text: median {statistics.median(times) * 1000:4.0f} ms, longest {times[-1] * 1000:4.0f} ms",
                    flush=True,
                )
                for kind, count in sorted(runs[-1][1].items()):
                    print(f"    {count:3} {kind}", flush=True)
            assert bot.stop() == 0
        finally:
            bot.kill()
            proxy.close()
            model.close()
            synapse.stop()


if __name__ == "__main__":
    main()
