"""How long `talante retrain` takes, with a cold and a warm cache, and how much memory, as the corpus grows.

    python benchmarks/retraining_time.py NEWS.jsonl.gz [NEWS.jsonl.gz ...] [--sizes 1000,10000,100000]

For each size a corpus is made of real articles, without near-duplicates; where there are too few, each further one is
put together from passages of eight others of its language. Labels are by rule, for the timing only: topics by the words
of the schema, stances by the words of a good or bad sound near the target, some of them at random. Then the program
itself runs, in a folder of its own: once for a first model (cold), and once after ten more articles (warm). Memory is
what was available to the whole machine before, less the least that was available during the run: let nothing else run
beside it. What the program logs, a line for each stage, goes to stderr.
"""

import argparse
import gzip
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from joblib import Parallel, delayed

from talante.corpus.article import Article
from talante.corpus.duplicates import near_duplicates
from talante.corpus.schema import load_schema
from talante.errors import DataError
from talante.text.fold import fold
from talante.text.prepare import Preparer

DATA = Path(__file__).parents[1] / "data"
BAD = (
    "crisis",
    "crime",
    "corrup",
    "dictat",
    "fraud",
    "fail",
    "violen",
    "fracas",
    "represi",
    "amenaza",
    "threat",
    "arrest",
)
GOOD = (
    "agree",
    "success",
    "growth",
    "peace",
    "support",
    "victory",
    "acuerdo",
    "exito",
    "crec",
    "paz",
    "apoyo",
    "victoria",
)
NOISE = 0.05
PASSAGES = 8
GROUP = 20  # articles, about
PART = 500  # articles that are made at once


def read(paths: Sequence[Path]) -> list[dict[str, str]]:
    """Return the articles of files."""
    found = []
    for path in paths:
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            found += [json.loads(line) for line in stream]
    doubles = {later for _, later, _ in near_duplicates([f"{a['title']}\n\n{a['text']}" for a in found])}
    return [article for i, article in enumerate(found) if i not in doubles]


def made(articles: list[dict[str, str]], size: int) -> list[str]:
    """Return so many labelled records, a line each."""
    parts = Parallel(-1)(
        delayed(_made)(articles, range(first, min(first + PART, size)), size) for first in range(0, size, PART)
    )
    return [line for part in parts for line in part]


def _made(articles: list[dict[str, str]], numbers: range, size: int) -> list[str]:
    preparer, random_ = Preparer(load_schema(DATA / "schema.toml")), random.Random(numbers.start)
    pools = {lang: [a for a in articles if a["lang"] == lang] for lang in ("en", "es")}
    lines = []
    for number in numbers:
        lang = ("en", "es")[number % 2]
        pool, used = pools[lang], number // 2
        title, text = pool[used % len(pool)].get("title", ""), pool[used % len(pool)]["text"]
        prepared = None
        while prepared is None:
            if used >= len(pool):
                text = "\n\n".join(_passage(random_.choice(pool)["text"], part) for part in range(PASSAGES))
            try:
                prepared = preparer.prepare(Article("", text, title, lang))
            except DataError:
                used = len(pool)
        record = {
            "id": f"n{number:06d}", "lang": lang, "title": title, "text": prepared.article.text,
            "group": f"g{random_.randrange(max(20, size // GROUP))}",
            "topics": [topic for topic, found in prepared.topic_words.items() if found.count > 1],
            "stances": {target: _stance(prepared.contexts[target].near, random_) for target in prepared.contexts},
        }  # fmt: skip
        lines.append(json.dumps(record, ensure_ascii=False) + "\n")
    return lines


def _passage(text: str, number: int) -> str:
    words = text.split()
    length = max(1, len(words) // PASSAGES)
    return " ".join(words[number * length : (number + 1) * length])


def _stance(text: str, random_: random.Random) -> str:
    if random_.random() < NOISE:
        return random_.choice(("against", "neutral", "favor"))
    folded = fold(text)
    balance = sum(map(folded.count, GOOD)) - sum(map(folded.count, BAD))
    return "neutral" if not balance else "favor" if balance > 0 else "against"


def available() -> float:
    """Return the memory that is free for use, in GB."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) / 1e6


def timed(command: list[str]) -> tuple[float, float, dict[str, object]]:
    """Run a command; return seconds, GB at the peak, and what it printed."""
    before, least, done = available(), [available()], threading.Event()

    def watch() -> None:
        while not done.wait(0.2):
            least[0] = min(least[0], available())

    watcher = threading.Thread(target=watch)
    watcher.start()
    begun = time.monotonic()
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    done.set()
    watcher.join()
    if result.returncode not in (0, 5, 7):
        sys.exit(f"{command}: exit code {result.returncode}")
    return time.monotonic() - begun, before - least[0], json.loads(result.stdout)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("news", nargs="+", type=Path)
    parser.add_argument("--sizes", default="1000,10000,100000")
    options = parser.parse_args()
    articles = read(options.news)
    print("| articles | cache | seconds | peak GB | stages, seconds | verdict |")
    print("| --- | --- | --- | --- | --- | --- |")
    for size in map(int, options.sizes.split(",")):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "data/articles").mkdir(parents=True)
            (folder / "models").mkdir()
            (folder / "data/schema.toml").write_bytes((DATA / "schema.toml").read_bytes())
            records, data = made(articles, size + 10), folder / "data/articles/a.jsonl"
            data.write_text("".join(records[:-10]), encoding="utf-8")
            new = "".join(records[-10:])
            del records  # what this program holds the other one lacks
            command = [
                sys.executable, "-m", "talante", "retrain", "--data", f"{folder}/data", "--models", f"{folder}/models",
                "--cache", f"{folder}/cache", "--json", "--log-format", "json",
            ]  # fmt: skip
            for cache, number in (("cold", size), ("warm", size + 10)):
                if cache == "warm":
                    with data.open("a", encoding="utf-8") as stream:
                        stream.write(new)
                seconds, peak, told = timed(command)
                stages = ", ".join(f"{stage} {took:.0f}" for stage, took in told["seconds"].items())  # type: ignore[attr-defined]
                print(
                    f"| {number:,} | {cache} | {seconds:.0f} | {peak:.1f} | {stages} | {told['outcome']} |",
                    flush=True,
                )
            used = sum(path.stat().st_size for path in (folder / "cache").rglob("*") if path.is_file())
            print(f"cache: {used / 1e9:.2f} GB", flush=True)


if __name__ == "__main__":
    main()
