"""Running a command on a terminal of its own, to see what it asks and what it makes of the answer."""

import os
import pty
import select
import subprocess
import time


def run_on_terminal(arguments: list, answer: str, limit: float = 60.0, **options) -> tuple[int, str]:
    """Types the answer once the command has printed something and waits; answers exit code and all output."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(arguments, stdin=theirs, stdout=theirs, stderr=theirs, **options)
    os.close(theirs)
    output, answered = b"", False
    deadline = time.monotonic() + limit
    try:
        while time.monotonic() < deadline:
            readable, _, _ = select.select([ours], [], [], 0.5)
            if readable:
                piece = _read(ours)
                if not piece:
                    return process.wait(timeout=10), output.decode(errors="replace")
                output += piece
            elif output and not answered:
                os.write(ours, answer.encode() + b"\n")
                answered = True
        raise AssertionError(f"the command did not end within {limit:.0f} s: {output.decode(errors='replace')}")
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _read(terminal: int) -> bytes:
    """A terminal whose other end is closed reads as an error on Linux: that is its end."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""
