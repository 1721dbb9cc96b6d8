"""The leaderboard on the terminal."""

from bench.cli.console import Screen
from bench.reporting import board_notes
from bench.reporting.board_facts import BoardFacts, headings


def show_leaderboard(screen: Screen, board: BoardFacts) -> None:
    """Print the ranking, what must be known before it, how much it can tell apart, and the failures."""
    for warning in board_notes.warnings_of(board):
        screen.warn(warning)
    title = f"{board.dataset.name}: {board.dataset.rows:,} rows, {board_notes.folds_text(board)} folds"
    screen.table(title, headings("terminal"), board.cells("terminal"), text_columns=2, last_is_text=True)
    for notes in (
        board_notes.normaliser_notes,
        board_notes.race_notes,
        board_notes.letter_notes,
        board_notes.seed_notes,
        board_notes.precision_notes,
        board_notes.verified_notes,
    ):
        for note in notes(board):
            screen.say(note)
    for failure in board.failed:
        place = f"fold {failure.fold}, seed {failure.seed}"
        screen.say(f"failed: {failure.model}, {place}: {failure.cause}: {failure.reason}")
