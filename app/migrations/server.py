"""A plain connection for set-up: no pool, no role, no limit on how long a statement may take."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, NullPool, create_engine

from app.config import settings


@contextmanager
def connected(url: str = "") -> Iterator[Connection]:
    """One connection to the application's database (or to `url`), closed at the end."""
    engine = create_engine(url or settings().sqlalchemy_url, poolclass=NullPool, connect_args={"connect_timeout": 5})
    with engine.connect() as connection:
        yield connection
