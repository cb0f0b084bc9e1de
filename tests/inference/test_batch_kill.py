"""Jobs killed for real: SIGKILL at random moments, and the result compared with that of an unbroken run."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hadath.batch.manifest import Manifest

PACKAGE = Path(__file__).parents[2] / "inference"
WORDS = ["زار", "وزير", "الخارجية", "مدينة", "تونس", "أمس", "وقال", "إن", "هجوم", "القوات", "على", "طرابلس", "،", "."]

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")


def write_corpus(path: Path, count: int) -> Path:
    draw = random.Random(count)
    with open(path, "w", encoding="utf-8") as stream:
        for number in range(count):
            line = json.dumps({"id": f"a{number}", "text": " ".join(draw.choices(WORDS, k=draw.randrange(80)))})
            stream.write((line if number % 9 != 4 else line[:-3]) + "\n")
    return path


def start(source: Path, output: Path, model: Path, *options: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "hadath", "tag", str(source), "-o", str(output), "-m", str(model), *options],
        env={**os.environ, "PYTHONPATH": str(PACKAGE), "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
    )


def finish(source: Path, output: Path, model: Path, *options: str) -> None:
    process = start(source, output, model, *options)
    _, error = process.communicate(timeout=300)
    assert process.returncode == 0, error.decode("utf-8")


def finished_parts(output: Path) -> int:
    manifest = Manifest.read(output) if output.exists() else None
    return len(manifest.parts) if manifest else 0


def kill_once(process: subprocess.Popen[bytes], output: Path, draw: random.Random) -> bool:
    """Kills a process at its start, or after it has finished some more parts; returns whether it was still at work."""
    # one in five while it loads, the others anywhere within the next few parts
    until = finished_parts(output) + (0 if draw.random() < 0.2 else draw.randint(1, 4))
    deadline = time.monotonic() + 60
    while process.poll() is None and finished_parts(output) < until and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(draw.random() * 0.02)
    killed = process.poll() is None
    process.kill()
    process.communicate()
    return killed


def result(output: Path) -> dict[str, bytes | Any]:
    if any(output.glob("*.parquet")):
        import pyarrow.parquet as pq

        return {path.name: pq.read_table(path).to_pylist() for path in sorted(output.glob("*.parquet"))}
    return {path.name: path.read_bytes() for path in sorted(output.glob("part-*"))}


def outlive(tmp_path: Path, model: Path, kills: int, count: int, seed: int, *options: str) -> int:
    """Lets a job be killed many times, begun anew whenever it comes through, and returns how often it was at work."""
    draw = random.Random(seed)
    source = write_corpus(tmp_path / "a.jsonl", count)
    finish(source, tmp_path / "whole", model, *options)
    expected = result(tmp_path / "whole")
    rejected = (tmp_path / "whole" / "rejected.jsonl").read_bytes()
    done = jobs = 0
    output = tmp_path / f"job{jobs}"
    for _ in range(kills):
        process = start(source, output, model, *options)
        done += kill_once(process, output, draw)
        manifest = Manifest.read(output) if output.exists() else None
        if manifest and manifest.complete:
            assert result(output) == expected
            jobs += 1
            output = tmp_path / f"job{jobs}"
    finish(source, output, model, *options)
    assert result(output) == expected
    assert (output / "rejected.jsonl").read_bytes() == rejected
    assert not list(output.glob("*.tmp"))
    return done


def test_a_job_outlives_ten_kills(tmp_path: Path, tiny_model_directory: Path) -> None:
    assert outlive(tmp_path, tiny_model_directory, 10, 300, 1, "--format", "jsonl", "--part-size", "6") >= 8


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kills", "options"),
    [
        (100, ["--format", "jsonl", "--part-size", "9"]),
        (50, ["--format", "parquet", "--part-size", "14"]),
        (50, ["--format", "jsonl", "--part-size", "14", "--workers", "2"]),
    ],
)
def test_a_job_over_2000_articles_outlives_200_kills(
    tmp_path: Path, tiny_model_directory: Path, kills: int, options: list[str]
) -> None:
    assert outlive(tmp_path, tiny_model_directory, kills, 2000, kills, *options) > 0.8 * kills
