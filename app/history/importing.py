"""Reading a history file: line by line, a few hundred conversations a transaction, each of them whole or not at all.

A run that was cut off is simply run again: what stands here already is left as it is.
"""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import DBAPIError

from app.assist.memory import remember_past
from app.database import transaction, was_away
from app.errors import Invalid, Problem
from app.history import lines
from app.history.actions import Numbered, NumberedContact, Outcome, write_contacts, write_conversations
from app.history.directory import Directory
from app.i18n import _

logger = logging.getLogger(__name__)

# Few enough that nobody waits long for the account's counters, many enough that a commit costs little
ENTRIES_AT_ONCE = 2_000
LINES_AT_ONCE = 500
TRIES = 5

Report = Callable[[int, str], None]


@dataclass
class _Waiting:
    """Lines that were read and not written yet."""

    contacts: list[NumberedContact] = field(default_factory=list)
    conversations: list[Numbered] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    entries: int = 0

    @property
    def is_enough(self) -> bool:
        return self.entries >= ENTRIES_AT_ONCE or len(self.conversations) + len(self.contacts) >= LINES_AT_ONCE


def import_history(account_id: int, source: Iterable[bytes], report: Report = lambda number, reason: None) -> Outcome:
    """What became of the lines of a history file (docs/history.md).

    report: told of each line that cannot be taken, by its number and in words; all others are kept.
    """
    return _Import(account_id, report).run(source)


class _Import:
    def __init__(self, account_id: int, report: Report) -> None:
        self.account_id, self.report = account_id, report
        self.directory = Directory(account_id)
        self.outcome, self.waiting = Outcome(), _Waiting()

    def run(self, source: Iterable[bytes]) -> Outcome:
        for number, raw in enumerate(source, start=1):
            if raw.strip():
                self._take(number, raw)
            if self.waiting.is_enough:
                self._write()
        self._write()
        with transaction(self.account_id):
            remember_past(self.account_id)
            self.directory.release()
        return self.outcome

    def _take(self, number: int, raw: bytes) -> None:
        """One line: who and what it names is made at once, contacts and conversations wait for more of them."""
        try:
            line = lines.read(raw)
            match line:
                case lines.Contact():
                    self.waiting.contacts.append((number, line))
                case lines.Conversation():
                    # the same one twice in a batch: the second must find the first
                    if line.external_id in self.waiting.named:
                        self._write()
                    self.waiting.named.add(line.external_id)
                    self.waiting.conversations.append((number, line))
                    self.waiting.entries += len(line.timeline)
                case _:
                    is_new = self.directory.take(line)
                    self._tell(Outcome({line.kind: 1} if is_new else {}, known=int(not is_new)))
        except Problem as problem:
            refused = Outcome()
            refused.refuse(number, problem if isinstance(problem, Invalid) else Invalid("", problem.reason))
            self._tell(refused)

    def _write(self) -> None:
        waiting, self.waiting = self.waiting, _Waiting()
        self._tell(self._keep(waiting.contacts, lambda batch: write_contacts(self.account_id, batch)))
        names = self.directory.names
        self._tell(self._keep(waiting.conversations, lambda batch: write_conversations(self.account_id, batch, names)))

    def _keep(self, batch: list[Any], write: Callable[[list[Any]], Outcome]) -> Outcome:
        """Write it in one transaction; line by line when the database refuses something in it."""
        if not batch:
            return Outcome()
        try:
            return self._commit(batch, write)
        except DBAPIError as problem:
            if was_away(problem):
                raise
            if len(batch) == 1:
                logger.warning("line %s of the history is refused", batch[0][0], exc_info=True)
                words = _("the database refuses this line (%(problem)s).", problem=type(problem.orig).__name__)
                return Outcome(problems=[(batch[0][0], words)])
        both = Outcome()
        for each in batch:
            both.add(self._keep([each], write))
        return both

    def _commit(self, batch: list[Any], write: Callable[[list[Any]], Outcome]) -> Outcome:
        for left in reversed(range(TRIES)):
            try:
                with transaction(self.account_id):
                    return write(batch)
            except DBAPIError as problem:
                # somebody else was quicker, or the database away for a moment: nothing was written, so once more
                if not was_away(problem) or not left:
                    raise
                time.sleep(0.2)
        raise AssertionError("not reached")

    def _tell(self, outcome: Outcome) -> None:
        for number, reason in sorted(outcome.problems):
            self.report(number, reason)
        self.outcome.add(outcome)
