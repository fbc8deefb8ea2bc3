"""The examples of the README and docs/api.md run against a real server."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ml.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = "http://127.0.0.1:8000"
# Another file has the same server started already.
with_the_server = pytest.mark.xdist_group("browser: a photo")


def block(path: str, language: str, holding: str) -> str:
    """The first code block of that language with `holding` in it."""
    blocks = re.findall(rf"```{language}\n(.*?)```", (ROOT / path).read_text(), re.DOTALL)
    return next(text for text in blocks if holding in text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a photo.jpg and a clip.mp4 in it."""
    examples = ROOT / "static" / "examples"
    shutil.copy(examples / "golf-ball.jpg", tmp_path / "photo.jpg")
    shutil.copy(examples / "camera.mp4", tmp_path / "clip.mp4")
    return tmp_path


def run(command: list[str], folder: Path) -> str:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@with_the_server
def test_the_python_example(server: str, folder: Path):
    text = block("README.md", "python", "requests").replace(WRITTEN, server)
    shown = "import json; print(json.dumps([len(maps), len(late), len(late[0])]))"
    count, rows, columns = json.loads(run([sys.executable, "-c", f"{text}\n{shown}"], folder))
    assert count >= 44
    assert columns > rows >= 7


@with_the_server
def test_the_shell_example(server: str, folder: Path):
    text = block("docs/api.md", "sh", "curl").replace(WRITTEN, server)
    events = run(["bash", "-euc", text], folder)
    assert '"state":"succeeded"' in events
    assert (folder / "figure.pdf").read_bytes().startswith(b"%PDF")


def test_the_command_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """The commands with small options; only the first is run as a process."""
    lines = block("README.md", "sh", "python -m ml explain").splitlines()
    commands = [line.partition("#")[0].replace(".venv/bin/", "") for line in lines]
    run(["bash", "-euc", f"{commands[0]} --models gated --size 96"], folder)
    assert (folder / "figure.png").read_bytes().startswith(b"\x89PNG")
    monkeypatch.chdir(folder)
    for command in (f"{commands[1]} --size 96 --segments 2", commands[2]):
        python, _, module, *words = shlex.split(command)
        assert (python, module) == ("python", "ml")
        main(words)
    assert (folder / "sheet.png").read_bytes().startswith(b"\x89PNG")
    assert "cbam" in capsys.readouterr().out


def test_make_help_lists_every_target():
    listed = run(["make", "-C", str(ROOT), "--no-print-directory", "help"], ROOT)
    for target in ("run", "test", "check", "bench", "help"):
        assert re.search(rf"^  make {target}\s+\w", listed, re.MULTILINE)
