"""The benchmark runs as a whole on a tiny model, and its figures are what they are called."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from hadath.document import Document
from hadath.errors import HadathError
from hadath.model_directory import ModelConfig, load
from hadath.schema import Schema
from hadath.tokens import WordTokenizer
from training.benchmark import __main__ as command
from training.benchmark.networks import export_fp32, network_for, token_classification_pipeline
from training.benchmark.processes import first_tag, tag_command, write_corpus
from training.benchmark.products import Shape, products_graph
from training.benchmark.report import ReportError, refreshed, table
from training.benchmark.steps import BARE, TRAINER, StepBench
from training.benchmark.tagging import HADATH, LIMITS, Speeds, batch_rows, tagging
from training.benchmark.texts import TextsError, texts_of, word_count
from training.benchmark.timing import Spread, interleaved, ratio
from training.corpus import read_corpus
from training.encoders import load_encoder
from training.heads import HeadSpec
from training.model import JointTagger, new_tagger
from training.onnx_graph import build_graph
from training.prediction import torch_tagger

HEADS = {
    "entities": HeadSpec("spans", "entity_types"),
    "events": HeadSpec("spans", "event_types"),
    "modality": HeadSpec("trigger", "modalities"),
}
WINDOWING = {"max_length": 64, "overlap": 8, "pieces_per_word": 8}


@pytest.fixture(autouse=True)
def _torch_threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def trained(tiny_encoder: Path, tiny_schema: Schema, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What finetune would have written."""
    directory = tmp_path_factory.mktemp("run") / "model"
    encoder, tokenizer = load_encoder(str(tiny_encoder), hidden_dropout=0.1, attention_dropout=0.0, max_length=64)
    torch.manual_seed(0)
    new_tagger(encoder, tiny_schema, HEADS, WINDOWING).save_pretrained(directory)
    tokenizer.save(str(directory / "tokenizer.json"))
    return directory


@pytest.fixture(scope="module")
def exported(trained: Path, tiny_encoder: Path, tiny_model_directory: Path, tmp_path_factory: pytest.TempPathFactory):
    """A model directory of that network; its precision does not matter here."""
    directory = tmp_path_factory.mktemp("package") / "tiny"
    config = ModelConfig.read(tiny_model_directory)
    config = ModelConfig(config.schema, config.windowing, {}, {"encoder": str(tiny_encoder)}, {})
    network, tokenizer = network_for(config, trained)
    return export_fp32(network, tokenizer, config, directory)


@pytest.fixture(scope="module")
def articles(tiny_corpus: Path) -> tuple[Document, ...]:
    return read_corpus(tiny_corpus, ("train",)).splits["train"]


def test_contenders_take_turns_and_the_first_round_does_not_count() -> None:
    order: list[str] = []
    clock = {"one": iter([9.0, 1.0, 2.0]), "two": iter([9.0, 4.0, 6.0])}

    def measure(name: str) -> float:
        order.append(name)
        return next(clock[name])

    seconds = interleaved({"one": lambda: measure("one"), "two": lambda: measure("two")}, repeats=2)
    assert order == ["one", "two"] * 3
    assert seconds == {"one": [1.0, 2.0], "two": [4.0, 6.0]}
    assert ratio(seconds["two"], seconds["one"]) == Spread(3.5, 3.0, 4.0)


@pytest.mark.parametrize("words", [1, 7, 40])
def test_texts_have_their_number_of_words_and_differ(articles: tuple[Document, ...], words: int) -> None:
    texts = texts_of(articles, 12, words)
    assert [len(text.split()) for text in texts] == [words] * 12
    running = "\n".join(article.text for article in articles)
    assert all(text in running for text in texts)
    if words == 40:
        assert len(set(texts)) == 12


def test_texts_longer_than_the_articles_are_refused() -> None:
    with pytest.raises(TextsError, match=r"2 words; expected at least the 3"):
        texts_of([Document("زار الوزير")], 1, 3)


@pytest.mark.parametrize("precision", ["int8", "fp32"])
def test_the_limit_computes_every_product(precision: str) -> None:
    shape = Shape(layers=2, hidden=8, inner=12)
    graph = products_graph(shape, precision)
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    dtype = np.uint8 if precision == "int8" else np.float32
    draw = np.random.default_rng(1)
    rows = {name: draw.integers(0, 256, (5, width)).astype(dtype) for name, width in (("hidden", 8), ("inner", 12))}
    (firsts,) = session.run(None, rows)
    weights = {value.name: onnx_array(value) for value in graph.graph.initializer}
    shapes = [weights[f"weight_{number}"].shape for number in range(12)]
    assert shapes == [(8, 8)] * 4 + [(8, 12), (12, 8)] + [(8, 8)] * 4 + [(8, 12), (12, 8)]
    expected = []
    for number in range(12):
        vector = rows["inner" if shapes[number][0] == 12 else "hidden"][0].astype(np.float64)
        product = (vector - 128) * 1e-4 if precision == "int8" else vector
        expected.append(product @ weights[f"weight_{number}"][:, 0])
    np.testing.assert_allclose(firsts[:, 0], expected, rtol=1e-4)


def onnx_array(value):
    from onnx import numpy_helper

    return numpy_helper.to_array(value)


def test_the_limit_has_the_operators_of_the_model(tiny_encoder: Path) -> None:
    encoder, _ = load_encoder(str(tiny_encoder), hidden_dropout=0.0, attention_dropout=0.0, max_length=64)
    texts = [(torch.full((1, 5), 7), torch.ones(1, 5, dtype=torch.long))]
    for precision, operator in (("int8", "MatMulIntegerToFloat"), ("fp32", "Gemm")):
        model, limit = build_graph(encoder, {}, precision, texts), products_graph(Shape.of(encoder.config), precision)
        counts = [sum(node.op_type == operator for node in graph.graph.node) for graph in (model, limit)]
        assert counts == [12, 12]


def test_shares_of_the_limit_are_of_subwords_a_second() -> None:
    speeds = Speeds(words=50, subwords=80, rows=100, seconds={HADATH: [2.0, 4.0], LIMITS[HADATH]: [1.0, 3.0]})
    assert speeds.shares(HADATH) == pytest.approx([0.4, 0.6])


def test_rows_are_the_subwords_of_all_windows(exported: Path, articles: tuple[Document, ...]) -> None:
    tagger = load(exported)
    texts = texts_of(articles, 5, 6)
    tokens = tagger.tokenizer
    expected = sum(len(tokens.pieces(text.split(), [False] * 6).ids) + tokens.special_count for text in texts)
    # the texts have marks of punctuation, which are words of their own
    assert sum(batch_rows(tagger, texts)) == pytest.approx(expected, abs=5)
    assert len(batch_rows(tagger, texts, batch_size=1)) == 5


def test_each_run_starts_without_known_words(
    exported: Path, articles: tuple[Document, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    learnt: list[int] = []
    learn = WordTokenizer._learn
    monkeypatch.setattr(WordTokenizer, "_learn", lambda self, keys: (learnt.append(len(keys)), learn(self, keys))[1])
    tagger = load(exported)
    measure = tagging(tagger, network_for(ModelConfig.read(exported), None)[1], texts_of(articles, 2, 6))
    assert measure() > 0
    first = len(learnt)
    assert measure() > 0
    assert len(learnt) == 2 * first > 0


def test_a_network_without_weights_has_the_models_shape_and_finds_nothing(
    exported: Path, articles: tuple[Document, ...]
) -> None:
    config = ModelConfig.read(exported)
    network, tokenizer = network_for(config, None)
    session = load(exported).run.session  # type: ignore[attr-defined]
    assert {output.name: output.shape[1] for output in session.get_outputs()} == {
        # the model here was trained without arguments
        name: head.output.out_features
        for name, head in network.heads.items()
        if name != "arguments"
    }
    assert vars(config.windowing) == network.config.windowing
    found = torch_tagger(network, tokenizer)(articles[0].text)
    assert not found.entities
    assert not found.events


def test_the_pipeline_reads_long_texts_to_their_end(trained: Path, exported: Path) -> None:
    network, tokenizer = network_for(ModelConfig.read(exported), trained)
    network.heads["entities"].output.bias.data[3] = 100.0  # everything is found
    pipe = token_classification_pipeline(network, tokenizer, overlap=8)
    assert pipe.model.base_model is network.encoder
    text = " ".join(["في تونس"] * 100)
    for batch_size in (1, 32):
        (found,) = pipe([text], batch_size=batch_size)
        assert max(span["end"] for span in found) == len(text)


@pytest.fixture
def bench(trained: Path, exported: Path, articles: tuple[Document, ...], tmp_path: Path) -> StepBench:
    network, tokenizer = network_for(ModelConfig.read(exported), trained)
    return StepBench(network, tokenizer, articles, steps=2, warm_up=1, scratch=tmp_path)


def test_both_ways_of_training_are_given_the_same_batches(
    bench: StepBench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given: list[int] = []
    forward = JointTagger.forward

    def noted(self: JointTagger, input_ids: torch.Tensor, **inputs: torch.Tensor) -> object:
        assert self.training
        given.append(int(input_ids.sum()))
        return forward(self, input_ids=input_ids, **inputs)

    monkeypatch.setattr(JointTagger, "forward", noted)
    before = {name: weight.clone() for name, weight in bench.network.state_dict().items()}
    seconds = interleaved(bench.measures(), repeats=1)
    assert all(taken > 0 for name in (TRAINER, BARE) for taken in seconds[name])
    assert len(given) == 12
    assert given[:3] == given[3:6] == given[6:9] == given[9:]
    assert all(torch.equal(weight, before[name]) for name, weight in bench.network.state_dict().items())
    assert not torch.are_deterministic_algorithms_enabled()
    assert not list(tmp_path.rglob("*.safetensors"))


def test_a_process_tells_its_time_and_memory(exported: Path, articles: tuple[Document, ...], tmp_path: Path) -> None:
    start = first_tag(exported, articles[0].text)
    assert start.seconds > start.importing + start.loading + start.tagging > 0
    assert 20 < start.peak < 400
    write_corpus(tmp_path / "corpus.jsonl", [article.text for article in articles], 12)
    seconds, peak = tag_command(exported, tmp_path / "corpus.jsonl", workers=1)
    assert seconds > 0
    assert 20 < peak < 600
    with pytest.raises(HadathError, match="status 2"):
        tag_command(exported, tmp_path / "none.jsonl", workers=1)


def test_the_command_writes_its_tables_between_the_markers(
    exported: Path,
    trained: Path,
    tiny_corpus: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(command, "QUICK", command.Amounts(4, 2, 6, steps=1, warm_up=1, memory=(3, 6)))
    for name, words in (("SENTENCE", 6), ("ARTICLE", 18), ("SHORT_ARTICLE", 8)):
        monkeypatch.setattr(command, name, words)
    readme = tmp_path / "README.md"
    readme.write_text("# Speed\n<!-- bench:start -->\nold\n<!-- bench:end -->\nend\n", encoding="utf-8")
    arguments = ["--model", str(exported), "--network", str(trained), "--corpus", str(tiny_corpus), "--quick"]
    assert command.main([*arguments, "--repeats", "1", "--write-readme", str(readme)]) == 0
    written = readme.read_text(encoding="utf-8")
    assert written.startswith("# Speed\n<!-- bench:start -->\nMeasured by `make bench`")
    assert written.endswith("<!-- bench:end -->\nend\n")
    assert "old" not in written
    for name in ("hadath, int8", "PyTorch fp32", "transformers.pipeline fp32, batch 32", "peak memory", TRAINER):
        assert name in written
    assert capsys.readouterr().out.strip() in written


@pytest.mark.parametrize("text", ["", "<!-- bench:start -->", "<!-- bench:end --><!-- bench:start -->"])
def test_a_readme_without_markers_is_left_alone(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ReportError, match="expected the lines"):
        refreshed(text, "new")
    (tmp_path / "README.md").write_text(text, encoding="utf-8")
    assert command.main(["--write-readme", str(tmp_path / "README.md")]) == 2
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == text
    assert "no place for the figures" in capsys.readouterr().err


def test_mistakes_are_told_as_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--model", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.startswith("error: no model at")
    with pytest.raises(SystemExit):
        command.main(["--repeats", "0"])


def test_words_are_counted_between_white_space() -> None:
    assert word_count(["زار الوزير\nتونس.", ""]) == 3
    assert table(["a", "b"], [["long name", "1"]]).splitlines()[2] == "| long name |   1 |"
