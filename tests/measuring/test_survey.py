"""The survey of timm's models: what runs, what does not and why, in processes that may die."""

import json
import os
import signal
import threading

import pytest

from bench.measuring import survey as room
from bench.measuring.catalogue import CatalogueEntry
from bench.measuring.survey import Examiner, survey
from bench.processes.servant import Servant
from bench.scheme import SEED_SCHEME, Scheme, scheme_of_names
from tests.conftest import RunBench

HANDS = scheme_of_names(tuple(f"joint_{number}" for number in range(21)), 128, 3)


def test_one_model_examined() -> None:
    found = Examiner().examine("timm:resnet18", SEED_SCHEME)
    assert found.status == "ok"
    assert found.parameters == 2_851_023
    assert found.macs == pytest.approx(0.276e9, rel=0.01)


def test_other_points_and_pictures_cost_other_weights_and_work() -> None:
    found = Examiner().examine("timm:resnet18", HANDS)
    stem, maps = 2 * 64 * 49, (21 - 15) * (64 * 9 + 1)
    assert found.parameters == 2_851_023 + stem + maps
    assert found.macs == pytest.approx(0.276e9 * (128 / 96) ** 2 * 1.05, rel=0.05)


@pytest.mark.parametrize(("scheme", "frame"), [(SEED_SCHEME, "1x96x96"), (HANDS, "3x128x128")])
def test_a_refused_model_has_a_reason_and_no_costs(scheme: Scheme, frame: str) -> None:
    found = Examiner().examine("timm:halonet26t", scheme)
    assert found.status == "refused"
    assert found.reason is not None
    assert f"cannot run at {frame}" in found.reason
    assert found.parameters is None


@pytest.mark.slow
def test_results_keep_the_order_of_the_names() -> None:
    seen: list[CatalogueEntry] = []
    names = ["timm:resnet18", "timm:halonet26t", "timm:mobilenetv3_small_050", "timm:no_such_model"]
    found = survey(names, SEED_SCHEME, 2, seen.append)
    assert [one.name for one in found] == names
    assert [one.status for one in found] == ["ok", "refused", "ok", "refused"]
    assert sorted(one.name for one in seen) == sorted(names)


@pytest.mark.slow
def test_a_model_that_kills_its_process_is_refused_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = room._ask

    def kill_first(servant: Servant[Examiner], name: str, scheme: Scheme, stop: threading.Event) -> CatalogueEntry:
        if name == "timm:vgg11":
            servant.begin(Examiner.examine, "timm:resnet10t", scheme).wait()
            assert servant.pid is not None
            os.kill(servant.pid, signal.SIGSTOP)  # so that it cannot answer before it is killed
            threading.Timer(0.2, os.kill, (servant.pid, signal.SIGKILL)).start()
        return asked(servant, name, scheme, stop)

    monkeypatch.setattr(room, "_ask", kill_first)
    found = survey(["timm:vgg11", "timm:resnet10t"], SEED_SCHEME, 1, lambda _: None)
    assert [one.status for one in found] == ["refused", "ok"]
    assert found[0].reason is not None
    assert "killed" in found[0].reason or "ended" in found[0].reason


@pytest.mark.slow
def test_the_search_as_users_call_it(run_bench: RunBench) -> None:
    done = run_bench("models", "--timm", "timm:mobilenetv3_small*", "--check", "--json")
    assert done.returncode == 0, done.stderr
    models = json.loads(done.stdout)["models"]
    assert {"name", "status", "reason", "parameters", "macs"} <= set(models[0])
    assert "timm:mobilenetv3_small_100" in {one["name"] for one in models}
    larger = run_bench("models", "--timm", "mobilenetv3_small_100", "--side", "128", "--keypoints", "68", "--json")
    (other,) = json.loads(larger.stdout)["models"]
    same = next(one for one in models if one["name"] == other["name"])
    assert other["parameters"] - same["parameters"] == (68 - 15) * (64 * 9 + 1)
    assert other["macs"] > 1.6 * same["macs"]
    nothing = run_bench("models", "--timm", "no_such*")
    assert nothing.returncode == 2
    assert "no model of timm matches" in nothing.stderr
