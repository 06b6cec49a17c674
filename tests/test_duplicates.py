"""Near-duplicates are found whatever was changed a little, and nothing else is."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from talante.corpus.duplicates import NEAR_DUPLICATE, near_duplicates, repeated_runs

WORDS = [f"word{i}" for i in range(2000)]


def text(seed: int, length: int = 300) -> list[str]:
    return random.Random(seed).choices(WORDS, k=length)


@given(st.integers(0, 10_000), st.integers(0, 14))
@settings(max_examples=30, deadline=None)
def test_a_copy_with_some_words_changed_is_found(seed: int, changes: int) -> None:
    original = text(seed)
    copy = list(original)
    for place in random.Random(seed + 1).sample(range(len(copy)), changes):
        copy[place] = "changed"
    texts = [" ".join(text(seed + 2)), " ".join(original).upper(), " ".join(text(seed + 3)), " ".join(copy)]
    ((earlier, later, similarity),) = near_duplicates(texts)
    assert (earlier, later) == (1, 3)
    assert NEAR_DUPLICATE <= similarity <= 1


def test_similarity_is_exact_and_texts_below_the_threshold_are_left_alone() -> None:
    whole = text(0, 102)  # 100 runs of three words
    half = whole[:52]  # 50 of them
    less = whole[:51]
    assert near_duplicates([" ".join(whole), " ".join(half)]) == [(0, 1, 0.5)]
    assert near_duplicates([" ".join(whole), " ".join(less)]) == []
    assert near_duplicates(["", "one", "two words", ""]) == [(0, 3, 1.0)]


def test_ten_words_in_a_row_are_a_repeat_and_nine_are_not() -> None:
    a, b = text(1), text(2)
    nine, ten = [*b[:50], *a[20:29], *b[60:]], [*b[100:150], *a[20:30], *b[160:200]]
    assert list(repeated_runs([" ".join(a), " ".join(nine)])) == []
    assert list(repeated_runs([" ".join(a), " ".join(ten)])) == [(0, 1, " ".join(a[20:30]))]
    assert list(repeated_runs([" ".join([*a, *a])])) == []  # within one text it may be a refrain
