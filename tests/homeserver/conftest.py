"""Fixtures: one Synapse for the whole run, or for each of its workers, and for each test accounts, data folders and
processes of its own."""

import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from support.admin import Admin
from support.api import MatrixError
from support.bot import Bot
from support.cast import BotFactory, WarmBots, register
from support.home import Home, onboard
from support.paths import WORKING_FOLDER
from support.proxy import Proxy
from support.synapse import Synapse
from support.user import User
from support.world import World, build_world


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="run the exhaustive variants too")
    parser.addoption("--keep-data", action="store_true", help="keep the homeserver's and the bots' data folders")


def pytest_configure(config):
    """Ended by SIGTERM, the run still stops the servers it started, as it does at Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_modifyitems(config, items):
    """Long variants are deselected, which the summary says, and not skipped, which it would hide."""
    if config.getoption("--long"):
        return
    short = [item for item in items if item.get_closest_marker("long") is None]
    config.hook.pytest_deselected(items=[item for item in items if item not in short])
    items[:] = short


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure shows what the bots of the test logged."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        bots = {id(bot): bot for value in getattr(item, "funcargs", {}).values() for bot in _bots_in(value)}
        for bot in bots.values():
            report.sections.append((f"log of {bot.user_id}", bot.log_tail(60)))


def _bots_in(value) -> list[Bot]:
    if isinstance(value, Bot):
        return [value]
    return [bot for bot in getattr(value, "bots", []) if isinstance(bot, Bot)]


@pytest.fixture(scope="session")
def run_folder(request):
    """Everything a run writes; gone afterwards unless `--keep-data`."""
    runs = WORKING_FOLDER / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=runs))
    yield folder
    if not request.config.getoption("--keep-data"):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def synapse(run_folder):
    server = Synapse(run_folder / "synapse").start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def limited_synapse(run_folder):
    """A second server, with the limits that Synapse has when nobody configures any."""
    server = Synapse(run_folder / "limited", server_name="limited.localhost", raised_limits=False).start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def admin(synapse) -> Admin:
    return Admin(synapse.register("admin", "password", admin=True))


@pytest.fixture
def make_bot(run_folder):
    factory = BotFactory(run_folder)
    yield factory
    factory.close()


@pytest.fixture(scope="module")
def make_module_bot(run_folder):
    """Bots that all tests of a file share, where starting one for each would only cost time."""
    factory = BotFactory(run_folder)
    yield factory
    factory.close()


@pytest.fixture(scope="session")
def warm_bots(run_folder, synapse):
    factory = BotFactory(run_folder)
    yield WarmBots(factory, synapse)
    factory.close()


@pytest.fixture
def bot(warm_bots):
    """A running bot that no other test knows."""
    bot = warm_bots.take()
    yield bot
    bot.kill()


@pytest.fixture
def proxy(synapse):
    proxy = Proxy(synapse.port)
    yield proxy
    proxy.close()


@pytest.fixture
def new_user(synapse):
    """Makes users: `new_user("alice")`."""
    return lambda name="user": register(synapse, name)


@pytest.fixture
def alice(new_user) -> User:
    return new_user("alice")


@pytest.fixture
def bob(new_user) -> User:
    return new_user("bob")


@pytest.fixture
def home(alice, bot) -> Home:
    """Alice, onboarded on the running bot."""
    return onboard(alice, bot)


@pytest.fixture
def forbidden():
    """Asserts that the server keeps a user from writing a state event."""

    def check(user: User, room_id: str, event_type: str, content: dict, state_key: str = "") -> None:
        with pytest.raises(MatrixError) as refusal:
            user.set_state(room_id, event_type, content, state_key)
        assert refusal.value.status == 403, f"{event_type}: {refusal.value}"

    return check


@pytest.fixture(scope="module")
def world(make_module_bot, synapse, admin) -> World:
    """A running bot with a past, shared by a file's tests: each of them leaves it running and whole."""
    bot = make_module_bot(synapse).start()
    return build_world(bot, admin, register(synapse, "alice"), register(synapse, "bob"))


@pytest.fixture
def running_world(world) -> World:
    """The shared world, with its bot running even where the test before this one failed."""
    if not world.bot.is_running():
        world.bot.restart()
    return world
