"""Files in and out, seen from a user's client and from the workspace on disk."""

import asyncio
import os
import re

import pytest
from nio.crypto.attachments import decrypt_attachment, encrypt_attachment

from support import timeline
from support.encrypted_user import EncryptedUser
from support.home import Home, onboard
from support.media import download, inboxes, leftovers, png, send_file, upload
from support.proxy import KillAfter, KillBefore
from support.user import log_in
from support.waiting import wait_until

_LISTED = re.compile(r"`(surfaces/[^`]+)`")


def workspace_of(bot):
    return bot.folder / "workspace"


def told(home: Home, event: str, room: str | None = None) -> str:
    return home.answer_to(room or home.c1, event)["body"]


def given_with(home: Home, event: str, room: str | None = None) -> list[str]:
    """The paths that the mock agent lists in its whole answer to this event; empty where it had no files."""
    room = room or home.c1
    next_question = home.user.say(room, "!context")
    home.answer_to(room, next_question)
    (answer,) = home.answers(room, event)
    return _LISTED.findall(answer)


def ask_for_files(home: Home, room: str | None = None) -> list[str]:
    room = room or home.c1
    return given_with(home, home.user.say(room, "what do you have?"), room)


def files_of_answer(home: Home, question: str) -> list[dict]:
    """The messages with files that answer this question, from the server's own history."""
    events = home.user.history(home.c1)
    answers = timeline.answers_to(events, question, home.bot_id)
    return [event["content"] for event in answers if "url" in event["content"]]


def wait_for_file(home: Home, question: str) -> dict:
    def found():
        events = timeline.answers_to(home.user.events_in(home.c1), question, home.bot_id)
        return next((event["content"] for event in events if "url" in event["content"]), None)

    return home.user.wait_for(found, f"a file that answers {question}", 45)


def test_a_file_lies_in_the_workspace_and_goes_with_the_next_message_only(home, bot):
    content = os.urandom(300_000)
    event = send_file(home.user, home.c1, "notes.bin", content)
    assert told(home, event).startswith("notes.bin (292.9 KiB) goes with your next message")
    (path,) = ask_for_files(home)
    assert path.endswith("-notes.bin") and "/inbox/" in path
    assert (workspace_of(bot) / path).read_bytes() == content
    assert ask_for_files(home) == []
    assert leftovers(workspace_of(bot)) == []


def test_a_picture_with_a_caption_goes_at_once(home, bot):
    picture = png(3, 2)
    event = send_file(home.user, home.c1, "cat.png", picture, caption="What is this?", kind="m.image")
    home.answer_to(home.c1, event)
    (path,) = given_with(home, event)
    assert (workspace_of(bot) / path).read_bytes() == picture
    assert ask_for_files(home) == []


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("empty.txt", "-empty.txt"),
        ("../../../../etc/passwd", "-passwd"),
        ("отчёт 2026 📎.pdf", ".pdf"),
        ("я" * 300 + ".tar", ".tar"),
        (".hidden\n\0name", "name"),
    ],
)
def test_names_are_made_safe_and_content_stays(home, bot, name, ending):
    send_file(home.user, home.c1, name, b"" if name == "empty.txt" else name.encode())
    (path,) = ask_for_files(home)
    assert path.endswith(ending) and ".." not in path and len(os.path.basename(path).encode()) < 255
    kept = workspace_of(bot) / path
    assert kept.read_bytes() == (b"" if name == "empty.txt" else name.encode())
    assert inboxes(workspace_of(bot)) == [kept]


def test_what_is_too_large_or_over_the_quota_is_told_and_leaves_nothing(make_bot, synapse, alice):
    limits = {"SURFACES_MAX_UPLOAD_BYTES": "100000", "SURFACES_USER_QUOTA_BYTES": "150000"}
    bot = make_bot(synapse, **limits).start()
    home = onboard(alice, bot)
    claims = {"size": 5}
    too_large = send_file(alice, home.c1, "big.bin", os.urandom(100_001), info=claims)
    assert told(home, too_large) == "big.bin is too large: a file may have at most 97.6 KiB."
    fits = send_file(alice, home.c1, "fits.bin", os.urandom(100_000), info=claims)
    assert told(home, fits).startswith("fits.bin (97.6 KiB) goes with")
    over = send_file(alice, home.c1, "more.bin", os.urandom(60_000), caption="and this")
    assert told(home, over).startswith("There is no room for more.bin: your files may take 146.4 KiB")
    assert len(inboxes(workspace_of(bot))) == 1
    assert home.command(home.c1, "!drop")["body"] == "Dropped: fits.bin."
    again = send_file(alice, home.c1, "more.bin", os.urandom(60_000))
    assert "goes with" in told(home, again)


def test_files_are_listed_and_dropped_by_number(home, bot):
    for name in ("c.txt", "b.txt", "a.txt"):
        send_file(home.user, home.c1, name, name.encode())
    listed = home.command(home.c1, "!files")["body"]
    assert listed.endswith("1. c.txt (5 bytes)\n2. b.txt (5 bytes)\n3. a.txt (5 bytes)")
    assert home.command(home.c1, "!drop 2")["body"] == "Dropped: b.txt."
    assert home.command(home.c1, "!drop 3")["body"].startswith("There is no such file: 2 wait here.")
    paths = ask_for_files(home)
    assert [path.rsplit("-", 1)[1] for path in paths] == ["c.txt", "a.txt"]
    assert home.command(home.c1, "!files")["body"] == "No files wait here."


def test_two_rooms_keep_their_files_apart(home, bot):
    other = home.new_chat("Other")
    event = send_file(home.user, home.c1, "secret.txt", b"secret")
    told(home, event)
    assert ask_for_files(home, other) == []
    (path,) = ask_for_files(home)
    stolen = home.user.say(other, f"file {path}")
    home.answer_to(other, stolen)
    assert ask_for_files(home, other) == []
    assert home.answers(other, stolen)[0].endswith("was not sent: it belongs to another chat.")
    # Its own room may have it back.
    question = home.user.say(home.c1, f"file {path}")
    assert download(home.user, wait_for_file(home, question)["url"]) == b"secret"


def test_a_file_of_the_agent_arrives_once_with_all_that_clients_need(home, bot):
    picture = png(40, 30)
    (workspace_of(bot) / "plot.png").write_bytes(picture)
    question = home.user.say(home.c1, "file plot.png")
    content = wait_for_file(home, question)
    assert content["msgtype"] == "m.image" and content["body"] == "plot.png" and content["m.mentions"] == {}
    assert content["info"] == {"mimetype": "image/png", "size": len(picture), "w": 40, "h": 30}
    assert download(home.user, content["url"]) == picture
    home.command(home.c1, "!context")
    assert len(files_of_answer(home, question)) == 1
    assert leftovers(workspace_of(bot)) == []


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/etc/passwd", "it lies outside the workspace"),
        ("../lambda_matrix.db", "it lies outside the workspace"),
        ("link", "it lies outside the workspace"),
        ("nothing.txt", "there is no such file"),
        ("pipe", "it is not a file"),
    ],
)
def test_a_file_that_may_not_be_sent_is_refused_with_a_reason(home, bot, path, why):
    (workspace_of(bot) / "link").symlink_to("/etc/passwd")
    os.mkfifo(workspace_of(bot) / "pipe")
    question = home.user.say(home.c1, f"file {path}")
    home.answer_to(home.c1, question)
    home.command(home.c1, "!context")
    (answer,) = home.answers(home.c1, question)
    assert answer.endswith(f"was not sent: {why}.")


def _kind_rule(kind, fault):
    """The first request of this kind."""
    met = []

    def rule(call):
        if kind not in call.kind or met:
            return None
        met.append(call)
        return fault

    return rule


@pytest.mark.parametrize("loss", ["nothing", "database"])
@pytest.mark.parametrize("death", [KillBefore, KillAfter])
def test_a_file_is_kept_once_though_the_bot_dies_while_fetching_it(make_bot, synapse, proxy, alice, death, loss):
    bot = make_bot(synapse, homeserver=proxy.url).start()
    home = onboard(alice, bot)
    proxy.set_rule(_kind_rule("download", death(bot.kill)))
    event = send_file(alice, home.c1, "a.bin", b"x" * 100_000)
    wait_until(lambda: not bot.is_running(), "the bot's death", seen=bot.log_tail)
    proxy.set_rule()
    bot.restart(loss)
    assert "goes with" in told(home, event)
    (path,) = ask_for_files(home)
    assert (workspace_of(bot) / path).read_bytes() == b"x" * 100_000
    assert len(home.answers(home.c1, event)) == 1
    assert len(inboxes(workspace_of(bot))) == 1 and leftovers(workspace_of(bot)) == []


def test_a_file_is_kept_once_though_the_bot_dies_while_writing_it(home, bot):
    content = os.urandom(40_000_000)
    event = send_file(home.user, home.c1, "large.bin", content)
    # Where it is quicker than this test looks, it dies a moment later; what must be so afterwards is the same.
    wait_until(lambda: leftovers(workspace_of(bot)) or inboxes(workspace_of(bot)), "the file to arrive", every=0.001)
    bot.kill()
    bot.restart()
    assert "goes with" in told(home, event)
    (path,) = ask_for_files(home)
    assert (workspace_of(bot) / path).read_bytes() == content
    assert leftovers(workspace_of(bot)) == []


@pytest.mark.parametrize("kind", ["upload", "send/m.room.message"])
@pytest.mark.parametrize("death", [KillBefore, KillAfter])
def test_a_file_is_sent_once_though_the_bot_dies_while_sending_it(make_bot, synapse, proxy, alice, death, kind):
    bot = make_bot(synapse, homeserver=proxy.url).start()
    home = onboard(alice, bot)
    home.command(home.c1, "!settings streaming off")
    (workspace_of(bot) / "out.txt").write_bytes(b"as it was")
    proxy.set_rule(_kind_rule(kind, death(bot.kill)))
    question = home.user.say(home.c1, "file out.txt")
    wait_until(lambda: not bot.is_running(), "the bot's death", seen=bot.log_tail)
    if kind == "upload":
        (workspace_of(bot) / "out.txt").write_bytes(b"changed since")
    proxy.set_rule()
    bot.restart()
    content = wait_for_file(home, question)
    assert download(home.user, content["url"]) == b"as it was"
    home.command(home.c1, "!context")
    assert len(files_of_answer(home, question)) == 1
    assert len(home.answers(home.c1, question)) == 2, "the words and the file"
    assert leftovers(workspace_of(bot)) == []


@pytest.mark.parametrize("loss", ["database", "everything"])
def test_what_waits_and_what_was_given_is_known_without_a_store(home, bot, loss):
    given = send_file(home.user, home.c1, "given.txt", b"one")
    told(home, given)
    assert len(ask_for_files(home)) == 1
    waits = send_file(home.user, home.c1, "waits.txt", b"two")
    told(home, waits)
    bot.restart(loss)
    listed = home.command(home.c1, "!files")["body"]
    assert listed.endswith("1. waits.txt (3 bytes)") and "given" not in listed
    (path,) = ask_for_files(home)
    assert path.endswith("-waits.txt")


def test_files_of_an_encrypted_room_are_decrypted_and_sent_encrypted(home, bot, tmp_path):
    """Chats are made unencrypted, and only the bot may change that; whoever runs it may have done so."""
    as_bot = log_in(home.user.url, bot.account.localpart, bot.account.password)
    as_bot.set_state(home.c1, "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"})
    asyncio.run(_in_encrypted_room(home, bot, tmp_path))


async def _in_encrypted_room(home, bot, folder):
    person = await EncryptedUser(home.user, folder).log_in()
    try:
        encrypted, keys = encrypt_attachment(b"secret content")
        url = await asyncio.to_thread(upload, home.user, encrypted)
        content = {"msgtype": "m.file", "body": "secret.txt", "file": keys | {"url": url}}
        kept = await person.send(home.c1, content)

        def answers_to(event):
            events = person.messages(home.c1, bot.user_id)
            return [e for e in events if e["content"].get(timeline.ANSWERS_KEY) == event]

        (notice,) = await person.wait_for(lambda: answers_to(kept), "the notice")
        assert notice["decrypted"] and "secret.txt (14 bytes) goes with" in notice["content"]["body"]
        (file,) = inboxes(workspace_of(bot))
        assert file.read_bytes() == b"secret content"

        question = await person.say(home.c1, f"file {file.relative_to(workspace_of(bot))}")

        def files():
            return [e for e in answers_to(question) if "file" in e["content"]]

        (sent,) = await person.wait_for(files, "the file")
        keys = sent["content"]["file"]
        assert sent["decrypted"] and "url" not in sent["content"]
        loaded = await asyncio.to_thread(download, home.user, keys["url"])
        assert loaded != b"secret content"
        assert decrypt_attachment(loaded, keys["key"]["k"], keys["hashes"]["sha256"], keys["iv"]) == b"secret content"
    finally:
        await person.close()
