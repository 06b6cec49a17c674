"""Archives through the program, and a run of it that is killed."""

import filecmp
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from peers.bulk import shipped
from peers.measure import of_group, run, started

#: Seconds between two looks at how far a run is that is going to be killed.
_STEP = 0.01


def predict(given: Path, output: Path, *options: str) -> list[str | Path]:
    """Return the command that tags a file with the shipped model."""
    return [sys.executable, "-m", "talante", "predict", "-m", shipped(), given, "-o", output, *options]


def killed(given: Path, whole: Path, folder: Path, part: float, jobs: int, everything: bool) -> dict[str, object]:
    """Kill a run when about ``part`` of its rows are written, go on with it, and compare with an uninterrupted one.

    ``everything``: kill the workers, too, as when the machine goes down; otherwise only the program. Files and
    processes that are left over are counted when all is done.
    """
    output = folder / "killed.jsonl"
    unfinished, enough = folder / f".{output.name}.part", part * whole.stat().st_size
    process = started(predict(given, output, "-j", str(jobs)), output=subprocess.DEVNULL, apart=True)
    while process.poll() is None and not (unfinished.exists() and unfinished.stat().st_size >= enough):
        time.sleep(_STEP)
    if process.poll() is None:
        (os.killpg if everything else os.kill)(process.pid, signal.SIGKILL)
    was_killed = process.wait() == -signal.SIGKILL
    kept = _rows(unfinished) if unfinished.exists() else 0
    run(predict(given, output, "-j", str(jobs), "--resume"))
    wanted, got = _ids(given), Counter(_ids(output))
    told = {
        "killed": was_killed,
        "kept": kept,
        "lost": sum(got[name] == 0 for name in wanted),
        "doubled": sum(times > 1 for times in got.values()),
        "ordered": _ids(output) == wanted,
        "same": filecmp.cmp(output, whole, shallow=False),
        "files": ", ".join(sorted(p.name for p in folder.glob(f".{output.name}*"))) or "none",
        "processes": of_group(process.pid),
    }
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    output.unlink()
    return told


def moments(rounds: int) -> Sequence[float]:
    """Return the parts of a run after which it is killed."""
    chance = random.Random(0)
    return [chance.uniform(0.05, 0.9) for _ in range(rounds)]


def _rows(path: Path) -> int:
    with path.open("rb") as lines:
        return sum(line.endswith(b"\n") for line in lines)


def _ids(path: Path) -> list[str]:
    with path.open("rb") as lines:  # of a million articles, one at a time
        return [str(json.loads(line)["id"]) for line in lines]
