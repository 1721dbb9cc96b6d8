"""The survey of timm's models: what runs, what does not and why, in processes that may die."""

import json
import os
import signal
import threading

import pytest

from bench.measuring import survey as room
from bench.measuring.survey import Examiner, Surveyed, examine, survey
from bench.processes.servant import Servant
from tests.conftest import RunBench


def test_one_model_examined() -> None:
    found = examine("resnet18")
    assert found.status == "ok"
    assert found.parameters == 11_185_630
    assert found.macs == pytest.approx(0.319e9, rel=0.01)


def test_a_refused_model_has_a_reason_and_no_costs() -> None:
    found = examine("halonet26t")
    assert found.status == "refused"
    assert found.reason is not None
    assert "cannot run at 1x96x96" in found.reason
    assert found.parameters is None


@pytest.mark.slow
def test_results_keep_the_order_of_the_names() -> None:
    seen: list[Surveyed] = []
    names = ["resnet18", "halonet26t", "mobilenetv3_small_050", "no_such_model"]
    found = survey(names, 2, seen.append)
    assert [one.name for one in found] == names
    assert [one.status for one in found] == ["ok", "refused", "ok", "refused"]
    assert sorted(one.name for one in seen) == sorted(names)


@pytest.mark.slow
def test_a_model_that_kills_its_process_is_refused_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = room._ask

    def kill_first(servant: Servant[Examiner], name: str, stop: threading.Event) -> Surveyed:
        if name == "vgg11":
            servant.begin(Examiner.examine, "resnet10t").wait()
            assert servant.pid is not None
            os.kill(servant.pid, signal.SIGSTOP)  # so that it cannot answer before it is killed
            threading.Timer(0.2, os.kill, (servant.pid, signal.SIGKILL)).start()
        return asked(servant, name, stop)

    monkeypatch.setattr(room, "_ask", kill_first)
    found = survey(["vgg11", "resnet10t"], 1, lambda _: None)
    assert [one.status for one in found] == ["refused", "ok"]
    assert found[0].reason is not None
    assert "killed" in found[0].reason or "ended" in found[0].reason


@pytest.mark.slow
def test_the_search_as_users_call_it(run_bench: RunBench) -> None:
    done = run_bench("models", "--timm", "timm:mobilenetv3_small*", "--check", "--json")
    assert done.returncode == 0, done.stderr
    models = json.loads(done.stdout)["models"]
    assert {"name", "status", "reason", "parameters", "macs"} == set(models[0])
    assert "timm:mobilenetv3_small_100" in {one["name"] for one in models}
    nothing = run_bench("models", "--timm", "no_such*")
    assert nothing.returncode == 2
    assert "no model of timm matches" in nothing.stderr
