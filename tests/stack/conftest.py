"""Fixtures: a clean clone of what is committed, the full stack started from it, and a person who uses it."""

import shutil
import signal
import tempfile
from pathlib import Path

import pytest
from stack import BUILD_LIMIT, FullStack, ProdStack, run

from support.admin import Admin
from support.home import Home, onboard
from support.paths import REPOSITORY, WORKING_FOLDER


def pytest_addoption(parser):
    parser.addoption("--image", help="check this image of the bot instead of building one")


def pytest_configure(config):
    """Ended by SIGTERM, the run still takes down what it started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def clone():
    """A fresh clone: what is not committed is not shipped."""
    WORKING_FOLDER.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="stack-", dir=WORKING_FOLDER))
    run(["git", "clone", "--quiet", "--no-hardlinks", str(REPOSITORY), str(folder / "clone")], REPOSITORY)
    yield folder / "clone"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def image(request) -> dict[str, str]:
    """What names the image to the Compose files."""
    name = request.config.getoption("--image")
    return {"BOT_IMAGE": name} if name else {}


@pytest.fixture(scope="session")
def stack(clone, image):
    """The full stack as the README starts it, and gone with all its volumes afterwards."""
    stack = FullStack(clone, f"check-{clone.parent.name}", **image)
    try:
        stack.up(*([] if image else ["--build"]), limit=BUILD_LIMIT)
        yield stack
    finally:
        stack.down("--volumes", "--remove-orphans")


@pytest.fixture(scope="session")
def home(stack) -> Home:
    """The stack's own user, onboarded through the published port."""
    return onboard(stack.user(), stack.BOT)


@pytest.fixture(scope="session")
def admin(stack) -> Admin:
    return Admin(stack.register("admin", "admin-password", admin=True))


@pytest.fixture
def prod(stack, image):
    """The bot alone, beside the full stack."""
    prod = ProdStack(stack, **image)
    yield prod
    prod.down("--volumes")
