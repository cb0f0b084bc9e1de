from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from training.corpus import read_corpus
from training.datasheet import BEGIN, END, DatasheetError, counts, main, refreshed

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "fixtures" / "corpus"


def test_the_committed_datasheet_has_the_counts_of_the_corpus(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(ROOT / "data", tmp_path / "data"))
    committed = (folder / "DATASHEET.md").read_text(encoding="utf-8")
    assert main([str(folder)]) == 0
    renewed = (folder / "DATASHEET.md").read_text(encoding="utf-8")
    assert renewed == committed, "the counts are those of another corpus; run python -m training.datasheet"


def test_counts_each_split_and_the_whole() -> None:
    tables = counts(read_corpus(TINY, ["train", "dev", "test"]))
    for row in (
        "|  | train | dev | test | all |",
        "| articles | 6 | 2 | 2 | 10 |",
        "| entities | 30 | 7 | 9 | 46 |",
        "| PLACE | 8 | 1 | 3 | 12 |",
        "| ATTACK | 4 | 1 | 1 | 6 |",
        "| Target | 4 | 1 | 1 | 6 |",
        "| Negated | 3 | 1 | 1 | 5 |",
        "| Libya | 3 | 1 | 0 | 4 |",
        "| wire | 2 | 1 | 2 | 5 |",
    ):
        assert row in tables.splitlines()


def test_only_what_stands_between_the_markers_is_replaced() -> None:
    datasheet = f"# Data\n\n{BEGIN}\n\nold\n\n{END}\n\n## More\n"
    assert refreshed(datasheet, "new") == datasheet.replace("old", "new")
    assert refreshed(refreshed(datasheet, "new"), "new") == refreshed(datasheet, "new")


@pytest.mark.parametrize(
    "datasheet", ["# Data\n", f"{END}\n{BEGIN}\n", f"{BEGIN}\n", f"{BEGIN}{BEGIN}{END}", f"{BEGIN}{END}{END}"]
)
def test_a_datasheet_without_a_place_for_the_counts_is_refused(datasheet: str) -> None:
    with pytest.raises(DatasheetError, match="expected the lines <!-- counts: begin"):
        refreshed(datasheet, "new")


def test_the_command_says_what_it_cannot_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none")]) == 1
    assert "is no folder; expected the folder of the corpus" in capsys.readouterr().err
    folder = Path(shutil.copytree(TINY, tmp_path / "corpus"))
    assert main([str(folder)]) == 1
    assert f"{folder / 'DATASHEET.md'}: No such file or directory; expected a datasheet" in capsys.readouterr().err
    (folder / "DATASHEET.md").write_text("# Data\n", encoding="utf-8")
    assert main([str(folder)]) == 1
    assert "the datasheet has no place for the counts" in capsys.readouterr().err
