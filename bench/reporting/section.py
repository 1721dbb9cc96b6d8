"""The parts a page is made of: figures, and the sections that hold them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from markupsafe import Markup


@dataclass(frozen=True)
class Figure:
    """One drawing with its words.

    Attributes:
        name: an HTML id, ours and never a user's text.
        title: what it shows, plain text (escaped by the page).
        caption: how to read it, plain text (escaped by the page).
        body: SVG or HTML that is already safe.
        wide: takes the page's full width and scrolls on a narrow screen.
    """

    name: str
    title: str
    caption: str
    body: Markup
    wide: bool = False


@dataclass(frozen=True)
class Section:
    """A chapter of the page.

    Attributes:
        name: an HTML id, ours and never a user's text.
        title, lead: plain text (escaped by the page).
        figures: drawings, side by side where there is room.
        body: HTML that is already safe, after the figures.
        label: how the page's contents name it; the title where it is empty.
    """

    name: str
    title: str
    lead: str = ""
    figures: Sequence[Figure] = ()
    body: Markup = field(default_factory=Markup)
    label: str = ""


def filled(section: Section, *figures: Figure | None) -> Section | None:
    """The section with those of the figures that there are; None where it then holds nothing."""
    found = replace(section, figures=[figure for figure in figures if figure is not None])
    return found if found.figures or found.body else None
