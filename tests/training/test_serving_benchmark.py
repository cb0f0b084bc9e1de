from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="needs the extra serve")
pytest.importorskip("uvicorn", reason="needs the extra serve")

from hadath.errors import HadathError
from hadath.model_directory import load
from training.benchmark.serving import benchmark, main, running_server

TEXTS = ["زار الوزير تونس أمس", "هجوم على مدينة"]


def test_the_table_tells_what_clients_saw(tiny_model_directory: Path) -> None:
    table = benchmark(load(tiny_model_directory), tiny_model_directory, TEXTS, clients=3, seconds=0.2, rounds=1)
    rows = dict(re.findall(r"\| ([^|]+?) +\| +([^|]*?) \|", table))
    assert rows["errors"] == "0"
    assert int(rows["requests"].split()[0].replace(",", "")) >= 3
    assert re.fullmatch(r"\d+% \(\d+% to \d+%\)", rows["share of batch mode"])
    assert float(rows["latency, median"].split()[0]) <= float(rows["latency, longest"].split()[0])


def test_a_server_that_does_not_start_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(HadathError, match=r"did not start.*no model at"), running_server(tmp_path / "nowhere"):
        pass
    assert main(["--model", str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().err.startswith("error: no model at")
