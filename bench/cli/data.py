"""``bench data check``: what is in a file of faces, and what looks wrong with it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli import options
from bench.cli.app import data_app
from bench.errors import DataError

if TYPE_CHECKING:
    from bench.faces.face_set import FaceSet


@data_app.command("check")
def check(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="CSV, CSV.GZ or ZIP. [as for `bench run`]")
    ] = None,
    groups: options.Groups = None,
    sheet: Annotated[Path | None, typer.Option("--sheet", metavar="FILE.png", help="Draw the rows to look at.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """Read a file of faces completely, describe it, and tell what looks wrong."""
    from bench.cli.console import Screen
    from bench.faces.checks import inspect
    from bench.faces.contact_sheet import suspicious_rows, write_contact_sheet
    from bench.faces.face_set import FaceSource
    from bench.faces.grouping import AUTO, describe_groups
    from bench.faces.loading import load_faces

    if sheet is not None and (sheet.suffix.lower() != ".png" or sheet.is_dir()):
        raise DataError(f"--sheet {sheet}: expected the name of a file that ends in .png")
    screen = Screen(as_json=as_json)
    faces = load_faces(FaceSource(file, AUTO if groups is None else groups), verify=True)
    findings = inspect(faces)
    description = describe(faces)
    kind = describe_groups(faces.group_count, faces.grouping, faces.people_known)
    screen.say(f"{faces.name}: {faces.rows:,} faces, {kind}")
    screen.say(f"fingerprint {faces.fingerprint}")
    rows = [
        [one["keypoint"], f"{one['missing']:,}", *(f"{one[name]:.1f}" for name in ("mean_x", "sd_x", "mean_y", "sd_y"))]
        for one in description
    ]
    screen.table("", ["keypoint", "missing", "mean x", "sd x", "mean y", "sd y"], rows)
    for finding in findings:
        screen.warn(finding.message)
    if not findings:
        screen.say("nothing looks wrong")
    if sheet is not None:
        try:
            write_contact_sheet(faces, suspicious_rows(faces, findings), sheet)
        except OSError as error:
            raise DataError(f"--sheet {sheet}: cannot be written ({error.strerror})") from error
        screen.note(f"written: {sheet}")
    screen.result_json(
        {
            "name": faces.name,
            "rows": faces.rows,
            "groups": faces.group_count,
            "grouping": faces.grouping,
            "people_known": faces.people_known,
            "fingerprint": faces.fingerprint,
            "keypoints": description,
            "findings": [
                {"kind": one.kind, "message": one.message, "count": len(one.rows), "rows": one.rows.tolist()}
                for one in findings
            ],
        }
    )


def describe(faces: "FaceSet") -> list[dict[str, Any]]:
    """Per keypoint: missing labels, mean and standard deviation in pixels."""
    import numpy as np

    from bench.faces.keypoints import KEYPOINT_NAMES

    described = []
    for index, name in enumerate(KEYPOINT_NAMES):
        points = faces.keypoints[:, index].astype(np.float64)
        labelled = points[np.isfinite(points).all(axis=1)]
        mean, spread = labelled.mean(axis=0), labelled.std(axis=0)
        described.append(
            {
                "keypoint": name,
                "missing": faces.rows - len(labelled),
                "mean_x": float(mean[0]),
                "mean_y": float(mean[1]),
                "sd_x": float(spread[0]),
                "sd_y": float(spread[1]),
            }
        )
    return described
