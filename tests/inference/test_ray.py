from __future__ import annotations

import gc
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from hadath import load
from hadath.batch import files
from hadath.batch.arrow_tables import tagged_table
from hadath.batch.articles import Columns
from hadath.batch.job import Progress, Settings, tag_corpus
from hadath.batch.tagging import tag_texts
from hadath.batch.workers import TaggerSpec, Work
from hadath.cli import main
from hadath.errors import HadathError, InputError

pytestmark = [
    pytest.mark.skipif(find_spec("ray") is None, reason="needs Ray: pip install 'hadath[ray]'"),
    pytest.mark.filterwarnings("default"),  # Ray's own, of itself and of what it uses
]

TEXTS = [" ".join(["زار الوزير مدينة تونس ."] * count) for count in (1, 0, 7, 3, 40, 2)]
SMALL = Settings(format="jsonl", part_size=5, batch_size=3)


def write_corpus(path: Path, count: int) -> Path:
    rows = [{"id": f"a{n}", "text": None if n % 7 == 3 else TEXTS[n % 6], "n": n} for n in range(count)]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def result(output: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in output.iterdir() if path.name != ".lock"}


# without a cluster


def test_without_ray_is_told_what_to_install(
    tmp_path: Path, tiny_model_directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_corpus(tmp_path / "a.jsonl", 3)
    real = files.import_module

    def without(module: str) -> Any:
        if module == "ray":
            raise ModuleNotFoundError("No module named 'ray'", name="ray")
        return real(module)

    monkeypatch.setattr(files, "import_module", without)
    monkeypatch.delitem(sys.modules, "hadath.ray", raising=False)
    arguments = ["tag", "-m", str(tiny_model_directory), str(source), "-o", str(tmp_path / "out"), "--engine", "ray"]
    assert main(arguments) == 2
    said = "hadath: tagging on a Ray cluster needs ray; install it with: pip install 'hadath[ray]'\n"
    assert capsys.readouterr().err == said


def test_an_address_is_of_a_ray_cluster(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tag", str(write_corpus(tmp_path / "a.jsonl", 3)), "--address", "auto"]) == 2
    assert capsys.readouterr().err == "hadath: --address is of a Ray cluster; add --engine ray\n"


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "127.0.0.1:99999"])
def test_a_cluster_that_does_not_answer_is_told_at_once(
    address: str, tmp_path: Path, tiny_model_directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_corpus(tmp_path / "a.jsonl", 3)
    arguments = ["tag", "-m", str(tiny_model_directory), str(source), "--engine", "ray", "--address", address]
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"hadath: no Ray cluster answers at {address} (")
    assert error.endswith("start one with `ray start --head`, or leave --address out to use this machine\n")


def test_a_batch_of_another_kind_is_told_how_to_ask_for_arrow(tiny_model_directory: Path) -> None:
    from hadath.ray import Tagger

    tagger = Tagger(str(tiny_model_directory))
    table = pa.table({"text": TEXTS})
    assert tagger(table) == tagged_table(load(tiny_model_directory, threads=1), table, Columns())
    with pytest.raises(InputError, match=r'given a dict, expected an Arrow table; call map_batches.*"pyarrow"'):
        tagger({"text": TEXTS})


# on a cluster of two CPUs


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    import ray

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")  # else a token is written into the home folder
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
        yield ray
        ray.shutdown()
    with warnings.catch_warnings():
        # Ray leaves the processes that it ended to the garbage collector
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def on_ray() -> Callable[[TaggerSpec], Any]:
    from hadath.ray import RayWorkers

    return RayWorkers


@pytest.mark.slow
@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_the_result_is_that_of_this_machine_byte_for_byte(
    cluster: Any, on_ray: Callable[..., Any], form: str, tmp_path: Path, tiny_model_directory: Path
) -> None:
    source = str(write_corpus(tmp_path / "a.jsonl", 40))
    settings = replace(SMALL, format=form, min_scores=(("entities", 0.01),))
    here = tag_corpus([source], tmp_path / "here", tiny_model_directory, settings, processes=1)
    there = tag_corpus([source], tmp_path / "there", tiny_model_directory, settings, cluster=on_ray)
    assert result(tmp_path / "there") == result(tmp_path / "here")
    assert (there.articles, there.rejected, there.events) == (here.articles, here.rejected, here.events)
    assert here.rejected > 0
    assert here.events > 0


@pytest.mark.slow
@pytest.mark.parametrize("first_on_ray", [True, False])
def test_a_job_is_gone_on_with_here_or_there(
    cluster: Any, on_ray: Callable[..., Any], first_on_ray: bool, tmp_path: Path, tiny_model_directory: Path
) -> None:
    source = str(write_corpus(tmp_path / "a.jsonl", 40))

    def stop(progress: Progress) -> None:
        if progress.articles + progress.rejected >= 17:
            raise KeyboardInterrupt

    def run(output: Path, is_on_ray: bool, **options: Any) -> Any:
        engine = {"cluster": on_ray} if is_on_ray else {"processes": 1}
        return tag_corpus([source], output, tiny_model_directory, SMALL, **engine, **options)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "halved", first_on_ray, report=stop)
    assert run(tmp_path / "halved", not first_on_ray).resumed == 3
    run(tmp_path / "whole", False)
    assert result(tmp_path / "halved") == result(tmp_path / "whole")


@pytest.mark.slow
def test_the_command_tags_on_a_cluster(
    cluster: Any, tmp_path: Path, tiny_model_directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_corpus(tmp_path / "a.jsonl", 20)
    command = ["tag", "-m", str(tiny_model_directory), str(source)]
    assert main([*command, "--engine", "ray", "--workers", "1"]) == 0
    there = capsys.readouterr()
    assert main(command) == 0
    assert capsys.readouterr() == there
    assert main([*command, "--engine", "ray", "-o", str(tmp_path / "out"), "--format", "jsonl"]) == 0
    assert cluster.is_initialized()  # a connection that was there stays
    assert "17 articles" in capsys.readouterr().err
    assert main([*command, "--engine", "ray", "--provider", "cuda"]) == 2
    assert capsys.readouterr().err.startswith("hadath: the Ray cluster has no GPU; ")


@pytest.mark.slow
def test_results_come_in_order_from_more_actors_than_there_are_cpus(
    cluster: Any, on_ray: Callable[..., Any], tiny_model_directory: Path
) -> None:
    chunks = [Work(TEXTS[: number % 7], number) for number in range(40)]
    tagger = load(tiny_model_directory, threads=1)
    expected = [(work.ticket, tag_texts(tagger, work.texts) if work.texts else []) for work in chunks]
    with on_ray(TaggerSpec(tiny_model_directory), actors=5) as workers:
        assert list(workers.map(chunks)) == expected
        assert list(workers.map(chunks[:5])) == expected[:5]
        assert list(workers.map([])) == []


@pytest.mark.slow
def test_an_actor_that_dies_is_started_again(
    cluster: Any, on_ray: Callable[..., Any], tiny_model_directory: Path
) -> None:
    with on_ray(TaggerSpec(tiny_model_directory), actors=1) as workers:
        results = workers.map(Work(TEXTS, number) for number in range(30))
        first = next(results)
        cluster.kill(workers._handles[0], no_restart=False)
        assert [first[0], *(ticket for ticket, _ in results)] == list(range(30))


@pytest.mark.slow
def test_an_actor_that_dies_for_good_ends_the_job_with_a_sentence(
    cluster: Any, on_ray: Callable[..., Any], tiny_model_directory: Path
) -> None:
    with on_ray(TaggerSpec(tiny_model_directory), actors=1) as workers:
        results = workers.map(Work(TEXTS, number) for number in range(10_000))
        next(results)
        cluster.kill(workers._handles[0])
        with pytest.raises(HadathError, match=r"an actor of the Ray cluster died .*--workers"):
            for _ in results:
                pass


@pytest.mark.slow
def test_what_an_actor_cannot_do_is_said_as_here(
    cluster: Any,
    on_ray: Callable[..., Any],
    tmp_path: Path,
    tiny_model_directory: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for path in tiny_model_directory.iterdir():
        (broken / path.name).write_bytes(b"{}" if path.suffix == ".onnx" else path.read_bytes())
    for spec, said in (
        (TaggerSpec(broken), r"no readable ONNX model"),
        (TaggerSpec(tiny_model_directory, providers=("DmlExecutionProvider",)), "onnxruntime has no DmlExecution"),
    ):
        with on_ray(spec, actors=1) as workers, pytest.raises(HadathError, match=said) as caught:
            list(workers.map([Work(TEXTS, 1)]))
        assert "Traceback" not in str(caught.value)
    monkeypatch.setattr("hadath.ray._versions", lambda: {"hadath": "99.0", "onnxruntime": "1"})
    with (
        on_ray(TaggerSpec(tiny_model_directory), actors=1) as workers,
        pytest.raises(HadathError, match=r"Ray cluster has hadath .*, this one hadath 99\.0, .*the same on all"),
    ):
        list(workers.map([Work(TEXTS, 1)]))


@pytest.mark.slow
def test_map_batches_tags_and_marks_what_it_cannot(cluster: Any, tmp_path: Path, tiny_model_directory: Path) -> None:
    import ray

    import hadath.ray

    source = write_corpus(tmp_path / "a.jsonl", 40)
    tagged = ray.data.read_json(str(source)).map_batches(
        hadath.ray.Tagger,
        fn_constructor_kwargs={"model": str(tiny_model_directory), "min_scores": {"entities": 0.01}},
        batch_format="pyarrow",
        batch_size=16,
        compute=ray.data.ActorPoolStrategy(size=1),
    )
    rows = sorted(tagged.take_all(), key=lambda row: row["n"])
    table = pa.Table.from_pylist([json.loads(line) for line in source.read_text(encoding="utf-8").splitlines()])
    tagger = load(tiny_model_directory, threads=1, min_scores={"entities": 0.01})
    expected = tagged_table(tagger, table, Columns()).to_pylist()
    assert [{**row, "entities": 0, "events": 0} for row in rows] == [
        {**row, "entities": 0, "events": 0} for row in expected
    ]
    for row, wanted in zip(rows, expected, strict=True):
        for kind in ("entities", "events"):
            assert spans(row[kind]) == spans(wanted[kind])
    assert sum(row["rejected"] is not None for row in rows) == 6
    tagged.write_parquet(str(tmp_path / "tagged"))
    events = tmp_path / "events.csv"
    assert main(["records", *map(str, sorted((tmp_path / "tagged").glob("*.parquet"))), "-o", str(events)]) == 0
    assert len(events.read_text(encoding="utf-8").splitlines()) > 1


def spans(found: list[dict[str, Any]] | None) -> list[tuple[Any, ...]] | None:
    """Spans without their scores, whose last bit depends on what shared a batch."""
    return found and [(span["start"], span["end"], span["type"], span["text"]) for span in found]
