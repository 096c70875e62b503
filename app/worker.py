"""rq's worker, for jobs that take long. A job is a nudge that carries an id; what is owed stands in the database."""

import signal
from collections.abc import Iterable
from typing import Any

from redis import Redis
from rq import Queue, Worker
from rq.serializers import JSONSerializer

from app.config import settings
from app.lifeline import die_with_parent


class MortalWorker(Worker):
    """A worker whose forked child, which runs the job, does not outlive it: the job comes back anyway."""

    def main_work_horse(self, *arguments: Any, **named: Any) -> None:
        die_with_parent(signal.SIGKILL, self.pid or 0)
        super().main_work_horse(*arguments, **named)


def run(queues: Iterable[str]) -> None:
    """Work until told to stop."""
    # Waiting for jobs blocks for minutes; rq itself asks for a longer time-out than that
    connection = Redis.from_url(settings().valkey_url, socket_timeout=None)
    wanted = [Queue(name, connection=connection, serializer=JSONSerializer) for name in queues]
    MortalWorker(wanted, connection=connection, serializer=JSONSerializer).work()
