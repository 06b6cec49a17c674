"""The exported pipelines are scikit-learn's own and say what the model says."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from talante.corpus.article import Article
from talante.corpus.records import Corpus
from talante.corpus.schema import Schema, Target
from talante.errors import ModelError
from talante.model.export import stance_row, to_sklearn, topic_row
from talante.model.fit import fit
from talante.model.model import Model
from talante.model.settings import Settings
from talante.text.prepare import Prepared, Preparer
from tests.conftest import SETTINGS, Run


def rows(listed: list[list[Any]]) -> np.ndarray:
    return np.array(listed, dtype=object)


def check(model: Model, exported: dict[str, Any], articles: list[Prepared]) -> int:
    topics = exported["topics"]
    listed = rows([topic_row(model, p) for p in articles])
    given, scores = (topics.predict(listed), topics.predict_proba(listed)) if topics else ([()] * len(articles), [])
    stances = 0
    for number, prepared in enumerate(articles):
        prediction = model.predict_prepared(prepared)
        assert {t for t, yes in zip(exported["topic_ids"], given[number], strict=True) if yes} == set(prediction.topics)
        for column, topic in enumerate(exported["topic_ids"]):
            assert scores[column][number, 1] == pytest.approx(prediction.scores[topic], abs=1e-9)
        for target, stance in prediction.stances.items():
            pipeline, row = exported["stances"][target], rows([stance_row(prepared, target)])
            np.testing.assert_allclose(pipeline.predict_proba(row)[0], stance.probabilities, rtol=0, atol=1e-9)
            assert pipeline.predict(row)[0] == stance.stance
            stances += 1
    return stances


def test_it_predicts_the_same(model: Model, articles: list[Prepared]) -> None:
    assert check(model, to_sklearn(model), articles) > 10


def test_the_shipped_model_predicts_the_same_on_real_articles(shipped: Model, corpus_sample: list[Prepared]) -> None:
    assert check(shipped, to_sklearn(shipped), corpus_sample) > 10


USE = """
import sys, joblib
exported = joblib.load(sys.argv[1])
print(exported["stances"]["mayor"].predict([["⟦target⟧ lies", "⟦target⟧ lies", "Toral lies"]])[0])
print(not any(name.split(".")[0] == "talante" for name in sys.modules))
"""


def test_the_file_loads_without_talante(talante: Run, tmp_path: Path) -> None:
    result = talante("export", "-o", "model.joblib")
    assert result.returncode == 0, result.stderr
    used = subprocess.run(
        [sys.executable, "-c", USE, str(tmp_path / "model.joblib")], capture_output=True, text=True, timeout=120
    )
    assert used.stdout.split() == ["against", "True"], used.stderr
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_a_file_that_cannot_be_written_is_named(talante: Run) -> None:
    result = talante("export", "-o", "nowhere/model.joblib")
    assert result.returncode == 9 and b"nowhere/model.joblib" in result.stderr


def test_a_view_without_a_term_is_left_out(corpus: Corpus) -> None:
    schema = Schema((), (Target("bridge", {}, "", {}, assumed=True),))
    stances = {"m01": "against", "m02": "against", "m03": "favor", "m04": "favor", "m05": "neutral", "m06": "neutral"}
    labelled = [replace(a, stances={"bridge": stances[a.id]}) for a in corpus.articles if a.id in stances]
    prepared = [Preparer(schema).prepare(article) for article in labelled]
    learned = fit(prepared, schema, SETTINGS)
    assert not learned.near_terms.terms
    assert check(learned, to_sklearn(learned), prepared) == 6


def test_a_model_of_short_texts_is_refused() -> None:
    schema = Schema((), (Target("bridge", {}, "", {"en": ("bridge",)}, assumed=True),))
    posts = [
        Article(id=str(i), text=f"{word} the bridge", lang="en", stances={"bridge": stance})
        for i, (word, stance) in enumerate([("build", "favor"), ("stop", "against"), ("see", "neutral")] * 2)
    ]
    with pytest.raises(ModelError, match="parts of words"):
        to_sklearn(fit([Preparer(schema).prepare(post) for post in posts], schema, Settings()))


def test_what_is_dumped_has_no_class_of_talante(model: Model, tmp_path: Path) -> None:
    joblib.dump(to_sklearn(model), tmp_path / "model.joblib")
    assert b"talante" not in (tmp_path / "model.joblib").read_bytes()
