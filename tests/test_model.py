"""The model: learns the miniature corpus, says nothing of what it cannot know, and is scikit-learn's."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joblib import parallel_config
from scipy.sparse import csr_matrix, hstack, random_array
from scipy.special import expit, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler, normalize

from talante.corpus.article import STANCES, Article, Stance
from talante.corpus.records import Corpus
from talante.corpus.schema import Schema, Target
from talante.errors import DataError, NotEnoughDataError
from talante.features.tfidf import Tfidf
from talante.features.tokens import is_word
from talante.model.count import stance_pairs
from talante.model.files import load, save
from talante.model.fit import _enough_of_both, _fit_binary, _one_by_one, _splits, _temperature, fit, logistic_regression
from talante.model.model import Model, mention_features, word_features
from talante.model.settings import Settings
from talante.text.prepare import Prepared, Preparer
from tests.conftest import SETTINGS

SINGLE = 1e-6  # weights of terms are kept in single precision

ARTICLES = st.lists(
    st.sampled_from(
        [
            "Mayor",
            "Toral",
            "town",
            "hall",
            "harbor",
            "ships",
            "lies",
            "wise",
            "honest",
            "ayuntamiento",
            "miente",
            ".",
            "\n\n",
            "school",
            "zebra",
        ]
    ),
    min_size=1,
).map(lambda words: Article(id="x", text="Toral the " + " ".join(words), lang="en"))


def test_it_learns_what_a_person_sees(model: Model) -> None:
    text = "Toral lies again. The corrupt and arrogant town hall wastes our money, and the harbor rots at its docks."
    prediction = model.predict(Article(id="x", text=text))
    assert prediction.topics == ("harbor",)
    assert {t: s.stance for t, s in prediction.stances.items()} == {"mayor": "against"}
    text = "Gracias a la sabia alcaldesa Toral cada escuela merece nuestro aplauso. El ayuntamiento es honesto."
    prediction = model.predict(Article(id="x", text=text))
    assert prediction.topics == ("schools",)
    assert prediction.stances["mayor"].stance == "favor"


def test_one_article_can_take_opposite_sides(model: Model, articles: list[Prepared]) -> None:
    stances = model.predict_prepared(articles[0]).stances
    assert {t: s.stance for t, s in stances.items()} == {"mayor": "against", "union": "favor"}


def test_a_target_that_is_not_addressed_has_no_stance(model: Model) -> None:
    assert not model.predict(Article(id="x", text="The harbor is quiet, and so are the ships at the docks.")).stances


def test_probabilities_sum_to_one_and_the_score_is_the_greatest(model: Model, articles: list[Prepared]) -> None:
    for prepared in articles:
        for prediction in model.predict_prepared(prepared).stances.values():
            assert sum(prediction.probabilities) == pytest.approx(1.0)
            assert prediction.score == max(prediction.probabilities)


@pytest.mark.parametrize(
    "text", ["Der Bürgermeister traf sich am Montag mit den Arbeitern im Hafen der Stadt.", "Toral"]
)
def test_an_unknown_language_is_an_error_not_a_guess(model: Model, text: str) -> None:
    with pytest.raises(DataError, match="language"):
        model.predict(Article(id="x", text=text))


@pytest.fixture(scope="module")
def peers(
    articles: list[Prepared], corpus: Corpus, model: Model
) -> tuple[list[LogisticRegression], LogisticRegression]:
    """The same features and labels, fitted by scikit-learn alone: a topic each, and all stances."""
    topics = []
    for topic in corpus.schema.topic_ids:
        features = topic_features(model, articles, topic)
        labels = [topic in (p.article.topics or ()) for p in articles]
        topics.append(logistic_regression(SETTINGS.topic_c).fit(features, labels))
    pairs = stance_pairs(articles)
    labels = [STANCES.index(p.stance) for p in pairs]
    cells = [(p.target, p.stance) for p in pairs]
    weights = np.array([1 / cells.count(cell) for cell in cells])
    features = stance_features(model, [(p.prepared, p.target) for p in pairs])
    stances = logistic_regression(SETTINGS.stance_c, tol=1e-10)
    return topics, stances.fit(features, labels, sample_weight=weights / weights.mean())


def tfidf(terms: Tfidf, texts: list[str]) -> csr_matrix:
    rows = np.zeros((len(texts), len(terms.terms)))
    for row, (columns, values) in zip(rows, map(terms.vector, texts), strict=True):
        row[columns] = values
    return csr_matrix(rows)


def topic_features(model: Model, articles: list[Prepared], topic: str) -> csr_matrix:
    words = [is_word(term) for term in model.article_terms.terms]
    words = normalize(tfidf(model.article_terms, [p.text for p in articles])[:, words])
    return hstack([words, SETTINGS.word_weight * csr_matrix([word_features(p, topic) for p in articles])]).tocsr()


def stance_features(model: Model, pairs: list[tuple[Prepared, str]]) -> csr_matrix:
    near = tfidf(model.near_terms, [p.contexts[t].near for p, t in pairs]) * SETTINGS.near_weight
    whole = tfidf(model.whole_terms, [p.contexts[t].whole for p, t in pairs]) * SETTINGS.whole_weight
    own = tfidf(model.article_terms, [p.text for p, _ in pairs])
    is_of = np.array([[float(t == target) for target in model.schema.target_ids] for _, t in pairs])
    return hstack([near, whole, *(own.multiply(column[:, None]) for column in is_of.T), csr_matrix(is_of)]).tocsr()


@given(article=ARTICLES)
def test_fitted_saved_and_loaded_it_is_scikit_learns_after_calibration(
    article: Article, model: Model, loaded: Model, peers: tuple[list[LogisticRegression], LogisticRegression]
) -> None:
    topic_peers, stance_peer = peers
    prepared = model.preparer.prepare(article)
    for own in (model, loaded):
        prediction = own.predict_prepared(prepared)
        for topic, peer in zip(model.schema.topic_ids, topic_peers, strict=True):
            scale, shift = own.card["calibration"]["topics"][topic]
            logit = scale * peer.decision_function(topic_features(model, [prepared], topic))[0] + shift
            assert prediction.scores[topic] == pytest.approx(expit(logit), abs=SINGLE)
        for target, stance in prediction.stances.items():
            logits = stance_peer.decision_function(stance_features(model, [(prepared, target)]))[0]
            expected = softmax(own.card["calibration"]["stances"] * logits)
            np.testing.assert_allclose(stance.probabilities, expected, rtol=0, atol=1e-5)


@pytest.fixture(scope="module")
def loaded(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("models")
    return load(folder / save(model, folder).id)


def test_the_same_corpus_gives_the_same_model(
    model: Model, articles: list[Prepared], corpus: Corpus, tmp_path: Path
) -> None:
    again = fit(articles, corpus.schema, SETTINGS)
    assert save(model, tmp_path).id == save(again, tmp_path).id
    assert len(list(tmp_path.iterdir())) == 1


def test_a_target_that_was_never_trained_has_a_stance_from_the_shared_views(
    articles: list[Prepared], corpus: Corpus
) -> None:
    untrained = [
        replace(p, article=replace(p.article, stances={t: s for t, s in p.article.stances.items() if t != "union"}))
        for p in articles
        if p.article.stances is not None
    ]
    model = fit(untrained, corpus.schema, SETTINGS)
    union = model.schema.target_ids.index("union")
    assert not model.stances.own[union].any() and not model.stances.own_intercept[union].any()
    text = "The dockers' union lies. Corrupt and arrogant, the dockers' union wastes our money. A shameful plan."
    assert model.predict(Article(id="x", text=text)).stances["union"].stance == "against"


def some(articles: list[Prepared], *ids: str) -> list[Prepared]:
    return [p for p in articles if p.article.id in ids]


@pytest.mark.parametrize(
    "ids",
    [("m01",), ("m01", "m03"), ("m01", "m02"), ("m01", "m03", "m05"), ("m01", "m07", "m10", "m11")],
    ids=["one article", "two stances", "one stance", "one of each", "topics of one article"],
)
def test_very_little_data_gives_a_sane_model(articles: list[Prepared], corpus: Corpus, ids: tuple[str, ...]) -> None:
    model = fit(some(articles, *ids), corpus.schema, Settings())
    for prepared in articles:
        if prepared.article.lang not in model.languages:
            continue
        prediction = model.predict_prepared(prepared)
        assert all(0 < score < 1 for score in prediction.scores.values())
        seen = {s for p in some(articles, *ids) for s in (p.article.stances or {}).values()}
        assert {s.stance for s in prediction.stances.values()} <= seen


def test_a_label_that_cannot_be_learned_is_logged(
    articles: list[Prepared], corpus: Corpus, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "talante"):
        fit(some(articles, "m01", "m02"), corpus.schema, Settings())
    assert "topic 'schools' has 0 positive" in caplog.text
    assert "'neutral': it will never be predicted" in caplog.text


def test_nothing_to_learn_from_is_said(articles: list[Prepared], corpus: Corpus) -> None:
    with pytest.raises(NotEnoughDataError, match="stance"):
        fit(some(articles, "m10"), corpus.schema, Settings())
    unlabelled = [replace(p, article=replace(p.article, topics=None)) for p in articles]
    with pytest.raises(NotEnoughDataError, match="topics"):
        fit(unlabelled, corpus.schema, Settings())


def test_a_corpus_that_no_topic_was_annotated_in_is_enough_for_targets(
    articles: list[Prepared], corpus: Corpus
) -> None:
    bare = [replace(p, article=replace(p.article, topics=None)) for p in articles]
    learned = fit(bare, Schema((), corpus.schema.targets), SETTINGS)
    assert learned.predict(Article(id="x", text=articles[0].text)).stances["mayor"].stance == "against"


def test_a_schema_of_topics_alone_or_targets_alone_is_enough(articles: list[Prepared], corpus: Corpus) -> None:
    alone = Schema(corpus.schema.topics, ())
    prepared = [Preparer(alone).prepare(article) for article in corpus.articles]
    topics = fit(prepared, alone, SETTINGS).predict(Article(id="x", text=articles[0].text))
    assert topics.topics == ("harbor",) and not topics.stances
    stances = fit(articles, Schema((), corpus.schema.targets), SETTINGS).predict(Article(id="x", text=articles[0].text))
    assert not stances.topics and stances.stances["mayor"].stance == "against"


def test_a_target_in_passing_is_told_from_one_that_is_treated(corpus: Corpus, model: Model) -> None:
    passing = "The fleet sailed at noon. " * 20 + "Toral was there. " + "The wind was fair. " * 20
    treated = "Toral closed the harbor. Toral sold the ships. " * 4
    labelled = [
        Article(id=f"{kind}{i}", text=f"{text} Day {i}.", lang="en", topics=frozenset(), stances=stances, group=f"g{i}")
        for i in range(6)
        for kind, text, stances in (("p", passing, {}), ("t", treated, {"mayor": "against" if i % 2 else "favor"}))
    ]
    targets, prepared = Schema((), corpus.schema.targets), [model.preparer.prepare(article) for article in labelled]
    learned = fit(prepared, targets, SETTINGS)
    for article in labelled:
        assert set(learned.predict(article).stances) == set(article.stances or ())
    # Scaling and calibration are in the weights
    numbers = np.array([mention_features(p, "mayor") for p in prepared])
    near = tfidf(learned.near_terms, [p.contexts["mayor"].near for p in prepared])
    features = hstack([StandardScaler().fit_transform(numbers), SETTINGS.addressed_near * near]).tocsr()
    peer = logistic_regression(SETTINGS.addressed_c).fit(features, [bool(a.stances) for a in labelled])
    scale, shift = learned.card["calibration"]["addressed"]
    own = [learned.addressed_logit(p, "mayor") for p in prepared]
    np.testing.assert_allclose(own, scale * peer.decision_function(features) + shift, rtol=0, atol=1e-5)


def test_without_an_example_in_passing_every_mention_counts(
    articles: list[Prepared], corpus: Corpus, caplog: pytest.LogCaptureFixture
) -> None:
    treated = [p for p in articles if set(p.mentions) == set(p.article.stances or ())]
    with caplog.at_level(logging.WARNING, "talante"):
        learned = fit(treated, corpus.schema, SETTINGS)
    assert "only named in passing in 0: too few to tell" in caplog.text
    passing = "The fleet sailed at noon. " * 40 + "Toral was there."
    assert set(learned.predict(Article(id="x", text=passing, lang="en")).stances) == {"mayor"}


def test_what_all_topics_say_of_a_target_is_scaled_into_the_weights(
    articles: list[Prepared], corpus: Corpus, model: Model
) -> None:
    learned = model.addressed
    assert learned.topic_words.shape == (2, 2, 2)
    for prepared in articles:
        for number, target in enumerate(corpus.schema.target_ids):
            if target in prepared.mentions:
                columns, values = model.near_terms.vector(prepared.contexts[target].near)
                expected = (
                    learned.coef @ mention_features(prepared, target)
                    + learned.near[columns] @ values
                    + sum(
                        learned.topic_words[number, t] @ word_features(prepared, topic)
                        for t, topic in enumerate(corpus.schema.topic_ids)
                    )
                    + learned.intercept[0]
                )
                assert model.addressed_logit(prepared, target) == pytest.approx(expected, abs=1e-9)


POSTS = [
    ("against", "No to the bridge, it is a waste"), ("against", "Stop the bridge now, what a waste"),
    ("favor", "Yes to the bridge, build it"), ("favor", "Build the bridge now, we all win"),
    ("neutral", "The council meets on Monday"), ("neutral", "Monday is the day of the council"),
]  # fmt: skip


@pytest.fixture(scope="module")
def posts() -> list[Article]:
    return [
        Article(id=f"{n}-{i}", text=f"{text} {'!' * n}", lang="en", topics=frozenset(), stances={"bridge": stance})
        for n in range(4)
        for i, (stance, text) in enumerate(POSTS)
    ]


def test_a_target_is_assumed_where_the_schema_says_so(posts: list[Article]) -> None:
    schema = Schema((), (Target("bridge", {}, "", {"en": ("bridge",)}, assumed=True),))
    preparer = Preparer(schema)
    learned = fit([preparer.prepare(post) for post in posts], schema, Settings())
    # Neither names the bridge; the second has no whole word in common with what was learned from
    for text, stance in (("Waste, nothing but waste", "against"), ("Councils meeting Mondays", "neutral")):
        assert learned.predict(Article(id="x", text=text, lang="en")).stances["bridge"].stance == stance
    # Of short texts parts of words are terms
    assert learned.article_terms.parts and "~·was" in learned.article_terms.terms


def test_a_target_that_is_not_assumed_needs_a_mention(posts: list[Article]) -> None:
    schema = Schema((), (Target("bridge", {}, "", {"en": ("bridge",)}),))
    preparer = Preparer(schema)
    learned = fit([preparer.prepare(post) for post in posts], schema, Settings())
    assert not learned.predict(Article(id="x", text="Waste, nothing but waste", lang="en")).stances


def test_a_target_can_be_added_to_a_model(model: Model) -> None:
    more = model.with_target(Target("captain", {}, "", {"en": ("Captain Oda",)}))
    text = "Captain Oda lies. Corrupt and arrogant, Captain Oda wastes our money. A shameful plan, Captain Oda."
    assert not model.predict(Article(id="x", text=text, lang="en")).stances
    assert more.predict(Article(id="x", text=text, lang="en")).stances["captain"].stance == "against"
    same = Article(id="x", text="Toral lies again. The corrupt town hall wastes our money.", lang="en")
    assert more.predict(same).stances == model.predict(same).stances


def test_held_out_scores_that_say_nothing_become_the_frequency() -> None:
    # The label alternates inside each group and the features are the group's alone: nothing carries over
    features = csr_matrix(np.repeat(np.eye(10), 4, axis=0))
    labels = np.tile([True, False, False, False], 10)
    fitted = _fit_binary(features, labels, _splits([f"g{i // 4}" for i in range(40)], 5), c=100.0)
    scores = expit(features @ fitted.coef + fitted.intercept)
    np.testing.assert_allclose(scores, 0.25, atol=0.02)


def test_a_label_whose_held_out_scores_are_noise_gets_its_frequency() -> None:
    random = np.random.default_rng(2)
    features, labels = csr_matrix(random.normal(size=(300, 50))), np.zeros(300, dtype=bool)
    labels[:6] = True
    splits = _splits([f"g{i}" for i in range(300)], 5)
    fitted = _fit_binary(features, labels, splits, c=100.0)
    assert fitted.calibration and fitted.calibration[0] == 0.01, "the noise of this seed must speak against itself"
    assert expit(features @ fitted.coef + fitted.intercept).mean() == pytest.approx(6 / 300, abs=0.005)


def test_one_example_is_no_reason_to_be_certain(articles: list[Prepared], corpus: Corpus) -> None:
    learned = fit(some(articles, "m02"), corpus.schema, Settings())
    prediction = learned.predict(Article(id="x", text="Toral is wise. The town hall is honest.", lang="en"))
    (answer,) = prediction.stances.values()
    assert answer.stance == "against" and answer.score == pytest.approx(0.6)
    assert not prediction.topics, "every article of the corpus has the topic: nothing was learned of it"


def test_nothing_to_calibrate_by_changes_nothing() -> None:
    assert _temperature(np.zeros((0, 3)), np.zeros(0, dtype=int)) is None
    # A few labels that are all right do not make scores certain
    logits = np.eye(3) * 2.0
    assert _temperature(logits, np.arange(3)) < 2.5


def test_what_cannot_be_tried_on_other_articles_is_not_sure_of_itself(articles: list[Prepared], corpus: Corpus) -> None:
    alone = [replace(p, article=replace(p.article, group="one")) for p in articles]
    learned = fit(alone, corpus.schema, replace(SETTINGS, topic_c=100.0, stance_c=300.0))
    assert learned.card["calibration"] == {
        "topics": {"harbor": None, "schools": None},
        "addressed": None,
        "stances": None,
    }
    for prepared in alone:
        prediction = learned.predict_prepared(prepared)
        assert all(s.score < 0.8 for s in prediction.stances.values())


def test_the_temperature_mends_scores_that_are_too_sure() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(size=(5000, 3))
    labels = np.array([random.choice(3, p=p) for p in softmax(logits, axis=1)])
    assert _temperature(4.0 * logits, labels) == pytest.approx(0.25, abs=0.02)


def test_the_way_for_many_articles_gives_the_same_answers(
    model: Model, articles: list[Prepared], corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("talante.model.fit._MOST_ROWS", 3)
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    many = fit(articles, corpus.schema, SETTINGS)
    assert not np.array_equal(many.stances.own, model.stances.own)
    pairs = [(model.predict_prepared(p), many.predict_prepared(p)) for p in articles]
    assert sum(a.topics == b.topics for a, b in pairs) >= len(pairs) - 1
    stances = [(a.stances[t], b.stances[t]) for a, b in pairs for t in a.stances.keys() & b.stances.keys()]
    assert len(stances) > 15 and all(a.stance == b.stance for a, b in stances)
    np.testing.assert_array_equal(fit(articles, corpus.schema, SETTINGS).stances.own, many.stances.own)


def test_many_rows_are_shared_among_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "2")
    draw = np.random.default_rng(0)
    rows = csr_matrix(random_array((3000, 400), density=0.2, rng=draw))
    assert rows.data.nbytes > 1e6  # from a megabyte on joblib maps arrays
    labels = (rows @ draw.normal(size=(400, 3))).argmax(axis=1)
    cells: list[tuple[str, Stance]] = [("toral-government", STANCES[i]) for i in labels]
    halves = [np.arange(3000), np.arange(1500)]
    found = _one_by_one(rows, labels, cells, 1.0, halves)
    for (coef, intercept, seen), i in zip(found, halves, strict=True):
        assert seen.all() and ((rows[i] @ coef.T + intercept).argmax(axis=1) == labels[i]).mean() > 0.9
        with parallel_config("sequential"):
            [(again, _, _)] = _one_by_one(rows[i], labels[i], [cells[n] for n in i], 1.0, [np.arange(len(i))])
        np.testing.assert_array_equal(again, coef)


def test_of_many_rows_few_are_held_out_for_calibration(
    corpus: Corpus, articles: list[Prepared], monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = [f"g{i % 10}" for i in range(100)]
    assert len(_splits(groups, 5)) == 5
    monkeypatch.setattr("talante.model.fit.ENOUGH", 30)
    assert [len(outside) for _, outside in _splits(groups, 5)] == [20, 20]
    with_a_large_one = ["large"] * 100 + groups
    held_out = {with_a_large_one[i] for _, outside in _splits(with_a_large_one, 5) for i in outside}
    assert len(held_out) > 2 and "large" not in held_out
    model = fit(articles, corpus.schema, SETTINGS)
    assert set(model.card["calibration"]["topics"]) == set(corpus.schema.topic_ids)


def test_folds_are_held_out_until_there_is_enough_of_both_answers() -> None:
    labels = np.arange(4000) % 10 == 0
    labels[3000:] = False
    splits = [(np.setdiff1d(np.arange(4000), o), o) for o in np.split(np.arange(4000), 4)]
    assert [len(_enough_of_both(splits, labels)), len(_enough_of_both(splits, ~labels))] == [3, 3]
    assert len(_enough_of_both(splits, np.arange(4000) % 2 == 0)) == 1
    assert len(_enough_of_both(splits, np.arange(4000) == 7)) == 4
    assert _enough_of_both([], labels) == []
