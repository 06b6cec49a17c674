"""Cold start, measured from a small process: the peak of a new one begins at the size of what started it."""

import sys
from pathlib import Path

import cold_start

from peers.measure import ROOT

COMMANDS = {
    "predict": [sys.executable, "-m", "talante", "predict", str(ROOT / "data/seed/peru-venezuela.txt")],
    "import": [sys.executable, "-c", "import sklearn.linear_model"],
}


def start(folder: str, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Return seconds and megabytes of fresh processes: of tagging an article, and importing scikit-learn's models.

    ``folder`` gets what Python compiles, as an installed package has it.
    """
    bytecode = Path(folder) / "bytecode"
    bytecode.mkdir()
    for command in COMMANDS.values():
        cold_start.run(command, str(bytecode))
    measured = [
        {name: cold_start.run(command, str(bytecode)) for name, command in COMMANDS.items()} for _ in range(rounds)
    ]
    return {name: [one[name] for one in measured] for name in COMMANDS}
