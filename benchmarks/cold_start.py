"""Cold start: tag one article in a fresh process, beside merely importing scikit-learn's linear models.

Run it with the Python of the environment that has talante: python benchmarks/cold_start.py [ARTICLE]
Prints medians of wall time and peak memory of fresh processes, started in turn so that both see the same machine.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ARTICLE = sys.argv[1] if len(sys.argv) > 1 else str(Path(__file__).parents[1] / "data/seed/peru-venezuela.txt")
COMMANDS = {
    "talante predict": [sys.executable, "-m", "talante", "predict", ARTICLE],
    "talante predict --help": [sys.executable, "-m", "talante", "predict", "--help"],
    "talante --help": [sys.executable, "-m", "talante", "--help"],
    "import sklearn.linear_model": [sys.executable, "-c", "import sklearn.linear_model"],
}
ROUNDS = 11


def run(command: list[str], cache: str) -> tuple[float, float]:
    """Return the seconds and the peak megabytes of one fresh process."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**env, "PYTHONPYCACHEPREFIX": cache})
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"failed: {' '.join(command)}")
    kilobytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return time.perf_counter() - start, kilobytes / 1024


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as cache:  # compiled bytecode, as an installed package has it
        for command in COMMANDS.values():
            run(command, cache)
        rounds = [{name: run(command, cache) for name, command in COMMANDS.items()} for _ in range(ROUNDS)]
    peer = statistics.median(r["import sklearn.linear_model"][0] for r in rounds)
    print(f"median of {ROUNDS} fresh processes each, with bytecode cache, Python {sys.version.split()[0]}")
    for name in COMMANDS:
        seconds = statistics.median(r[name][0] for r in rounds)
        print(f"{name:<28} {seconds:.2f} s   {statistics.median(r[name][1] for r in rounds):4.0f} MB"
              f"   {seconds / peer:.2f} of the import")  # fmt: skip


if __name__ == "__main__":
    main()
