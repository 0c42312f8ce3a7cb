"""Folders that cannot be written to and disks that are full, also for root."""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_PR_CAPBSET_DROP = 24
_CAP_DAC_OVERRIDE = 1
_CAP_DAC_READ_SEARCH = 2


@contextmanager
def small_disk(folder: Path, kibibytes: int) -> Iterator[Path]:
    """Mounts a file system of this size on the folder: as root or by sudo. Fails where neither is given."""
    folder.mkdir(parents=True, exist_ok=True)
    options = f"size={kibibytes}k,uid={os.geteuid()},gid={os.getegid()}"
    _as_root("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder))
    try:
        yield folder
    finally:
        _as_root("umount", "-l", str(folder))


def fill(folder: Path) -> None:
    """Takes all that is left of the disk."""
    with (folder / "ballast").open("wb", buffering=0) as ballast:
        for piece in (1 << 20, 4096, 1):
            try:
                while ballast.write(b"\0" * piece) == piece:
                    pass
            except OSError:
                continue
    assert shutil.disk_usage(folder).free == 0


def make_room(folder: Path) -> None:
    (folder / "ballast").unlink(missing_ok=True)


@contextmanager
def without_rights(folder: Path) -> Iterator[dict[str, Callable[[], None]]]:
    """Takes the right to write away; yields options for `subprocess` under which that binds root too."""
    folder.chmod(0o555)
    try:
        yield {"preexec_fn": _obey_permissions} if os.geteuid() == 0 else {}
    finally:
        folder.chmod(0o755)


def _obey_permissions() -> None:
    """Without these capabilities root is an owner like any other. They are gone at the next `exec`."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
        if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "cannot give up the right to write everywhere")


def _as_root(*command: str) -> None:
    how = [] if os.geteuid() == 0 else ["sudo", "-n"]
    done = subprocess.run([*how, *command], capture_output=True, text=True)
    assert done.returncode == 0, (
        f"`{' '.join(command)}` failed: {done.stderr.strip()}. The scenarios of a full disk need root, or sudo "
        "without a password, on a machine where file systems may be mounted."
    )
