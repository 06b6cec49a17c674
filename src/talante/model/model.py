"""A trained model in memory and what it says of an article; needs numpy and nothing that fits."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from talante.corpus.article import STANCES, Article, Stance
from talante.corpus.schema import Schema, Target
from talante.errors import DataError
from talante.features.tfidf import Tfidf, Vector
from talante.text.prepare import Prepared, Preparer

Array = NDArray[np.float64]

#: Weights of terms: single precision, half the megabytes.
Weights = NDArray[np.float32]

#: The names of what `mention_features` returns.
MENTION_FEATURES = (
    "number of mentions",
    "words of the article",
    "mentioned in the title",
    "place of the first mention",
    "part of the text that the mentions span",
    "mentions of other targets",
    "sentences that open with a mention",
)


@dataclass(frozen=True, slots=True)
class StancePrediction:
    """The stance toward one target: probabilities of `against`, `neutral`, `favor`, which sum to 1."""

    probabilities: tuple[float, float, float]

    @property
    def stance(self) -> Stance:
        """Return the most probable stance."""
        return STANCES[int(np.argmax(self.probabilities))]

    @property
    def score(self) -> float:
        """Return the probability of that stance."""
        return max(self.probabilities)


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says of one article. ``scores`` has every topic, ``topics`` those at their threshold."""

    article: Article
    scores: Mapping[str, float]
    topics: tuple[str, ...]
    stances: Mapping[str, StancePrediction]


@dataclass(frozen=True)
class TopicModel:
    """One logistic regression for each topic, over the article's single words and the topic's words in the schema.

    ``coef`` is (topics, single words), ``word_coef`` (topics, 2) for `word_features`, the others (topics,).
    """

    coef: Weights
    word_coef: Array
    intercept: Array
    threshold: Array


@dataclass(frozen=True)
class StanceModel:
    """One multinomial logistic regression for all targets over three views of an article.

    ``near``: the sentences that name the target, masked; shared by all targets, (3, near terms).
    ``whole``: the whole article, masked; shared by all targets, (3, whole terms).
    ``own``: the whole article as it is, apart for each target of the schema, (targets, 3, article terms).
    ``own_intercept`` is (targets, 3), ``intercept`` (3,). A target added to the schema has the shared views at
    once, and zeros in ``own`` until it has been trained. This is the feature augmentation of Daumé III (2007),
    "Frustratingly Easy Domain Adaptation", with targets for domains.
    """

    near: Weights
    whole: Weights
    own: Weights
    own_intercept: Array
    intercept: Array


@dataclass(frozen=True)
class AddressedModel:
    """One logistic regression for all targets: whether an article really treats a target that it mentions.

    ``coef`` has a weight for each of MENTION_FEATURES, ``near`` one for each near term: what is said where the target
    is named; all targets share both. ``topic_words`` is (targets, topics, 2): for each target, what the words of each
    topic say, as `word_features`; zeros for a target added to the schema. ``intercept`` and ``threshold`` are (1,).
    """

    coef: Array
    near: Weights
    topic_words: Array
    intercept: Array
    threshold: Array


@dataclass(frozen=True)
class Model:
    """Everything that `predict` needs; made by `talante.model.fit.fit`, read by `talante.model.files.load`.

    ``sketches`` is (articles learned from, `talante.corpus.duplicates.SKETCH`), for `talante.evaluation` to know these
    articles again.
    """

    schema: Schema
    languages: tuple[str, ...]
    article_terms: Tfidf
    near_terms: Tfidf
    whole_terms: Tfidf
    topics: TopicModel
    stances: StanceModel
    addressed: AddressedModel
    sketches: NDArray[np.uint32]
    card: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Return the name of the model: the digest of its card and arrays, empty until it has been saved."""
        return str(self.card.get("id", ""))

    @cached_property
    def preparer(self) -> Preparer:
        """Return what makes an article ready for this model."""
        return Preparer(self.schema)

    def with_target(self, target: Target) -> "Model":
        """Return this model for a schema with one more target: what all targets share speaks for it, nothing else."""
        stances, addressed = self.stances, self.addressed

        def grown(array: NDArray[Any]) -> NDArray[Any]:
            return np.concatenate([array, np.zeros((1, *array.shape[1:]), array.dtype)])

        return replace(
            self,
            schema=replace(self.schema, targets=(*self.schema.targets, target)),
            stances=replace(stances, own=grown(stances.own), own_intercept=grown(stances.own_intercept)),
            addressed=replace(addressed, topic_words=grown(addressed.topic_words)),
        )

    def predict(self, article: Article) -> Prediction:
        """Tag one article.

        Raises DataError when it has no text, or is not in a language that the model was trained on.
        """
        return self.predict_prepared(self.preparer.prepare(article))

    def predict_prepared(self, prepared: Prepared) -> Prediction:
        """Tag an article that was prepared with the same schema."""
        self.check_language(prepared.article.lang)
        vector = self.article_terms.vector(prepared.text)
        probabilities = sigmoid(self.topic_logits(prepared, vector))
        scores = dict(zip(self.schema.topic_ids, probabilities.tolist(), strict=True))
        passed = probabilities >= self.topics.threshold
        topics = [t for t, p in zip(self.schema.topic_ids, passed.tolist(), strict=True) if p]
        stances = {
            target: StancePrediction(softmax(self.stance_logits(prepared, vector, target)))
            for target in self.schema.target_ids
            if self.is_addressed(prepared, target)
        }
        return Prediction(prepared.article, scores, tuple(sorted(topics, key=lambda t: -scores[t])), stances)

    def check_language(self, lang: str) -> None:
        """Raise DataError for a language that the model was not trained on."""
        if lang not in self.languages:
            raise DataError(
                f"language is '{lang}', and the model was trained on {', '.join(self.languages)}",
                remedy="if that is wrong, name the language with --lang",
            )

    def is_addressed(self, prepared: Prepared, target: str) -> bool:
        """Say whether an article really treats a target, and does not only name it in passing."""
        if target in self.schema.assumed:
            return True
        if target not in prepared.mentions:
            return False
        return bool(sigmoid(self.addressed_logit(prepared, target)) >= self.addressed.threshold[0])

    def addressed_logit(self, prepared: Prepared, target: str) -> Array:
        """Return the decision value, a number, of whether an article treats a target that it mentions."""
        model, (columns, values) = self.addressed, self.near_terms.vector(prepared.contexts[target].near)
        logit = model.coef @ np.array(mention_features(prepared, target)) + model.near[columns] @ values
        topic_words = model.topic_words[self.schema.target_ids.index(target)] * self.topic_words(prepared)
        return np.asarray(logit + topic_words.sum() + model.intercept[0])

    def topic_words(self, prepared: Prepared) -> Array:
        """Return `word_features` of every topic, (topics, 2)."""
        return np.array([word_features(prepared, topic) for topic in self.schema.topic_ids]).reshape(-1, 2)

    def topic_logits(self, prepared: Prepared, vector: Vector) -> Array:
        """Return the decision value of each topic, (topics,), for an article and its vector in the article terms."""
        columns, values = self.article_terms.words_of(vector)
        words = (self.topics.word_coef * self.topic_words(prepared)).sum(axis=1)
        logits: Array = self.topics.coef[:, columns] @ values + words
        return logits + self.topics.intercept

    def stance_logits(self, prepared: Prepared, vector: Vector, target: str) -> Array:
        """Return the decision values of the three stances toward a target that the article mentions."""
        model, views = self.stances, prepared.contexts[target]
        near_columns, near_values = self.near_terms.vector(views.near)
        whole_columns, whole_values = self.whole_terms.vector(views.whole)
        number = self.schema.target_ids.index(target)
        logits: Array = model.near[:, near_columns] @ near_values
        logits += model.whole[:, whole_columns] @ whole_values
        logits += model.own[number][:, vector[0]] @ vector[1]
        logits += model.own_intercept[number] + model.intercept
        return logits


def mention_features(prepared: Prepared, target: str) -> tuple[float, ...]:
    """Return how an article mentions a target, the numbers that MENTION_FEATURES names; it must mention it.

    They are the logarithms of the numbers of mentions and of words (one mention makes the point of a short note, and
    is in passing in a long report), 1 if the title has a mention, the place of the first one and the part of the text
    that they span, both as shares, and the logarithms of 1 + the number of mentions of other targets and of 1 + the
    number of sentences that open with a mention.
    """
    found = prepared.mentions[target]
    others = sum(other.count for label, other in prepared.mentions.items() if label != target)
    return (
        math.log(found.count),
        math.log(prepared.words),
        float(found.in_title),
        found.first,
        found.last - found.first,
        math.log1p(others),
        math.log1p(found.opened),
    )


def word_features(prepared: Prepared, topic: str) -> tuple[float, float]:
    """Return the density of a topic's words, in twenty words of text, and 1 if the title has one.

    Densities, not counts: the articles of the corpus are shorter than those it is used on. The 50 words more
    keep one hit in a headline from being a high density.
    """
    found = prepared.topic_words.get(topic)
    return (20.0 * found.count / (prepared.words + 50), float(found.in_title)) if found else (0.0, 0.0)


def sigmoid(logits: Array) -> Array:
    """Return the probabilities of logits; stable for large ones."""
    return np.exp(-np.logaddexp(0.0, -logits))


def softmax(logits: Array) -> tuple[float, float, float]:
    """Return the probabilities of the three stances from their logits."""
    powers = np.exp(logits - logits.max())
    against, neutral, favor = (powers / powers.sum()).tolist()
    return against, neutral, favor
