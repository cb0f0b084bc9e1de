from __future__ import annotations

import csv
import gzip
import io
import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from hadath.batch.articles import Article, Columns, Rejected
from hadath.batch.files import InputFile, find_files
from hadath.batch.parquet import merged
from hadath.batch.readers import reader_of
from hadath.errors import InputError

TEXT = "زار الوزير مدينة تونس أمس."


def only(path: Path) -> InputFile:
    [file] = find_files([str(path)])
    return file


def read(path: Path, columns: Columns | None = None) -> list[Article | Rejected]:
    reader = reader_of(only(path), columns or Columns())
    return [reader.article(row) for row in reader.rows()]


def reasons(path: Path, columns: Columns | None = None) -> list[tuple[int, str]]:
    return [(r.place.number, r.reason) for r in read(path, columns) if isinstance(r, Rejected)]


def json_lines(path: Path, *lines: bytes | dict[str, Any]) -> Path:
    data = [line if isinstance(line, bytes) else json.dumps(line, ensure_ascii=False).encode() for line in lines]
    path.write_bytes(b"\n".join(data) + b"\n")
    return path


# texts


def test_a_text_file_is_read_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "خبر.txt"
    path.write_bytes(f"\ufeff{TEXT}\r\n\r\nسطر\n".encode())
    [article] = read(path)
    assert isinstance(article, Article)
    assert (article.id, article.text) == ("خبر", f"\ufeff{TEXT}\r\n\r\nسطر\n")


def test_articles_of_a_folder_are_named_by_their_path_in_it(tmp_path: Path) -> None:
    (tmp_path / "2024" / "05").mkdir(parents=True)
    (tmp_path / "2024" / "05" / "a.txt").write_text(TEXT, encoding="utf-8")
    [file] = find_files([str(tmp_path)])
    reader = reader_of(file, Columns())
    [article] = [reader.article(row) for row in reader.rows()]
    assert article.id == "2024/05/a"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xd8", "binary file"),
        (b"abc\0def", "binary file"),
        ("مرحبا".encode("windows-1256"), "not valid UTF-8 at byte 0"),
        (b"abc\xff", "not valid UTF-8 at byte 3"),
        (TEXT.encode("utf-16"), "UTF-16"),
        (b"\xed\xa0\x80", "not valid UTF-8"),  # a surrogate, encoded
        ("م".encode() * 101, "101 characters"),
        ("م".encode() * 5000, "10,000 bytes"),
    ],
)
def test_a_file_that_is_no_text_is_rejected(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    [rejected] = read(path, Columns(max_chars=100))
    assert isinstance(rejected, Rejected)
    assert said in rejected.reason
    assert rejected.id == "a"


def test_a_text_of_exactly_the_allowed_length_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("𐤀" * 100, encoding="utf-8")  # four bytes each
    assert isinstance(read(path, Columns(max_chars=100))[0], Article)


def test_an_empty_text_is_an_article(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"")
    [article] = read(tmp_path / "a.txt")
    assert isinstance(article, Article)
    assert article.text == ""


# JSON lines


def test_json_lines_keep_other_columns_and_name_articles(tmp_path: Path) -> None:
    path = json_lines(
        tmp_path / "a.jsonl",
        {"id": 7, "text": TEXT, "date": "2024-05-01", "tags": ["a", 1], "events": "mine"},
        b"",
        {"id": None, "text": ""},
        {"text": "x", "id": "سبعة"},
    )
    articles = read(path)
    assert [article.id for article in articles] == ["7", "a.jsonl:3", "سبعة"]
    assert isinstance(articles[0], Article)
    assert articles[0].kept == {"date": "2024-05-01", "tags": ["a", 1], "input_events": "mine"}
    assert [article.place.number for article in articles] == [1, 3, 4]


def test_bad_json_lines_are_rejected_each_with_its_line(tmp_path: Path) -> None:
    path = json_lines(
        tmp_path / "a.jsonl",
        {"text": TEXT},
        b'{"text": "abc"',
        b'{"text": "ab\xff"}',
        {"title": "x", "id": "t"},
        {"text": None},
        {"text": 42},
        {"text": True},
        {"text": ["a"]},
        {"text": {"a": "b"}},
        b'["text"]',
        b'{"text": "\\ud83d"}',
        b'{"text": "x", "title": "\\ud83d"}',
        b'{"text": "x", "id": "\\uD83D"}',
        {"text": "x", "id": [1]},
        {"text": "m" * 101},
        b"[" * 100_000,
        b'{"text": "\\ud83d\\ude00"}',  # a whole pair, written as two escapes
    )
    found = dict(reasons(path, Columns(max_chars=100)))
    said = {
        2: "broken JSON",
        3: "not valid UTF-8 at byte 12 of the line",
        4: "no column 'text'; it has 'title', 'id'",
        5: "'text' is null",
        6: "'text' is a number",
        7: "'text' is true or false",
        8: "'text' is a list",
        9: "'text' is an object",
        10: "a list, expected a JSON object",
        11: "half a surrogate pair at character 0",
        12: "'title' is not valid Unicode",
        13: "'id' is not valid Unicode",
        14: "'id' is a list",
        15: "101 characters",
        16: "broken JSON",
    }
    assert found.keys() == said.keys()
    for line, words in said.items():
        assert words in found[line]


def test_a_line_longer_than_any_text_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = json_lines(tmp_path / "a.jsonl", {"text": "a"}, {"text": "b" * 3_000_000}, {"text": "c"})
    reader = reader_of(only(path), Columns())
    monkeypatch.setattr(reader, "_longest", 1000)
    records = [reader.article(row) for row in reader.rows()]
    assert [type(record) for record in records] == [Article, Rejected, Article]
    assert [record.place.number for record in records] == [1, 2, 3]


def test_not_a_number_is_read_as_null(tmp_path: Path) -> None:
    [article] = read(json_lines(tmp_path / "a.jsonl", b'{"text": "x", "score": NaN, "least": -Infinity}'))
    assert isinstance(article, Article)
    assert article.kept == {"score": None, "least": None}


@pytest.mark.parametrize("name", ["Body", "content", "article"])
def test_the_text_column_is_found_by_name(tmp_path: Path, name: str) -> None:
    [article] = read(json_lines(tmp_path / "a.jsonl", {"title": "t", name: TEXT}))
    assert isinstance(article, Article)
    assert article.text == TEXT
    assert article.kept == {"title": "t"}


def test_the_text_column_is_found_behind_broken_lines(tmp_path: Path) -> None:
    path = json_lines(tmp_path / "a.jsonl", b"{", {"title": "no text here"}, {"title": "t", "body": TEXT})
    assert [type(record) for record in read(path)] == [Rejected, Rejected, Article]


def test_a_table_without_a_text_column_is_refused_with_its_columns(tmp_path: Path) -> None:
    path = json_lines(tmp_path / "a.jsonl", {"title": "t", "story": TEXT})
    with pytest.raises(InputError, match=r"a\.jsonl: no column looks like the text .* 'title', 'story'.*--text-column"):
        read(path)
    assert isinstance(read(path, Columns(text="story"))[0], Article)


def test_a_named_id_column_must_be_there(tmp_path: Path) -> None:
    path = json_lines(tmp_path / "a.jsonl", {"text": "a", "key": "k"}, {"text": "b"})
    first, second = read(path, Columns(id="key"))
    assert first.id == "k"
    assert isinstance(second, Rejected)
    assert "no column 'key'" in second.reason


# compression


def compressed(path: Path, data: bytes) -> Path:
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(data))
    else:
        half = len(data) // 2
        frames = [zstandard.ZstdCompressor().compress(part) for part in (data[:half], data[half:])]
        path.write_bytes(b"".join(frames))
    return path


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_compressed_tables_are_read(tmp_path: Path, suffix: str) -> None:
    data = "".join(json.dumps({"text": f"{number}"}) + "\n" for number in range(1000)).encode()
    path = compressed(tmp_path / f"a.jsonl{suffix}", data)
    assert [a.text for a in read(path) if isinstance(a, Article)] == [str(number) for number in range(1000)]
    table = compressed(tmp_path / f"b.csv{suffix}", b"text\na\nb\n")
    assert [a.text for a in read(table) if isinstance(a, Article)] == ["a", "b"]


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_a_damaged_file_gives_what_could_be_read_and_one_rejection(tmp_path: Path, suffix: str, kind: str) -> None:
    rows = [f'{{"text": "{number:050}"}}' if kind == "jsonl" else f"{number:050}" for number in range(20_000)]
    data = "\n".join(["text", *rows] if kind == "csv" else rows).encode()
    path = compressed(tmp_path / f"a.{kind}{suffix}", data)
    path.write_bytes(path.read_bytes()[: -len(path.read_bytes()) // 3])
    records = read(path)
    assert len(records) > 1000
    assert all(isinstance(record, Article) for record in records[:-1])
    assert isinstance(records[-1], Rejected)
    assert "damaged" in records[-1].reason
    assert records[-1].place.number in (len(records), len(records) + 1)  # after the header of CSV


def test_what_is_not_compressed_at_all_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(b"text\nabc\n")
    with pytest.raises(InputError, match=r"a\.csv\.gz: no readable header"):
        read(path)
    other = tmp_path / "a.jsonl.gz"
    other.write_bytes(b'{"text": "abc"}\n')
    [rejected] = read(other)
    assert isinstance(rejected, Rejected)
    assert "damaged" in rejected.reason


# CSV


@pytest.mark.parametrize(("name", "delimiter"), [("a.csv", ","), ("a.csv", ";"), ("a.tsv", "\t")])
def test_csv_of_several_dialects(tmp_path: Path, name: str, delimiter: str) -> None:
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter)
    writer.writerows([["id", "title", "text"], ["1", "t", f'{TEXT}\n"قول"{delimiter} ثم'], ["", "u", ""]])
    (tmp_path / name).write_text("\ufeff" + stream.getvalue(), encoding="utf-8", newline="")
    first, second = read(tmp_path / name)
    assert isinstance(first, Article)
    assert (first.id, first.text, first.kept) == ("1", f'{TEXT}\n"قول"{delimiter} ثم', {"title": "t"})
    assert isinstance(second, Article)
    assert second.text == ""
    assert (first.place.number, second.place.number) == (2, 4)


def test_bad_csv_rows_are_rejected_each_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'id,text\n1,a\n2\n3,b,c\n4,"x"y\n5,\xff\n6,' + b"m" * 101 + b'\n7,ok\n8,"open\n9,swallowed\n')
    found = dict(reasons(path, Columns(max_chars=100)))
    said = {
        3: "1 fields, the header 2",
        4: "3 fields",
        5: "broken CSV",
        6: "not valid UTF-8",
        7: "101",
        9: "broken CSV",
    }
    assert found.keys() == said.keys()
    for line, words in said.items():
        assert words in found[line]


def test_a_field_that_a_forgotten_quote_makes_endless_costs_only_the_lines_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    path.write_text('text\na\n"forgotten\n' + "filler\n" * 100 + "b\n", encoding="utf-8")
    reader = reader_of(only(path), Columns())
    monkeypatch.setattr(reader, "_field_limit", 60)
    before = csv.field_size_limit()
    records = [reader.article(row) for row in reader.rows()]
    assert [record.text for record in records if isinstance(record, Article)][-1] == "b"
    assert sum(isinstance(record, Rejected) for record in records) == 1
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"id,id,text\n", "named twice in the header: 'id'"),
        (b"title,story\n", "it has 'title', 'story'"),
        (b"\xff\xfe\n", "no readable header"),
        (b'"id,text\n', "no readable header"),
    ],
)
def test_a_csv_without_a_usable_header_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said):
        read(path)


def test_csv_columns_that_were_named_must_be_there(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,text\n1,a\n")
    with pytest.raises(InputError, match=r"no column 'body' \(--text-column\); it has 'id', 'text'"):
        read(path, Columns(text="body"))
    with pytest.raises(InputError, match=r"no column 'key' \(--id-column\); it has 'id', 'text'"):
        read(path, Columns(id="key"))


# Parquet


def test_parquet_keeps_columns_with_their_types(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": pa.array([1, 2, None], pa.int64()),
            "body": pa.array([TEXT, "", None], pa.large_string()),
            "when": pa.array([1, None, 3], pa.timestamp("ns")),
            "tags": pa.array([["a"], None, []], pa.list_(pa.string())),
            "paper": pa.array(["x", "y", "x"]).dictionary_encode(),
            "raw": pa.array([b"\xff", None, b""], pa.binary()),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    first, second, third = read(tmp_path / "a.parquet")
    assert isinstance(first, Article)
    assert isinstance(second, Article)
    assert {name: cell.plain() for name, cell in first.kept.items()} == {
        "when": "1970-01-01 00:00:00.000000001",
        "tags": ["a"],
        "paper": "x",
        "raw": "/w==",
    }
    assert [cell.plain() for cell in second.kept.values()] == [None, None, "y", None]
    assert (first.id, first.text, second.id) == ("1", TEXT, "2")
    assert isinstance(third, Rejected)
    assert (third.place.number, third.id) == (3, "a.parquet:3")
    assert "null" in third.reason


STRINGS = [pa.string(), pa.large_string(), pa.binary(), *([pa.string_view()] if hasattr(pa, "string_view") else [])]


@pytest.mark.parametrize("kind", STRINGS)
def test_parquet_texts_of_every_string_type(tmp_path: Path, kind: pa.DataType) -> None:
    pq.write_table(pa.table({"text": pa.array([TEXT, "ب"]).cast(kind)}), tmp_path / "a.parquet")
    assert [a.text for a in read(tmp_path / "a.parquet") if isinstance(a, Article)] == [TEXT, "ب"]


def bad_strings(*values: bytes) -> pa.Array:
    binary = pa.array(values, pa.binary())
    return pa.Array.from_buffers(pa.string(), len(values), binary.buffers())


def test_parquet_values_that_are_no_utf8_cost_their_row_alone(tmp_path: Path) -> None:
    table = pa.table({"text": bad_strings(b"a", b"\xff", b"c"), "title": bad_strings(b"x", b"y", b"\xfe")})
    pq.write_table(table, tmp_path / "a.parquet")
    first, second, third = read(tmp_path / "a.parquet")
    assert isinstance(first, Article)
    assert isinstance(second, Rejected)
    assert isinstance(third, Rejected)
    assert second.reason == "'text' is not valid UTF-8"
    assert third.reason == "'title' is not valid UTF-8"


def test_parquet_that_is_none_or_has_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 not really")
    with pytest.raises(InputError, match=r"a\.parquet: not a readable Parquet file"):
        read(path)
    pq.write_table(pa.table({"text": [1, 2]}), path)
    with pytest.raises(InputError, match="'text' is int64, expected string"):
        read(path)
    pq.write_table(pa.table({"title": ["a"]}), path)
    with pytest.raises(InputError, match="no column looks like the text"):
        read(path)
    pq.write_table(pa.table({"text": ["a"]}), path)
    with pytest.raises(InputError, match="no column 'key'"):
        read(path, Columns(id="key"))


def test_a_damaged_page_costs_a_parquet_file_the_rest_of_its_row_group(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    texts = [f"{number} {TEXT}" * 10 for number in range(3000)]
    pq.write_table(pa.table({"text": texts}), path, row_group_size=1000, use_dictionary=False, compression="zstd")
    data = bytearray(path.read_bytes())
    middle = pq.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    data[middle : middle + 2000] = bytes(2000)
    path.write_bytes(bytes(data))
    records = read(path)
    assert [type(record) for record in records] == [Article] * 1000 + [Rejected] + [Article] * 1000
    assert str(records[1000].place) == f"{path}:1001"
    assert "rows 1,001 to 2,000 are damaged" in records[1000].reason
    assert records[-1].id == "a.parquet:3000"
    # and reading goes on behind the damage
    reader = reader_of(only(path), Columns())
    rows = list(reader.rows())
    assert [reader.article(row).id for row in reader.rows(rows[1000].number)] == [r.id for r in records[1001:]]


def test_kept_columns_of_several_files_get_one_type() -> None:
    types = merged([("a", {"n": pa.int32(), "s": None}), ("b", {"n": pa.int64()}), ("c", {"s": pa.string()})])
    assert types == {"n": pa.int64(), "s": pa.string()}
    with pytest.raises(InputError, match=r"column 'n' is int32 in a and string in b.*--format jsonl"):
        merged([("a", {"n": pa.int32()}), ("b", {"n": None})])


# going on in the middle

LINE = st.one_of(
    st.builds(
        lambda text: json.dumps({"text": text, "n": 1}, ensure_ascii=False).encode(), st.text("اب\n\"'x", max_size=9)
    ),
    st.sampled_from([b"", b"{", b'{"text": null}', b'{"text": "\xff"}', b"   ", b'{"text": "a"}\r']),
)
FIELD = st.text('اب,"\n\r x', max_size=9)
CSV_LINE = st.one_of(
    st.builds(
        lambda a, b: (lambda s: (csv.writer(s).writerow([a, b]), s.getvalue())[1])(io.StringIO()).encode(), FIELD, FIELD
    ),
    st.sampled_from([b"one\n", b'"x"y,z\n', b"\xff,a\n", b"\n", b"a,b,c\n"]),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), kind=st.sampled_from(["jsonl", "jsonl.gz", "jsonl.zst", "csv", "csv.gz", "csv.zst", "parquet"]))
def test_reading_from_any_row_on_gives_the_rest(tmp_path: Path, data: st.DataObject, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    if kind == "parquet":
        texts = data.draw(st.lists(st.none() | st.text("اب", max_size=5), max_size=30))
        groups = data.draw(st.integers(1, 10))
        pq.write_table(pa.table({"text": pa.array(texts, pa.string())}), path, row_group_size=groups)
    else:
        lines = data.draw(st.lists(CSV_LINE if kind.startswith("csv") else LINE, max_size=12))
        content = b"text,n\n" + b"".join(lines) if kind.startswith("csv") else b"\n".join(lines)
        if path.suffix in (".gz", ".zst"):
            compressed(path, content)
            if data.draw(st.booleans()):  # cut off
                os.truncate(path, data.draw(st.integers(1, path.stat().st_size)))
        else:
            path.write_bytes(content)
    try:
        reader = reader_of(only(path), Columns())
    except InputError:  # cut off within the header
        assume(False)
    rows = list(reader.rows())
    whole = [reader.article(row) for row in rows]
    for done, row in enumerate(rows, start=1):
        again = reader_of(only(path), Columns())
        assert [again.article(rest) for rest in again.rows(row.number, row.after)] == whole[done:]
