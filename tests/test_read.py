"""Reading what a user names: one article or one reason for each file and each line, in order."""

import csv
import gzip
import io
import json
import os
import pickle
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talante.corpus import files
from talante.corpus.article import Article, Unreadable
from talante.corpus.files import MAX_ARTICLE_BYTES
from talante.corpus.read import SUFFIXES, Unparsed, article, find_inputs, raw_articles, read_articles, total_bytes
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


# One item for each row of output


def old_reading(data: bytes, name: str) -> Iterator[tuple[str, bytes | str]]:
    """What is expected of JSON Lines, by the plainest means."""
    found = [(n, line) for n, line in enumerate(io.BytesIO(data), 1) if line.strip()]
    for number, line in found:
        yield f"{name}:{number}", line
    if not found:
        yield name, "empty file"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("read")


JSON_LIKE = st.lists(
    st.one_of(
        st.sampled_from([b'{"text": "Uno"}', b'{"id": 3, "text": "\\ud800"}', b"\r", b"\n", b"\n", b" "]), st.binary()
    )
)


@given(JSON_LIKE.map(b"".join))
def test_the_raw_items_of_json_lines_are_its_lines(folder: Path, data: bytes) -> None:
    path = folder / "a.jsonl"
    path.write_bytes(data)
    raw = list(raw_articles([path]))
    assert [(r.place, r.data) if isinstance(r, Unparsed) else (r.id, r.error) for r in raw] == [  # type: ignore[union-attr]
        *old_reading(data, str(path))
    ]
    assert [article(r) for r in raw] == read(path)


TABLE_LIKE = st.lists(
    st.sampled_from([b'"', b'"', b",", b";", b"\t", b"\r", b"\n", b"\n", b" ", b"a", b"\xe9", b"\0", b"\xef\xbb\xbf"])
)


@given(
    st.one_of(st.binary(), TABLE_LIKE.map(lambda cells: b"id,text\n" + b"".join(cells))),
    st.sampled_from([s for s in SUFFIXES if s != ".parquet"]),
)
def test_of_any_bytes_each_raw_item_is_small_and_becomes_one_row_with_its_place(
    folder: Path, data: bytes, suffix: str
) -> None:
    path = folder / f"b{suffix}"
    path.write_bytes(data)
    raw = list(raw_articles([path]))
    assert raw and raw == list(raw_articles([path]))
    sent = [article(pickle.loads(pickle.dumps(r))) for r in raw]
    assert sent == list(read_articles([path]))
    assert all(a.place.startswith(str(path)) if isinstance(a, Article) else a.id for a in sent)


def test_a_line_that_is_too_long_is_never_held_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    with gzip.open(path, "wb", 1) as stream:
        for _ in range(8):
            stream.write(b"x" * MAX_ARTICLE_BYTES)
        stream.write(b'\n{"text": "Uno"}')
    tracemalloc.start()
    first, second = read(path)
    assert tracemalloc.get_traced_memory()[1] < 4 * MAX_ARTICLE_BYTES
    tracemalloc.stop()
    assert isinstance(first, Unreadable) and "longer than 10 MB" in first.error
    assert isinstance(second, Article)


def test_reading_is_lazy(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "Uno"}\n' * 3)
    first, *_ = islice(read_articles([tmp_path / "a.jsonl", tmp_path / "gone.txt"]), 1)
    assert isinstance(first, Article)


# How far reading is


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".csv", ".csv.gz", ".jsonl.zst", ".parquet"])
def test_bytes_read_rise_to_the_bytes_there_are(tmp_path: Path, suffix: str) -> None:
    texts = [os.urandom(2000).hex() for _ in range(600)]
    paths = [tmp_path / f"a{suffix}", tmp_path / "b.txt"]
    write_table(paths[0], {"id": [str(i) for i in range(600)], "text": texts})
    paths[1].write_text("Uno")
    done: list[int] = []
    number = sum(1 for _ in raw_articles(paths, done.append))
    total = sum(path.stat().st_size for path in paths)
    assert (number, done[-1], total_bytes(paths)) == (601, total, total)
    assert done == sorted(done) and 4 < len(done) < 100
    assert max(later - before for before, later in pairwise(done)) <= total / 2


def test_the_bytes_of_stdin_of_a_pipe_and_of_what_is_gone_are_unknown(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Uno")
    os.mkfifo(tmp_path / "pipe.txt")
    assert total_bytes([tmp_path / "a.txt"]) == 3
    for unknown in (None, tmp_path / "pipe.txt", tmp_path / "gone.txt"):
        assert total_bytes([tmp_path / "a.txt", unknown]) is None


def test_a_pipe_is_read_as_a_file_is(tmp_path: Path) -> None:
    path = tmp_path / "pipe.jsonl.gz"
    os.mkfifo(path)
    data = gzip.compress(b'{"text": "Uno"}\n' * 3).hex()
    code = f"import pathlib; pathlib.Path({str(path)!r}).write_bytes(bytes.fromhex('{data}'))"
    with subprocess.Popen([sys.executable, "-c", code]):
        done: list[int] = []
        assert sum(isinstance(article(r), Article) for r in raw_articles([path], done.append)) == 3
    assert set(done) == {0}


# Tables


def write_table(path: Path, columns: dict[str, list[Any]]) -> None:
    """Write columns in the format that the name of a file tells."""
    if path.suffix == ".parquet":
        arrow = pytest.importorskip("pyarrow")
        pytest.importorskip("pyarrow.parquet").write_table(arrow.table(columns), path)
        return
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    text = io.StringIO()
    if path.suffixes[0] in (".jsonl", ".ndjson"):
        text.write("".join(json.dumps(row) + "\n" for row in rows))
    else:
        writer = csv.DictWriter(text, columns, delimiter="\t" if ".tsv" in path.suffixes else ",")
        writer.writeheader()
        writer.writerows(rows)
    path.write_bytes(packed(text.getvalue().encode(), path.suffix))


def packed(data: bytes, suffix: str) -> bytes:
    if suffix == ".gz":
        return gzip.compress(data)
    return zstd().compress(data) if suffix == ".zst" else data


def zstd() -> Any:
    try:
        return files.zstandard()
    except UsageError:
        pytest.skip("no library for Zstandard")


def told(path: Path, text: str | bytes) -> list[tuple[str, str]]:
    """Return the id of each item of a file, and its text or what is wrong."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [(i.id.removeprefix(str(path)), i.text if isinstance(i, Article) else i.error) for i in read(path)]


TABLES = [s + p for s in (".csv", ".tsv") for p in ("", ".gz", ".zst")]


@pytest.mark.parametrize("suffix", [*TABLES, ".jsonl", ".jsonl.gz", ".jsonl.zst", ".ndjson.zst", ".parquet"])
def test_the_same_rows_are_the_same_articles_in_every_format(tmp_path: Path, suffix: str) -> None:
    columns = {
        "outlet": ["quay", "", "x"],
        "id": ["a1", "", "a3"],
        "text": ['Uno, "dos";\ttres\r\n\nPerú\n', "dos", " "],
        "lang": ["es-PE", "", "EN"],
        "title": ["T", "", ""],
    }
    path = tmp_path / f"a{suffix}"
    write_table(path, columns)
    first, second, third = read(path)
    assert isinstance(first, Article) and isinstance(second, Article)
    assert (first.id, first.title, first.lang, first.text) == ("a1", "T", "es", columns["text"][0])
    assert (second.id, second.title, second.lang, second.text) == (second.place, "", "", "dos")
    line = {".parquet": "row 2", ".csv": "6", ".tsv": "6"}.get("." + suffix.split(".")[1], "2")
    assert second.place == f"{path}:{line}"
    assert third == Unreadable("a3", "field 'text' is empty")
    assert find_inputs([str(tmp_path)]) == [path]


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@given(
    st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=5),
    st.sampled_from([",", ";"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_what_the_csv_module_writes_is_read_as_it_was(
    folder: Path, rows: list[tuple[str, str, str]], delimiter: str, quoting: Any, end: str, marked: bool
) -> None:
    if end == "\n":  # then Python before 3.13 writes a lone \r without the quotes that it needs
        rows = [(name.replace("\r", ""), cell.replace("\r", ""), title.replace("\r", "")) for name, cell, title in rows]
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerows([("id", "text", "title"), *rows])
    path = folder / "c.csv"
    path.write_bytes(text.getvalue().encode("utf-8-sig" if marked else "utf-8"))
    items = read(path)
    assert len(items) == len(rows)
    for item, (name, cell, title) in zip(items, rows, strict=True):
        assert item.id == name if name else item.id.startswith(f"{path}:")
        if cell.strip():
            assert isinstance(item, Article) and (item.text, item.title) == (cell, title)
        else:
            assert isinstance(item, Unreadable) and item.error == "field 'text' is empty"


@pytest.mark.parametrize("header", ["id;text;lang", "\ufeff ID ;Text; LANG", "\n\nid;text;lang"])
def test_a_spanish_spreadsheet_has_semicolons_and_names_may_have_spaces_and_capitals(
    tmp_path: Path, header: str
) -> None:
    assert told(tmp_path / "a.csv", f"{header}\n1;Hola, mundo;es\n\n;Uno;es\n") == [
        ("1", "Hola, mundo"),
        (":6" if "\n" in header else ":4", "Uno"),
    ]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "empty file"),
        ("\n \n", "empty file"),
        ("id,text\n", "no rows below the header"),
        ("id,texto\n1,a", "no column 'text' among id, texto; rename 'texto' to 'text'"),
        ("id,body\n1,a", "no column 'text' among id, body; the first line must name the columns, one of them 'text'"),
        ("Text,id, text \na,1,b", "two columns are named 'text'; rename or remove one"),
        ("x,x,text\na,1,b", "two columns are named 'x'; rename or remove one"),
        ("título,text\n1,a".encode("latin-1"), "not UTF-8 at byte 1; save it as UTF-8"),
        ("id,text\n1,a".encode("utf-16"), "UTF-16, not UTF-8; save it as UTF-8"),
        ("id,text\n1,a".encode("utf-16-le"), "binary data, not text"),
        (
            '"id,text\n1,a',
            "not a valid table: unexpected end of data; nothing below was read; "
            "is a quote left open, or one within a field not doubled?",
        ),
    ],
)
def test_a_table_without_a_sound_header_is_one_error(tmp_path: Path, text: str | bytes, error: str) -> None:
    assert told(tmp_path / "a.csv", text) == [("", error)]


def test_columns_without_a_name_may_be_many(tmp_path: Path) -> None:
    assert told(tmp_path / "a.csv", "id,text,,\n1,a,,\n") == [("1", "a")]


def test_a_bad_row_is_an_error_and_those_after_it_are_read(tmp_path: Path) -> None:
    rows = [
        b"id,text",
        b"1,Uno",
        b"2,Uno, dos",
        b"3",
        b'4,"two\nlines"',
        b"5,Caf\xe9",
        b'6,"two\nlines Caf\xe9"',
        b"7,a\0b",
        b",last",
    ]
    fields = "fields, the header has 2; quote a field that holds a separator"
    assert told(tmp_path / "a.csv", b"\n".join(rows)) == [
        ("1", "Uno"),
        (":3", f"3 {fields}"),
        (":4", f"1 {fields}"),
        ("4", "two\nlines"),
        (":7", "not UTF-8 at byte 5; save it as UTF-8"),
        (":8", "not UTF-8 at byte 16; save it as UTF-8"),
        (":10", "binary data, not text"),
        (":11", "last"),
    ]


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ('2,"never closed', "unexpected end of data"),
        ('2,"never closed\n3,"next"', "',' expected after '\"'"),
        ('2,"he said "no", twice\nand, left"', "',' expected after '\"'"),
        ("2,one\rtwo", "new-line character seen in unquoted field"),
    ],
)
def test_where_quotes_are_wrong_no_wrong_article_follows(tmp_path: Path, bad: str, why: str) -> None:
    assert told(tmp_path / "a.csv", f"id,text\n1,Uno\n{bad}\n4,a\n5,b\n") == [
        ("1", "Uno"),
        (
            ":3",
            f"not a valid table: {why}; nothing below was read; "
            "is a quote left open, or one within a field not doubled?",
        ),
    ]


def test_a_field_may_be_as_long_as_an_article_and_no_longer(tmp_path: Path) -> None:
    text = "x" * 9_000_000
    assert told(tmp_path / "a.csv", f"id,text\n1,{text}\n") == [("1", text)]
    open_quote = 'id,text\n1,a\n2,"' + ("x" * 99 + "\n") * 120_000
    (_, (place, error)) = told(tmp_path / "a.csv", open_quote)
    assert place == ":3" and error.startswith("a row longer than 10 MB, the limit for one article; nothing below")


@pytest.mark.parametrize("suffix", [".jsonl.gz", ".jsonl.zst", ".csv.gz", ".csv.zst"])
def test_of_a_file_that_was_cut_short_the_readable_part_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    write_table(path, {"id": [str(i) for i in range(600)], "text": [os.urandom(2000).hex() for _ in range(600)]})
    data = path.read_bytes()
    for cut in (len(data) // 2, len(data) - 5):
        path.write_bytes(data[:cut])
        *sound, last = read(path)
        assert len(sound) > 200 and all(isinstance(item, Article) for item in sound)
        assert isinstance(last, Unreadable) and last.id == str(path)
        assert last.error == "cannot read: compressed file ended before the end-of-stream marker was reached"


def test_damaged_zstandard_says_so(tmp_path: Path) -> None:
    zstd()
    assert told(tmp_path / "a.jsonl.zst", b"not zstandard") == [
        ("", "cannot read: unable to decompress zstandard data: unknown frame descriptor")
    ]


# Parquet


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    pytest.importorskip("pyarrow")
    return tmp_path / "a.parquet"


def test_a_number_may_be_an_id_and_nothing_at_all_is_nothing(parquet: Path) -> None:
    write_table(parquet, {" Text": ["Uno", None, "tres"], "ID": [7, 8, None], "lang": [None, "es", "es_VE"]})
    first, second, third = read(parquet)
    assert first == Article("7", "Uno", place=f"{parquet}:row 1")
    assert second == Unreadable("8", "field 'text' is empty")
    assert third == Article(f"{parquet}:row 3", "tres", lang="es", place=f"{parquet}:row 3")


@pytest.mark.parametrize(
    ("columns", "error"),
    [
        ({"text": []}, "no rows"),
        ({"id": ["1"], "full_text": ["a"]}, "no column 'text' among id, full_text; rename 'full_text' to 'text'"),
        ({"text": ["a"], "Text": ["a"]}, "two columns are named 'text'; rename or remove one"),
    ],
)
def test_a_parquet_file_without_sound_columns_is_one_error(
    parquet: Path, columns: dict[str, list[Any]], error: str
) -> None:
    write_table(parquet, columns)
    assert only_error(parquet) == error


def test_a_parquet_text_that_is_none_is_an_error_of_its_row(parquet: Path) -> None:
    import pyarrow

    cells = pyarrow.array([b"Uno", b"Caf\xe9", b"tres"], pyarrow.binary()).cast(pyarrow.string(), safe=False)
    write_table(parquet, {"text": cells})
    assert [i.text if isinstance(i, Article) else i.error for i in read(parquet)] == [
        "Uno", "not UTF-8 at byte 3", "tres",
    ]  # fmt: skip
    write_table(parquet, {"text": ["x" * (MAX_ARTICLE_BYTES + 1)]})
    assert only_error(parquet) == "field 'text' is longer than 10 MB, the limit for one article"
    write_table(parquet, {"text": [3]})
    assert only_error(parquet) == "field 'text' is not a string"


def test_a_damaged_parquet_file_is_one_error(parquet: Path) -> None:
    write_table(parquet, {"text": ["Uno"] * 1000})
    data = parquet.read_bytes()
    for wrong in (b"", b"not parquet", data[:-20], data[: len(data) // 2], b"PAR1" + bytes(30) + data[34:]):
        parquet.write_bytes(wrong)
        assert only_error(parquet).startswith("cannot read: ")


def test_of_a_parquet_file_a_part_at_a_time_is_in_memory(parquet: Path) -> None:
    import pyarrow

    number = 20_000
    rows = {"text": [f"{i:05} " * 200 for i in range(number)]}
    pyarrow.parquet.write_table(
        pyarrow.table(rows), parquet, row_group_size=number, use_dictionary=False, compression="none"
    )
    before = pyarrow.total_allocated_bytes()
    most = max(pyarrow.total_allocated_bytes() for _ in raw_articles([parquet])) - before
    assert parquet.stat().st_size > 20e6 and most < 8e6


# What an extra installs


@pytest.mark.parametrize(
    ("name", "library", "extra"),
    [("a.parquet", "pyarrow", "parquet"), ("a.jsonl.zst", "zstd", "zst"), ("a.CSV.ZST", "zstd", "zst")],
)
def test_a_missing_library_stops_everything_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, library: str, extra: str
) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(files, "import_module", missing)
    (tmp_path / name).write_text("x")
    with pytest.raises(UsageError, match=rf"{name}: needs the library .*{library}.*; pip install 'talante\[{extra}\]'"):
        find_inputs([str(tmp_path)])
    (item,) = read_articles([tmp_path / name])
    assert isinstance(item, Unreadable) and item.id == str(tmp_path / name)
    assert item.error.endswith(f"; pip install 'talante[{extra}]'")


def test_no_format_is_imported_before_a_file_needs_it() -> None:
    code = "import sys, talante.corpus.read; print({'csv', 'gzip', 'pyarrow', 'backports.zstd'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.stdout == "set()\n"
