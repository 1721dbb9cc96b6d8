"""What a folder's searches found, for a report."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.records.studies import StudyFacts
from bench.records.tuned import TunedParameters


@dataclass(frozen=True)
class SearchMaterial:
    """What was found, and the trials; ``trouble`` says why some trials are missing."""

    found: Sequence[TunedParameters]
    studies: Sequence[StudyFacts]
    trouble: str = ""
