"""The training process: `python -m training.worker RUN` works on one waiting run.

It is started by the app and outlives it. All that it has to say goes into the database, what it
makes into the folder of the run. With --estimate it only measures how long a training would take.
"""

from __future__ import annotations

import argparse
import errno
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import storage
from training.errors import TrainingError
from training.run_folder import run_folder
from training.run_link import RunEnded, RunLink, Terminated

if TYPE_CHECKING:
    from training.worker_run import RunEnd

LOG = logging.getLogger("htr.training")
NICENESS = 10  # whoever reads or types meanwhile goes first, by nine to one
DONE, FAILED, NOT_OURS, UNTOLD = 0, 1, 3, 4  # exit statuses
Train = Callable[[storage.Run, RunLink, str], "RunEnd"]
AGAIN = "Nothing is lost: go on from the last checkpoint"


def main(arguments: list[str] | None = None) -> int:
    """Work on the run and return the exit status: 0 if it came to an orderly end."""
    parser = command_line()
    chosen = parser.parse_args(arguments)
    if chosen.estimate == (chosen.run is not None):
        parser.error("name either a run or --estimate")
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr, force=True
    )
    _be_nice()
    with storage.open_store(chosen.data_dir, check=False) as store:
        from htr.device import set_threads

        set_threads(chosen.threads)
        if chosen.estimate:
            return _print_estimate(store, chosen.documents, chosen.device)
        return work(store, chosen.run, chosen.device, listen=_on_terminate)


def command_line() -> argparse.ArgumentParser:
    """Return what the process understands."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=int, nargs="?", help="number of the waiting run")
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=Path(os.environ.get("HTR_DATA_DIR") or "data"),
        help="the app's data folder; default: HTR_DATA_DIR, else data",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--threads", type=int, help="CPU threads; default: one a core")
    parser.add_argument("--documents", help="with --estimate: numbers of documents; default: all")
    parser.add_argument(
        "--estimate", action="store_true", help="print how long a training would take, as JSON"
    )
    return parser


def work(
    store: storage.Store,
    run_id: int,
    device: str,
    train: Train | None = None,
    listen: Callable[[RunLink], None] = lambda link: None,
) -> int:
    """Return the exit status after working on the run; how it ended is in the database.

    train: see `training.worker_run`, which is the default. listen: prepares for the computer's
    wish that this process end.
    """
    run = storage.begin_run(store, run_id, os.getpid())
    if run is None:
        LOG.info("run %d does not wait for a process", run_id)
        return NOT_OURS
    link = RunLink(store, run_id, os.getpid())
    listen(link)
    link.start()
    LOG.info("run %d, attempt %d, process %d", run_id, run.attempts, os.getpid())
    try:
        return _ended(link, lambda: (train or _training())(run, link, device))
    except storage.StorageError as error:
        # The database itself cannot be written; the app will find this process dead.
        LOG.error("how run %d ended could not be stored: %s", run_id, error)
        return UNTOLD
    finally:
        link.close()


def _training() -> Train:
    from training.worker_run import train  # torch is loaded once signs of life are given

    return train


def _ended(link: RunLink, train: Callable[[], RunEnd]) -> int:
    """Return the exit status after the training, whose end is then in the database."""
    from htr.errors import RecognitionError
    from segmentation.lines import SegmentationError

    run_id, store = link.run_id, link.store
    try:
        end = train()
    except RunEnded as error:
        LOG.info("%s", error)
        return NOT_OURS
    except Terminated:
        message = f"The computer or the service was shut down while it trained. {AGAIN}."
        link.save(lambda: storage.cancel_run(store, run_id, message))
        LOG.info("terminated")
        return DONE
    except (TrainingError, storage.StorageError, RecognitionError, SegmentationError) as error:
        return _failed(link, str(error))
    except MemoryError:
        return _failed(link, f"There was not enough memory to train. Close programs. {AGAIN}.")
    except OSError as error:
        return _failed(link, _disk_words(error))
    except Exception as error:
        # Whatever it is, the person who waits is told, and the log says where it came from.
        LOG.exception("run %d failed", run_id)
        log = run_folder(store.data_dir, run_id).log
        return _failed(link, f"The training failed: {error!r:.300}. Its log is {log}. {AGAIN}.")
    if end.result is None:
        link.save(lambda: storage.cancel_run(store, run_id, end.message))
    else:
        link.save(lambda: storage.finish_run(store, run_id, end.result))
        _tidy(link, end.result)
    LOG.info("run %d: %s", run_id, end.message)
    return DONE


def _tidy(link: RunLink, result: Mapping[str, Any]) -> None:
    """Make room: the checkpoint is of no more use, and a registered model lies among the models."""
    try:
        folder = run_folder(link.store.data_dir, link.run_id)
        folder.tidy(with_model=result.get("model_id") is not None)
    except OSError as error:
        LOG.warning("run %d: %s could not be deleted", link.run_id, error.filename)


def _failed(link: RunLink, message: str) -> int:
    LOG.error("run %d: %s", link.run_id, message)
    link.save(lambda: storage.fail_run(link.store, link.run_id, message))
    return FAILED


def _disk_words(error: OSError) -> str:
    place = f" ({error.filename})" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full{place}. Make room. {AGAIN}."
    return f"A file could not be read or written: {error.strerror or error}{place}. {AGAIN}."


def _on_terminate(link: RunLink) -> None:
    def terminate(number: int, frame: object) -> None:
        link.terminated = True

    signal.signal(signal.SIGTERM, terminate)
    signal.signal(signal.SIGINT, terminate)


def _be_nice() -> None:
    if hasattr(os, "nice"):  # Windows has no such thing
        os.nice(NICENESS)


def _print_estimate(store: storage.Store, documents: str | None, device: str) -> int:
    from htr.errors import RecognitionError
    from training.worker_estimate import estimate

    document_ids = None if documents is None else [int(one) for one in documents.split(",") if one]
    try:
        found = estimate(store, document_ids, device)
    except (TrainingError, storage.StorageError, RecognitionError) as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return FAILED
    print(json.dumps(found), flush=True)
    return DONE


if __name__ == "__main__":
    sys.exit(main())
