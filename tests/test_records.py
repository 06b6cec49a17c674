"""Corpus and gold records: strict, all faults at once, each with its place and the nearest known label."""

import json
from pathlib import Path
from typing import Any

import pytest

from talante.corpus.records import check_corpus, load_corpus, load_gold, read_records
from talante.corpus.schema import load_schema, schema_from_data
from talante.errors import DataError
from talante.jobs.corpus import prepare_corpus
from tests.conftest import MINI, ROOT

GOOD = {"id": "a", "lang": "en", "title": "", "text": "Toral said no."}


def findings(tmp_path: Path, *records: Any) -> list[str]:
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(r if isinstance(r, str) else json.dumps(r) for r in records))
    _, found = read_records([path], load_schema(MINI / "schema.toml"))
    return [str(f).removeprefix(str(path)) for f in found]


@pytest.mark.parametrize(
    ("record", "finding"),
    [
        ({**GOOD, "topics": ["harbour"]}, ":1: unknown topic 'harbour'; did you mean 'harbor'?"),
        ({**GOOD, "stances": {"mayer": "favor"}}, ":1: unknown target 'mayer'; did you mean 'mayor'?"),
        ({**GOOD, "stances": {"mayor": "favour"}}, ":1: unknown stance 'favour'; did you mean 'favor'?"),
        ({**GOOD, "lang": "de"}, ":1: unknown language 'de'; known: en, es"),
        ({**GOOD, "text": " \n"}, ":1: text: is empty"),
        ({k: v for k, v in GOOD.items() if k != "text"}, ":1: text: field required"),
        ({**GOOD, "topics": "harbor"}, ":1: topics: input should be a valid list"),
        ({**GOOD, "id": 7}, ":1: id: input should be a valid string"),
        ('{"id": "a", ', ":1: not valid JSON: expecting property name enclosed in double quotes at column 13"),
        ("[]", ':1: not a JSON object; a record looks like {"id": ..., "text": ...}'),
    ],
)
def test_a_faulty_record_names_place_fact_and_remedy(tmp_path: Path, record: Any, finding: str) -> None:
    assert findings(tmp_path, record) == [finding]


def test_all_faults_are_reported_at_once_and_an_id_stands_only_once(tmp_path: Path) -> None:
    assert findings(tmp_path, GOOD, GOOD, {**GOOD, "id": "b", "lang": "xx", "topics": ["x"]}) == [
        f":2: id 'a' stands already at {tmp_path / 'a.jsonl'}:1",
        ":3: unknown topic 'x'; known: harbor, schools",
        ":3: unknown language 'xx'; known: en, es",
    ]


def test_absent_labels_are_not_annotated_and_empty_ones_are_none(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(GOOD) + "\n" + json.dumps({**GOOD, "id": "b", "topics": [], "stances": {}, "x": 1}))
    (absent, empty), _ = read_records([path], load_schema(MINI / "schema.toml"))
    assert (absent.topics, absent.stances) == (None, None)
    assert (empty.topics, empty.stances, empty.unknown) == (frozenset(), {}, {"x": 1})


def test_a_folder_with_faults_is_not_loaded_and_the_error_lists_them(tmp_path: Path) -> None:
    (tmp_path / "articles").mkdir()
    (tmp_path / "schema.toml").write_bytes((MINI / "schema.toml").read_bytes())
    (tmp_path / "articles/a.jsonl").write_text(json.dumps({**GOOD, "lang": "xx"}) + "\n{")
    with pytest.raises(DataError) as error:
        load_corpus(tmp_path)
    assert "a.jsonl:1: unknown language" in str(error.value) and "a.jsonl:2: not valid JSON" in str(error.value)


def test_a_data_folder_without_schema_or_articles_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no schema here"):
        check_corpus(tmp_path)
    (tmp_path / "schema.toml").write_bytes((MINI / "schema.toml").read_bytes())
    with pytest.raises(DataError, match="no articles here"):
        check_corpus(tmp_path)


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "articles/a.jsonl").mkdir(parents=True)
    (tmp_path / "schema.toml").write_bytes((MINI / "schema.toml").read_bytes())
    with pytest.raises(DataError, match=r"a\.jsonl: cannot read: is a directory"):
        check_corpus(tmp_path)
    (tmp_path / "schema.toml").unlink()
    (tmp_path / "schema.toml").mkdir()
    with pytest.raises(DataError, match=r"schema\.toml: cannot read: is a directory"):
        check_corpus(tmp_path)


def test_a_record_of_page_chrome_alone_is_named(tmp_path: Path) -> None:
    (tmp_path / "articles").mkdir()
    (tmp_path / "schema.toml").write_bytes((MINI / "schema.toml").read_bytes())
    (tmp_path / "articles/a.jsonl").write_text(json.dumps({**GOOD, "text": "fbpx"}))
    with pytest.raises(DataError, match=r"a\.jsonl:1: no article text is left"):
        prepare_corpus(load_corpus(tmp_path))


def test_gold_without_any_label_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gold.jsonl").write_text(json.dumps(GOOD))
    with pytest.raises(DataError, match="no record carries labels"):
        load_gold(tmp_path / "gold.jsonl", load_schema(MINI / "schema.toml"))


@pytest.mark.parametrize("path", [MINI / "schema.toml", ROOT / "data/schema.toml"])
def test_a_schema_comes_back_from_json_as_it_was(path: Path) -> None:
    schema = load_schema(path)
    assert schema_from_data(json.loads(json.dumps(schema.to_json())), "here") == schema


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("[[topic]]\nname = 1", "a topic without an id"),
        ('[[topic]]\nid = "a"\n[[topic]]\nid = "a"', "topic 'a' is defined twice"),
        ('[[topic]]\nid = "a"\ndefinitoin = "x"', "did you mean 'definition'"),
        ('[[target]]\nid = "a"', "target 'a' has no aliases"),
        ('[[target]]\nid = "a"\naliases.en = "x"', "must be strings"),
        ('[[target]]\nid = "a"\naliases = ["x"]', "must be lists by language"),
        ('[[target]]\nid = "a"\naliases.en = ["*"]', "begin with a letter"),
        ("", "neither a topic nor a target"),
        ("[[", "not valid TOML"),
    ],
)
def test_a_faulty_schema_says_what_is_wrong(tmp_path: Path, schema: str, message: str) -> None:
    (tmp_path / "schema.toml").write_text(schema)
    with pytest.raises(DataError, match=message):
        load_schema(tmp_path / "schema.toml")
