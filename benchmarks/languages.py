"""How much of an article language identification needs: errors and time by the characters that it is shown.

python benchmarks/languages.py NEWS.jsonl.gz ...

Each file holds records with `text`, `lang` and perhaps `title`. Prints a line for each length.
"""

import gzip
import json
import sys
import time

from talante.text import language

LENGTHS = (500, 700, 1000, 2000, 4000, 20_000)


def main() -> None:
    """Read, identify, print."""
    records = []
    for name in sys.argv[1:]:
        with gzip.open(name, "rt", encoding="utf-8") as stream:
            records += [json.loads(line) for line in stream]
    texts = [f"{record.get('title', '')}\n\n{record['text']}" for record in records]
    language.identify(texts[0])  # loads the model
    print(f"{len(texts):,} articles\n\n| characters | wrong | not told | microseconds |\n| --- | --- | --- | --- |")
    for length in LENGTHS:
        language._SAMPLE = length  # type: ignore[misc]
        begun = time.process_time()
        found = [language.identify(text) for text in texts]
        took = (time.process_time() - begun) / len(texts) * 1e6
        wrong = sum(told not in (None, record["lang"]) for told, record in zip(found, records, strict=True))
        print(f"| {length:,} | {wrong} | {found.count(None)} | {took:.0f} |", flush=True)


if __name__ == "__main__":
    main()
