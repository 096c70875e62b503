"""What set-up says on the terminal, in Russian or English by the locale of the environment.

Pairs instead of gettext, because these sentences must also be said when no catalogue is compiled yet, or no package
is installed: standard library only.
"""

import contextlib
import os
import sys


def say(english: str, russian: str) -> str:
    """The sentence for this environment: Russian when LC_ALL, LC_MESSAGES or LANG (the first that is set) says ru."""
    named = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return russian if next(filter(None, named), "").startswith("ru") else english


def tell(english: str, russian: str) -> None:
    """Print the sentence for this environment, at once."""
    show(say(english, russian))


def show(text: str) -> None:
    """Print at once, also where the terminal's encoding lacks some of the letters, or the terminal is gone."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    with contextlib.suppress(OSError):
        print(text, flush=True)
