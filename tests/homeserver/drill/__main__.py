"""The command line of `scripts/drill`."""

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from support.paths import WORKING_FOLDER

from . import table
from .field import Field, Plan, set_up, tear_down
from .scenario import run

SHORT = {"rounds": 4, "users": 2, "rooms": 2, "messages": 20}
LONG = {"rounds": 12, "users": 4, "rooms": 4, "messages": 130}


def main() -> int:
    options = arguments()
    size = SHORT if options.short else LONG
    chosen = {name: getattr(options, name) or size[name] for name in size}
    seed = options.seed if options.seed is not None else random.randrange(1_000_000)
    plan = Plan(seed=seed, **chosen)
    print(f"seed {seed}: {' '.join(f'--{name} {value}' for name, value in chosen.items())} --seed {seed}", flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    runs = WORKING_FOLDER / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="drill-", dir=runs))
    holds = False
    try:
        holds = drill(folder, plan, options.show)
    finally:
        if holds and not options.keep_data:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"kept: {folder}", file=sys.stderr)
    return 0 if holds else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/drill")
    parser.add_argument("--rounds", type=int, help="storms after every boundary was died at")
    parser.add_argument("--users", type=int)
    parser.add_argument("--rooms", type=int, help="chats of each user")
    parser.add_argument("--messages", type=int, help="messages in each room, over all storms")
    parser.add_argument("--seed", type=int, help="the same choices as in the run that printed it; moments still differ")
    parser.add_argument("--short", action="store_true", help="the size that scripts/test runs")
    parser.add_argument("--show", action="store_true", help="print one room's timeline at the end")
    parser.add_argument("--keep-data", action="store_true", help="keep the folder of the run also where all is well")
    return parser.parse_args()


def drill(folder: Path, plan: Plan, show: bool = False) -> bool:
    """One whole drill; prints its tables and answers whether everything holds."""
    started = time.monotonic()
    ground = set_up(folder, plan)
    try:
        acts = list(run(ground, lambda title: print(f"  {time.monotonic() - started:6.1f} s  {title}", flush=True)))
        verdict = ground.verdict()
        print(f"\n{table.acts(acts)}\n\ndied at\n{table.boundaries(ground)}\n\n{table.figures(ground, verdict)}")
        if show:
            print(f"\n{table.room(busiest(ground))}")
        for fault in verdict.faults:
            print(f"FAULT {fault}")
        outcome = "Everything holds" if verdict.holds else "IT DOES NOT HOLD"
        print(f"\n{outcome} after {time.monotonic() - started:.0f} s.")
        return verdict.holds
    finally:
        tear_down(ground)


def busiest(ground: Field):
    return max(ground.ledgers(), key=lambda ledger: len(ledger.events))


if __name__ == "__main__":
    sys.exit(main())
