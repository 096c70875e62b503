"""A real Captain, for tests that want to hear him."""

from collections.abc import Iterator

import pytest

from tests.assist.desk import is_awake
from tests.surroundings import running


@pytest.fixture(scope="module")
def captain() -> Iterator[None]:
    """Captain in a process of his own, for the tests of a file."""
    with running("captain") as crew:
        crew.wait_for("captain", is_awake, 120)
        yield
