"""Predictions of any system: three formats that read the same, and every fault with its place."""

import csv
import gzip
import io
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talante.corpus.article import STANCES, Article, Stance
from talante.corpus.schema import Schema, load_schema, schema_from_data
from talante.errors import DataError, UsageError
from talante.evaluation.predictions import Predicted, read_predictions
from talante.jobs.evaluate import evaluate_predictions
from talante.jobs.tag import Order, Tagger, to_row
from talante.model.model import Model, Prediction, StancePrediction
from tests.conftest import MINI, Run

SCHEMA = load_schema(MINI / "schema.toml")
GOLD = [Article(id=name, text="Toral said no.") for name in ("a", "b", "c")]


def read(content: str | bytes, name: str, gold: Sequence[Article] = GOLD, schema: Schema = SCHEMA) -> list[Predicted]:
    """Read a file of this content; what an error says of its place begins with the name alone."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        try:
            return read_predictions(path, gold, schema)
        except DataError as error:
            raise DataError(str(error).replace(f"{folder}/", "")) from None


def fault(content: str | bytes, name: str) -> str:
    with pytest.raises(DataError) as error:
        read(content, name)
    return str(error.value)


def said(p: Predicted) -> tuple[Mapping[str, float], Mapping[str, Stance]]:
    return p.topics, p.stances


# --- properties -------------------------------------------------------------------------------------------------

SCORES = st.integers(0, 10_000).map(lambda n: n / 10_000)


@st.composite
def probabilities(draw: st.DrawFn) -> tuple[float, float, float]:
    low, high = sorted(draw(st.tuples(st.integers(0, 10_000), st.integers(0, 10_000))))
    return low / 10_000, (high - low) / 10_000, (10_000 - high) / 10_000


@st.composite
def predictions(draw: st.DrawFn) -> list[Prediction]:
    """Draw a prediction for each gold article: a score for each topic, given from 0.5 on, and perhaps stances."""
    drawn = []
    for article in GOLD:
        scores = {topic: draw(SCORES) for topic in SCHEMA.topic_ids}
        targets = draw(st.sets(st.sampled_from(SCHEMA.target_ids)))
        stances = {target: StancePrediction(draw(probabilities())) for target in sorted(targets)}
        drawn.append(Prediction(article, scores, tuple(t for t, s in scores.items() if s >= 0.5), stances))
    return drawn


def as_rows(drawn: Sequence[Prediction], model: Model, **options: Any) -> str:
    return "".join(json.dumps(to_row(p, model, **options)) + "\n" for p in drawn)


def labels_of(p: Prediction) -> list[tuple[str, float]]:
    """Return every label with its score, the highest first, as fastText prints them."""
    stances = [
        (f"{target}={stance}", score)
        for target, s in p.stances.items()
        for stance, score in zip(STANCES, s.probabilities, strict=True)
    ]
    return sorted([*p.scores.items(), *stances], key=lambda item: -item[1])


def as_table(rows: Sequence[Sequence[object]], delimiter: str = ",") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue()


def as_long(drawn: Sequence[Prediction], delimiter: str) -> str:
    rows = [(p.article.id, label, score) for p in drawn for label, score in labels_of(p)]
    return as_table([("id", "label", "score"), *rows], delimiter)


def as_wide(drawn: Sequence[Prediction], delimiter: str) -> str:
    header = ["id", *SCHEMA.topic_ids, *(f"stance:{t}" for t in SCHEMA.target_ids)]
    return as_table(
        [
            header,
            *(
                [
                    p.article.id,
                    *p.scores.values(),
                    *(p.stances[t].stance if t in p.stances else "" for t in SCHEMA.target_ids),
                ]
                for p in drawn
            ),
        ],
        delimiter,
    )


def as_fasttext(drawn: Sequence[Prediction]) -> str:
    return "".join(" ".join(f"__label__{label} {score}" for label, score in labels_of(p)) + "\n" for p in drawn)


@given(drawn=predictions())
def test_a_row_of_talante_comes_back_as_what_was_predicted(drawn: list[Prediction], model: Model) -> None:
    for p, back in zip(drawn, read(as_rows(drawn, model, every_score=True), "p.jsonl"), strict=True):
        assert back.topics == {topic: p.scores[topic] for topic in p.topics}
        assert back.topic_scores == p.scores
        assert back.stances == {target: s.stance for target, s in p.stances.items()}
        assert back.probabilities == {target: s.probabilities for target, s in p.stances.items()}
        assert not back.missing


@given(drawn=predictions(), delimiter=st.sampled_from(",;\t"))
def test_all_formats_of_the_same_predictions_read_the_same(
    drawn: list[Prediction], delimiter: str, model: Model
) -> None:
    rows = read(as_rows(drawn, model, every_score=True), "p.jsonl")
    assert read(as_fasttext(drawn), "p.txt") == rows
    assert read(as_long(drawn, delimiter), "p.csv") == rows
    for wide, row in zip(read(as_wide(drawn, delimiter), "p.tsv"), rows, strict=True):
        assert (wide.topics, wide.topic_scores, wide.stances) == (row.topics, row.topic_scores, row.stances)


@given(drawn=predictions(), order=st.permutations(range(len(GOLD))))
def test_rows_and_table_rows_are_matched_by_id_whatever_their_order(
    drawn: list[Prediction], order: list[int], model: Model
) -> None:
    mixed = [drawn[i] for i in order]
    assert read(as_rows(mixed, model), "p.jsonl") == read(as_rows(drawn, model), "p.jsonl")
    assert read(as_wide(mixed, ","), "p.csv") == read(as_wide(drawn, ","), "p.csv")


@given(drawn=predictions(), floor=SCORES)
def test_unsure_stances_are_not_given_and_a_lone_score_splits_the_rest_evenly(
    drawn: list[Prediction], floor: float, model: Model
) -> None:
    for p, back in zip(drawn, read(as_rows(drawn, model, min_score=floor), "p.jsonl"), strict=True):
        sure = {target: s for target, s in p.stances.items() if s.score >= floor}
        assert back.stances == {target: s.stance for target, s in sure.items()}
        assert back.probabilities.keys() == sure.keys()
        for target, s in sure.items():
            rest = pytest.approx((1 - s.score) / 2)
            assert back.probabilities[target] == tuple(s.score if name == s.stance else rest for name in STANCES)


@given(st.binary(max_size=300), st.sampled_from(["p.jsonl", "p.csv", "p.tsv", "p.txt", "p.jsonl.gz", "p.csv.gz"]))
def test_any_bytes_are_read_or_refused_with_their_place(content: bytes, name: str) -> None:
    try:
        read(content, name)
    except DataError as error:
        assert str(error).startswith(name)


ALPHABET = st.sampled_from(
    ["id", "a", "b", "label", "score", "topics", "stances", "harbor", "mayor", "=", "favor", "__label__", "0.7", "2",
     ",", "\t", ";", "|", '"', "{", "}", "[", "]", ":", "null", "\n", "\r", " ", "é"]
)  # fmt: skip


@given(st.lists(ALPHABET, max_size=40).map("".join), st.sampled_from(["p.jsonl", "p.csv", "p.txt"]))
def test_any_text_is_read_or_refused_with_its_place(content: str, name: str) -> None:
    try:
        assert len(read(content, name)) == len(GOLD)
    except DataError as error:
        assert str(error).startswith(name)


# --- JSON Lines -------------------------------------------------------------------------------------------------


def test_simple_rows_need_no_scores() -> None:
    a, b, c = read('{"id": "a", "topics": ["harbor"], "stances": {"mayor": "against"}}\n{"id": "b", "topics": []}', "p")
    assert a == Predicted({"harbor": 1.0}, {"harbor": 1.0}, {"mayor": "against"}, {"mayor": (1, 0, 0)}, False, False)
    assert b == Predicted({}, {}, {}, {}, missing=False, has_scores=False)
    assert c == Predicted({}, {}, {}, {}, missing=True, has_scores=False)


def test_an_error_row_is_missing_and_its_article_keeps_its_place() -> None:
    a, b, c = read(
        '{"id": "c", "topics": {"harbor": 0.7}}\n{"id": "a", "error": "no text"}\n{"id": "b", "stances": {}}', "p.jsonl"
    )
    assert [a.missing, b.missing, c.missing] == [True, False, False]
    assert c.topics == {"harbor": 0.7}
    assert a.has_scores and b.has_scores and c.has_scores  # a property of the file


def test_a_score_in_all_topics_belongs_to_a_topic_that_is_only_listed() -> None:
    row = {"id": "a", "topics": ["harbor"], "all_topics": {"harbor": 0.4, "schools": 0.3}}
    a, *_ = read(json.dumps(row), "p.jsonl")
    assert (a.topics, a.topic_scores) == ({"harbor": 0.4}, {"harbor": 0.4, "schools": 0.3})


def test_an_unsure_stance_keeps_its_probabilities_where_the_file_has_them() -> None:
    row = {
        "id": "a",
        "stances": {"mayor": {"stance": None, "score": 0.4}, "union": None},
        "all_stances": {"mayor": {"against": 0.4, "neutral": 0.35, "favor": 0.25}},
    }
    a, *_ = read(json.dumps(row), "p.jsonl")
    assert (a.stances, a.probabilities) == ({}, {"mayor": (0.4, 0.35, 0.25)})


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('{"id": "a", "topics": ["harbor"', "p.jsonl:1: not valid JSON: expecting ',' delimiter at column 32"),
        ('{"topics": []}', 'p.jsonl:1: no field \'id\', a string; a row looks like {"id": ..., "topics": ...}'),
        ('{"id": "z", "topics": []}', "p.jsonl:1: id 'z' is not in the gold file; its ids are such as 'a'"),
        ('{"id": "a", "topic": []}', "p.jsonl:1: neither 'topics' nor 'stances'; its fields are: id, topic"),
        ('{"id": "a", "topics": ["harbour"]}', "p.jsonl:1: unknown topic 'harbour'; did you mean 'harbor'?"),
        ('{"id": "a", "topics": [["harbor"]]}', "p.jsonl:1: topic ['harbor'] is not a string"),
        ('{"id": "a", "topics": "harbor"}', "p.jsonl:1: field 'topics' is not an object; it looks like {\"ID\": ...}"),
        ('{"id": "a", "stances": {"mayer": "favor"}}', "p.jsonl:1: unknown target 'mayer'; did you mean 'mayor'?"),
        ('{"id": "a", "stances": {"mayor": "favour"}}', "p.jsonl:1: unknown stance 'favour'; did you mean 'favor'?"),
        ('{"id": "a", "stances": {"mayor": 1}}', "p.jsonl:1: stance 1 is not a string"),
        ('{"id": "a", "stances": {"mayor": {}}}', "p.jsonl:1: stances.mayor has no 'stance'; null means unsure"),
        *(
            (f'{{"id": "a", "topics": {{"harbor": {value}}}}}', f"p.jsonl:1: score {shown} is not a number from 0 to 1")
            for value, shown in [
                ("1.01", "1.01"),
                ("-0.1", "-0.1"),
                ("NaN", "nan"),
                ("Infinity", "inf"),
                ("true", "True"),
                ('"0.9"', "'0.9'"),
                ("null", "None"),
                ("1" + "0" * 400, "1" + "0" * 79),
            ]
        ),
    ],
)
def test_a_faulty_row_names_place_fact_and_remedy(row: str, message: str) -> None:
    assert fault(row, "p.jsonl").startswith(message)


def test_all_faulty_rows_are_named_at_once_and_an_id_stands_only_once() -> None:
    row = '{"id": "a", "topics": []}\n'
    message = fault(row + row + '{"id": "b", "topics": ["x"]}\n' * 30, "p.jsonl")
    assert message.startswith("p.jsonl:2: id 'a' stands already at p.jsonl:1; keep one\nerror: p.jsonl:3: unknown")
    assert message.endswith("\nand 11 more") and message.count("\n") == 20


# --- tables -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", ["harbor|schools", "harbor; schools", "harbor  schools", " schools | harbor |"])
def test_topics_of_a_wide_table_stand_in_one_cell(cell: str) -> None:
    a, b, c = read(f"\ufeffid,topics,mayor,stance:union\r\na,{cell},against,\r\nb,,,favor\r\n", "p.csv")
    assert said(a) == ({"harbor": 1.0, "schools": 1.0}, {"mayor": "against"})
    assert said(b) == ({}, {"union": "favor"})
    assert (b.probabilities, b.missing, c.missing, a.has_scores) == ({"union": (0, 0, 1)}, False, True, False)


def test_topics_of_a_wide_table_have_columns_and_are_given_from_one_half_on() -> None:
    a, b, _ = read("id,title,harbor,topic:schools\na,x,0.5,0.49\nb,y,,1\n", "p.csv")
    assert (a.topics, a.topic_scores) == ({"harbor": 0.5}, {"harbor": 0.5, "schools": 0.49})
    assert (b.topics, b.topic_scores, b.has_scores) == ({"schools": 1.0}, {"schools": 1.0}, True)


def test_a_column_topics_says_which_are_given_and_the_scores_stand_beside() -> None:
    a, *_ = read("id,topics,harbor,schools\na,schools,0.9,0.2\n", "p.csv")
    assert (a.topics, a.topic_scores) == ({"schools": 0.2}, {"harbor": 0.9, "schools": 0.2})


def test_zeros_and_ones_are_no_scores() -> None:
    a, *_ = read("id,harbor,schools\na,1,0\n", "p.csv")
    assert (a.topics, a.has_scores) == ({"harbor": 1.0}, False)


def test_an_error_in_a_table_is_missing_and_quoted_cells_may_hold_lines() -> None:
    a, b, _ = read('id,text,error,topics\na,"one\n\ntwo",no text,\nb,x,,harbor\n', "p.csv")
    assert (a.missing, b.missing, b.topics) == (True, False, {"harbor": 1.0})


def test_a_long_table_gives_labels_without_score_and_an_empty_label_is_the_answer_nothing() -> None:
    a, b, c = read("id\tlabel\na\tharbor\na\tmayor=favor\nb\t\n", "p.tsv")
    assert said(a) == ({"harbor": 1.0}, {"mayor": "favor"})
    assert (said(b), b.missing, c.missing) == (({}, {}), False, True)


def test_of_the_scored_stances_of_a_long_table_the_highest_is_given() -> None:
    a, b, _ = read("id,label,score\na,mayor=favor,0.3\na,mayor=against,0.5\na,harbor,0.49\nb,harbor,0.51", "p.csv")
    assert said(a) == ({}, {"mayor": "against"})
    assert a.probabilities["mayor"] == pytest.approx((0.5, 0.2, 0.3))
    assert b.topics == {"harbor": 0.51}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("name,topics\na,harbor", "p.csv:1: no column 'id'; its columns are: name, topics"),
        ("id,topics\n", "p.csv:1: no row below the header; it needs a row for each gold article"),
        ("id,title\na,x", "p.csv:1: no column with labels"),
        ("id,harbour\na,1", "p.csv:1: unknown column 'harbour'; did you mean 'harbor'?"),
        ("id,stance:mayer\na,favor", "p.csv:1: unknown target 'mayer'; did you mean 'mayor'?"),
        ("id,mayor,stance:mayor\na,,", "p.csv:1: column 'stance:mayor' stands there twice; keep one"),
        ("id,label,scores\na,harbor,1", "p.csv:1: unknown column 'scores' beside 'label'; did you mean 'score'?"),
        ("id,topics\na,harbor,schools", "p.csv:2: 3 cells, and the header has 2; quote a cell that holds the"),
        ("id,topics\na,harbor|x", "p.csv:2: unknown topic 'x'; known: harbor, schools"),
        ("id,topics\na,harbor\n\na,", "p.csv:4: id 'a' stands already at p.csv:2; keep one"),
        ("id,mayor\na,for", "p.csv:2: unknown stance 'for'; did you mean 'favor'?"),
        ('id,text,harbor\na,"x\n\ny",1\nb,"x\ny",1.2', "p.csv:5: score 1.2 is not a number from 0 to 1"),
        ("id,harbor\na,yes", "p.csv:2: score 'yes' is not a number from 0 to 1; write a probability, such as 0.97"),
        ('id,topics\na,"harbor\nb,', "p.csv:2: not a valid table: unexpected end of data; is a quote left open?"),
        ("id,label\na,mayor", "p.csv:2: unknown topic 'mayor'; known: harbor, schools"),
        ("id,label\na,harbor\na,harbor", "p.csv:3: label 'harbor' of this id stands there twice; keep one"),
        ("id,label\na,mayor=favor\na,mayor=against", "p.csv:3: two stances toward 'mayor', not both with a score"),
        ("id,label\nz,harbor", "p.csv:2: id 'z' is not in the gold file; its ids are such as 'a'"),
        (b"id,topics\na,harbor\nb,\xf1\n", "p.csv:3: not UTF-8 at byte 2; save it as UTF-8"),
    ],
)
def test_a_faulty_table_names_place_fact_and_remedy(table: str | bytes, message: str) -> None:
    assert fault(table, "p.csv").startswith(message)


def test_all_faults_of_a_header_are_named_at_once_and_so_are_those_of_the_rows() -> None:
    assert fault("id,x,y\na,1,1", "p.csv").count("unknown column") == 2
    assert fault("id,harbor\na,2\nz,1", "p.csv").splitlines()[1:] == [
        "error: p.csv:3: id 'z' is not in the gold file; its ids are such as 'a'"
    ]


def test_a_name_of_a_topic_and_of_a_target_needs_its_kind() -> None:
    both = schema_from_data({"topics": [{"id": "peru"}], "targets": [{"id": "peru", "aliases": {"en": ["P"]}}]}, "")
    with pytest.raises(DataError, match="column 'peru' is a topic and a target; write topic:peru or stance:peru"):
        read("id,peru\na,1", "p.csv", schema=both)
    a, *_ = read("id,topic:peru,stance:peru\na,1,favor", "p.csv", schema=both)
    assert said(a) == ({"peru": 1.0}, {"peru": "favor"})


# --- fastText ---------------------------------------------------------------------------------------------------


def test_lines_of_fasttext_belong_to_the_articles_in_order_and_a_blank_one_gives_nothing() -> None:
    a, b, c = read(
        "__label__harbor 1.00001 __label__schools 0.4\n\n__label__mayor=favor 0.2 __label__harbor 0.1\n", "p"
    )
    assert (a.topics, a.topic_scores) == ({"harbor": 1.0}, {"harbor": 1.0, "schools": 0.4})
    assert (said(b), b.missing) == (({}, {}), False)
    assert (said(c), c.probabilities) == (({}, {"mayor": "favor"}), {"mayor": (0.4, 0.4, 0.2)})


def test_labels_without_scores_are_given_and_of_two_stances_the_first() -> None:
    a, b, c = read("__label__harbor __label__mayor=neutral __label__mayor=favor\n__label__schools\n\n", "p.txt")
    assert said(a) == ({"harbor": 1.0}, {"mayor": "neutral"})
    assert (said(b), said(c), a.has_scores) == (({"schools": 1.0}, {}), ({}, {}), False)


def test_a_sole_label_is_the_answer_whatever_its_score() -> None:
    a, b, _ = read("__label__harbor 0.3\n__label__mayor=favor 0.4\n__label__schools 0.9\n", "p.txt")
    assert said(a) == ({"harbor": 0.3}, {})
    assert said(b) == ({}, {"mayor": "favor"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("__label__harbor 0.9\n", "p.txt: 1 lines of fastText, and 3 gold articles; give fastText each article on a"),
        ("__label__harbor 0.9\n\n\n\n", "p.txt: 4 lines of fastText, and 3 gold articles"),
        ("__label__harbour 0.9\n\n\n", "p.txt:1: unknown topic 'harbour'; did you mean 'harbor'?"),
        ("\n__label__mayor=for 0.9\n\n", "p.txt:2: unknown stance 'for'; did you mean 'favor'?"),
        ("__label__harbor 1.1\n\n\n", "p.txt:1: score 1.1 is not a number from 0 to 1"),
        ("__label__harbor nan\n\n\n", "p.txt:1: score nan is not a number from 0 to 1"),
        ("__label__harbor 0.1 0.2\n\n\n", "p.txt:1: '0.2' is neither a label nor its score"),
        ("__label__harbor 0.1 __label__harbor 0.2\n\n\n", "p.txt:1: label '__label__harbor' stands there twice"),
    ],
)
def test_faulty_output_of_fasttext_names_place_fact_and_remedy(text: str, message: str) -> None:
    assert fault(text, "p.txt").startswith(message)


# --- files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", ": empty file; it needs a row for each gold article"),
        (b" \n\n", ": empty file; it needs a row for each gold article"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", ":1: binary data, not text; give JSON Lines"),
        ("id,topics\na,".encode("utf-16"), ":1: UTF-16, not UTF-8; save it as UTF-8"),
    ],
)
@pytest.mark.parametrize("name", ["p.jsonl", "p.csv", "p.txt"])
def test_what_holds_no_predictions_is_refused(content: bytes, message: str, name: str) -> None:
    assert fault(content, name).startswith(name + message)


def test_text_of_no_known_format_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    assert fault("Toral said no.", "p.txt").startswith("p.txt:1: not a format of predictions; give JSON Lines")
    with pytest.raises(UsageError, match="none: no such file"):
        read_predictions(tmp_path / "none", GOLD, SCHEMA)


@pytest.mark.parametrize(
    ("content", "name"),
    [('{"id": "a", "topics": ["harbor"]}', "p.jsonl.gz"), ("id,topics\na,harbor", "p.csv.gz"),
     ("__label__harbor\n\n\n", "p.gz")],
)  # fmt: skip
def test_every_format_may_be_compressed_and_damage_is_said(content: str, name: str) -> None:
    packed = gzip.compress(content.encode())
    assert read(packed, name) == read(content, name.removesuffix(".gz"))
    assert fault(packed[:-9], name).startswith(f"{name}: cannot read: ")
    assert fault(packed[:10] + b"\xff" + packed[11:], name).startswith(f"{name}: cannot read: ")


# --- the program ------------------------------------------------------------------------------------------------


def test_what_predict_prints_is_read_as_what_the_model_says(talante: Run, model: Model, tmp_path: Path) -> None:
    gold = [
        Article(id="x-1", text="Mayor Toral is a liar and a disgrace to the harbor and its ships.", lang="en"),
        Article(id="x-2", text="Die Bürgermeisterin sagte nein.", lang="de"),
    ]
    lines = [json.dumps({"id": a.id, "text": a.text, "lang": a.lang}) for a in gold]
    (tmp_path / "gold.jsonl").write_text("\n".join(lines))
    printed = talante("predict", "gold.jsonl", "--all")
    assert printed.returncode == 8
    first, second = read(printed.stdout, "p.jsonl", gold)
    row, _ = Tagger(Order(every_score=True), model).rows(gold)
    assert (first.topics, first.topic_scores) == (row["topics"], row["all_topics"])
    assert first.stances == {target: s["stance"] for target, s in row["stances"].items()} != {}
    assert (first.missing, second.missing) == (False, True)


def test_what_talante_cannot_read_another_system_may(tmp_path: Path) -> None:
    record = {"id": "a", "lang": "en", "title": "", "text": "© ", "topics": ["harbor"]}
    (tmp_path / "gold.jsonl").write_text(json.dumps(record))
    (tmp_path / "said.csv").write_text("id,topics\na,harbor\n")
    report = evaluate_predictions(tmp_path / "gold.jsonl", tmp_path / "said.csv", SCHEMA)
    assert report.untagged == 0 and report.topics_micro and report.topics_micro.f1.value == 1.0
