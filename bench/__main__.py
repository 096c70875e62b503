"""`make bench`, or one question alone: `make bench ARGS=list`. It prints medians and ratios, and asserts nothing.

messages | list | visible | streams | captain | lake
"""

import importlib
import signal
import sys
import time

from app.console import show
from bench.figures import load, table
from bench.stage import stage

QUESTIONS = ("messages", "visible", "captain", "list", "streams", "lake")


def main(wanted: list[str]) -> None:
    """Ask the questions of `wanted`, or all of them, in one world."""
    if unknown := set(wanted) - set(QUESTIONS):
        sys.exit(f"{', '.join(sorted(unknown))}? Choose from {', '.join(QUESTIONS)}.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with stage() as running:
        for name in [name for name in QUESTIONS if not wanted or name in wanted]:
            question = importlib.import_module(f"bench.{name}")
            began, before = time.monotonic(), load()
            figures = question.measure(running)
            table(f"{name}: {(question.__doc__ or '').splitlines()[0]}", figures)
            show(f"  {time.monotonic() - began:.0f} s; {before} before, {load()} after")


if __name__ == "__main__":
    main(sys.argv[1:])
