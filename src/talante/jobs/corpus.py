"""A corpus made ready to learn from, and counted."""

import ctypes
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache as cache_once
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from zlib import crc32

from talante.corpus.article import STANCES, Article
from talante.corpus.records import Corpus, keeping_all
from talante.corpus.schema import Schema, schema_from_data
from talante.errors import DataError
from talante.evaluation.crossval import Progress
from talante.model.count import Counted, CountedPart, count_part_of, is_short, merge
from talante.model.settings import Settings
from talante.text.prepare import Prepared, Preparer, read

if TYPE_CHECKING:
    from joblib import Memory

    from talante.features.finder import Finder

#: Articles that are prepared and counted at once, and stand together in the cache: so many on average, and at most.
_AT_ONCE, _MOST = 128, 512

#: Starting workers takes as long as so many parts.
_FEW = 3

_Args = TypeVar("_Args")
_Result = TypeVar("_Result")


def no_cache() -> "Memory":
    """Return a cache that keeps nothing."""
    from joblib import Memory

    return Memory(None, verbose=0)


def prepare_corpus(corpus: Corpus, cache: "Memory | None" = None, progress: Progress | None = None) -> list[Prepared]:
    """Clean the articles of a corpus and find its targets in them.

    What stands in ``cache`` already is taken from there. Raises DataError, which names the record, when nothing is left
    of an article.
    """
    parts = _prepare_parts(corpus, _parts(corpus), cache or no_cache(), progress)
    return [p for part in parts for p in part]


@keeping_all()
def prepare_and_count(
    corpus: Corpus, settings: Settings, cache: "Memory | None" = None, progress: Progress | None = None
) -> tuple[list[Prepared], Counted]:
    """Do the same, and count all terms for one or more calls of `talante.model.fit.fit`."""
    cache, parts = cache or no_cache(), _parts(corpus)
    of, done = len(parts), progress or (lambda *_: None)
    prepared = _prepare_parts(corpus, parts, cache, lambda n, _: done(n, 2 * of))
    articles = [p for part in prepared for p in part]
    short = is_short(articles, settings)
    counted = _through(
        cache,
        _count_part,
        [(part.key, short) for part in parts],
        prepared,
        lambda n, _: done(of + n, 2 * of),
        prefer="threads" if _has_kernel() else None,
    )
    merged = merge(counted, settings)
    counted.clear()
    _give_back()
    return articles, merged


def _give_back() -> None:
    """Give memory that was freed back to the system: glibc keeps it, and of 100,000 articles that is gigabytes."""
    with suppress(OSError, AttributeError, TypeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


@dataclass(frozen=True, slots=True)
class _Part:
    """Articles that are worked on at once; ``key`` changes with all that the result hangs on."""

    key: str
    articles: list[Article]


def _parts(corpus: Corpus) -> list[_Part]:
    """Cut a corpus into parts after articles that their own id chooses.

    So an article that is new, changed or gone changes its own part and hardly another, wherever it stands.
    """
    cut: list[list[Article]] = [[]]
    for article in corpus.articles:
        cut[-1].append(article)
        if crc32(article.id.encode("utf-8", "surrogatepass")) % _AT_ONCE == 0 or len(cut[-1]) == _MOST:
            cut.append([])
    shared = hashlib.sha256((_code() + json.dumps(corpus.schema.to_json(), sort_keys=True)).encode())
    parts = []
    for articles in filter(None, cut):
        key = shared.copy()
        key.update("".join(article.digest for article in articles).encode())
        parts.append(_Part(key.hexdigest(), articles))
    return parts


@cache_once
def _code() -> str:
    """Return a digest of the code and libraries that prepare and count: an older cache must not outlive them."""
    digest = hashlib.sha256()
    package = Path(__file__).parents[1]
    for folder in ("corpus", "text", "features"):
        for path in sorted((package / folder).glob("*.py")):
            digest.update(path.read_bytes())
    digest.update((package / "model" / "count.py").read_bytes())
    # The kernel, which needs numba, tells terms by another hash
    digest.update(b"kernel" if _has_kernel() else b"plain")
    for library in ("cld3-py", "nupunkt", "scikit-learn", "scipy", "numpy", "trafilatura"):
        digest.update(f"{library} {version(library)}".encode())
    return digest.hexdigest()


def _has_kernel() -> bool:
    """Say whether the kernel counts, which needs no other process to use all cores: it holds no lock meanwhile."""
    return find_spec("numba") is not None


def _prepare_parts(
    corpus: Corpus, parts: Sequence[_Part], cache: "Memory", progress: Progress | None
) -> list[list[Prepared]]:
    found = _through(
        cache,
        _prepare_part,
        [part.key for part in parts],
        [(part.articles, corpus.schema) for part in parts],
        progress,
    )
    prepared: list[list[Prepared]] = []
    for part, results in zip(parts, found, strict=True):
        prepared.append([])
        for article, result in zip(part.articles, results, strict=True):
            if isinstance(result, tuple):
                raise DataError(result[0], place=article.place, remedy=result[1])
            # The cache knows the article by what a model learns from; the rest is as this record says
            clean = result.article
            cleaned = replace(article, text=clean.text, title=clean.title, lang=clean.lang, format=clean.format)
            prepared[-1].append(replace(result, article=cleaned))
    return prepared


def _prepare_part(_key: str, given: tuple[Sequence[Article], Schema]) -> list[Prepared | tuple[str, str]]:
    """Prepare articles; of one that cannot be, return the fact and the remedy."""
    articles, schema = given
    ready: list[tuple[Article, str]] = []
    faults: dict[int, tuple[str, str]] = {}
    for number, article in enumerate(articles):
        try:
            ready.append(read(article))
        except DataError as error:
            faults[number] = (error.fact, error.remedy)
    looked = look_at(schema, ready)
    return [faults.get(number) or next(looked) for number in range(len(articles))]


def look_at(schema: Schema, articles: Sequence[tuple[Article, str]]) -> Iterator[Prepared]:
    """Look at articles that `read` has made ready: by the kernel, where numba is installed."""
    preparer, finder = _lookout(json.dumps(schema.to_json()))
    if finder is None:
        yield from (preparer.look(*article) for article in articles)
        return
    for (article, text), found in zip(articles, finder.find([text for _, text in articles]), strict=True):
        yield preparer.assemble(article, text, *found)


@lru_cache(1)
def _lookout(schema: str) -> "tuple[Preparer, Finder | None]":
    """Make ready what looks at articles; it is used for many parts."""
    preparer = Preparer(schema_from_data(json.loads(schema), "schema"))
    try:
        from talante.features.finder import Finder

        return preparer, Finder(preparer.topic_finder, preparer.target_finder)
    except (ImportError, ValueError):
        return preparer, None


def _count_part(key: tuple[str, bool], given: Sequence[Prepared]) -> CountedPart:
    return count_part_of(given, key[1])


def _through(
    memory: "Memory",
    function: Callable[..., _Result],
    keys: Sequence[Any],
    arguments: Sequence[_Args],
    progress: Progress | None,
    prefer: Literal["threads"] | None = None,
) -> list[_Result]:
    """Return ``function(key, arguments)`` of each; what the cache has under the key is taken from there."""
    from joblib import Parallel, delayed

    cached = memory.cache(function, ignore=["given"])
    known = [cached.check_call_in_cache(key, of) for key, of in zip(keys, arguments, strict=True)]
    missing = [i for i, is_known in enumerate(known) if not is_known]
    found: dict[int, _Result] = {}

    def took(i: int, result: _Result) -> None:
        found[i] = result
        if progress:
            progress(len(found), len(keys))

    results = Parallel(-1 if len(missing) > _FEW else 1, return_as="generator", prefer=prefer)(
        delayed(cached)(keys[i], arguments[i]) for i in missing
    )
    for i, result in zip(missing, results, strict=True):
        took(i, result)
    for i, is_known in enumerate(known):
        if is_known:
            took(i, cached(keys[i], arguments[i]))
    return [found[i] for i in range(len(keys))]


def composition(corpus: Corpus) -> dict[str, Any]:
    """Count a corpus: articles, groups, languages, origins, topics, and stances for each target."""
    articles = corpus.articles
    topics = Counter(topic for a in articles for topic in a.topics or ())
    stances = Counter((target, stance) for a in articles for target, stance in (a.stances or {}).items())
    return {
        "articles": len(articles),
        "groups": len({a.held_out_group for a in articles}),
        "words": sum(len(a.text.split()) for a in articles),
        "languages": dict(sorted(Counter(a.lang for a in articles).items())),
        "origins": dict(sorted(Counter(a.origin or "unknown" for a in articles).items())),
        "topics": {topic: topics[topic] for topic in corpus.schema.topic_ids},
        "no_topic": sum(a.topics is not None and not a.topics for a in articles),
        "stances": {
            target: {stance: stances[target, stance] for stance in STANCES} for target in corpus.schema.target_ids
        },
    }
