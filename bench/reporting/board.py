"""The board as an object: what ``bench.run`` returns, and what compare and choose ask."""

import difflib
import io
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.comparing import verdict
from bench.comparing.choosing import CostLimits
from bench.comparing.ranking import Ranking, rank
from bench.comparing.verdict import Verdict
from bench.config.model_names import is_ensemble, members_of
from bench.errors import ConfigError, RecordError
from bench.measuring.accuracy import finite_mean
from bench.outside_text import printable
from bench.records.store import RecordStore
from bench.reporting import choice
from bench.reporting.board_facts import COLUMNS, Failure, Left
from bench.reporting.board_notes import warnings_of
from bench.reporting.material import Material, collect
from bench.reporting.report_files import FORMATS
from bench.reporting.verdict_words import verdict_words

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Comparison:
    """Two models: everything known about their difference, and one paragraph that says it."""

    verdict: Verdict
    text: str

    def __str__(self) -> str:
        return self.text


class Board:
    """A leaderboard and everything that it is derived from; in a notebook it shows itself as a table.

    Attributes:
        material: what was collected from the records.
    """

    def __init__(self, material: Material) -> None:
        self.material = material

    @classmethod
    def of(cls, out: Path) -> "Board":
        """The board of the records under ``out``.

        Raises:
            RecordError: there are no results.
        """
        return cls(collect(RecordStore(out)))

    @cached_property
    def table(self) -> "pd.DataFrame":
        """One line per model, best first, the index being its name; columns as in ``leaderboard.csv``."""
        import pandas as pd

        text = io.StringIO(FORMATS["csv"](self.material))
        # A column of flags without one word would be read as numbers.
        types = {"rank": "Int64", "letters": "str", "flags": "str"}
        table = pd.read_csv(text, index_col="model", dtype=types, na_values=[""], keep_default_na=False)
        return table.assign(**{name: table[name].fillna("") for name in ("letters", "flags")})

    @cached_property
    def failed(self) -> "pd.DataFrame":
        """One line per failed cell: model, fold, seed, cause, reason, attempts."""
        import pandas as pd

        return pd.DataFrame(self.material.document["failed"], columns=[*Failure.model_fields])

    @property
    def ranking(self) -> Ranking:
        """Order, ties, intervals and pairs of the models that are ranked."""
        return self.material.ranking

    @property
    def warnings(self) -> list[str]:
        """What to know before the numbers: each a short sentence."""
        return warnings_of(self.material.facts)

    def predictions(self, model: str) -> NDArray[np.float32]:
        """Out-of-fold predictions, float32 (seeds, N, K, 2) in pixels; NaN where a cell is missing.

        Raises:
            ConfigError: no such model.
        """
        self._refuse_unknown(model, [*self.material.observations.predictions])
        return self.material.observations.predictions[model]

    def row_errors(self, model: str) -> "pd.DataFrame":
        """What a model misses in each row of the data that it was scored on.

        Returns:
            ``row_index`` (from 0), ``group``, ``fold``, ``rmse_px`` over seeds and labelled coordinates, and ``nme``,
            a fraction, the mean over seeds; NaN where the labels for it are missing.

        Raises:
            ConfigError: no such model.
        """
        import pandas as pd

        observed = self.material.observations
        scored = np.flatnonzero(np.isfinite(self.predictions(model)).any(axis=(0, 2, 3)))
        found = {
            "row_index": scored,
            "group": observed.groups[scored],
            "fold": observed.fold_of_row[scored],
            "rmse_px": self.material.errors.rmse_px(model)[scored],
            "nme": finite_mean(self.material.errors.nme[model])[scored],
        }
        return pd.DataFrame(found)

    def compare(self, first: str, second: str) -> Comparison:
        """Which of two models is better, by how much, how certainly and at which keypoints.

        One that left a race is compared by the folds that both have.

        Raises:
            ConfigError: no such model, or the same one twice.
            RecordError: one that is not complete and left no race, or has no fold of its own, or two that share none.
        """
        ranking, observed, departures = self.ranking, self.material.ranked, self.material.departures
        left = [
            name for name in (first, second) if name in departures and name in self.material.observations.predictions
        ]
        for name in (first, second):
            if name not in (*ranking.order, *left):
                self._refuse_incomplete(name)
            self._refuse_unknown(name, (*ranking.order, *left))
        if first == second:
            raise ConfigError(f"model '{first}' is named twice; name two models")
        if not {first, second} <= {*ranking.order}:
            observed = self.material.observations.only((first, second))
            ranking = rank(observed)
            if not ranking.pairs:
                raise RecordError(f"models '{first}' and '{second}' share no fold; run `bench run` without --race")
        found = verdict.compare(observed, ranking, first, second)
        told = [f"{name} {Left.model_validate(departures[name]).text}." for name in left]
        return Comparison(found, " ".join([verdict_words(found), *told]))

    def choose(self, limits: CostLimits) -> choice.Choice:
        """One network within limits; see :func:`bench.reporting.choice.choose`."""
        return choice.choose(self.material, limits)

    def __repr__(self) -> str:
        return printable("\n".join([*(f"warning: {text}" for text in self.warnings), self._shown().to_string()]))

    def _repr_html_(self) -> str:
        import html

        warnings = "".join(f"<p>warning: {html.escape(text)}</p>" for text in self.warnings)
        return printable(warnings + self._shown().to_html(escape=True, na_rep="–"))

    def _shown(self) -> "pd.DataFrame":
        shown = [(name, column) for name, column in COLUMNS if "terminal" in column.tables and name != "model"]
        parts = {"rmse_px_ci95": ("low", "high")}
        names = [(name, parts.get(name, (column.part,))) for name, column in shown]
        return self.table.reindex(
            columns=[f"{name}.{part}" if part else name for name, found in names for part in found]
        )

    def _refuse_incomplete(self, name: str) -> None:
        """One that was asked for and cannot be ranked: say what would complete it."""
        departures, entries = self.material.departures, self.material.selection.entries
        members = members_of(name) if name in entries and is_ensemble(name) else ()
        texts = {one: Left.model_validate(departures[one]).text for one in (name, *members) if one in departures}
        if texts:
            told = "; ".join(text if one == name else f"{one} {text}" for one, text in texts.items())
            raise RecordError(
                f"model '{name}' is incomplete: {told}; the same `bench run` without --race trains the rest"
            )
        if name in self.material.observations.predictions:
            raise RecordError(f"model '{name}' is incomplete; run the same `bench run` again to finish it")

    def _refuse_unknown(self, name: str, known: list[str] | tuple[str, ...]) -> None:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=2, cutoff=0.4)
            hint = f"did you mean {' or '.join(close)}?" if close else f"known are: {', '.join(known) or 'none'}"
            raise ConfigError(f"model '{name}' is not on the leaderboard under {self.material.out.name}; {hint}")
