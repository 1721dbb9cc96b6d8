"""Seals: a stored text or array file says what it must read as, so that a flipped bit is damage and never a number."""

import hashlib
import io
import re
from collections.abc import Mapping
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import numpy as np
from numpy.typing import NDArray

SEAL = re.compile(rb',\n "seal": "([0-9a-f]{64})"\n}\Z')
ARRAY = "sha256"


def sealed_text(text: str) -> bytes:
    """A JSON object, indented by one, with the digest of its bytes as its last key."""
    body = text.encode()
    return body.removesuffix(b"\n}") + f',\n "seal": "{hashlib.sha256(body).hexdigest()}"\n}}'.encode()


def unsealed_text(content: bytes) -> bytes:
    """What :func:`sealed_text` was given; a text from before there were seals is given back as it is.

    Raises:
        ValueError: not what was sealed.
    """
    found = SEAL.search(content)
    body = content[: found.start()] + b"\n}" if found is not None else content
    if found is not None and hashlib.sha256(body).hexdigest() != found[1].decode():
        raise ValueError("does not read as it was sealed")
    return body


def sealed_arrays(arrays: Mapping[str, Any]) -> bytes:
    """An ``.npz`` file with a digest of its arrays among them."""
    stream = io.BytesIO()
    everything: dict[str, Any] = {**arrays, ARRAY: np.frombuffer(_digest(arrays), np.uint8)}
    np.savez(stream, **everything)
    return stream.getvalue()


def unsealed_arrays(content: bytes, *names: str) -> list[NDArray[Any]]:
    """Arrays of numbers out of an ``.npz`` file; what has no seal is from before there were any.

    Raises:
        ValueError: damaged, no such file, or one that could unfold without end.
    """
    try:
        with ZipFile(io.BytesIO(content)) as archive:
            stored = {entry.filename: entry.compress_type for entry in archive.infolist()}
        if set(stored.values()) - {ZIP_STORED}:
            raise ValueError("compressed arrays, which could unfold without end")
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in names}
            seal = arrays[ARRAY].tobytes() if f"{ARRAY}.npy" in stored else None
    except Exception as error:  # whatever a damaged archive or header gives rise to
        raise ValueError(f"no arrays ({type(error).__name__})") from error
    if any(array.dtype.kind not in "iuf" for array in found.values()) or seal not in (None, _digest(found)):
        raise ValueError("not the numbers that were sealed")
    return list(found.values())


def _digest(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    digest = hashlib.sha256()
    for name, array in arrays.items():
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.digest()
