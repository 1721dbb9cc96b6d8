"""Training that starts from weights: flagged if they come from other faces, refused if they know the scored rows."""

import json
from pathlib import Path

from tests.conftest import RunBench, write_faces_csv

TINY, SLOW = (f"{Path(__file__).parent / 'networks.py'}:{name}" for name in ("Tiny", "Slow"))


def test_weights_of_other_faces_are_flagged_and_those_of_the_same_are_refused(
    run_bench: RunBench, faces_csv: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    others = write_faces_csv(tmp_path / "other" / "others.csv", rows=20, seed=5)
    for csv, weights in ((others, "others.safetensors"), (faces_csv, "same.safetensors")):
        run_bench("fit", "--model", TINY, "--data", str(csv), "--epochs", "1", "--to", weights, check=True)

    def start(weights: str) -> list[str]:
        models = f"{TINY},ensemble:{TINY}+{SLOW}"
        named = ["run", "--models", models, "--data", str(faces_csv), "--groups", "none", "--quick", "--no-latency"]
        return [*named, "--epochs", "1", "--json", "--set", f"models.{TINY}.weights={weights}"]

    done = run_bench(*start("others.safetensors"))
    assert done.returncode == 0, done.stderr
    rows = {row["model"]: row for row in json.loads(done.stdout)["rows"] if row["kind"] != "gate"}
    assert {name: row["pretrained"] for name, row in rows.items()} == {
        TINY: True,
        SLOW: False,
        f"ensemble:{TINY}+{SLOW}": True,
    }
    assert {name for name, row in rows.items() if "pretrained" in row["flags"]} == {TINY, f"ensemble:{TINY}+{SLOW}"}
    refused = run_bench(*start("same.safetensors"))
    assert refused.returncode == 2
    assert refused.stderr.strip().splitlines()[-1] == (
        f"error: models.{TINY}.weights = same.safetensors: trained on faces.csv itself, so they have seen the scored "
        "rows; start from weights of other data"
    )

    damaged = bytearray((tmp_path / "others.safetensors").read_bytes())
    damaged[-3] ^= 1
    (tmp_path / "damaged.safetensors").write_bytes(damaged)
    fitting = ["fit", "--model", TINY, "--data", str(faces_csv), "--set", f"models.{TINY}.weights=damaged.safetensors"]
    for command in (start("damaged.safetensors"), fitting):
        refused = run_bench(*command)
        assert refused.returncode == 2
        assert "error: weights damaged.safetensors: damaged, they do not read as they were sealed" in refused.stderr
