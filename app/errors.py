"""What can go wrong, for people. Each door has one handler that turns these into its own page or JSON.

Problem
├── NotFound        it is not there, or not for you: 404
├── NotAllowed      you may not: 403
├── NotSignedIn     who are you?: 401
├── Invalid         a field is wrong: 422
├── Stale           somebody was quicker; look again: 409
├── TooMany         slow down: 429
├── Away            somebody we asked does not answer just now: 503
├── SealBroken      a secret of ours cannot be read any more: 503
└── ChannelError    the provider refused; permanent or not
"""

from datetime import datetime


class Problem(Exception):
    """The root: anything we raise on purpose. `reason` is a sentence for the reader, already in his language."""

    status = 400

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class NotFound(Problem):
    status = 404


class NotAllowed(Problem):
    status = 403


class NotSignedIn(Problem):
    status = 401


class Invalid(Problem):
    """`field` has a value we cannot take."""

    status = 422

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


class Stale(Problem):
    status = 409


class TooMany(Problem):
    status = 429

    def __init__(self, reason: str = "", retry_after_seconds: int = 60) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class Away(Problem):
    status = 503


class SealBroken(Problem):
    status = 503


class ChannelError(Problem):
    """A provider's refusal. Permanent ones are told to the agent, others are tried again, not before `retry_at`.

    progress: the provider's ids of the parts that did arrive before the refused one; the next try leaves them out.
    """

    status = 502

    def __init__(
        self, reason: str, *, permanent: bool, retry_at: datetime | None = None, progress: tuple[str, ...] = ()
    ) -> None:
        super().__init__(reason)
        self.permanent = permanent
        self.retry_at = retry_at
        self.progress = progress
