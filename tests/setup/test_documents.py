"""What the documents promise about set-up is what the code does."""

import re
import tomllib
from pathlib import Path

import pytest

from app.config import ROOT, Settings
from app.supervisor import read_procfile, variable_of

CONFIGURED = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = CONFIGURED["project"]
DIRECT = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]


def test_the_readme_begins_with_make_run_and_make_test():
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    commands = [line.split("#")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]
    assert commands[:2] == ["make run", "make test"]


def test_the_table_of_settings_names_every_variable_with_its_default():
    table = rows("docs/settings.md")
    assert table == {variable_of(name): written(name) for name in Settings.model_fields}


@pytest.mark.parametrize("requirement", DIRECT)
def test_every_direct_dependency_is_pinned_locked_and_explained(requirement):
    name, _, version = requirement.partition("==")
    assert version, f"{requirement} is not pinned"
    plain = name.partition("[")[0]
    locks = ["requirements-dev.lock"] + ["requirements.lock"] * (requirement in PROJECT["dependencies"])
    for lock in locks:
        assert f"\n{plain}=={version} " in (ROOT / lock).read_text().replace("[binary,pool]", ""), lock
    assert name in rows("docs/dependencies.md")


def test_no_dependency_is_explained_that_is_not_there():
    groups = [requirement for group in CONFIGURED["dependency-groups"].values() for requirement in group]
    weights = pins(ROOT / "scripts/requirements-weights.lock")
    there = {requirement.partition("==")[0] for requirement in [*DIRECT, *groups, *weights]}
    assert set(rows("docs/dependencies.md")) == there


def test_the_locks_agree_with_each_other():
    installed, developed = (pins(ROOT / name) for name in ("requirements.lock", "requirements-dev.lock"))
    assert installed.items() <= developed.items()


def test_every_line_of_the_procfile_can_be_run_without_a_shell():
    lines = dict(read_procfile(ROOT / "Procfile"))
    assert [name for name in lines if name in {"postgres", "valkey"}] == list(lines)[:2], "the stores come first"
    assert all(Path(words[0]).is_absolute() for words in lines.values())


def rows(path: str) -> dict[str, str]:
    """First column (without its quotes) to second, of the tables in a document."""
    found = re.findall(r"^\| `([^`]+)` \| (.*?) ?\|", (ROOT / path).read_text(), re.MULTILINE)
    return {name: value.strip("`") for name, value in found}


def written(name: str) -> str:
    """The default of a setting as one would write it in the environment."""
    default = Settings.model_fields[name].default
    if isinstance(default, Path):
        return str(default.relative_to(ROOT))
    return str(default).lower() if isinstance(default, bool) else "" if default == () else str(default)


def pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)(?:\[[a-z,]+\])?==(\S+)", lock.read_text(), re.MULTILINE))
