"""The leaderboard on the terminal."""

from typing import Any

from bench.cli.console import Screen
from bench.reporting import markdown


def show_leaderboard(screen: Screen, document: dict[str, Any]) -> None:
    """Print the ranking, what must be known before it, how much it can tell apart, and the failures."""
    for warning in markdown.warnings_of(document):
        screen.warn(warning)
    rows = [markdown.ranking_cells(row) for row in document["rows"]]
    dataset = document["dataset"]
    folds = "1 of " if document["protocol"]["quick"] else ""
    title = f"{dataset['name']}: {dataset['rows']:,} faces, {folds}{document['protocol']['folds']} folds"
    screen.table(title, markdown.COLUMNS, rows, text_columns=2, last_is_text=True)
    for note in (*markdown.letter_notes(document), *markdown.precision_notes(document)):
        screen.say(note)
    for failure in document["failed"]:
        screen.say(
            f"failed: {failure['model']}, fold {failure['fold']}, seed {failure['seed']}: "
            f"{failure['cause']}: {failure['reason']}"
        )
