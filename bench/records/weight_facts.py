"""Weights on disk: safetensors, with what is needed to use them, and a seal, in the file's own metadata."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError

from bench.errors import ModelError
from bench.records.atomic import write_bytes
from bench.records.schema import Stored
from bench.scheme import SEED_SCHEME, Scheme

if TYPE_CHECKING:
    from torch import Tensor

SUFFIX = ".safetensors"
METADATA_KEY, SEAL = "keypoint-bench", "seal"


class WeightsFacts(Stored):
    """What weights belong to, and how they came about.

    Attributes:
        model: the architecture, as the user typed it.
        options: of its builder.
        recipe: the effective recipe; its ``test_time_flip`` also decides how to predict.
        dataset: name of the data file, never its path.
        fingerprint: digest of the data.
        scheme: what goes in and comes out; weights from before schemes are of the seed's.
        train_rows, rows: how many of the file's rows were trained on.
        seed, device, precision, threads: how the training ran.
        versions: of the libraries that trained.
    """

    model: str
    options: dict[str, Any] = Field(default_factory=dict)
    recipe: dict[str, Any] = Field(default_factory=dict)
    dataset: str
    fingerprint: str
    scheme: Scheme = SEED_SCHEME
    train_rows: int
    rows: int
    seed: int
    device: str
    precision: str
    threads: int
    versions: dict[str, str] = Field(default_factory=dict)
    created: str = ""


def kept_weights_path(out: Path, cell_key: str) -> Path:
    """Where a run with ``--keep-weights`` puts the weights of a cell."""
    return out / "weights" / f"{cell_key}{SUFFIX}"


def write_weights(path: Path, state: Mapping[str, "Tensor"], facts: WeightsFacts) -> None:
    """Store a state dict and its facts, sealed, whole or not at all."""
    from safetensors.torch import save

    # Cloned: safetensors refuses tensors that share memory.
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in state.items()}
    told = {METADATA_KEY: facts.model_dump_json()}
    write_bytes(path, save(tensors, {**told, SEAL: _digest(save(tensors, told))}))


def seen_data(path: Path) -> str | None:
    """Fingerprint of the faces that a file's weights were trained on; None where bench did not write it.

    Raises:
        ModelError: bench did, and it does not read as it was written.
    """
    facts = _read(path) if path.suffix == SUFFIX and path.is_file() else None
    return facts.fingerprint if facts is not None else None


def read_weights_facts(path: Path) -> WeightsFacts:
    """The facts in a weights file whose every byte is as it was written; from before there were seals, as it stands.

    Raises:
        ModelError: no such file, no safetensors file, a damaged one, or one that bench did not write.
    """
    facts = _read(path)
    if facts is None:
        raise ModelError(
            f"weights {path}: not written by bench, so how to use them is not known; `bench fit` makes some"
        )
    return facts


def _read(path: Path) -> WeightsFacts | None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            told = file.metadata() or {}
        sound = SEAL not in told or told[SEAL] == _digest(path.read_bytes())
    except OSError as error:
        reason = str(error).partition(":")[0]
        raise ModelError(f"weights {path}: cannot be read ({reason}); `bench fit` makes weights") from error
    except SafetensorError as error:
        raise ModelError(f"weights {path}: not a safetensors file; `bench fit` makes one") from error
    if not sound:
        raise ModelError(f"weights {path}: damaged, they do not read as they were sealed; make them again")
    if METADATA_KEY not in told:
        return None
    try:
        return WeightsFacts.model_validate_json(told[METADATA_KEY])
    except ValidationError as error:
        raise ModelError(f"weights {path}: damaged metadata; make them again with `bench fit`") from error


def _digest(content: bytes) -> str:
    """Of everything that a safetensors file says, but for its seal; the order of its header is no part of that."""
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header["__metadata__"].pop(SEAL, None)
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    digest.update(memoryview(content)[start:])
    return digest.hexdigest()
