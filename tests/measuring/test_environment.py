import getpass
import json
import platform
import subprocess

import pytest

from bench.measuring import environment
from bench.measuring.environment import describe_environment, machine_digest


def test_is_plain_json_and_names_the_machine_but_no_person_or_place() -> None:
    found = describe_environment()
    text = json.dumps(found, allow_nan=False)
    assert found["cores"] >= 1
    assert found["memory_gb"] > 0
    assert found["python"] == platform.python_version()
    assert found["torch"]
    for private in (platform.node(), str(environment.PROJECT_ROOT)):
        assert private not in text
    assert f"/{getpass.getuser()}" not in text


def test_commit_is_the_checkouts_own() -> None:
    head = subprocess.run(
        ["git", "-C", str(environment.PROJECT_ROOT), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    if head.returncode != 0:
        pytest.skip("not a git checkout")
    assert describe_environment()["commit"] == head.stdout.strip()


def test_an_installed_copy_does_not_claim_the_commit_around_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "PROJECT_ROOT", environment.PROJECT_ROOT / "bench")
    found = describe_environment()
    assert found["commit"] is None
    assert found["dirty"] is None


def test_machine_digest_ignores_load_and_commit_but_not_the_processor() -> None:
    here = describe_environment()
    busier = {**here, "load_1min": 99.0, "commit": "0" * 40, "dirty": not here["dirty"]}
    elsewhere = {**here, "processor": "another"}
    assert machine_digest(busier) == machine_digest(here)
    assert machine_digest(elsewhere) != machine_digest(here)
    assert machine_digest({**here, "torch": "1.0"}) != machine_digest(here)


def test_machine_digest_outlasts_a_kernel_that_keeps_a_little_more_memory() -> None:
    here = {**describe_environment(), "memory_gb": 8.2}
    assert machine_digest({**here, "memory_gb": 8.1}) == machine_digest(here)
    assert machine_digest({**here, "memory_gb": 16.4}) != machine_digest(here)
    assert machine_digest({**here, "memory_gb": None}) != machine_digest(here)
