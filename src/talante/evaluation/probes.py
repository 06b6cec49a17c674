"""Robustness: change an article in a known way, and see how far the answers move beside how far they should.

Such tests of behavior are known as checklists (Ribeiro et al. 2020, "Beyond Accuracy"): they need no labels.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from talante.corpus.article import STANCES, Article
from talante.corpus.schema import Schema
from talante.errors import DataError
from talante.evaluation.intervals import Bootstrap, Estimate
from talante.evaluation.metrics import share
from talante.model.model import Model, Prediction, StancePrediction
from talante.text.contexts import Span
from talante.text.fold import fold, fold_accents
from talante.text.mentions import Mention
from talante.text.prepare import Prepared, Preparer
from talante.text.sentences import sentence_spans

#: How the answers should take a change: stay, be exchanged, go over to the other side, or nothing is claimed.
Should = Literal["not move", "swap", "turn", "may move"]


@dataclass(frozen=True, slots=True)
class Probe:
    """A change of an article: what is done, and what the answers should do."""

    name: str
    meaning: str
    should: Should


PROBES: tuple[Probe, ...] = (
    Probe("targets swapped", "the names of the two most mentioned targets are exchanged", "swap"),
    Probe("negation inserted", "each sentence that names a target is negated", "turn"),
    Probe("quotes stripped", "what stands in quotation marks is removed", "not move"),
    Probe("no accents", "accents are removed", "not move"),
    Probe("lower case", "all is in lower case, names of targets too", "not move"),
    Probe("page chrome added", "menu, cookie notice, share buttons and links are added", "not move"),
    Probe("outlet name added", "a line with an author and another outlet is added at the end", "not move"),
    Probe("first 100 words", "all of the text after its first 100 words is cut off", "may move"),
)

#: Where answers should not move, this share of them may.
TOLERATED = 0.05

#: Where answers should swap, this share of them may not be the swapped ones: part of what a text says of a target,
#: its country and its time, stays in it when the names are exchanged.
TOLERATED_SWAP = 0.20

#: Where answers should turn, the mean probability of the given stance must fall by this at least.
LEAST_TURN = 0.10

HOLDS = "holds"
NO_CLAIM = "no claim"
TOO_FEW = "too few"

#: With fewer answers, none of which moved, up to one in twenty may still do (the rule of three: 3 / 0.05).
FEWEST = 60


@dataclass(frozen=True, slots=True)
class Moved:
    """How far the answers of one article moved from what was expected of them: plain counts and sums.

    ``stances``: targets with a stance, expected or after the change; ``stances_moved``: those whose stance is not the
    expected one, or that have a stance only before or only after. ``scores``: the expected stances; ``score_moved``:
    the sum of the changes of their probabilities, sizes without sign, a stance that is no longer given having 0.
    ``topics``: those given before or after; ``topics_moved``: those given only before or only after. ``due``: targets
    whose answer had to become another one, ``done``: those where it did, both for a swap only.

    For a probe that should turn, only stances for and against count, ``score_moved`` has its sign (negative: away from
    the given stance) and leaves out, as ``scores`` does, stances that are no longer given.
    """

    stances: int = 0
    stances_moved: int = 0
    scores: int = 0
    score_moved: float = 0.0
    topics: int = 0
    topics_moved: int = 0
    due: int = 0
    done: int = 0


#: The moves of one article by the name of the probe; a probe that cannot be applied to the article is absent.
ProbeMoves = dict[str, Moved]


@dataclass(frozen=True, slots=True)
class ProbeFigures:
    """The figures of one probe over ``articles``, each None where it has nothing to rest on.

    ``stances``: the share of stance answers that are not the expected ones. ``score``: the mean change of the
    probability of the expected stance, with its sign where answers should turn, else its size. ``topics``: the share of
    topics that are given only before or only after. ``swapped``: of the answers that had to become another one, the
    share that did; None where answers should not swap. What is counted, `Moved` says. ``n`` counts answers.
    """

    probe: Probe
    articles: int
    stances: Estimate | None
    score: Estimate | None
    topics: Estimate | None
    swapped: Estimate | None
    verdict: str


def probe_articles(model: Model, articles: Sequence[Prepared]) -> list[ProbeMoves]:
    """Apply every probe to every article and return how far the answers of the model move, in the same order.

    The articles must be prepared with the schema of the model. One in a language that the model does not know has no
    moves; one that nothing is left of after a change has lost all its answers.
    """
    outlets = sorted({p.article.outlet for p in articles if p.article.outlet})
    return [_moves(model, prepared, outlets) for prepared in articles]


def _moves(model: Model, prepared: Prepared, outlets: Sequence[str]) -> ProbeMoves:
    try:
        before = model.predict_prepared(prepared)
    except DataError:
        return {}
    changed = probed(prepared, model.preparer, model.schema, outlets)
    pair = swapped_targets(prepared)
    moves = {}
    for probe in PROBES:
        if probe.name not in changed:
            continue
        after: Prediction | None
        try:
            ready = model.preparer.prepare(changed[probe.name])
            # Often cleaning takes off again what was added
            after = before if ready.text == prepared.text else model.predict_prepared(ready)
        except DataError:
            after = None
        moves[probe.name] = _moved(probe.should, before, after, pair)
    return moves


def _moved(should: Should, before: Prediction, after: Prediction | None, pair: tuple[str, str] | None) -> Moved:
    given: Mapping[str, StancePrediction] = before.stances
    got: Mapping[str, StancePrediction] = after.stances if after else {}
    expected, counted = given, {*given, *got}
    if should == "swap" and pair:
        a, b = pair
        expected = {to: given[at] for at, to in ((a, b), (b, a)) if at in given}
        counted = {a, b} & {*expected, *got}
    elif should == "turn":
        expected = {target: answer for target, answer in given.items() if answer.stance != "neutral"}
        counted = set(expected)
    changes = []
    for target, answer in expected.items():
        if target in got or should != "turn":
            number = STANCES.index(answer.stance)
            now = got[target].probabilities[number] if target in got else 0.0
            changes.append(now - answer.probabilities[number])
    due = [t for t in pair or () if _stance(given, t) != _stance(expected, t)] if should == "swap" else []
    topics, topics_now = set(before.topics), set(after.topics if after else ())
    return Moved(
        stances=len(counted),
        stances_moved=sum(_stance(expected, t) != _stance(got, t) for t in counted),
        scores=len(changes),
        score_moved=sum(changes) if should == "turn" else sum(map(abs, changes)),
        topics=len(topics | topics_now),
        topics_moved=len(topics ^ topics_now),
        due=len(due),
        done=sum(_stance(expected, t) == _stance(got, t) for t in due),
    )


def _stance(answers: Mapping[str, StancePrediction], target: str) -> str | None:
    return answers[target].stance if target in answers else None


def summarize_probes(moves: Sequence[ProbeMoves], groups: Sequence[str]) -> list[ProbeFigures]:
    """Sum the moves of articles up, probe by probe, with 95 % intervals by bootstrap over groups.

    ``groups`` has the group of each article. A probe that applied to no article is left out.
    """
    bootstrap = Bootstrap(groups)
    figures = []
    for probe in PROBES:
        rows = [by_name.get(probe.name, Moved()) for by_name in moves]
        applied = sum(probe.name in by_name for by_name in moves)
        if not applied:
            continue
        stances = _share(bootstrap, [(r.stances, r.stances_moved) for r in rows])
        score = _share(bootstrap, [(r.scores, r.score_moved) for r in rows])
        topics = _share(bootstrap, [(r.topics, r.topics_moved) for r in rows])
        swapped = _share(bootstrap, [(r.due, r.done) for r in rows])
        verdict = _verdict(probe.should, stances, score, topics)
        figures.append(ProbeFigures(probe, applied, stances, score, topics, swapped, verdict))
    return figures


def _share(bootstrap: Bootstrap, counts: Sequence[tuple[float, float]]) -> Estimate | None:
    table: NDArray[np.float64] = np.array(counts, dtype=np.float64).reshape(-1, 2)
    n = int(table[:, 0].sum())
    return bootstrap.estimate(table, share, n) if n else None


def _verdict(should: Should, stances: Estimate | None, score: Estimate | None, topics: Estimate | None) -> str:
    """Hold the figures against the tolerances: what lies beyond with its whole interval, and what with a part of it."""
    if should == "may move":
        return NO_CLAIM
    if should == "turn":
        bounds = [(score, -LEAST_TURN)]
    elif should == "swap":
        bounds = [(stances, TOLERATED_SWAP)]
    else:
        bounds = [(stances, TOLERATED), (topics, TOLERATED)]
    measured = [(estimate, bound) for estimate, bound in bounds if estimate]
    if not measured:
        return NO_CLAIM
    if all(estimate.high <= bound for estimate, bound in measured):
        return HOLDS if all(estimate.n >= FEWEST for estimate, _ in measured) else TOO_FEW
    beyond = any(estimate.low > bound for estimate, bound in measured)
    if should == "turn":
        return "turns less than it should" if beyond else "perhaps turns too little"
    if should == "swap":
        return "swaps less than it should" if beyond else "perhaps swaps too little"
    return "moves more than it should" if beyond else "perhaps moves too much"


def render_probes(figures: Sequence[ProbeFigures]) -> str:
    """Return the figures as a table in plain text, at most 110 columns wide."""
    if not figures:
        return "No probe could be applied."
    lines = [f"{'Probe':<19}{'articles':>8}   {'stances moved':<16}{'score moved':<22}{'topics moved':<16}verdict"]
    for f in figures:
        score = f"{f.score.value:+.2f} [{f.score.low:+.2f}, {f.score.high:+.2f}]" if f.score else "-"
        if f.probe.should != "turn":
            score = score.replace("+", "")
        lines.append(
            f"{f.probe.name:<19}{f.articles:>8}   {_percent(f.stances):<16}{score:<22}{_percent(f.topics):<16}"
            f"{f.verdict}"
        )
    lines += ["", "What is done, and what should come of it:"]
    lines += [f"  {f.probe.name + ':':<19}{f.probe.meaning}; {SHOULD[f.probe.should]}" for f in figures]
    lines += [
        f"Of the {f.swapped.n} answers that had to become another one when targets were swapped, "
        f"{_percent(f.swapped)} did."
        for f in figures
        if f.swapped
    ]
    return "\n".join(
        [
            *lines,
            "Moved: the share of the answers, given before or after the change, that are not the expected ones; of",
            "scores, the mean change of the probability of the expected stance. 95 % intervals. Answers hold if the",
            f"whole interval is within {100 * TOLERATED:.0f} % where they should stay (stances and topics) and within "
            f"{100 * TOLERATED_SWAP:.0f} % where they",
            f"should swap (stances), and if the score of stances for and against falls by {LEAST_TURN:.2f} where they "
            "should turn.",
        ]
    )


#: What should come of a change, in words.
SHOULD: dict[Should, str] = {
    "not move": "answers should stay",
    "swap": "stances should swap",
    "turn": "stances should turn",
    "may move": "answers may move",
}


def _percent(estimate: Estimate | None) -> str:
    if estimate is None:
        return "-"
    return f"{100 * estimate.value:.0f} % [{100 * estimate.low:.0f}, {100 * estimate.high:.0f}]"


def probed(prepared: Prepared, preparer: Preparer, schema: Schema, outlets: Sequence[str] = ()) -> dict[str, Article]:
    """Return the article as each probe changes it, by the name of the probe, not yet cleaned and prepared.

    A probe that cannot be applied is absent: there are no quotes or no accents, fewer than two targets, nothing to
    cut. ``outlets`` are those whose names may be added; where there is no other one, the name is made up.
    """
    article = prepared.article
    mentions = preparer.mentions(prepared.text) if prepared.mentions else []
    quotes = quote_spans(prepared.text)
    changed = {
        "targets swapped": _edited(prepared, _swap(prepared, mentions, schema)),
        "negation inserted": _edited(prepared, _negations(prepared.text, article.lang, mentions, quotes)),
        "quotes stripped": _edited(prepared, [(start, end, "") for start, end in quotes]),
        "no accents": replace(article, title=fold_accents(article.title), text=fold_accents(article.text)),
        "lower case": replace(article, title=article.title.lower(), text=article.text.lower()),
        "page chrome added": _with_chrome(article),
        "outlet name added": _with_outlet(article, outlets),
        "first 100 words": _first_words(article, 100),
    }
    return {name: new for name, new in changed.items() if (new.title, new.text) != (article.title, article.text)}


#: What takes the place of ``text[start:end]``, in order and without overlaps.
_Edit = tuple[int, int, str]


def _edited(prepared: Prepared, edits: Iterable[_Edit]) -> Article:
    """Apply edits of the prepared text to the title and the text of the article; one that is in both is left out."""
    article, edits = prepared.article, list(edits)
    begin = len(prepared.text) - len(article.text)
    return replace(
        article,
        title=_apply(prepared.text, 0, len(article.title), edits),
        text=_apply(prepared.text, begin, len(prepared.text), edits),
    )


def _apply(text: str, start: int, end: int, edits: Iterable[_Edit]) -> str:
    pieces, done = [], start
    for begin, finish, new in edits:
        if start <= begin and finish <= end:
            pieces += [text[done:begin], new]
            done = finish
    return "".join([*pieces, text[done:end]])


# Targets swapped


def swapped_targets(prepared: Prepared) -> tuple[str, str] | None:
    """Return the two targets that an article mentions most, None where it mentions fewer."""
    most = sorted(prepared.mentions, key=lambda target: (-prepared.mentions[target].count, target))[:2]
    return (most[0], most[1]) if len(most) == 2 else None


def _swap(prepared: Prepared, mentions: Sequence[Mention], schema: Schema) -> list[_Edit]:
    pair = swapped_targets(prepared)
    if pair is None:
        return []
    text, lang = prepared.text, prepared.article.lang
    names = {target: _names(target, text, lang, mentions, schema) for target in pair}
    if not all(names.values()):
        return []
    other = dict(zip(pair, reversed(pair), strict=True))
    edits = []
    for mention in mentions:
        if mention.label in other:
            old, choice = text[mention.start : mention.end], names[other[mention.label]]
            new = next((name for name in choice if _is_proper(name) == _is_proper(old)), choice[0])
            if _opens_sentence(text, mention.start):
                new = new[0].upper() + new[1:]
            edits.append((mention.start, mention.end, new))
    return edits


def _names(target: str, text: str, lang: str, mentions: Iterable[Mention], schema: Schema) -> list[str]:
    """Return whole aliases of a target, those first that the article itself uses most: they fit it best."""
    aliases = next(t.aliases for t in schema.targets if t.id == target).get(lang, ())
    used = Counter(" ".join(fold(text[m.start : m.end]).split()) for m in mentions if m.label == target)
    return sorted((alias for alias in aliases if "*" not in alias), key=lambda alias: -used[fold(alias)])


def _is_proper(name: str) -> bool:
    """Say whether a name is a proper one, to which no article belongs: it is, if all of its words have capitals."""
    return all(word[:1].isupper() for word in name.split())


def _opens_sentence(text: str, start: int) -> bool:
    return text[start].isupper() and bool(re.search(r"(?:\A|\n|[.!?]\s+)\W*\Z", text[max(0, start - 20) : start]))


# Quotes stripped

_INSIDE = r"(?:(?!\n\s*\n){})*?"

# A pair of marks in one paragraph. Of straight marks, which do not say which of the two they are, the surroundings do;
# an apostrophe is no closing mark.
_QUOTE = re.compile(
    "|".join(
        [
            r'(?<![\w.,!?"])"(?=\S)' + _INSIDE.format('[^"]') + r'(?<=\S)"(?!\w)',
            "“" + _INSIDE.format("[^“”]") + "”",
            "«" + _INSIDE.format("[^«»]") + "»",
            r"(?<!\w)‘(?=\S)" + _INSIDE.format("[^‘]") + r"(?<=\S)’(?!\w)",
        ]
    )
)


def quote_spans(text: str) -> list[Span]:
    """Return the spans of quotations with their marks, in order: "...", “...”, «...», ‘...’, each in one paragraph."""
    return [match.span() for match in _QUOTE.finditer(text)]


# Negation inserted


def _negations(text: str, lang: str, mentions: Sequence[Mention], quotes: Sequence[Span]) -> list[_Edit]:
    """Negate the sentences that name a target; what another says, questions and headings without a verb stay."""
    if lang not in _GRAMMARS or not mentions:
        return []
    grammar = _GRAMMARS[lang]
    known = frozenset(re.findall(r"\w+", text))
    edits: list[_Edit] = []
    for start, end in sentence_spans(text):
        names = [(m.start - start, m.end - start) for m in mentions if start <= m.start < end]
        sentence = text[start:end]
        if not names or re.search(r"\?\W*\Z", sentence):
            continue
        if any(a < start < b or a < end < b for a, b in quotes):
            continue
        blocked = [*names, *((a - start, b - start) for a, b in quotes if start <= a and b <= end)]
        edits += [(start + a, start + b, new) for a, b, new in _negate(sentence, grammar, blocked, known)]
    return edits


@dataclass(frozen=True, slots=True)
class _Grammar:
    """Just enough of a language to negate many sentences, see `_negate`. All words are in lower case."""

    verbs: frozenset[str]
    """Common finite verbs and auxiliaries."""
    subordinators: frozenset[str]
    """What follows them in a clause is not the main claim."""
    conjunctions: frozenset[str]
    """A verb right after one is the second of two."""
    determiners: frozenset[str]
    """What follows one is a noun."""
    awkward: frozenset[str]
    """A sentence with one is already negative, or limits its claim: one more "not" would say something else."""
    prefix: str
    opening: re.Pattern[str]
    """What stays in front of the prefix."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ENGLISH = _Grammar(
    verbs=_words("is are was were has have had will would can could should must may might do does did"),
    subordinators=_words(
        "that which who whom whose when while if because as since although though where whether what how why after "
        "before until unless than whatever whoever whenever once"
    ),
    conjunctions=_words("and or nor but to than"),
    determiners=_words("the a an its his her their our your my of this popular political free military good"),
    awkward=_words("no nobody nothing none neither nor only hardly barely never nowhere merely"),
    prefix="It is not true that ",
    opening=re.compile(r"(?:(?:But|And|Yet|So|Or|Still,?|However,|Nor|For) )?"),
)

_SPANISH = _Grammar(
    verbs=_words(
        "es son era eran fue fueron será serán sería serían está están estaba estaban estuvo ha han había habían "
        "habrá habrán habría hay hubo puede pueden podía podían podrá podrán podría podrían pudo debe deben debía "
        "debería deberían tiene tienen tenía tenían tuvo tendrá quiere quieren quiso va van sigue siguen"
    ),
    subordinators=_words(
        "que quien quienes cual cuales cuyo cuya cuyos cuyas cuando mientras si porque como pues aunque donde cuanto "
        "qué quién cómo cuándo dónde según hasta desde"
    ),
    conjunctions=_words("y e o u ni pero sino"),
    determiners=_words("el la los las un una su sus esta esa nueva otra cada toda misma de"),
    awkward=_words(
        "nada nadie nunca jamás ningún ninguna ninguno tampoco ni sino solo sólo solamente apenas siquiera obstante"
    ),
    prefix="No es cierto que ",
    opening=re.compile(r"(?:(?:Pero|Y|Mas|Sin embargo,|No obstante,|Además,|Por eso,|Así,) )?"),
)

_GRAMMARS = {"en": _ENGLISH, "es": _SPANISH}

_TOKEN = re.compile(r"\w+(?:['’]\w+)*|[,;:()—–]|[^\w\s]")

_CLITICS = _words("se lo la le los las les me te nos")


def _negate(sentence: str, grammar: _Grammar, blocked: Sequence[Span], known: frozenset[str]) -> list[_Edit]:
    """Negate the first verb that belongs to a main clause, or take its negation away; else put the prefix before all.

    A verb is taken for one of a main clause if no subordinator stands between the last comma and it.
    """
    tokens = [(m[0], m.start(), m.end()) for m in _TOKEN.finditer(sentence)]
    words = [token.lower() for token, _, _ in tokens]
    edit: _Edit | None = None
    if grammar.awkward.isdisjoint(words):
        main = True
        for i, (token, start, _) in enumerate(tokens):
            if not token[0].isalnum():
                main = True
            elif words[i] in grammar.subordinators:
                main = False
            elif (
                main
                and not any(a <= start < b for a, b in blocked)
                and (i == 0 or words[i - 1] not in grammar.conjunctions)
            ):
                edit = _negate_english(tokens, words, i) if grammar is _ENGLISH else _negate_spanish(tokens, words, i)
                if edit:
                    break
    if edit:
        return [edit]
    if not re.search(r"[.!…][\"”»’)\]]*\Z", sentence):
        return []
    at = grammar.opening.match(sentence).end()  # type: ignore[union-attr]  # it matches what is empty, too
    first = re.match(r"\w+", sentence[at:])
    lowered = (
        first is not None
        and first[0] != "I"
        and not first[0][1:].isupper()
        and first[0].lower() in known | grammar.awkward
        and not any(a <= at < b for a, b in blocked)
    )
    prefix = grammar.prefix if at == 0 else grammar.prefix[0].lower() + grammar.prefix[1:]
    return [(at, at + 1, prefix + (sentence[at].lower() if lowered else sentence[at]))]


_Tokens = Sequence[tuple[str, int, int]]

_BE = _words("is are was were")
_HAVE = {"has": "does not have", "have": "do not have", "had": "did not have"}
_DO = _words("do does did")
_ADVERB = re.compile(
    r"\w+ly|also|already|now|long|always|often|still|just|so|far|even|once|twice|yet|since|again|\w+sel(?:f|ves)"
)
_PARTICIPLE = re.compile(
    r"\w+ed|\w{2,}en|\w+wn|\w*(?:come|run|put|set|cut|let|read|hit|cost|shut|spread|hurt|made|had|said|paid|laid|told"
    r"|sold|held|led|left|lost|won|kept|sent|spent|built|lent|meant|felt|dealt|slept|swept|met|fed|bred|fled|found"
    r"|brought|bought|thought|taught|caught|sought|fought|stood|struck|stuck|done|gone|begun|sunk|sworn|torn|worn|born"
    r"|heard|hung)"
)


def _negate_english(tokens: _Tokens, words: Sequence[str], i: int) -> _Edit | None:
    token, start, end = tokens[i]
    word = words[i].replace("’", "'")
    if word == "cannot":
        return start, end, "can"
    if word.endswith("n't"):
        return start, end, {"won't": "will", "can't": "can", "shan't": "shall"}.get(word, token[:-3])
    # With a capital it is a question, or a name or a month
    if word not in _ENGLISH.verbs or token != word or i + 1 == len(words) or not words[i + 1][0].isalnum():
        return None
    if words[i + 1] == "not":
        return end, tokens[i + 1][2], ""
    if word in _BE:
        return end, end, " not"
    if i and words[i - 1] in _ENGLISH.determiners:
        return None
    if word in _HAVE:
        following = next((w for w in words[i + 1 :] if not _ADVERB.fullmatch(w)), "")
        return (end, end, " not") if _PARTICIPLE.fullmatch(following) else (start, end, _HAVE[word])
    if word in _DO or words[i + 1] in ("of", "to", "and"):
        return None
    return end, end, " not"


def _negate_spanish(tokens: _Tokens, words: Sequence[str], i: int) -> _Edit | None:
    token, start, _ = tokens[i]
    if words[i] == "no":
        if i + 1 == len(words) or not words[i + 1][0].isalnum() or (i and words[i - 1] in _SPANISH.determiners):
            return None
        following = tokens[i + 1]
        return start, following[2], following[0][0].upper() + following[0][1:] if token == "No" else following[0]
    if words[i] not in _SPANISH.verbs:
        return None
    if words[i] in ("era", "son") and i and words[i - 1] in _SPANISH.determiners:
        return None
    first = i
    while first and words[first - 1] in _CLITICS:
        first -= 1
    if first and (words[first - 1] == "no" or words[first - 1] in _SPANISH.conjunctions):
        return None
    opening, begin, finish = tokens[first]
    if first == 0 and opening[0].isupper():
        return begin, finish, f"No {opening[0].lower()}{opening[1:]}"
    return begin, begin, "no "


# Something added, something cut off

#: Lines of a page before and after an article. Cleaning knows some of them and not others, as in real life.
_CHROME = {
    "en": (
        """Home | News | Opinion | Economy | Culture | Sports | Contact
We use cookies to make this site work and to count our readers. Accept all | Settings
Share on Facebook
Share on WhatsApp""",
        """Share this article with your friends
Sign up for our newsletter and read us every morning
Most read
Ten soups for a cold evening
How to choose a bicycle for the city
Weather: rain in the north until Thursday
About us | Terms of use | Privacy
© All rights reserved.""",
    ),
    "es": (
        """Inicio | Noticias | Opinión | Economía | Cultura | Deportes | Contacto
Usamos cookies para que este sitio funcione y para contar a nuestros lectores. Aceptar todas | Configurar
Compartir en Facebook
Compartir en WhatsApp""",
        """Comparte este artículo con tus amigos
Suscríbete a nuestro boletín y léenos cada mañana
Lo más leído
Diez sopas para una noche fría
Cómo elegir una bicicleta para la ciudad
El tiempo: lluvia en el norte hasta el jueves
Quiénes somos | Condiciones de uso | Privacidad
© Todos los derechos reservados.""",
    ),
}


def _with_chrome(article: Article) -> Article:
    before, after = _CHROME.get(article.lang, _CHROME["en"])
    return replace(article, text=f"{before}\n\n{article.text}\n\n{after}")


_AUTHOR = "Ana Robles"
_OUTLET = {"en": "The Northern Courier", "es": "El Correo del Norte"}


def _with_outlet(article: Article, outlets: Sequence[str]) -> Article:
    others = [outlet for outlet in outlets if outlet != article.outlet]
    # Of all others by chance, and the same one in every run
    outlet = others[crc32(article.id.encode()) % len(others)] if others else _OUTLET.get(article.lang, _OUTLET["en"])
    author = article.author or _AUTHOR
    line = f"{author}. Publicado en {outlet}" if article.lang == "es" else f"By {author}, {outlet}"
    return replace(article, text=f"{article.text}\n\n{line}")


def _first_words(article: Article, number: int) -> Article:
    words = list(re.finditer(r"\S+", article.text))
    if len(words) <= number:
        return article
    # Without a sign of its end, cleaning may take the last paragraph for a note on the author
    return replace(article, text=f"{article.text[: words[number - 1].end()]} …")
