"""hadath on a Ray cluster: for ``map_batches`` of Ray Data, and the actors of ``hadath tag --engine ray``.

Example:
    >>> import ray  # doctest: +SKIP
    >>> import hadath.ray  # doctest: +SKIP
    >>> articles = ray.data.read_parquet("articles/")  # doctest: +SKIP
    >>> actors = ray.data.ActorPoolStrategy(size=8)  # doctest: +SKIP
    >>> tagged = articles.map_batches(hadath.ray.Tagger, batch_format="pyarrow", compute=actors)  # doctest: +SKIP
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnxruntime

from hadath.batch.articles import Columns
from hadath.batch.manifest import model_files
from hadath.batch.tagging import tag_texts
from hadath.batch.workers import OrderedWorkers, Pending, Results, TaggerSpec, Worker
from hadath.errors import HadathError, InputError
from hadath.model_directory import load
from hadath.providers import CUDA
from hadath.tagger import BATCH_TOKENS
from hadath.tagger import Tagger as DocumentTagger
from hadath.terminal import counted, say
from hadath.version import __version__

ray: Any = import_module("ray")

_PATIENCE = 15
"""Seconds without an actor after which is said what is waited for."""

_LIVES = 3
"""Times that an actor is started again, and a chunk given to it again, when its machine or process dies."""


class Tagger:
    """What ``ray.data.Dataset.map_batches`` makes one of in each actor: a model that tags Arrow tables.

    Args:
        model: As ``hadath.load`` takes it. A directory must be there on every machine of the cluster.
        text_column: The column of texts; by default the first of ``hadath.batch.articles.TEXT_COLUMNS``.
        id_column: The column of names; by default ``id``, if there is one.
        max_chars: Texts of more characters are rejected.
        min_scores: As ``hadath.load`` takes them.
        providers: Likewise.
        batch_tokens: Likewise.

    Example:
        >>> articles = ray.data.read_json("articles.jsonl")  # doctest: +SKIP
        >>> tagged = articles.map_batches(  # doctest: +SKIP
        ...     hadath.ray.Tagger, batch_format="pyarrow", compute=ray.data.ActorPoolStrategy(size=8)
        ... )
    """

    def __init__(
        self,
        model: str | None = None,
        *,
        text_column: str | None = None,
        id_column: str | None = None,
        max_chars: int = Columns.max_chars,
        min_scores: Mapping[str, float] | None = None,
        providers: Sequence[str] | None = None,
        batch_tokens: int = BATCH_TOKENS,
    ) -> None:
        self._columns = Columns(text_column, id_column, max_chars)
        self._tagger = load(
            model,
            threads=_assigned_cores(),
            providers=providers,
            batch_tokens=batch_tokens,
            min_scores=min_scores,
        )

    def __call__(self, batch: Any) -> Any:
        """Tags a batch.

        Args:
            batch: A ``pyarrow.Table``, as ``map_batches(…, batch_format="pyarrow")`` gives it.

        Returns:
            A ``pyarrow.Table`` of as many rows: ``id``, ``text``, ``entities``, ``events``, the other columns, and
            ``rejected``, null or why the row could not be tagged.

        Raises:
            InputError: If it is no Arrow table or has no column of texts.
        """
        # only here, since the actors of `hadath tag` need no pyarrow
        from hadath.batch.arrow_tables import pa, tagged_table

        if not isinstance(batch, pa.Table):
            raise InputError(
                f"hadath.ray.Tagger was given a {type(batch).__name__}, expected an Arrow table; "
                'call map_batches(hadath.ray.Tagger, batch_format="pyarrow", …)'
            )
        return tagged_table(self._tagger, batch, self._columns)


class RayWorkers(OrderedWorkers):
    """Tags chunks of texts in actors of a cluster, each with its own model.

    Args:
        spec: What each actor loads. The model's files are sent to it.
        actors: Number of actors; by default as many as the cluster has CPUs, or GPUs where the network runs on CUDA.
            Those that find a free place late join late.
        address: The cluster: ``auto``, ``HOST:PORT`` or ``ray://HOST:PORT``; by default the one that this process is
            connected to, else what ``RAY_ADDRESS`` says, else one that was started on this machine, else a new one.

    Raises:
        InputError: If no cluster answers there.
        HadathError: If it has no CPU, or no GPU where the network runs on CUDA.
    """

    def __init__(self, spec: TaggerSpec, actors: int | None = None, address: str | None = None) -> None:
        self._handles: list[Any] = []
        self._starting: dict[Any, Any] = {}
        self._members: list[_Actor] = []
        self._connected = _connect(address)
        try:
            self._start(spec, actors)
        except BaseException:
            self.stop()
            raise

    def _start(self, spec: TaggerSpec, actors: int | None) -> None:
        kind = "GPU" if CUDA in spec.providers else "CPU"
        places = int(ray.cluster_resources().get(kind, 0))
        if not places:
            raise HadathError(
                f"the Ray cluster has no {kind}; "
                + ("give it a machine with one, or leave --provider out" if kind == "GPU" else "give it a machine")
            )
        self._files = ray.put({path.name: path.read_bytes() for path in model_files(spec.model)})
        remote = ray.remote(num_cpus=1, num_gpus=int(kind == "GPU"), max_restarts=_LIVES, max_task_retries=_LIVES)(
            _ModelActor
        )
        self._kind = kind
        self._handles = [remote.remote(spec, _versions()) for _ in range(actors or places)]
        self._starting = {handle.start.remote([self._files]): handle for handle in self._handles}

    def stop(self) -> None:
        """Ends the actors, and the connection if it was made for them."""
        for handle in self._handles:
            ray.kill(handle)
        self._handles, self._starting, self._members = [], {}, []
        if self._connected:
            ray.shutdown()
            self._connected = False

    def ready(self) -> Sequence[Worker]:
        """Returns the actors that have loaded the model; waits for the first."""
        if not self._members:
            started = ray.wait(list(self._starting), num_returns=1, timeout=_PATIENCE)[0]
            if not started:
                say(f"waiting for the Ray cluster to start an actor, which needs a free {self._kind}")
                started = ray.wait(list(self._starting), num_returns=1)[0]
            self._welcome(started)
        if self._starting:
            self._welcome(ray.wait(list(self._starting), num_returns=len(self._starting), timeout=0)[0])
        return self._members

    def receive(self) -> None:
        """Takes in the answers that are there, or waits for the next, or for an actor that joins."""
        answers = {answer: member for member in self._members for answer in member.answers}
        arrived, _ = ray.wait([*answers, *self._starting], num_returns=1)
        for reference in arrived:
            if reference in answers:
                answers[reference].receive(reference)
            else:
                self._welcome([reference])

    def _welcome(self, started: Sequence[Any]) -> None:
        for reference in started:
            _result(reference)
            self._members.append(_Actor(self._starting.pop(reference), self._files))


class _Actor(Worker):
    """An actor, seen from the process that gives it chunks."""

    def __init__(self, handle: Any, files: Any) -> None:
        super().__init__()
        self._handle = handle
        self._files = files
        self.answers: dict[Any, Pending] = {}

    def send(self, texts: list[str], chunk: Pending) -> None:
        self.answers[self._handle.tag.remote([self._files], texts)] = chunk
        self.out.append(chunk)

    def receive(self, answer: Any) -> None:
        chunk = self.answers.pop(answer)
        chunk.results = _result(answer)
        self.out.remove(chunk)


class _ModelActor:
    """What runs on the cluster.

    It is given the model with every chunk, as a reference that is fetched only once: one that is started again has
    nothing else to load it from.
    """

    def __init__(self, spec: TaggerSpec, versions: Mapping[str, str]) -> None:
        self._spec = spec
        self._versions = versions
        self._tagger: DocumentTagger | None = None

    def start(self, files: Sequence[Any]) -> None:
        self._loaded(files)

    def tag(self, files: Sequence[Any], texts: list[str]) -> Results:
        return tag_texts(self._loaded(files), texts)

    def _loaded(self, files: Sequence[Any]) -> DocumentTagger:
        if self._tagger is None:
            # the result of a job is that of one version of everything, wherever its parts are made
            if self._versions != _versions():
                raise HadathError(
                    f"machine {ray.util.get_node_ip_address()} of the Ray cluster has {_listed(_versions())}, this one "
                    f"{_listed(self._versions)}; install the same on all"
                )
            with TemporaryDirectory() as folder:
                for name, content in ray.get(files[0]).items():
                    (Path(folder) / name).write_bytes(content)
                self._tagger = replace(self._spec, model=Path(folder)).load(threads=1)
        return self._tagger


_HOW_TO_START = "start one with `ray start --head`, or leave --address out to use this machine"


def _connect(address: str | None) -> bool:
    """Connects this process to a cluster; returns whether it was not connected before."""
    if ray.is_initialized():
        return False
    _check_reachable(address)
    try:
        ray.init(address=address, logging_level="error", log_to_driver=False)
    except Exception as error:  # what Ray raises here shares no class, some of it is a bare Exception
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        if address is None:
            raise InputError(f"no Ray cluster could be started on this machine: {reason}") from error
        raise InputError(f"no Ray cluster at {address}: {reason}; {_HOW_TO_START}") from error
    return True


def _check_reachable(address: str | None) -> None:
    """Knocks at the door, since Ray itself goes on knocking for minutes and then ends the process."""
    host, separator, port = (address or "").removeprefix("ray://").rpartition(":")
    if not separator or not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise InputError(f"no Ray cluster answers at {address} ({error}); {_HOW_TO_START}") from None


def _result(reference: Any) -> Any:
    try:
        return ray.get(reference)
    except HadathError as error:  # Ray's error is one of the class of its cause
        raise HadathError(str(getattr(error, "cause", error))) from None
    except ray.exceptions.RayActorError as error:
        raise HadathError(
            f"an actor of the Ray cluster died more than {counted(_LIVES, 'time')}: {_first_line(error)}; hadath[ray] "
            "must be installed on its machine, and memory enough for the model; or use fewer --workers"
        ) from error
    except ray.exceptions.RayError as error:
        raise HadathError(f"tagging on the Ray cluster failed: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), type(error).__name__)


def _versions() -> dict[str, str]:
    return {"hadath": __version__, "onnxruntime": onnxruntime.__version__}


def _listed(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _assigned_cores() -> int:
    """The CPUs that Ray has reserved for this actor; one where it reserved a GPU alone."""
    reserved = ray.get_runtime_context().get_assigned_resources() if ray.is_initialized() else {}
    return max(1, int(reserved.get("CPU", 1)))
