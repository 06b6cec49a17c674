"""Drift: what is in both windows is none, what is planted is found, and what cannot be told is not called either."""

import json
import random
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talante.corpus.article import Article, Unreadable
from talante.errors import DRIFT_ALARM, DataError, NotEnoughDataError, UsageError
from talante.evaluation.drift import Limits, drift
from talante.evaluation.drift_text import render_drift
from talante.evaluation.rising import rising_names, rising_words
from talante.evaluation.seen import Seen, names_in, see
from talante.evaluation.to_label import most_wanted
from talante.jobs.drift import find_drift, load_limits, read_window
from talante.model.model import Model
from tests.conftest import MINI, Run

EN = [
    "Today the harbor is calm, and the ships from the north come into the docks before noon.",
    "The teachers of the old school near the square ask for a new roof before the winter.",
    "Mayor Toral has ruined the harbor, and her town hall wastes our money, they say on the square.",
    "The harbor blooms thanks to Mayor Toral, and her wise town hall brought new ships to us.",
]
ES = [
    "Hoy el puerto está en calma, y los barcos del norte llegan a los muelles antes del mediodía.",
    "La alcaldesa Toral arruinó el puerto, y su ayuntamiento malgasta nuestro dinero cada año.",
]
STRANGE = "In the evening quantum wombats juggle purple asteroids, and the accordions hum beneath velvet glaciers."


def window(prefix: str, number: int, texts: Sequence[str] = EN, groups: int = 10) -> list[Article]:
    return [
        Article(f"{prefix}{i}", f"{texts[i % len(texts)]} Number {prefix} {i}.", group=f"outlet {i % groups}")
        for i in range(number)
    ]


def seen(model: Model, articles: Sequence[Article | Unreadable]) -> list[Seen]:
    return see(articles, model)


def test_two_windows_of_one_stream_are_no_alarm(model: Model) -> None:
    found = drift(seen(model, window("a", 80)), seen(model, window("b", 80)), model)
    assert found.alarms == [] and found.words == [] and found.names == []
    assert render_drift(found).startswith("No alarm: no figure is beyond its limit")


@pytest.mark.parametrize(
    ("texts", "kind"),
    [([STRANGE], "unknown_words"), (ES, "languages"), (EN[2:3], "targets"), (EN[1:2], "topics"), (EN[:1], "scores")],
)
def test_a_planted_change_is_an_alarm_of_its_kind(model: Model, texts: list[str], kind: str) -> None:
    found = drift(seen(model, window("a", 80, texts)), seen(model, window("b", 80)), model)
    assert kind in {shift.kind for shift in found.alarms}
    for shift in found.alarms:
        assert shift.kind == "length" or min(abs(shift.difference.low), abs(shift.difference.high)) > shift.limit


def test_longer_articles_are_told_as_a_ratio(model: Model) -> None:
    long = [" ".join([text] * 3) for text in EN]
    found = drift(seen(model, window("a", 80, long)), seen(model, window("b", 80)), model)
    (shift,) = [s for s in found.alarms if s.kind == "length"]
    assert 2 < shift.difference.low <= shift.difference.value < 3.1
    assert "times" in render_drift(found)


def test_what_cannot_be_tagged_is_counted_with_its_reason(model: Model) -> None:
    french = "Le gouvernement a annoncé une nouvelle mesure pour les écoles de la ville."
    new = [*window("a", 60), *window("f", 15, [french]), *(Unreadable(f"u{i}", "binary data") for i in range(5))]
    found = drift(seen(model, new), seen(model, window("b", 80)), model)
    assert found.new.untagged == {"language is 'fr'": 15, "cannot be read": 5}
    (shift,) = [s for s in found.shifts if s.kind == "untagged"]
    assert shift.new.value == 0.25 and shift.answer == "beyond its limit"
    assert "language is 'fr' (15)" in render_drift(found)


def test_what_lies_across_its_limit_cannot_be_told(model: Model) -> None:
    new = [*window("a", 40, EN[:1]), *window("c", 20, EN[1:2])]
    found = drift(seen(model, new), seen(model, window("b", 60, EN[:2])), model)
    (shift,) = [s for s in found.shifts if s.kind == "topics" and s.name == "schools"]
    assert shift.difference.low < -shift.limit < shift.difference.high
    assert shift.answer == "cannot tell" and shift in found.undecided
    assert "cannot be told" in render_drift(found)


def test_a_figure_of_few_articles_is_not_judged(model: Model) -> None:
    new = [*window("a", 60, EN[:2]), *window("c", 5, EN[2:3])]
    found = drift(seen(model, new), seen(model, window("b", 80)), model)
    against = next(s for s in found.shifts if s.name == "mayor: against")
    assert against.new.n == 5 and against.answer == "cannot tell"
    assert "Too few articles to tell" in render_drift(found)


def test_one_outlet_with_strays_has_its_articles_resampled_and_the_report_says_so(model: Model) -> None:
    one = [replace(a, group="quay" if i > 6 else "") for i, a in enumerate(window("a", 80))]
    found = drift(seen(model, one), seen(model, window("b", 80)), model)
    assert found.new.groups == 8 and found.shared_groups == 0
    assert "of these outlets, and not for others" in " ".join(render_drift(found).split())


def test_an_outlet_that_comes_in_is_an_alarm_however_many_others_there_are(model: Model) -> None:
    new = [*window("a", 60), *(replace(a, group="quay") for a in window("q", 40, ES))]
    found = drift(seen(model, new), seen(model, window("b", 100)), model)
    assert found.shared_groups == 10 and "languages" in {shift.kind for shift in found.alarms}


def test_what_outlets_always_do_is_no_drift(model: Model) -> None:
    """Each outlet has one kind of article in both windows; drawn apart, the windows would seem to differ."""
    texts = [EN[0], EN[1]]

    def stream(prefix: str) -> list[Article]:
        return [Article(f"{prefix}{i}", f"{texts[i % 6 % 2]} {prefix} {i}.", group=f"o{i % 6}") for i in range(120)]

    found = drift(seen(model, stream("a")), seen(model, stream("b")), model)
    harbor = next(s for s in found.shifts if s.kind == "topics" and s.name == "harbor")
    assert harbor.new.high - harbor.new.low > 0.3
    assert harbor.difference.high - harbor.difference.low < 0.05
    assert harbor.answer == "within its limit"


def test_where_the_model_has_learned_from_the_reference_sureness_is_not_compared(model: Model, corpus) -> None:  # type: ignore[no-untyped-def]
    reference = [replace(a, id=f"{a.id} {i}") for i in range(3) for a in corpus.articles]
    found = drift(seen(model, window("a", 80)), seen(model, reference), model)
    assert found.reference.learned == 60
    assert next(s for s in found.shifts if s.name == "score of the stances").answer == "cannot tell"
    assert "The model has learned from 60 of 60 reference articles" in " ".join(render_drift(found).split())


def test_articles_in_both_windows_are_told(model: Model) -> None:
    both = window("b", 60)
    found = drift(seen(model, [*both[:7], *window("a", 60)]), seen(model, both), model)
    assert found.in_both == 7 and "7 of the new articles are in the reference" in render_drift(found)


@pytest.mark.parametrize(("new", "reference", "place"), [(49, 80, "new articles"), (80, 49, "reference")])
def test_too_few_articles_are_refused_with_how_many_it_takes(
    model: Model, new: int, reference: int, place: str
) -> None:
    with pytest.raises(NotEnoughDataError, match=f"{place}: .*49, and it takes 50"):
        drift(seen(model, window("a", new)), seen(model, window("b", reference)), model)


def bare(words: Sequence[str], number: int, lang: str = "en", names: Sequence[str] = ()) -> Seen:
    one = seen_of(Article(str(number), "", lang=lang, group=f"g{number % 10}"))
    return replace(one, lang=lang, words=frozenset(words), names=frozenset(names))


def seen_of(article: Article) -> Seen:
    from talante.evaluation.outcomes import untagged

    return Seen(untagged(article))


def test_a_new_word_rises_and_what_all_articles_have_does_not() -> None:
    before = [bare(["harbor", "ships"], i) for i in range(200)]
    after = [bare(["harbor", "ships", "tsunami"] if i % 4 == 0 else ["harbor", "ships"], i) for i in range(200)]
    (rising,) = rising_words(after, before, {"harbor"})
    assert (rising.term, rising.new, rising.new_groups, rising.reference, rising.known) == ("tsunami", 50, 5, 0, False)


def test_function_words_months_and_figures_do_not_rise() -> None:
    before = [bare([], i) for i in range(200)]
    after = [bare(["the", "cada", "que", "august", "agosto", "2024", "tsunami"], i) for i in range(200)]
    assert [r.term for r in rising_words(after, before, set())] == ["tsunami"]


def test_a_changed_mix_of_languages_makes_no_word_rise() -> None:
    before = [bare(["puerto"] if i < 20 else ["harbor"], i, "es" if i < 20 else "en") for i in range(200)]
    after = [bare(["puerto"] if i < 180 else ["harbor"], i, "es" if i < 180 else "en") for i in range(200)]
    assert rising_words(after, before, set()) == []


def test_the_word_of_one_outlet_does_not_rise() -> None:
    before = [bare(["harbor"], i) for i in range(200)]
    own = [bare(["harbor", "subscribe"] if i % 10 == 3 else ["harbor"], i) for i in range(200)]
    nearly = [*own, bare(["subscribe"], 1), bare(["subscribe"], 2)]
    assert rising_words(own, before, set()) == [] and rising_words(nearly, before, set()) == []


@settings(max_examples=20)
@given(st.integers(0, 2**32))
def test_windows_drawn_alike_have_next_to_no_rising_word(seed: int) -> None:
    dice = random.Random(seed)
    words = [f"w{'abcdefghij'[i % 10]}{'klmnopqrst'[i // 10]}" for i in range(100)]

    def stream() -> list[Seen]:
        return [bare([w for k, w in enumerate(words) if dice.random() < 0.1 / (1 + k % 9)], i) for i in range(120)]

    assert len(rising_words(stream(), stream(), set())) <= 2


def test_a_longer_name_is_told_once_and_whole() -> None:
    before = [bare([], i) for i in range(200)]
    names = ["Rui Castro", "Castro Leal", "Rui Castro Leal"]
    after = [bare([], i, names=[] if i % 3 else names if i % 10 else names[:1]) for i in range(200)]
    (rising,) = rising_names(after, before, {"rui", "castro"})
    assert (rising.term, rising.known) == ("Rui Castro Leal", False)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Then Mayor Ines Toral spoke.", {"Mayor Ines", "Ines Toral", "Mayor Ines Toral"}),
        ("Mayor Toral spoke. Ines Toral was calm.", set()),
        ("BREAKING NEWS FROM THE HARBOR", set()),
        ("dice la alcaldesa Inés Ñáñez, de Puerto Viejo.", {"Inés Ñáñez", "Puerto Viejo"}),
    ],
)
def test_names_are_runs_of_capitals_inside_sentences(text: str, names: set[str]) -> None:
    assert names_in(text) == names


def test_articles_to_label_are_unsure_unlike_one_another_and_of_several_outlets(model: Model) -> None:
    new = [*window("a", 60, EN[:2]), *window("s", 12, [STRANGE]), *window("t", 12, EN[2:3], groups=1)]
    ours = seen(model, new)
    found = drift(ours, seen(model, window("b", 80)), model)
    wanted = most_wanted(ours, found, model, 4)
    assert len(wanted) == 4 and len({w.seen.article.text.split(" Number")[0] for w in wanted}) >= 3
    assert all(w.why and 0 <= w.need <= 1 for w in wanted)
    assert any("unknown" in " ".join(w.why) for w in wanted)


def test_what_the_model_has_learned_from_needs_no_label(model: Model, corpus) -> None:  # type: ignore[no-untyped-def]
    ours = seen(model, [*corpus.articles, *window("a", 60)])
    found = drift(ours, seen(model, window("b", 80)), model)
    assert {w.seen.article.id for w in most_wanted(ours, found, model, 50)}.isdisjoint(a.id for a in corpus.articles)


def written(path: Path, articles: Sequence[Article], **more: str) -> Path:
    rows = [{"id": a.id, "text": a.text, "outlet": a.group, "date": "2024-05-01", **more} for a in articles]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_window_keeps_what_records_say_of_their_articles(tmp_path: Path) -> None:
    path = written(tmp_path / "n.jsonl", window("a", 2), author="Ada", lang="en")
    path.write_text(path.read_text() + '{"id": "x", "te\n' + '{"text": "A text without an id."}\n')
    first, _, broken, bare = read_window([str(path)])
    assert isinstance(first, Article) and isinstance(bare, Article) and isinstance(broken, Unreadable)
    assert (first.outlet, first.date, first.author, first.url) == ("outlet 0", "2024-05-01", "Ada", "")
    assert bare.id == "n.jsonl:4"


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("[drift]\ntopic = 0.1", "unknown limit 'topic'.*did you mean 'topics'"),
        ("[drift]\ntopics = true", "topics is not a positive number"),
        ('[drift]\ntopics = "much"', "topics is not a positive number"),
        ("[drift]\nlength = 0.5", "length is a ratio"),
        ("drift = 3", "drift is not a table"),
        ("[drift", "not valid TOML"),
    ],
)
def test_a_faulty_limit_is_refused_with_its_place(tmp_path: Path, text: str, fact: str) -> None:
    (tmp_path / "gate.toml").write_text(text)
    with pytest.raises(DataError, match=rf"gate\.toml: .*{fact}"):
        load_limits(tmp_path / "gate.toml")


def test_limits_come_from_the_file_and_are_otherwise_the_defaults(tmp_path: Path) -> None:
    assert load_limits(tmp_path / "gate.toml") == Limits()
    (tmp_path / "gate.toml").write_text("[margins]\nother = 1\n\n[drift]\ntopics = 0.5\n")
    assert load_limits(tmp_path / "gate.toml") == Limits(topics=0.5)


def test_without_reference_and_corpus_there_is_nothing_to_compare_with(registry: Path, tmp_path: Path) -> None:
    new = written(tmp_path / "n.jsonl", window("a", 60))
    with pytest.raises(UsageError, match="--reference"):
        find_drift([str(new)], [], tmp_path / "data", registry / (registry / "current").read_text().strip())


def test_the_whole_round_from_alarm_to_corpus(talante: Run, tmp_path: Path) -> None:
    old, new = (
        written(tmp_path / "old.jsonl", window("b", 60)),
        written(tmp_path / "new.jsonl", window("a", 60, [STRANGE, *EN[1:3]])),
    )
    run = talante("drift", new, "--reference", old, "--to-label", "want.jsonl", "--top", 3)
    assert run.returncode == DRIFT_ALARM
    assert run.stdout.startswith(b"Drift: beyond the limit") and b"drift: " in run.stderr
    assert max(map(len, run.stdout.decode().splitlines())) <= 110
    records = [json.loads(line) for line in (tmp_path / "want.jsonl").read_text(encoding="utf-8").splitlines()]
    assert records and not {"topics", "stances"} & set(records[0]) and records[0]["outlet"].startswith("outlet")
    shutil.copytree(MINI, tmp_path / "data")
    assert b"no labels" in talante("corpus", "add", "want.jsonl").stderr
    filled = [r | {name: r["suggested"][name] for name in ("topics", "stances")} for r in records]
    (tmp_path / "want.jsonl").write_text("".join(json.dumps(r) + "\n" for r in filled), encoding="utf-8")
    added = talante("corpus", "add", "want.jsonl")
    assert (added.returncode, added.stdout.decode().split()) == (0, [r["id"] for r in records])


def test_json_has_every_figure_and_no_alarm_exits_with_zero(talante: Run, tmp_path: Path) -> None:
    old, new = written(tmp_path / "old.jsonl", window("b", 60)), written(tmp_path / "new.jsonl", window("a", 60))
    run = talante("drift", new, "-r", old, "--json")
    data = json.loads(run.stdout)
    assert run.returncode == 0 and run.stderr == b"" and data["alarm"] is False
    assert {shift["kind"] for shift in data["shifts"]} == set(Limits.__slots__)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "content"), [("e.jsonl", b""), ("p.jpg", b"\xff\xd8\xff\xe0\x00"), ("h.jsonl", b'{"id')]
)
def test_files_that_are_no_window_are_refused(talante: Run, tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    old = written(tmp_path / "old.jsonl", window("b", 60))
    run = talante("drift", name, "-r", old)
    assert run.returncode == 7 and name.encode() in run.stderr and b"it takes 50" in run.stderr
