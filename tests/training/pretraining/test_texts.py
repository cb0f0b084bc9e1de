from __future__ import annotations

import gzip
import json
import lzma
from pathlib import Path

import pytest

from hadath.errors import InputError
from training.pretraining.texts import Excluded, Reading, read_texts

FIRST = "افتتح الوزير معرض الكتاب في العاصمة صباح اليوم وسط حضور كبير من القراء والناشرين"
SECOND = "أعلنت البلدية إغلاق الجسر القديم أسبوعا كاملا لأعمال الصيانة وطلبت من السائقين سلوك طريق آخر"


def texts_of(*paths: Path, excluded: Excluded | None = None) -> tuple[list[str], Reading]:
    reading = Reading()
    return list(read_texts([str(path) for path in paths], None, excluded or Excluded(), reading)), reading


@pytest.mark.parametrize("ending", ["txt", "txt.gz", "txt.xz"])
def test_an_empty_line_parts_the_articles_of_running_text(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"news.{ending}"
    data = f"\n{FIRST}\nسطر ثان\n\n  \n{SECOND}".encode()
    path.write_bytes({"txt": bytes, "txt.gz": gzip.compress, "txt.xz": lzma.compress}[ending](data))
    assert texts_of(path)[0] == [f"{FIRST}\nسطر ثان", SECOND]


def test_tables_and_folders_are_read_as_for_tagging(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "one.txt").write_text(f"{FIRST}\n\n{FIRST}", encoding="utf-8")
    lines = [json.dumps({"text": SECOND}, ensure_ascii=False), '{"text": 5}', "{"]
    (tmp_path / "news.jsonl").write_text("\n".join(lines), encoding="utf-8")
    texts, reading = texts_of(tmp_path / "folder", tmp_path / "news.jsonl")
    # a file in a folder is one article, whatever empty lines it has
    assert texts == [f"{FIRST}\n\n{FIRST}", SECOND]
    assert reading == Reading(articles=2, unreadable=2)


def test_repeats_are_left_out_whatever_their_marks_and_diacritics(tmp_path: Path) -> None:
    path = tmp_path / "news.txt"
    path.write_text(f"{FIRST}\n\n{FIRST.replace('افتتح', 'افتتـح')}\n\n{SECOND}", encoding="utf-8")
    texts, reading = texts_of(path)
    assert texts == [FIRST, SECOND]
    assert reading.repeated == 1


def test_articles_that_a_model_is_judged_on_are_left_out_also_inside_longer_ones(tmp_path: Path) -> None:
    excluded = Excluded()
    excluded.add(FIRST)
    path = tmp_path / "news.txt"
    path.write_text(f"{FIRST.replace('صباح', 'مساء')}\n\nعاجل: {FIRST}. {SECOND}\n\n{SECOND}", encoding="utf-8")
    texts, reading = texts_of(path, excluded=excluded)
    assert texts == [FIRST.replace("صباح", "مساء"), SECOND] or texts == [SECOND]
    assert reading.excluded >= 1
    assert f"عاجل: {FIRST}. {SECOND}" not in texts


def test_a_short_article_is_recognised_too() -> None:
    excluded = Excluded()
    excluded.add("توقيع الاتفاق غدا")
    assert excluded.holds(["توقيع", "الاتفاق", "غدا", "."])
    assert not excluded.holds(["توقيع", "الاتفاق", "أمس"])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("news.txt", "خبر".encode("cp1256"), "not valid UTF-8"),
        ("news.txt.xz", b"no archive", "cannot be unpacked"),
        ("news.doc", b"", "what kind of file"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=said) as caught:
        texts_of(tmp_path / name)
    assert name in str(caught.value)
