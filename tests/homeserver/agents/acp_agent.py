"""An agent on the Python reference implementation of ACP, over stdio. Its first word decides what it does.

Sessions and their questions are kept in the folder that AGENT_STATE names, so that another process continues them.
AGENT_START_SECONDS is how long it takes to answer `initialize`. With AGENT_LOGIN it offers two methods to log in and opens
no session before `authenticate` names the one that AGENT_LOGIN names.
"""

import asyncio
import json
import os
import sys
import uuid
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import unquote, urlparse

from acp import (
    PROTOCOL_VERSION,
    Agent,
    RequestError,
    run_agent,
    start_tool_call,
    update_agent_message,
    update_agent_message_text,
    update_agent_thought_text,
    update_tool_call,
)
from acp.helpers import audio_block, image_block, resource_link_block, tool_content
from acp.schema import (
    AgentCapabilities,
    AuthenticateResponse,
    AuthMethodAgent,
    InitializeResponse,
    ListSessionsResponse,
    LoadSessionResponse,
    NewSessionResponse,
    PermissionOption,
    PromptResponse,
    ResumeSessionResponse,
    SessionCapabilities,
    SessionInfo,
    SessionListCapabilities,
    SessionResumeCapabilities,
    ToolCallUpdate,
)

STATE = Path(os.environ["AGENT_STATE"])
OFFERS = os.environ.get("AGENT_OFFERS", "resume,load,list").split(",")
START_SECONDS = float(os.environ.get("AGENT_START_SECONDS", "0"))
LOGIN = os.environ.get("AGENT_LOGIN")
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


class TestAgent(Agent):
    def __init__(self):
        self.client = None
        self.stops: dict[str, asyncio.Event] = {}
        self.is_logged_in = LOGIN is None
        self.late: set[asyncio.Task] = set()

    def on_connect(self, conn):
        self.client = conn

    async def initialize(self, protocol_version, client_capabilities=None, client_info=None, **kwargs):
        await asyncio.sleep(START_SECONDS)
        sessions = SessionCapabilities(
            list=SessionListCapabilities() if "list" in OFFERS else None,
            resume=SessionResumeCapabilities() if "resume" in OFFERS else None,
        )
        capabilities = AgentCapabilities(load_session="load" in OFFERS, session_capabilities=sessions)
        methods = {LOGIN: "API key", "browser": "Log in with the browser"} if LOGIN else {}
        return InitializeResponse(
            protocol_version=PROTOCOL_VERSION,
            agent_capabilities=capabilities,
            auth_methods=[AuthMethodAgent(id=method, name=name) for method, name in methods.items()],
        )

    async def authenticate(self, method_id, **kwargs):
        if method_id != LOGIN:
            raise RequestError.invalid_params({"methodId": method_id})
        self.is_logged_in = True
        return AuthenticateResponse()

    async def new_session(self, cwd, mcp_servers=None, **kwargs):
        if not self.is_logged_in:
            raise RequestError.auth_required({})
        session_id = uuid.uuid4().hex
        self._save(session_id, {"cwd": cwd, "asked": []})
        return NewSessionResponse(session_id=session_id)

    async def resume_session(self, cwd, session_id, mcp_servers=None, **kwargs):
        self._load(session_id)
        return ResumeSessionResponse()

    async def load_session(self, cwd, session_id, mcp_servers=None, **kwargs):
        for text in self._load(session_id)["asked"]:
            await self._say(session_id, f"REPLAY {text}")
        return LoadSessionResponse()

    async def list_sessions(self, cwd=None, cursor=None, **kwargs):
        found = []
        for path in STATE.glob("*.json"):
            session = json.loads(path.read_text())
            if cwd is None or session["cwd"] == cwd:
                changed = datetime.fromtimestamp(path.stat().st_mtime, timezone.utc).isoformat()
                found.append(SessionInfo(session_id=path.stem, cwd=session["cwd"], updated_at=changed))
        return ListSessionsResponse(sessions=found)

    async def cancel(self, session_id, **kwargs):
        self.stops.setdefault(session_id, asyncio.Event()).set()

    async def prompt(self, session_id, prompt, **kwargs):
        self.stops[session_id] = asyncio.Event()
        session = self._load(session_id)
        text = " ".join(block.text for block in prompt if block.type == "text")
        links = [block for block in prompt if block.type == "resource_link"]
        session["asked"].append(text)
        self._save(session_id, session)
        word = (text.split() or ["echo"])[0]
        behaviour = getattr(self, f"do_{word.lower()}", self.do_echo)
        reason = await behaviour(session_id, session, text, links)
        return PromptResponse(stop_reason=reason or "end_turn")

    # Well-behaved.

    async def do_echo(self, session_id, session, text, links):
        await self.client.session_update(session_id, update_agent_thought_text("SECRET THOUGHT"))
        await self.client.session_update(session_id, start_tool_call("1", "Looking around"))
        for word in f"Session {session_id[:8]}, question {len(session['asked'])}: {text}".split():
            await self._say(session_id, f"{word} ")

    async def do_where(self, session_id, session, text, links):
        await self._say(session_id, f"cwd {session['cwd']} pid {os.getpid()}")

    async def do_environment(self, session_id, session, text, links):
        await self._say(session_id, " ".join(sorted(os.environ)))

    async def do_read(self, session_id, session, text, links):
        for link in links:
            content = Path(unquote(urlparse(link.uri).path)).read_bytes()
            await self._say(session_id, f"{link.name} {link.mime_type} {link.size} {content.decode()}")

    async def do_write(self, session_id, session, text, links):
        path = Path(session["cwd"]) / "out.txt"
        path.write_text("made by the agent")
        await self._say(session_id, "Here it is.")
        await self.client.session_update(session_id, update_agent_message(resource_link_block("out.txt", path.as_uri())))

    async def do_slow(self, session_id, session, text, links):
        for number in range(600):
            if self.stops[session_id].is_set():
                return "cancelled"
            await self._say(session_id, f"{number} ")
            await asyncio.sleep(0.1)

    async def do_permission(self, session_id, session, text, links):
        answer = await self._ask_permission(session_id)
        chosen = getattr(answer.outcome, "option_id", "nothing")
        await self._say(session_id, f"outcome {answer.outcome.outcome} {chosen}")
        return "cancelled" if answer.outcome.outcome == "cancelled" and self.stops[session_id].is_set() else "end_turn"

    async def do_later(self, session_id, session, text, links):
        """Asks when the file that the text names is there."""
        await self._say(session_id, "Working. ")
        while not Path(text.split()[1]).exists():
            await asyncio.sleep(0.05)
        return await self.do_permission(session_id, session, text, links)

    async def do_twice(self, session_id, session, text, links):
        """Asks at once, and again when the file that the text names is there."""
        await self.do_permission(session_id, session, text, links)
        return await self.do_later(session_id, session, text, links)

    async def _ask_permission(self, session_id):
        options = [
            PermissionOption(option_id="yes", name="Allow", kind="allow_once"),
            PermissionOption(option_id="no", name="Reject", kind="reject_once"),
        ]
        call = ToolCallUpdate(tool_call_id="1", title="Delete everything", raw_input={"command": "rm -r /"})
        return await self.client.request_permission(session_id=session_id, tool_call=call, options=options)

    async def do_late(self, session_id, session, text, links):
        """Says its last words so many milliseconds after the end of the turn: `late 300`."""

        async def later():
            await asyncio.sleep(int(text.split()[1]) / 1000)
            await self._say(session_id, "LAST WORDS")

        await self._say(session_id, "first words ")
        task = asyncio.create_task(later())
        self.late.add(task)
        task.add_done_callback(self.late.discard)

    async def do_picture(self, session_id, session, text, links):
        await self.client.session_update(session_id, update_agent_message(image_block(PIXEL, "image/png")))

    async def do_media(self, session_id, session, text, links):
        await self.client.session_update(session_id, start_tool_call("1", "Drawing"))
        drawn = update_tool_call("1", status="completed", content=[tool_content(image_block(PIXEL, "image/png"))])
        await self.client.session_update(session_id, drawn)
        await self.client.session_update(session_id, update_agent_message(audio_block("eA==", "audio/ogg")))
        await self._say(session_id, "Here you are.")

    async def do_command(self, session_id, session, text, links):
        """Asks to run a command that is far longer than one message."""
        command = ["bash", "-c", "echo one && " * 1500 + "rm -rf THE_END"]
        options = [PermissionOption(option_id="yes", name="Allow", kind="allow_once")]
        call = ToolCallUpdate(tool_call_id="1", title="shell", raw_input={"command": command})
        answer = await self.client.request_permission(session_id=session_id, tool_call=call, options=options)
        await self._say(session_id, f"outcome {answer.outcome.outcome}")

    async def do_ping(self, session_id, session, text, links):
        await self._say(session_id, "@room look, @alice:localhost and https://matrix.to/#/@bob:localhost")

    # Hostile.

    async def do_garbage(self, session_id, session, text, links):
        for line in ("Welcome!", '{"jsonrpc": "2.0",', "[]", "17", "\x1b[31mred\x1b[0m"):
            print(line, flush=True)
        await self._say(session_id, "said through the noise")

    async def do_huge(self, session_id, session, text, links):
        os.set_blocking(sys.stdout.fileno(), True)
        for _ in range(6 << 10):
            sys.stdout.write("x" * (1 << 10))
        await self._forever()

    async def do_endless(self, session_id, session, text, links):
        while True:
            await self._say(session_id, "la " * 1000)

    async def do_deaf(self, session_id, session, text, links):
        await self._forever()

    async def do_hang(self, session_id, session, text, links):
        """Says something, and then neither ends nor listens to `session/cancel`."""
        await self._say(session_id, "hanging")
        await self._forever()

    async def do_imposter(self, session_id, session, text, links):
        for path in STATE.glob("*.json"):
            if path.stem != session_id:
                await self._say(path.stem, "INTRUDER")
        await self._say("made-up", "INTRUDER")
        await self._say(session_id, "only here")

    async def do_die(self, session_id, session, text, links):
        await self._say(session_id, "half an answer ")
        await asyncio.sleep(0.5)
        os._exit(3)

    async def _forever(self):
        await asyncio.Event().wait()

    async def _say(self, session_id, text):
        await self.client.session_update(session_id, update_agent_message_text(text))

    def _load(self, session_id):
        path = STATE / f"{session_id}.json"
        if not path.is_file():
            raise RequestError.invalid_params({"sessionId": session_id})
        return json.loads(path.read_text())

    def _save(self, session_id, session):
        path = STATE / f"{session_id}.json"
        path.with_suffix(".tmp").write_text(json.dumps(session))
        path.with_suffix(".tmp").rename(path)


if __name__ == "__main__":
    asyncio.run(run_agent(TestAgent(), use_unstable_protocol=True))
