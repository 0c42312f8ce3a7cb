"""What `scripts/dev` shows: a homeserver, the bot, and a new user's first minutes as a transcript.

Everything lives in .homeserver/dev and is kept, so that the second run finds what the first one made.
"""

import argparse
import json
import os
import signal
import sys
import time

from support import timeline
from support.api import MatrixError
from support.bot import Bot
from support.home import Home, find_home, invite_bot, settle
from support.network import free_port, is_free
from support.paths import REPOSITORY, WORKING_FOLDER
from support.synapse import Synapse
from support.user import User, log_in
from support.waiting import WaitTimeout

FOLDER = WORKING_FOLDER / "dev"
PREFERRED_PORT = 8008
# Nobody but this machine can reach the server, so the passwords may be ones that are easily typed.
PASSWORDS = {"bot": "bot-password", "user": "user-password"}
ON_TERMINAL = sys.stdout.isatty() and "NO_COLOR" not in os.environ
QUESTION = "Hello! Can you hear me?"
STREAMED_QUESTION = (
    "Please say something longer, so that I can watch the answer grow: the first draft comes at once, "
    "every edit brings more of it, and the last one holds the whole text, with nothing left out."
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/dev")
    parser.add_argument("--once", action="store_true", help="stop after the transcript")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    synapse = Synapse(FOLDER / "synapse", server_name="localhost", port=kept_port())
    bot = None
    try:
        with Timed("Starting Synapse"):
            synapse.start()
        user, bot = accounts(synapse)
        with Timed("Starting the bot"):
            bot.start()
        transcript(user, bot)
        user.post("/logout")
        if not options.once:
            keep_running(synapse, bot)
        return 0
    except KeyboardInterrupt:
        return 0 if bot else 130
    except (WaitTimeout, MatrixError, AssertionError) as problem:
        print(f"\n{paint('31', 'That did not work:')} {problem}", file=sys.stderr)
        if bot:
            print(bot.log_tail(), file=sys.stderr)
        return 1
    finally:
        stop(synapse, bot)


def kept_port() -> int:
    """The port of the last run where it is free, so that a client finds its homeserver again."""
    file = FOLDER / "port"
    wished = int(file.read_text()) if file.exists() else PREFERRED_PORT
    port = wished if is_free(wished) else free_port()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(str(port))
    return port


def accounts(synapse: Synapse) -> tuple[User, Bot]:
    """The user, logged in, and the bot, not started yet; made where they do not exist."""
    people = {}
    for name, password in PASSWORDS.items():
        try:
            people[name] = log_in(synapse.url, name, password)
        except MatrixError as error:
            if error.errcode != "M_FORBIDDEN":
                raise
            people[name] = synapse.register(name, password)
    # The bot logs in by itself; this login only served to see that the account is there.
    people["bot"].post("/logout")
    return people["user"], Bot(people["bot"], FOLDER / "bot", synapse.url)


def transcript(user: User, bot: Bot) -> None:
    """What a new user does, and what they see."""
    print()
    user.sync()
    home = find_home(user, bot.user_id, "")
    if home:
        told(f"Your Space {name_of(user, home.space)} is there already, with {len(home.chats)} chat(s).")
    else:
        home = first_minutes(user, bot)
    chat = first_linked_chat(home)
    converse(home, chat, QUESTION)
    converse(home, chat, STREAMED_QUESTION)


def first_minutes(user: User, bot: Bot) -> Home:
    """Invitation, Space, first chat, welcome."""
    told(f"{user.user_id} starts a direct chat with {bot.user_id}.")
    entry = invite_bot(user, bot.user_id)
    home = settle(user, bot.user_id, entry)
    told(f"The bot joins, makes the Space {name_of(user, home.space)} with the room {name_of(user, home.c1)} in it,")
    told("and invites the user to both. The user accepts.")
    for room, title in ((entry, "in the direct chat"), (home.c1, f"in {name_of(user, home.c1)}")):
        for message in timeline.messages_from(user.events_in(room), bot.user_id):
            said("bot", message["content"]["body"], title)
    return home


def first_linked_chat(home: Home) -> str:
    """The oldest chat that is in the Space: an archived one would not answer."""
    state = home.user.rooms[home.space].state
    linked = [room for room in home.chats if state.get(("m.space.child", room), {}).get("content", {}).get("via")]
    if not linked:
        raise AssertionError("every chat is archived; bring one back with `!unarchive C1`, or delete .homeserver/dev")
    return linked[0]


def converse(home: Home, room: str, text: str) -> None:
    """One question; the answer is shown as it grows."""
    title = f"in {name_of(home.user, room)}"
    said("user", text, title)
    question = home.user.say(room, text)
    drafts: list[str] = []

    def grown() -> bool:
        events = home.user.events_in(room)
        for answer in timeline.answers_to(events, question, home.bot_id):
            current = timeline.final_text(events, answer)
            if not drafts or drafts[-1] != current:
                drafts.append(current)
                draft(current, len(drafts))
            echo = timeline.echo_of(current)
            return bool(echo) and echo[1] == text
        return False

    home.user.wait_for(grown, "the whole answer", limit=90)
    if ON_TERMINAL:
        print("\r\033[K", end="")
    said("bot", drafts[-1], f"{title}, after {len(drafts) - 1} edits")


def keep_running(synapse: Synapse, bot: Bot) -> None:
    """Says how to join in, and watches over both processes until Ctrl-C."""
    print(f"""
{paint("1", "Everything keeps running.")} Log in with any Matrix client:

    homeserver   {synapse.url}
    user         user
    password     {PASSWORDS["user"]}

Then open {paint("1", "Chat 1")} and say something, or {paint("1", "!help")}.
The bot's log: {bot.log.relative_to(REPOSITORY)}. Data: {FOLDER.relative_to(REPOSITORY)}. {paint("1", "Ctrl-C")} stops.
""")
    while bot.is_running() and synapse.process.poll() is None:
        time.sleep(0.5)
    raise AssertionError("the bot ended" if not bot.is_running() else "Synapse ended")


def stop(synapse: Synapse, bot: Bot | None) -> None:
    """Ends the bot before its homeserver, so that it can finish; a second Ctrl-C does not cut that short."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with Timed("\nStopping"):
        if bot and bot.is_running():
            bot.stop()
        synapse.stop()


class Timed:
    """A line for a step that takes a moment, with its time once it is done."""

    def __init__(self, title: str):
        self.title = title

    def __enter__(self):
        self.started = time.monotonic()
        print(f"{self.title} ... ", end="", flush=True)

    def __exit__(self, kind, *_):
        print("failed" if kind else f"done in {time.monotonic() - self.started:.1f} s", flush=True)


def name_of(user: User, room: str) -> str:
    """A room's name in quotation marks, as this user sees it."""
    event = user.rooms[room].state.get(("m.room.name", ""))
    return json.dumps(event["content"]["name"] if event else room, ensure_ascii=False)


def told(text: str) -> None:
    print(paint("2", f"  * {text}"), flush=True)


def said(who: str, text: str, where: str) -> None:
    """One message, the further lines of it indented."""
    print(f"{paint('1;36' if who == 'bot' else '1;33', f'{who:>6}')} {paint('2', f'({where})')}", flush=True)
    for line in text.splitlines() or [""]:
        print(f"         {line}", flush=True)


def draft(text: str, number: int) -> None:
    """A draft of an answer: one changing line on a terminal, a line of its own elsewhere."""
    shown = f"draft {number}, {len(text)} characters: ...{' '.join(text.split())[-50:]}"
    if ON_TERMINAL:
        print(f"\r\033[K         {paint('2', shown)}", end="", flush=True)
    else:
        print(f"         {shown}", flush=True)


def paint(code: str, text: str) -> str:
    return f"\033[{code}m{text}\033[0m" if ON_TERMINAL else text


if __name__ == "__main__":
    sys.exit(main())
