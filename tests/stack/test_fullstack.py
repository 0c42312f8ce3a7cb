"""The full stack, started by its one command from a clean clone: what a person gets, and what survives what.

The tests build on each other, in this order: one stack, one person, one chat.
"""

import hashlib
import json

import pytest
import requests

from support import timeline
from support.home import onboard
from support.media import download, send_file

LONG_RUNNING = ["homeserver", "platform-agent", "bot", "element"]
OWN = ["platform-agent", "bot"]
ANSWER_LIMIT = 120.0
# What the bot says in place of an answer whose agent died while it was making it.
AGENT_FAILED = ("The agent could not answer just now.", "The answer broke off here.")


def said_back(home, text: str, limit: float = ANSWER_LIMIT) -> str:
    """Asks in C1, waits for the whole answer of the reference agent; answers the question's id."""
    question = home.user.say(home.c1, text)
    wait_for_answer(home, question, text, limit=limit)
    return question


def wait_for_answer(home, question: str, *expected: str, limit: float = ANSWER_LIMIT) -> None:
    """Waits for the answer that holds one of these texts, and sees that there is no other."""

    def answered():
        events = home.user.events_in(home.c1)
        found = timeline.answers_to(events, question, home.bot_id)
        return any(text in timeline.final_text(events, answer) for answer in found for text in expected)

    home.user.wait_for(answered, f"an answer with {' or '.join(expected)!r}", limit)
    assert len(home.answers(home.c1, question)) == 1


def memory(home) -> str:
    """What the agent says it remembers of this chat, but for how much."""
    question = home.user.say(home.c1, "what do you remember?")
    wait_for_answer(home, question, "The first is: ")
    return home.answers(home.c1, question)[0].split("The first is: ")[1]


def context(home) -> list[str]:
    """What the bot says of this chat, but for its size."""
    lines = home.command(home.c1, "!context all")["body"].splitlines()
    return [line for line in lines if "size" not in line]


def test_everything_is_healthy_and_nothing_else_runs(stack):
    for service in LONG_RUNNING:
        assert stack.health(service) in ("healthy", "running"), service
    assert stack.bot_answers("/readyz") == 200
    for service in ("setup", "account-bot", "account-user"):
        state = stack.inspect(service)["State"]
        assert (state["Status"], state["ExitCode"]) == ("exited", 0), service


def test_ports_are_open_to_this_machine_only(stack):
    for service in LONG_RUNNING:
        for bindings in stack.inspect(service)["NetworkSettings"]["Ports"].values():
            assert all(binding["HostIp"] == "127.0.0.1" for binding in bindings or [])


@pytest.mark.parametrize("service", OWN)
def test_our_containers_can_do_nothing_but_their_work(stack, service):
    assert stack.inside(service, "id", "-u").strip() == "65532"
    status = dict(line.split(":\t", 1) for line in stack.inside(service, "cat", "/proc/1/status").splitlines())
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"] == "1"
    root = "touch /written 2>&1 || true"
    assert "Read-only file system" in stack.inside(service, "sh", "-c", root)
    owner = stack.inside(service, "stat", "-c", "%u:%g", "/workspace").strip()
    assert owner == "65532:65532"


def test_secrets_are_made_for_their_readers_alone(stack):
    listed = stack.inside("bot", "stat", "-c", "%a %u %n", "/run/secrets/matrix_password", "/run/secrets")
    assert listed.split() == ["600", "65532", "/run/secrets/matrix_password", "700", "65532", "/run/secrets"]
    assert stack.inside("platform-agent", "ls", "/run/secrets").split() == ["platform_agent_token"]
    secrets = [
        stack.inside("bot", "cat", "/run/secrets/matrix_password"),
        stack.inside("bot", "cat", "/run/secrets/platform_agent_token"),
        stack.inside("homeserver", "cat", "/secrets/user_password"),
    ]
    everything = stack.compose("logs", "--no-color") + json.dumps([stack.inspect(name) for name in LONG_RUNNING])
    for secret in secrets:
        assert len(secret) >= 32 and secret not in everything


def test_the_web_client_knows_the_homeserver(stack):
    page = requests.get(f"http://127.0.0.1:{stack.element_port}/config.json", timeout=10).json()
    assert page["default_server_config"]["m.homeserver"]["base_url"].endswith(f":{stack.homeserver_port}")


def test_a_person_from_outside_is_onboarded_and_answered(home):
    said_back(home, "Hello from outside!")


def test_files_go_in_and_out_through_the_shared_folder(stack, home):
    data = b"What a person sends\n" * 1000
    question = send_file(home.user, home.c1, "notes.txt", data, "Please look at this")
    wait_for_answer(home, question, hashlib.sha256(data).hexdigest())
    inbox = stack.inside("platform-agent", "find", "/workspace/surfaces/matrix", "-name", "*notes.txt")
    assert len(inbox.split()) == 1

    question = home.user.say(home.c1, "write reply.txt: What the agent writes")
    wait_for_answer(home, question, "reply.txt")

    def sent():
        files = [event["content"] for event in home.user.events_in(home.c1) if event["sender"] == home.bot_id]
        return next((content for content in files if content.get("msgtype") == "m.file"), None)

    file = home.user.wait_for(sent, "the agent's file", ANSWER_LIMIT)
    assert download(home.user, file["url"]) == b"What the agent writes"


@pytest.mark.parametrize("service", ["bot", "platform-agent", "homeserver"])
def test_a_program_that_is_killed_comes_back_by_itself(stack, home, service):
    stack.crash(service)
    said_back(home, f"After the crash of {service}")


@pytest.mark.parametrize("service", LONG_RUNNING)
def test_a_service_that_the_engine_killed_comes_back_with_the_next_up(stack, home, service):
    before = home.user.say(home.c1, f"Before the end of {service}")
    stack.kill(service)
    stack.up()
    failed = AGENT_FAILED if service == "platform-agent" else ()
    wait_for_answer(home, before, f"Before the end of {service}", *failed)
    said_back(home, f"After the end of {service}")


def test_what_is_said_while_the_bot_is_dead_is_answered_later(stack, home):
    stack.kill("bot")
    questions = {text: home.user.say(home.c1, text) for text in ("First of three", "Second of three", "Third of three")}
    stack.up()
    for text, question in questions.items():
        wait_for_answer(home, question, text)


def test_down_and_up_keep_everything(stack, home, admin):
    before = context(home), memory(home), admin.rooms_made_by(home.bot_id)
    devices = admin.devices(home.bot_id)
    stack.down()
    stack.up()
    assert (context(home), memory(home), admin.rooms_made_by(home.bot_id)) == before
    assert admin.devices(home.bot_id) == devices


def test_without_the_volume_of_the_bot_everything_comes_back_from_the_server(stack, home, admin):
    before = context(home), memory(home), admin.rooms_made_by(home.bot_id)
    answered = said_back(home, "Answered before the loss")
    stack.compose("rm", "--stop", "--force", "bot")
    missed = home.user.say(home.c1, "Said while there was no bot")
    stack.remove_volume("data")
    stack.up()
    wait_for_answer(home, missed, "Said while there was no bot")
    assert (context(home), memory(home), admin.rooms_made_by(home.bot_id)) == before
    assert len(home.answers(home.c1, answered)) == 1


def test_the_bot_alone_runs_from_its_own_file(stack, prod, admin):
    account = stack.register("second", prod.PASSWORD)
    assert "read_only: true" in prod.compose("config")
    checks = prod.compose("run", "--rm", "bot", "doctor").splitlines()
    assert checks and all(check.startswith("ok ") for check in checks), checks
    prod.up()
    assert prod.bot_answers("/readyz") == 200
    assert prod.bot_answers("/metrics") == 200
    assert prod.inside("bot", "id", "-u").strip() == "65532"
    assert "Read-only file system" in prod.inside("bot", "sh", "-c", "touch /written 2>&1 || true")
    assert prod.inside("bot", "surfaces-bot", "healthcheck").strip() == "ready"
    home = onboard(stack.user(), account.user_id)
    assert home.ask(home.c1, "And the bot alone?")
    prod.compose("stop")
    assert prod.inspect("bot")["State"]["ExitCode"] == 0

    # A copy, brought to where nothing is yet.
    devices = admin.devices(account.user_id)
    prod.back_up()
    prod.down("--volumes")
    prod.restore()
    prod.up()
    assert home.ask(home.c1, "And after the move?")
    assert admin.devices(account.user_id) == devices
