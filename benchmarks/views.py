"""What each view of an article is worth for stances: every part taken away, every part that was tried put in.

python benchmarks/views.py [--data data] [--news FOLDER] [--only NAME ...]

The stances of the corpus are predicted with writing sessions (files of data/articles) held out, by the multinomial
logistic regression of `talante train` over other views (terms are counted by pair here, by article there). `--share`
learns from that share of the groups only. `--news` names a folder with en.jsonl.gz and es.jsonl.gz, general news (a
field `text`), whose document frequencies replace those of the corpus in the lines that say so. Prints a line for each
choice: macro-F1 over all targets, that of the first one, log loss after one temperature, and the share of right stances
in the worst session. Half a minute a line on two cores.
"""

import argparse
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from scipy.sparse import csr_matrix, diags, hstack
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupKFold

from talante.corpus.article import STANCES, Stance
from talante.corpus.files import lines, open_binary, parse_object
from talante.corpus.records import load_corpus
from talante.features.tokens import terms
from talante.jobs.corpus import prepare_corpus
from talante.model.count import Pair, stance_pairs
from talante.model.fit import _fit_multinomial, _temperature
from talante.model.settings import Settings
from talante.text.contexts import OTHER_MASK, TARGET_MASK
from talante.text.fold import fold
from talante.text.sentences import sentence_spans

WORD = re.compile(r"⟦\w+⟧|\w\w+")
QUOTE = re.compile(r'“[^”]{1,600}”|«[^»]{1,600}»|"[^"]{1,600}"')
SAID = re.compile(
    r"\b(?:said|says|told|according to|claim(?:ed|s)|insist(?:ed|s)|argue[ds]|stated|warned|denounced|accused|alleged"
    r"|dijo|dice|afirmo|aseguro|senalo|segun|declaro|sostuvo|denuncio|acuso|anadio|indico|advirtio|explico|manifesto)\b"
)
NEGATION = re.compile("not|no|never|nor|without|cannot|neither|nobody|nothing|nunca|jamas|sin|ni|tampoco|nadie|nada")

FEWEST = 20  # stances of a session, to be the worst one


def quoted(text: str) -> str:
    """Return what stands in quotation marks."""
    return "\n".join(QUOTE.findall(text))


def attributed(text: str, wanted: bool) -> str:
    """Return the sentences that quote or attribute, or the others: the author's own voice."""
    cut = [text[a:b] for a, b in sentence_spans(text)]
    return "\n".join(s for s in cut if bool(QUOTE.search(s) or SAID.search(fold(s))) is wanted)


def window(text: str) -> list[str]:
    """Return the words up to five before and after the target, marked with their side: who does what."""
    words = WORD.findall(fold(text))
    found = []
    for i in (i for i, word in enumerate(words) if word == TARGET_MASK):
        found += [f"before {w}" for w in words[max(i - 5, 0) : i]] + [f"after {w}" for w in words[i + 1 : i + 6]]
    return found


def between(text: str) -> list[str]:
    """Return the words between the target and another one, marked with who comes first."""
    words, found = WORD.findall(fold(text)), []
    at = [i for i, word in enumerate(words) if word in (TARGET_MASK, OTHER_MASK)]
    for i, j in pairwise(at):
        if words[i] != words[j] and j - i <= 8:
            found += [f"{words[i]} {word}" for word in words[i + 1 : j]]
    return found


def negated(text: str) -> list[str]:
    """Return the words that follow a negation before the next punctuation mark."""
    found = []
    for clause in re.split(r"[.,;:!?\n]", fold(text)):
        words = WORD.findall(clause)
        first = next((i for i, word in enumerate(words) if NEGATION.fullmatch(word)), len(words))
        found += [f"not {word}" for word in words[first + 1 :]]
    return found


def part(text: str, which: slice) -> str:
    """Return a part of the sentences, each part a fifth."""
    cut = [text[a:b] for a, b in sentence_spans(text)]
    fifths = [cut[i * len(cut) // 5 : (i + 1) * len(cut) // 5] for i in range(5)]
    return "\n".join(s for fifth in fifths[which] for s in fifth)


View = Callable[[Pair], list[str]]
VIEWS: dict[str, View] = {
    "near": lambda p: terms(p.prepared.contexts[p.target].near),
    "near, with parts of words": lambda p: terms(p.prepared.contexts[p.target].near, parts=True),
    "whole": lambda p: terms(p.prepared.contexts[p.target].whole),
    "whole, with parts of words": lambda p: terms(p.prepared.contexts[p.target].whole, parts=True),
    "own": lambda p: terms(p.prepared.text),
    "title": lambda p: terms(p.prepared.contexts[p.target].whole.partition("\n")[0]),
    "opening": lambda p: terms(part(p.prepared.contexts[p.target].whole, slice(0, 1))),
    "closing": lambda p: terms(part(p.prepared.contexts[p.target].whole, slice(4, 5))),
    "quoted": lambda p: terms(quoted(p.prepared.contexts[p.target].whole)),
    "not quoted": lambda p: terms(QUOTE.sub("\n", p.prepared.contexts[p.target].whole)),
    "attributed": lambda p: terms(attributed(p.prepared.contexts[p.target].whole, True)),
    "own voice": lambda p: terms(attributed(p.prepared.contexts[p.target].whole, False)),
    "near, attributed": lambda p: terms(attributed(p.prepared.contexts[p.target].near, True)),
    "near, own voice": lambda p: terms(attributed(p.prepared.contexts[p.target].near, False)),
    "window": lambda p: window(p.prepared.contexts[p.target].near),
    "between": lambda p: between(p.prepared.contexts[p.target].near),
    "negated": lambda p: negated(p.prepared.contexts[p.target].whole),
    "questions": lambda p: [sign for sign in p.prepared.text if sign in "?!"],
}


@dataclass(frozen=True)
class Choice:
    """Weights of the shared views and of the views apart for each target; ``idf`` of which documents, or which cut."""

    shared: Mapping[str, float]
    own: Mapping[str, float]
    idf: str = "corpus"


SHARED, OWN = {"near": 0.25, "whole": 0.5}, {"own": 1.0}
DEFAULT = Choice(SHARED, OWN)


def plus(**more: float) -> Choice:
    """Add shared views, their names without blanks."""
    names = {re.sub(r"\W", "", name): name for name in VIEWS}
    return Choice({**SHARED, **{names[key]: weight for key, weight in more.items()}}, OWN)


CHOICES: dict[str, Choice] = {
    "as it is": DEFAULT,
    "without near": Choice({"whole": 0.5}, OWN),
    "without whole": Choice({"near": 0.25}, OWN),
    "without own": Choice(SHARED, {}),
    "title": plus(title=0.25),
    "opening": plus(opening=0.25),
    "closing": plus(closing=0.25),
    "whole cut into quoted and not": Choice({"near": 0.25, "not quoted": 0.5, "quoted": 0.25}, OWN),
    "whole cut into own voice and attributed": Choice({"near": 0.25, "own voice": 0.5, "attributed": 0.25}, OWN),
    "near cut into own voice and attributed": Choice(
        {"near, own voice": 0.25, "near, attributed": 0.25, "whole": 0.5}, OWN
    ),
    "window of five words, by side": plus(window=0.25),
    "words between two targets, by order": plus(between=0.25),
    "negated words": plus(negated=0.25),
    "question and exclamation marks": plus(questions=0.25),
    "parts of words, near": Choice({"near, with parts of words": 0.25, "whole": 0.5}, OWN),
    "parts of words, whole": Choice({"near": 0.25, "whole, with parts of words": 0.5}, OWN),
    "no term of more than half of the articles": replace(DEFAULT, idf="half"),
    "IDF of general news": replace(DEFAULT, idf="news"),
    "IDF of general news, mean with the corpus's": replace(DEFAULT, idf="mean"),
}


def document_frequencies(folder: Path) -> dict[str, float]:
    """Return the share of articles that a term occurs in, in the language where it is more frequent."""
    shares: dict[str, float] = {}
    for lang in ("en", "es"):
        counts: Counter[str] = Counter()
        number = 0
        with open_binary(folder / f"{lang}.jsonl.gz") as stream:
            for _, line in lines(stream):
                counts.update(set(terms(parse_object(str(line))["text"])))
                number += 1
        for term, count in counts.items():
            if count > 1:
                shares[term] = max(shares.get(term, 0.0), count / number)
    return shares


@dataclass(frozen=True)
class Counted:
    """How often each pair's view has each term, (pairs, terms), and the frequency of the terms in general news."""

    counts: Any
    news: Any


def counted(view: View, pairs: Sequence[Pair], news: Mapping[str, float]) -> Counted:
    """Count the terms of a view."""
    vectorizer = CountVectorizer(analyzer=list)
    counts = vectorizer.fit_transform([view(p) for p in pairs])
    return Counted(counts, np.array([news.get(term, 0.0) for term in vectorizer.get_feature_names_out()]))


def weighted(view: Counted, inside: Any, outside: Any, idf: str) -> tuple[Any, Any]:
    """Return TF-IDF matrices of both, (pairs, terms), learned from the pairs ``inside``."""
    kept = np.flatnonzero(np.diff(view.counts[inside].tocsc().indptr) >= Settings().min_df)
    if not kept.size:
        return csr_matrix((len(inside), 0)), csr_matrix((len(outside), 0))
    transformer = TfidfTransformer(sublinear_tf=True).fit(view.counts[inside][:, kept])
    if idf == "half":
        transformer.idf_ = np.where(transformer.idf_ > np.log(2.0) + 1.0, transformer.idf_, 0.0)
    elif idf != "corpus":
        general = np.log(1.0 / (view.news[kept] + 1e-4))
        transformer.idf_ = general if idf == "news" else (general + transformer.idf_ - 1.0) / 2
    return transformer.transform(view.counts[inside][:, kept]), transformer.transform(view.counts[outside][:, kept])


def rows(is_of: Any, target: int, pairs: Any) -> Any:
    """Return what leaves a matrix of pairs with the rows of one target."""
    return diags(is_of[pairs][:, [target]].toarray().ravel())


def logits(
    choice: Choice,
    views: Mapping[str, Counted],
    pairs: Sequence[tuple[str, Stance]],
    inside: Any,
    outside: Any,
    stance_c: float,
) -> Any:
    """Fit to the pairs (target, stance) ``inside``; return the logits of those ``outside``, (pairs, stances)."""
    targets = sorted({target for target, _ in pairs})
    is_of = csr_matrix([[float(target == of) for of in targets] for target, _ in pairs])
    blocks: list[Any] = [(is_of[inside], is_of[outside])]
    for name, weight in choice.shared.items():
        a, b = weighted(views[name], inside, outside, choice.idf)
        blocks.append((weight * a, weight * b))
    for name, weight in choice.own.items():
        a, b = weighted(views[name], inside, outside, choice.idf)
        blocks += [
            (weight * rows(is_of, c, inside) @ a, weight * rows(is_of, c, outside) @ b) for c in range(len(targets))
        ]
    cells = [pairs[i] for i in inside]
    labels = np.array([STANCES.index(stance) for _, stance in cells])
    features = hstack([a for a, _ in blocks]).tocsr()
    products = (features @ features.T).toarray()
    coef, intercept, _ = _fit_multinomial(features, products, labels, cells, stance_c, 1e-4)
    return hstack([b for _, b in blocks]).tocsr() @ coef.T + intercept


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[1] / "data")
    parser.add_argument("--news", type=Path)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--stance-c", type=float, default=Settings().stance_c, help="the setting of that name")
    parser.add_argument("--only", nargs="+", choices=list(CHOICES), default=list(CHOICES), metavar="NAME")
    options = parser.parse_args()
    corpus = load_corpus(options.data)
    pairs = stance_pairs(prepare_corpus(corpus))
    news = document_frequencies(options.news) if options.news else {}
    sessions = np.array([p.prepared.article.place.rpartition(":")[0] for p in pairs])
    first = np.array([p.target == corpus.schema.target_ids[0] for p in pairs])
    gold = np.array([STANCES.index(p.stance) for p in pairs])
    groups = sorted({p.prepared.article.held_out_group for p in pairs})
    kept = set(random.Random(0).sample(groups, max(2, round(options.share * len(groups)))))
    learned = np.array([p.prepared.article.held_out_group in kept for p in pairs])
    splits = [(inside[learned[inside]], outside) for inside, outside in GroupKFold(5).split(pairs, groups=sessions)]
    articles = np.mean([len({pairs[i].prepared.article.id for i in inside}) for inside, _ in splits])
    cells = [(p.target, p.stance) for p in pairs]
    views: dict[str, Counted] = {}
    print(f"learned from {articles:.0f} articles\n")
    print(f"| stances, {len(pairs)} | macro-F1 | {corpus.schema.target_ids[0]} | log loss | worst session |")
    print("| --- | --- | --- | --- | --- |")
    for name in options.only:
        choice = CHOICES[name]
        if choice.idf in ("news", "mean") and not news:
            continue
        scores = np.zeros((len(pairs), len(STANCES)))
        for view in {*choice.shared, *choice.own} - set(views):
            views[view] = counted(VIEWS[view], pairs, news)
        used = {view: views[view] for view in (*choice.shared, *choice.own)}
        found = Parallel(-1)(delayed(logits)(choice, used, cells, i, o, options.stance_c) for i, o in splits)
        for (_, outside), part_of in zip(splits, found, strict=True):
            scores[outside] = part_of
        answers = scores.argmax(axis=1)
        scaled = (_temperature(scores, gold) or 1.0) * scores
        loss = float(np.mean(np.log(np.exp(scaled).sum(axis=1)) - scaled[np.arange(len(gold)), gold]))
        worst = min((answers == gold)[sessions == s].mean() for s in set(sessions) if (sessions == s).sum() >= FEWEST)
        every = f1_score(gold, answers, average="macro")
        one = f1_score(gold[first], answers[first], average="macro")
        print(f"| {name} | {every:.3f} | {one:.3f} | {loss:.3f} | {worst:.2f} |", flush=True)


if __name__ == "__main__":
    main()
