"""timm's weights: found in a cache or fetched within reason, read safely, and checked to belong to the model."""

import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from architectures.machinery.errors import ArchitectureError
from architectures.machinery.weight_files import read_weights

if TYPE_CHECKING:
    from torch import Tensor, nn

REACH_TIMEOUT_S = 0.8
"""How long the hub may take to answer at all: the library's own retries end only after 46 s without a network."""

SURPLUS_SHARE = 0.1
"""Files may hold a few matrices more than the model (heads of pretraining, say); a larger model's file holds many."""

HUB_FILES = ("model.safetensors", "pytorch_model.bin")


def published_weights(name: str) -> Path:
    """The local file of a model's published weights, downloaded where it is not in the hub's cache yet.

    Raises:
        ArchitectureError: there are none, or the hub cannot be reached within a second.
    """
    from timm.models import get_pretrained_cfg

    known = get_pretrained_cfg(name)
    if known is None or not known.has_weights:
        raise ArchitectureError(f"timm publishes no weights for {name}; leave pretrained=false")
    if known.custom_load or not known.hf_hub_id:
        raise ArchitectureError(f"timm's weights for {name} are not on the hub in timm's own form; give weights=FILE")
    files = (known.hf_hub_filename,) if known.hf_hub_filename else HUB_FILES
    return _cached(known.hf_hub_id, files) or _fetch(name, known.hf_hub_id, files)


def _cached(repository: str, files: tuple[str, ...]) -> Path | None:
    import huggingface_hub

    found = (huggingface_hub.try_to_load_from_cache(repository, file) for file in files)
    return next((Path(path) for path in found if isinstance(path, str)), None)


def _fetch(name: str, repository: str, files: tuple[str, ...]) -> Path:
    import huggingface_hub
    from huggingface_hub.errors import EntryNotFoundError

    remedy = (
        f"fetch them where there is a network (`hf download {repository}`) into the same cache, "
        "or give weights=FILE (.safetensors or .pth)"
    )
    if huggingface_hub.constants.HF_HUB_OFFLINE:
        raise ArchitectureError(
            f"pretrained weights of {name} are not in the cache and HF_HUB_OFFLINE is set; {remedy}"
        )
    problem = _unreachable(huggingface_hub.hf_hub_url(repository, files[0]))
    if problem:
        raise ArchitectureError(f"pretrained weights of {name} cannot be fetched ({problem}); {remedy}")
    for file in files:
        try:
            return Path(huggingface_hub.hf_hub_download(repository, file))
        except EntryNotFoundError:
            continue
        except Exception as error:  # the hub's client raises its own, httpx's and requests' errors, by version
            problem = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
            raise ArchitectureError(f"pretrained weights of {name} cannot be fetched ({problem}); {remedy}") from error
    raise ArchitectureError(f"pretrained weights of {name}: {repository} holds none of {', '.join(files)}; {remedy}")


def _unreachable(url: str) -> str:
    """Why ``url`` does not answer within :data:`REACH_TIMEOUT_S`; empty where it does."""
    problem = [f"no answer from {url.split('/')[2]} within {REACH_TIMEOUT_S} s"]

    def ask() -> None:
        try:
            request = urllib.request.Request(url, method="HEAD")
            with urllib.request.build_opener(_NoRedirect).open(request, timeout=REACH_TIMEOUT_S):
                problem[0] = ""
        except urllib.error.HTTPError as error:
            # A redirect leads to the file; 404 only says that the other file name must be tried.
            problem[0] = "" if error.code < 400 or error.code == 404 else f"{url.split('/')[2]} answers {error.code}"
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            if not isinstance(reason, TimeoutError):  # that is what stands there already
                problem[0] = f"{url.split('/')[2]}: {reason}"

    # In a thread: looking up a host name has no time limit of its own.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(REACH_TIMEOUT_S)
    return problem[0]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Stay: the answer itself is all that is asked for."""


def weights_overlay(name: str, path: Path, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What makes ``timm.create_model`` load ``path``: its head stays fresh, its RGB stem is summed for grey.

    Args:
        name: as timm spells it.
        path: the file.
        arguments: what else the model is made with (``in_chans``, ``num_classes``, ...).

    Raises:
        ArchitectureError: unreadable file, or the weights of another model.
    """
    refuse_foreign_weights(name, path, path.stat().st_mtime_ns if path.is_file() else 0, tuple(arguments.items()))
    return _overlay(read_weights(path))


def _overlay(weights: dict[str, "Tensor"]) -> dict[str, Any]:
    return {"pretrained": True, "pretrained_cfg_overlay": {"state_dict": weights}}


@lru_cache(maxsize=16)
def refuse_foreign_weights(name: str, path: Path, modified_ns: int, arguments: tuple[tuple[str, Any], ...]) -> None:
    """Check that a file fills the model, which timm itself does not: it leaves what is missing at random.

    The model is built twice from one random state, with and without the file; a weight matrix that is equal in both
    was not in the file.

    Raises:
        ArchitectureError: the weights of another model.
    """
    import torch

    del modified_ns  # only a part of the cache's key: a changed file is checked again
    weights = read_weights(path)
    chosen = dict(arguments)
    try:
        filled = _from_fixed_state(name, {**chosen, **_overlay(weights)})
    except (RuntimeError, KeyError, AttributeError, ValueError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        problem = lines[min(1, len(lines) - 1)][:160]  # torch's first line only says that there are errors
        raise ArchitectureError(
            f"weights {path}: not the weights of {name} ({problem}); name the model they are of"
        ) from error
    fresh = _from_fixed_state(name, chosen).state_dict()
    heads: Any = getattr(filled, "pretrained_cfg", {}).get("classifier") or ()
    heads = (heads,) if isinstance(heads, str) else tuple(heads)
    matrices = [
        key
        for key, value in fresh.items()
        if value.ndim > 1 and value.is_floating_point() and not key.startswith(tuple(f"{head}." for head in heads))
    ]
    state = filled.state_dict()
    untouched = [key for key in matrices if torch.equal(state[key], fresh[key])]
    if untouched:
        raise ArchitectureError(
            f"weights {path}: not the weights of {name}: {len(untouched)} of {len(matrices)} weight matrices are not "
            f"in it (such as {untouched[0]}); name the model they are of"
        )
    surplus = [key for key, value in weights.items() if value.ndim > 1 and key not in fresh]
    if all(key in weights for key in matrices) and len(surplus) > SURPLUS_SHARE * len(matrices):
        raise ArchitectureError(
            f"weights {path}: not the weights of {name}, which has no place for {len(surplus)} matrices of it "
            f"(such as {surplus[0]}); name the model they are of"
        )


def _from_fixed_state(name: str, arguments: Mapping[str, Any]) -> "nn.Module":
    import timm
    import torch

    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.manual_seed(0)
        module: nn.Module = timm.create_model(name, **arguments)
    return module
