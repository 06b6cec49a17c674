"""Reading what a user names: one article or one reason for each file and each line, in order."""

import gzip
import json
from pathlib import Path

import pytest

from talante.corpus.article import Article, Unreadable
from talante.corpus.files import MAX_ARTICLE_BYTES
from talante.corpus.read import find_inputs, read_articles
from talante.errors import DataError, UsageError


def read(path: Path) -> list[Article | Unreadable]:
    return list(read_articles(find_inputs([str(path)])))


def only_error(path: Path) -> str:
    (item,) = read(path)
    assert isinstance(item, Unreadable)
    assert item.id.startswith(str(path))
    return item.error


def test_a_folder_is_searched_below_in_order_and_hidden_files_are_left_out(tmp_path: Path) -> None:
    for name in ("b.txt", "a.md", "sub/c.html", ".git/x.txt", "photo.jpg", "sub/.hidden.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("text")
    assert [p and str(p.relative_to(tmp_path)) for p in find_inputs([str(tmp_path)])] == ["a.md", "b.txt", "sub/c.html"]


def test_a_glob_that_no_shell_expanded_is_expanded(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    assert find_inputs([str(tmp_path / "*.txt")]) == [tmp_path / "a.txt"]


def test_a_file_whose_name_has_brackets_is_itself(tmp_path: Path) -> None:
    (tmp_path / "a[1].txt").write_text("x")
    assert find_inputs([str(tmp_path / "a[1].txt")]) == [tmp_path / "a[1].txt"]


def test_what_does_not_exist_stops_everything_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        find_inputs([str(tmp_path), str(tmp_path / "missing.txt")][1:])
    with pytest.raises(UsageError, match="no file matches"):
        find_inputs([str(tmp_path / "*.txt")])
    with pytest.raises(DataError, match="no articles in this folder"):
        find_inputs([str(tmp_path)])


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", "empty file"),
        (b" \n\t ", "empty file"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "binary data, not text"),
        (b"Caf\xe9 con leche", "not UTF-8 at byte 3; save it as UTF-8"),
        (b"\xef\xbb\xbfCaf\xe9", "not UTF-8 at byte 6; save it as UTF-8"),
        ("hola".encode("utf-16"), "UTF-16, not UTF-8; save it as UTF-8"),
        (b"x" * (MAX_ARTICLE_BYTES + 1), "longer than 10 MB, the limit for one article; split it into articles"),
    ],
)
def test_a_file_that_is_no_text_says_why(tmp_path: Path, data: bytes, error: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(data)
    assert only_error(path) == error


def test_a_byte_order_mark_is_not_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfHola")
    (article,) = read(tmp_path / "a.txt")
    assert isinstance(article, Article) and article.text == "Hola"


def test_a_page_may_declare_another_character_set(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_bytes('<meta charset="iso-8859-1"><p>Perú</p>'.encode("latin-1"))
    (article,) = read(tmp_path / "a.html")
    assert isinstance(article, Article) and "Perú" in article.text


def test_each_line_of_json_lines_is_an_article_or_a_reason(tmp_path: Path) -> None:
    lines = [
        json.dumps({"id": "a1", "text": "Uno", "title": "T", "lang": "es", "extra": 1}).encode(),
        b'{"id": "a2", "text": "half',
        b"",
        json.dumps({"id": "a3"}).encode(),
        json.dumps({"id": 7, "text": ""}).encode(),
        json.dumps({"text": 3}).encode(),
        json.dumps([1]).encode(),
        b'{"id": "a8", "text": "Caf\xe9"}',
        b'{"id": "a9", "text": "' + b"x" * (50_000_000) + b'"}',
        b"[" * 100_000,
        json.dumps({"text": "last"}).encode(),
    ]
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join(lines))
    items = [(i.id, i.text if isinstance(i, Article) else i.error) for i in read(path)]
    assert items == [
        ("a1", "Uno"),
        (f"{path}:2", "not valid JSON: unterminated string starting at column 22"),
        ("a3", "no field 'text'"),
        ("7", "field 'text' is empty"),
        (f"{path}:6", "field 'text' is not a string"),
        (f"{path}:7", "not a JSON object"),
        (f"{path}:8", "not UTF-8 at byte 25"),
        (f"{path}:9", "a line longer than 10 MB, the limit for one article"),
        (f"{path}:10", "not valid JSON: nested too deeply"),
        (f"{path}:11", "last"),
    ]


@pytest.mark.parametrize(("given", "lang"), [("es", "es"), ("en-US", "en"), ("ES_ve", "es"), (None, ""), (3, "")])
def test_a_language_may_have_a_region(tmp_path: Path, given: object, lang: str) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": "x", "lang": given}))
    (article,) = read(tmp_path / "a.jsonl")
    assert isinstance(article, Article) and article.lang == lang


def test_an_empty_file_of_json_lines_is_a_row_too(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("\n\n")
    assert only_error(tmp_path / "a.jsonl") == "empty file"


def test_a_compressed_file_is_read_and_a_cut_one_says_so(tmp_path: Path) -> None:
    data = gzip.compress(json.dumps({"id": "a", "text": "Uno dos tres"}).encode())
    (tmp_path / "a.jsonl.gz").write_bytes(data)
    assert isinstance(read(tmp_path / "a.jsonl.gz")[0], Article)
    (tmp_path / "b.jsonl.gz").write_bytes(data[:-12])
    assert only_error(tmp_path / "b.jsonl.gz").startswith("cannot read: ")
    (tmp_path / "c.jsonl.gz").write_bytes(b"not gzip at all")
    assert only_error(tmp_path / "c.jsonl.gz").startswith("cannot read: ")
