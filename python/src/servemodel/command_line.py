"""Parts of the command lines of all scripts."""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn

from servemodel.errors import ExportError


class ArgumentParser(argparse.ArgumentParser):
    """argparse's parser, which reports a wrong option in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message} (see --help)\n")


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """argparse's help, beginning with "Usage:" as the other scripts' help does."""

    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        super().add_usage(usage, actions, groups, "Usage: " if prefix is None else prefix)


Steps = Callable[[str], object]
"""Is called with what is done next."""


def silent(_: str) -> None:
    """Shows no progress."""


class LateProgress:
    """Prints a step on stderr once it has taken two seconds."""

    SECONDS = 2.0

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._timer: threading.Timer | None = None

    def __call__(self, text: str) -> None:
        self.stop()
        self._timer = threading.Timer(self.SECONDS, self._print, [text])
        self._timer.daemon = True
        self._timer.start()

    def _print(self, text: str) -> None:
        print(f"[{time.monotonic() - self._started:6.1f} s] {text}", file=sys.stderr, flush=True)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


class Progress:
    """Prints what is being done, with the seconds since the start."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def step(self, text: str) -> None:
        print(f"[{time.monotonic() - self._started:6.1f} s] {text}", flush=True)


def exit_code(program: str, work: Callable[[], object]) -> int:
    """0 done, 1 failed with one line on stderr, 130 interrupted."""
    try:
        work()
    except (ExportError, OSError) as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        return 130
    return 0


def with_fixed_hashes() -> None:
    """Restart this program with a fixed hash seed: exporters iterate over sets, whose order depends on it."""
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"})
