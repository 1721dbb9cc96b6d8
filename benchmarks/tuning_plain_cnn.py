"""Is a tuned plain_cnn better than the default one on faces that the search never saw?

30 trials or 45 minutes, whichever comes first; reduced epochs inside the search, both trained in full afterwards on
outer fold 0 and compared row by row with a paired interval.

``python benchmarks/tuning_plain_cnn.py --data FILE --groups FILE --out DIR`` prints the finding as JSON; started again,
it goes on.
"""

import argparse
import json
import subprocess
import sys


def main() -> None:
    """Call the command as a user would."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--groups", default="auto")
    parser.add_argument("--out", default="results")
    parser.add_argument("--trials", default="30")
    parser.add_argument("--budget", default="45m")
    given = parser.parse_args()
    words = ["--models", "plain_cnn", "--trials", given.trials, "--budget", given.budget, "--data", given.data]
    command = [sys.executable, "-m", "bench", "tune", *words, "--groups", given.groups, "--out", given.out, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    found = json.loads(done.stdout)["found"][0]
    sys.stdout.write(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
