"""`make bench`, or one question alone: `make bench ARGS=list`. It prints medians and ratios, and asserts nothing.

messages | list | visible | streams | captain | lake | history | search | reports
and, when asked by name alone: engines
"""

import importlib
import signal
import sys
import time

from app.console import show
from bench.figures import load, table
from bench.stage import stage

QUESTIONS = ("messages", "visible", "captain", "list", "streams", "lake", "history", "search", "reports")
# These install something large first
ON_REQUEST = ("engines",)


def main(wanted: list[str]) -> None:
    """Ask the questions of `wanted`, or all of them, in one world. `reports=1000000`: with that many events."""
    sizes = {name: [int(size)] if size else [] for name, _, size in (word.partition("=") for word in wanted)}
    if unknown := set(sizes) - {*QUESTIONS, *ON_REQUEST}:
        sys.exit(f"{', '.join(sorted(unknown))}? Choose from {', '.join(QUESTIONS + ON_REQUEST)}.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with stage() as running:
        for name in [name for name in (*QUESTIONS, *ON_REQUEST) if name in sizes] or QUESTIONS:
            question = importlib.import_module(f"bench.{name}")
            began, before = time.monotonic(), load()
            figures = question.measure(running, *sizes.get(name, []))
            table(f"{name}: {(question.__doc__ or '').splitlines()[0]}", figures)
            show(f"  {time.monotonic() - began:.0f} s; {before} before, {load()} after")


if __name__ == "__main__":
    main(sys.argv[1:])
