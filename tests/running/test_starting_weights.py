"""Training that starts from weights: flagged if they come from other faces, refused if they know the scored rows."""

import json
from pathlib import Path

from tests.conftest import RunBench, write_faces_csv

TINY = f"{Path(__file__).parent / 'networks.py'}:Tiny"


def test_weights_of_other_faces_are_flagged_and_those_of_the_same_are_refused(
    run_bench: RunBench, faces_csv: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    others = write_faces_csv(tmp_path / "other" / "others.csv", rows=20, seed=5)
    for csv, weights in ((others, "others.safetensors"), (faces_csv, "same.safetensors")):
        run_bench("fit", "--model", TINY, "--data", str(csv), "--epochs", "1", "--to", weights, check=True)

    def start(weights: str) -> list[str]:
        named = ["run", "--models", TINY, "--data", str(faces_csv), "--groups", "none", "--quick", "--no-latency"]
        return [*named, "--epochs", "1", "--json", "--set", f"models.{TINY}.weights={weights}"]

    done = run_bench(*start("others.safetensors"))
    assert done.returncode == 0, done.stderr
    (row,) = (row for row in json.loads(done.stdout)["rows"] if row["kind"] == "network")
    assert row["pretrained"] is True
    assert "pretrained" in row["flags"]
    refused = run_bench(*start("same.safetensors"))
    assert refused.returncode == 2
    assert refused.stderr.strip().splitlines()[-1] == (
        f"error: models.{TINY}.weights = same.safetensors: trained on faces.csv itself, so they have seen the scored "
        "rows; start from weights of other faces"
    )
