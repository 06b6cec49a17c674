"""A model as a folder of plain data: `model.json`, lists of terms, and NumPy arrays.

Nothing in it is code: JSON and arrays, read with ``allow_pickle=False``. Opening a stranger's model can at
worst fail. `model.json` holds the SHA-256 of each other file, and the id of the model is the SHA-256 of
`model.json` without the id; a changed byte anywhere is noticed before the model is used.

To change the format: raise FORMAT_VERSION and, from the first release on, keep reading the versions before
it, with a small model of each in the tests.
"""

import hashlib
import io
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from talante.corpus.article import STANCES
from talante.corpus.duplicates import SKETCH
from talante.corpus.files import cannot_write
from talante.corpus.schema import schema_from_data
from talante.errors import DataError, ModelError
from talante.features.tfidf import Tfidf
from talante.features.tokens import are_words
from talante.model.card import card_text
from talante.model.model import MENTION_FEATURES, AddressedModel, Model, StanceModel, TopicModel
from talante.model.records import Record, records_from_text, records_to_text

FORMAT = "talante-model"
FORMAT_VERSION = 5

_REMEDY = "restore it from a copy, or train again"
_RECORDS = "records.jsonl"
_VIEWS = ("article", "near", "whole")

#: The arrays with a weight for each term and label are the model's bulk; single precision halves it.
_SINGLE = ("topics.coef", "stances.near", "stances.whole", "stances.own", "addressed.near")


@dataclass(frozen=True, slots=True)
class _Shapes:
    topics: int
    targets: int
    terms: Mapping[str, int]
    words: int
    articles: int

    def of(self, name: str) -> tuple[int, ...]:
        view = name.partition(".")[0]
        stances = len(STANCES)
        return {
            "topics.coef": (self.topics, self.words),
            "topics.words": (self.topics, 2),
            "topics.intercept": (self.topics,),
            "topics.threshold": (self.topics,),
            "stances.near": (stances, self.terms["near"]),
            "stances.whole": (stances, self.terms["whole"]),
            "stances.own": (self.targets, stances, self.terms["article"]),
            "stances.own_intercept": (self.targets, stances),
            "stances.intercept": (stances,),
            "addressed.coef": (len(MENTION_FEATURES),),
            "addressed.near": (self.terms["near"],),
            "addressed.topic_words": (self.targets, self.topics, 2),
            "addressed.intercept": (1,),
            "addressed.threshold": (1,),
            "sketches": (self.articles, SKETCH),
        }.get(name) or (self.terms[view],)


def _arrays(model: Model) -> dict[str, NDArray[Any]]:
    return {
        "article.idf": model.article_terms.idf,
        "near.idf": model.near_terms.idf,
        "whole.idf": model.whole_terms.idf,
        "topics.coef": model.topics.coef,
        "topics.words": model.topics.word_coef,
        "topics.intercept": model.topics.intercept,
        "topics.threshold": model.topics.threshold,
        "stances.near": model.stances.near,
        "stances.whole": model.stances.whole,
        "stances.own": model.stances.own,
        "stances.own_intercept": model.stances.own_intercept,
        "stances.intercept": model.stances.intercept,
        "addressed.coef": model.addressed.coef,
        "addressed.near": model.addressed.near,
        "addressed.topic_words": model.addressed.topic_words,
        "addressed.intercept": model.addressed.intercept,
        "addressed.threshold": model.addressed.threshold,
        "sketches": model.sketches,
    }


def save(model: Model, folder: Path, records: Sequence[Record] = ()) -> Model:
    """Write a model below ``folder``, in a folder named by its id; return it with its complete card.

    ``records``: of the articles that it learned from, see `read_records`.
    The folder appears whole or not at all. Equal models have equal ids: one that is there already is checked
    and left as it is.
    Raises WriteError when it cannot be written, ModelError when the same model is there and damaged.
    """
    beside = folder / f".writing-{uuid4().hex[:8]}"
    try:
        beside.mkdir(parents=True)
        for name, array in _arrays(model).items():
            buffer = io.BytesIO()  # written to a file, np.save does not say that the disk is full
            np.save(buffer, np.ascontiguousarray(array, dtype=_dtype(name)), allow_pickle=False)
            (beside / f"{name}.npy").write_bytes(buffer.getvalue())
        for view in _VIEWS:
            terms = getattr(model, f"{view}_terms").terms
            (beside / f"{view}.terms.txt").write_text("\n".join(terms), encoding="utf-8", newline="\n")
        (beside / _RECORDS).write_text(records_to_text(records), encoding="utf-8", newline="\n")
        card = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            **{key: value for key, value in model.card.items() if key != "id"},
            "languages": list(model.languages),
            "parts_of_words": model.article_terms.parts,
            "learned_from": len(model.sketches),
            "schema": model.schema.to_json(),
            "files": {path.name: _sha256(path.read_bytes()) for path in sorted(beside.iterdir())},
        }
        # As it will be read: tuples become lists, so the digest of what is read equals the digest of this
        card = json.loads(json.dumps(card))
        card = {"id": _card_id(card), **card}
        (beside / "model.json").write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        (beside / "README.md").write_text(card_text(card), encoding="utf-8")
        for path in beside.iterdir():
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
        final = folder / str(card["id"])
        if final.exists():
            _checked_files(final, read_card(final))
        else:
            beside.replace(final)
    except OSError as error:
        raise cannot_write(folder, error) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return replace(model, card=card)


def load(folder: Path) -> Model:
    """Read a model folder after checking every file in it.

    Raises ModelError when something is missing, changed, damaged, or of another format.
    """
    card = read_card(folder)
    contents = _checked_files(folder, card)
    try:
        schema = schema_from_data(card["schema"], str(folder / "model.json"))
        terms = {view: _terms(contents[f"{view}.terms.txt"]) for view in _VIEWS}
        sizes = {view: len(listed) for view, listed in terms.items()}
        words, parts = sum(are_words(terms["article"])), bool(card["parts_of_words"])
        shapes = _Shapes(len(schema.topics), len(schema.targets), sizes, words, int(card["learned_from"]))
        arrays = {
            name.removesuffix(".npy"): _array(folder / name, shapes) for name in contents if name.endswith(".npy")
        }
        return Model(
            schema=schema,
            languages=tuple(card["languages"]),
            article_terms=Tfidf(terms["article"], arrays["article.idf"], parts),
            near_terms=Tfidf(terms["near"], arrays["near.idf"], parts),
            whole_terms=Tfidf(terms["whole"], arrays["whole.idf"], parts),
            topics=TopicModel(
                arrays["topics.coef"],
                arrays["topics.words"],
                arrays["topics.intercept"],
                arrays["topics.threshold"],
            ),
            stances=StanceModel(
                arrays["stances.near"],
                arrays["stances.whole"],
                arrays["stances.own"],
                arrays["stances.own_intercept"],
                arrays["stances.intercept"],
            ),
            addressed=AddressedModel(
                arrays["addressed.coef"],
                arrays["addressed.near"],
                arrays["addressed.topic_words"],
                arrays["addressed.intercept"],
                arrays["addressed.threshold"],
            ),
            sketches=arrays["sketches"],
            card=card,
        )
    except (KeyError, TypeError, ValueError, DataError) as error:
        raise ModelError(f"not a complete model: {error}", place=str(folder), remedy=_REMEDY) from None


def read_records(folder: Path) -> tuple[Record, ...]:
    """Read what a model keeps of the articles that it learned from.

    Raises ModelError when the model is missing or changed.
    """
    contents = _checked_files(folder, read_card(folder), only=_RECORDS)
    return records_from_text(contents[_RECORDS].decode("utf-8"))


def read_card(folder: Path) -> dict[str, Any]:
    """Read `model.json` and check that it is a model's, of a known version, and unchanged.

    Raises ModelError otherwise.
    """
    path = folder / "model.json"
    try:
        card = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ModelError(
            "no model here: no model.json",
            place=str(folder),
            remedy="see the models there are with `talante models list`",
        ) from None
    except OSError as error:
        raise ModelError(f"cannot read: {(error.strerror or str(error)).lower()}", place=str(path)) from None
    except ValueError:
        raise ModelError("damaged: not valid JSON", place=str(path), remedy=_REMEDY) from None
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise ModelError("not a talante model", place=str(path))
    if card.get("format_version") != FORMAT_VERSION:
        raise ModelError(
            f"format version {card.get('format_version')}, and this talante reads version {FORMAT_VERSION}",
            place=str(path),
            remedy="install the talante that wrote it, or train again",
        )
    if card.get("id") != _card_id(card):
        raise ModelError(
            "changed since it was written: its digest differs from its id", place=str(path), remedy=_REMEDY
        )
    return card


def _checked_files(folder: Path, card: Mapping[str, Any], only: str | None = None) -> dict[str, bytes]:
    contents = {}
    for name, digest in card["files"].items():
        if only not in (None, name):
            continue
        path = folder / name
        # A foreign card must not lead out of its folder
        if Path(name).name != name:
            raise ModelError(f"names a file outside its folder: '{name}'", place=str(folder / "model.json"))
        try:
            data = path.read_bytes()
        except OSError as error:
            fact = "missing" if isinstance(error, FileNotFoundError) else f"cannot read: {error.strerror}"
            raise ModelError(fact, place=str(path), remedy=_REMEDY) from None
        if _sha256(data) != digest:
            raise ModelError(
                "changed since it was written: its SHA-256 differs from the one in model.json",
                place=str(path),
                remedy=_REMEDY,
            )
        contents[name] = data
    return contents


def _terms(data: bytes) -> list[str]:
    return data.decode("utf-8").split("\n") if data else []


def _array(path: Path, shapes: _Shapes) -> NDArray[Any]:
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    expected = shapes.of(path.stem)
    if array.shape != expected or array.dtype != _dtype(path.stem):
        raise ValueError(f"{path.name} is {array.dtype} {array.shape}, expected {_dtype(path.stem)} {expected}")
    # A view as a plain array: indexing a memmap costs several times as much
    return np.asarray(array)


def _dtype(name: str) -> np.dtype[Any]:
    return np.dtype("<u4" if name == "sketches" else "<f4" if name in _SINGLE else "<f8")


def _card_id(card: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in card.items() if key != "id"}
    return _sha256(json.dumps(rest, sort_keys=True).encode())[:12]


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
