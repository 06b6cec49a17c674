"""What the benchmark of a month plants in the corpus is what it says."""

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.test_benchmarks import loaded

month = loaded(ROOT / "benchmarks/month.py")


def record(name: str, group: str, stance: str) -> dict[str, object]:
    return {"id": name, "group": group, "topics": [name], "stances": {"toral": stance}, "text": name}


RECORDS = [record("a", "x", "against"), record("b", "y", "favor"), record("c", "x", "neutral")]


def test_whole_groups_are_taken_in_an_order_that_the_seed_fixes() -> None:
    groups = month.mixed_groups(RECORDS, 0)
    assert groups == month.mixed_groups(RECORDS, 0)
    assert sorted([r["id"] for r in group] for group in groups) == [["a", "c"], ["b"]]
    taken = month.take(groups, 1)
    assert len({r["group"] for r in taken}) == 1 and len(groups) == 1
    assert not {r["group"] for r in taken} & {r["group"] for r in groups[0]}


def test_a_one_sided_batch_takes_what_it_takes_out_of_the_groups() -> None:
    groups = month.mixed_groups([*RECORDS, record("d", "z", "favor"), record("e", "z", "favor")], 0)
    taken = month.take_one_sided(groups, 2, "toral")
    assert [r["stances"] for r in taken] == [{"toral": "favor"}] * 2
    left = [r["id"] for group in groups for r in group]
    assert sorted([*left, *(r["id"] for r in taken)]) == ["a", "b", "c", "d", "e"] and all(groups)


def test_flipping_swaps_the_sides_and_leaves_all_else() -> None:
    assert [r["stances"]["toral"] for r in month.flipped(RECORDS)] == ["favor", "against", "neutral"]
    assert month.flipped(month.flipped(RECORDS)) == RECORDS


def test_shifting_gives_each_text_the_labels_of_the_next() -> None:
    moved = month.shifted([*RECORDS[:2], {**RECORDS[2], "disputed_topics": ["t"]}])
    assert [(r["text"], r["topics"], r.get("disputed_topics")) for r in moved] == [
        ("a", ["b"], None),
        ("b", ["c"], ["t"]),
        ("c", ["a"], None),
    ]


@pytest.mark.parametrize("kind", ["flipped", "broken", "copied", "one-sided", "deleted"])
def test_a_desk_that_looks_mends_what_was_planted(tmp_path: Path, kind: str) -> None:
    desk = month.Desk(tmp_path, {0: RECORDS, 1: [record("n", "n", "favor")]}, "toral")
    desk.write(0, RECORDS)
    desk.plant(1, kind, month.random.Random(0))
    planted = {path.name: path.read_text() for path in tmp_path.iterdir()}
    desk.mend(looks=True)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} != planted and not desk.bad
    assert desk.file(1).exists() == (kind not in ("copied", "one-sided"))
    assert desk.count() == len(RECORDS) + desk.file(1).exists()


def test_a_desk_that_never_looks_leaves_it(tmp_path: Path) -> None:
    desk = month.Desk(tmp_path, {0: RECORDS, 1: [record("n", "n", "favor")]}, "toral")
    desk.plant(1, "flipped-kept", month.random.Random(0))
    planted = desk.file(1).read_text()
    desk.mend(looks=True)
    assert desk.file(1).read_text() == planted and '"against"' in planted and desk.bad == {1: "flipped-kept"}
