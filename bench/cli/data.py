"""``bench data check``: what is in a file or folder of faces, and what looks wrong with it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli import options
from bench.cli.app import data_app
from bench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.faces.checks import Doubt
    from bench.faces.face_set import FaceSet

STATISTICS = ("mean_x", "sd_x", "mean_y", "sd_y")


@data_app.command("check")
def check(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE|DIR", help="CSV, folder of .pts, COCO JSON or DeepLabCut. [as for `bench run`]"),
    ] = None,
    images: options.Images = None,
    groups: options.Groups = None,
    sheet: Annotated[Path | None, typer.Option("--sheet", metavar="FILE.png", help="Draw the rows to look at.")] = None,
    config_file: options.ConfigFile = None,
    assignments: options.Assignments = None,
    as_json: options.AsJson = False,
) -> None:
    """Read a file or folder of faces completely, describe it, and tell what looks wrong."""
    from bench.cli.console import Screen
    from bench.config.loading import load_config
    from bench.faces.checks import inspect
    from bench.faces.contact_sheet import suspicious_rows, write_contact_sheet
    from bench.faces.face_set import FaceSource
    from bench.faces.grouping import describe_groups
    from bench.faces.loading import load_faces

    if sheet is not None and (sheet.suffix.lower() != ".png" or sheet.is_dir()):
        raise DataError(f"--sheet {sheet}: expected the name of a file that ends in .png")
    screen = Screen(as_json=as_json)
    config = load_config(config_file, assignments or (), {"data": file, "images": images, "groups": groups})
    faces = load_faces(FaceSource.of(config))
    doubts = inspect(faces)
    description = describe(faces)
    kind = describe_groups(faces.group_count, faces.grouping, faces.people_known)
    screen.say(f"{faces.name}: {faces.rows:,} rows, {kind}")
    screen.say(scheme_words(faces))
    for note in faces.notes:
        screen.say(note)
    screen.say(f"fingerprint {faces.fingerprint}")
    rows = [
        [one["keypoint"], f"{one['missing']:,}", *(f"{one[name]:.1f}" for name in STATISTICS)] for one in description
    ]
    screen.table("", ["keypoint", "missing", *(name.replace("_", " ") for name in STATISTICS)], rows)
    for doubt in doubts:
        screen.warn(doubt.message)
    if not doubts:
        screen.say("nothing looks wrong")
    if sheet is not None:
        try:
            write_contact_sheet(faces, suspicious_rows(faces, doubts), sheet)
        except OSError as error:
            raise DataError(f"--sheet {sheet}: cannot be written ({error.strerror})") from error
        screen.note(f"written: {sheet}")
    screen.result_json(as_json_document(faces, description, doubts))


def as_json_document(faces: "FaceSet", description: list[dict[str, Any]], doubts: "Sequence[Doubt]") -> dict[str, Any]:
    """What ``--json`` prints."""
    findings = [
        {
            "kind": one.kind,
            "message": one.message,
            "count": len(one.row_index),
            "rows": (one.row_index + 1).tolist(),
        }
        for one in doubts
    ]
    facts = faces.facts.model_dump(mode="json")
    return {**facts, "notes": list(faces.notes), "keypoints": description, "findings": findings}


def scheme_words(faces: "FaceSet") -> str:
    """The scheme in a line: how many points, the frame, mirror and normaliser."""
    scheme = faces.scheme
    if scheme.mirror is None:
        mirror = "never mirrored (left and right not known: no names that pair, and no data.mirror)"
    else:
        pairs = sum(one < other for one, other in enumerate(scheme.mirror))
        mirror = f"{pairs} pair{'' if pairs == 1 else 's'} of left and right"
    kind = "grey" if scheme.channels == 1 else "colour"
    frame = f"{scheme.side_px}x{scheme.side_px} in {kind}"
    return f"{scheme.keypoints} points, {frame}, {mirror}, NME over the {scheme.normaliser_words}"


def describe(faces: "FaceSet") -> list[dict[str, Any]]:
    """Per keypoint: missing labels, mean and standard deviation in pixels."""
    import numpy as np

    described = []
    for index, name in enumerate(faces.scheme.names):
        points = faces.keypoints[:, index].astype(np.float64)
        labelled = points[np.isfinite(points).all(axis=1)]
        mean, spread = labelled.mean(axis=0).tolist(), labelled.std(axis=0).tolist()
        statistics = dict(zip(STATISTICS, (mean[0], spread[0], mean[1], spread[1]), strict=True))
        described.append({"keypoint": name, "missing": faces.rows - len(labelled), **statistics})
    return described
