"""The reports of one ``--out`` folder, each as the text of a file."""

import csv
import io
from collections.abc import Callable, Mapping

from bench.outside_text import escaped_json, spreadsheet_cell
from bench.reporting.markdown import leaderboard_markdown
from bench.reporting.material import Material
from bench.reporting.page import render_page


def _json(material: Material) -> str:
    return escaped_json(material.document, indent=1) + "\n"


def _csv(material: Material) -> str:
    """One line per row; lists and tables inside a row are flattened to ``name.key`` columns."""
    flat = [_flatten(row) for row in material.document["rows"]]
    columns = list(dict.fromkeys(name for row in flat for name in row))
    flattened = {name.partition(".")[0] for name in columns if "." in name}  # None where a row has no such table
    stream = io.StringIO()
    kept = [name for name in columns if name not in flattened]
    writer = csv.DictWriter(stream, kept, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for row in flat:
        writer.writerow(
            {name: spreadsheet_cell(value) if isinstance(value, str) else value for name, value in row.items()}
        )
    return stream.getvalue()


def _flatten(row: Mapping[str, object]) -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in row.items():
        if name == "latencies":
            continue  # a list of settings has no place in one line; leaderboard.json has it
        if isinstance(value, dict):
            flat |= {f"{name}.{key}": inner for key, inner in value.items()}
        elif name == "rmse_px_ci95":
            low, high = value if isinstance(value, list) else (None, None)
            flat |= {f"{name}.low": low, f"{name}.high": high}
        else:
            flat[name] = "; ".join(map(str, value)) if isinstance(value, list) else value
    return flat


FORMATS: dict[str, Callable[[Material], str]] = {
    "md": lambda material: leaderboard_markdown(material.facts),
    "json": _json,
    "csv": _csv,
    "html": render_page,
}
