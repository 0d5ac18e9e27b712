"""The files of a batch read on a Ray cluster, by actors that hold the model.

A file is given out until its result has come back: a node that goes away takes no page with it,
since what it had in hand is read again elsewhere, and what it had written is found there.
"""

from __future__ import annotations

import json
import logging
import os
import socket
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Any

from services.batch_errors import BatchError
from services.batch_pages import Failure, FileResult, PageOutput
from services.batch_source import PageFile, whole_address
from services.batch_worker import DIED, ModelChoice, check_model, load_model, read_or_fail

AT_ONCE = 2_000  # files whose names are held; the next ones are given out when these are done
MOST_TRIES = 3  # of a file whose reader dies
CONNECT_S = 10.0
BARREN_ROUNDS = 3  # in a row, without any result, after which the cluster is given up
REPOSITORY = Path(__file__).resolve().parents[1]
# Of the program's folder, what the nodes do not need.
NOT_SENT = ["/.git", "/.venv*", "/data", "/runs", "/test-artefacts", "/tests", "/docs"]

LOG = logging.getLogger("htr.batch")


def read_by_ray(
    files: Iterator[PageFile],
    output: PageOutput,
    model: ModelChoice,
    workers: int | None,
    address: str,
) -> Iterator[FileResult]:
    """Yield the result of each file, as they come.

    workers: actors at most; None: one for each GPU of the cluster, or for each core without any.

    Raises: BatchError for a cluster that cannot be reached, or that reads nothing; RecognitionError
    for a model that cannot be used.
    """
    check_model(model)
    # The nodes work in a folder of their own, where a copy of the program lies.
    output = replace(output, folder=output.folder.resolve())
    path = model.path.resolve()
    if path.is_relative_to(REPOSITORY):
        path = path.relative_to(REPOSITORY)
    model = replace(model, path=path)
    with _cluster(address):
        while chunk := list(islice(files, AT_ONCE)):
            yield from _read_chunk(chunk, output, model, workers)


def _read_chunk(
    files: Sequence[PageFile], output: PageOutput, model: ModelChoice, workers: int | None
) -> Iterator[FileResult]:
    from ray.exceptions import RayError

    left = {file.name: file for file in files}
    tries: Counter[str] = Counter()
    barren = 0
    while left:
        given, whole = list(left), True
        try:
            for result in _results(list(left.values()), output, model, workers):
                if left.pop(result.file, None) is not None:
                    yield result
        except RayError as error:
            whole = False
            LOG.warning("the cluster has lost a part of the batch; it is given out anew: %s", error)
        barren = 0 if len(left) < len(given) else barren + 1
        if barren > BARREN_ROUNDS:
            raise BatchError(
                f"The Ray cluster has read none of {len(left):,} files in {barren} attempts. Look "
                "at its log; the same command then goes on."
            )
        if whole:  # what is missing now was in the hands of an actor that died
            tries.update(list(left))
        for name in [name for name in left if tries[name] >= MOST_TRIES]:
            del left[name]
            yield FileResult(name, failures=(Failure(name, None, DIED),))


@contextmanager
def _cluster(address: str) -> Iterator[None]:
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise BatchError(
            f"--ray needs Ray: pip install -r requirements-cluster.txt ({error})."
        ) from error
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
    try:
        _knock(address)
        ray.init(
            address,
            runtime_env={"working_dir": str(REPOSITORY), "excludes": NOT_SENT},
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (ConnectionError, OSError, ValueError, RuntimeError) as error:
        raise BatchError(f"The Ray cluster at {address} cannot be reached: {error}") from error
    try:
        context = ray.data.DataContext.get_current()
        context.max_errored_blocks = -1  # a dead actor's files are missed, and given out anew
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        yield
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Raise OSError where nobody listens; Ray itself goes on trying for many minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal() and "/" not in host:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_S).close()


def _results(
    files: Sequence[PageFile], output: PageOutput, model: ModelChoice, workers: int | None
) -> Iterator[FileResult]:
    """Yield the results of one run of Ray Data over the files; those of dead actors are missing."""
    import ray
    from ray.data import ActorPoolStrategy

    gpus = int(ray.cluster_resources().get("GPU", 0)) if model.device != "cpu" else 0
    most = workers or gpus or int(ray.cluster_resources().get("CPU", 1))
    most = max(1, min(most, len(files)))
    rows = ray.data.from_items(
        [{"address": whole_address(file), "name": file.name} for file in files],
        override_num_blocks=len(files),
    ).map_batches(
        FileReader,
        fn_constructor_args=(output, model, None if gpus else 1),
        batch_size=1,
        compute=ActorPoolStrategy(
            min_size=1, max_size=most, initial_size=most, max_tasks_in_flight_per_actor=2
        ),
        num_gpus=1 if gpus else 0,
        num_cpus=0 if gpus else 1,
        max_task_retries=0,  # a task of a dead actor is missing at once, instead of waiting for it
    )
    for row in rows.iter_rows():
        yield _result(json.loads(row["result"]))


class FileReader:
    """An actor: reads files with the model that it has loaded."""

    def __init__(self, output: PageOutput, model: ModelChoice, threads: int | None) -> None:
        """Load the model; refuse a node that does not see the output folder."""
        if not output.folder.is_dir():
            raise BatchError(f"{output.folder} is not there on every node of the cluster.")
        self._output = output
        load_model(model, threads)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        """Return the results of the files, each as JSON."""
        files = [
            PageFile(str(a), str(n)) for a, n in zip(batch["address"], batch["name"], strict=True)
        ]
        results = [asdict(read_or_fail(file, self._output)) for file in files]
        return {"result": [json.dumps(result) for result in results]}


def _result(values: dict[str, Any]) -> FileResult:
    failures = tuple(Failure(**failure) for failure in values.pop("failures"))
    outputs = tuple(values.pop("outputs"))
    return FileResult(**values, outputs=outputs, failures=failures)
