"""What figures draw of given rows: fronts, groups, curves, and who is suspected of a wrong label."""

import re
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import numpy as np
import pytest

from bench.comparing.observations import Observations
from bench.config.data import DataSettings
from bench.faces.face_set import FaceSource
from bench.faces.loading import load_faces
from bench.records.schema import CellRecord, CurvePoint, DatasetFacts
from bench.reporting.answer import answer_sentences
from bench.reporting.board_facts import BoardFacts, BoardRow, Protocol
from bench.reporting.chapters import shared_flags
from bench.reporting.face_lookup import find_pictures
from bench.reporting.figures.interval_cell import interval_cells
from bench.reporting.figures.ties import ties_figure
from bench.reporting.figures.tradeoff import Point, latency_figure, parameter_figure, pareto_front
from bench.reporting.figures.training import MOST_POINTS, thinned, training_figure
from bench.reporting.gallery import make_gallery
from bench.reporting.row_errors import row_errors
from bench.scheme import SEED_SCHEME, scheme_of_names
from tests.conftest import write_faces_csv
from tests.faces.photos import draw_photos, write_pts

Row = dict[str, Any]


def row(model: str, rmse_px: float, letters: str, **other: Any) -> Row:
    return {
        "model": model, "rank": 1, "letters": tuple(letters), "rmse_px": rmse_px,
        "rmse_px_ci95": (rmse_px - 0.1, rmse_px + 0.1),
        "per_keypoint_rmse_px": dict.fromkeys(SEED_SCHEME.names, rmse_px), **other,
    }  # fmt: skip


def timed(p50: float | None, interval: list[float] | None = None) -> Row:
    return {"p50": p50, "p50_ci95": interval}


def numbered(rows: list[Row]) -> tuple[BoardRow, ...]:
    """Rows in their order; those that share a letter with the first network lead."""
    candidates = [each["model"] for each in rows if each.get("kind") != "gate"]
    best = next({*each["letters"]} for each in rows if each["model"] in candidates)
    places = {model: place for place, model in enumerate(candidates)}
    return tuple(
        BoardRow(index=index, place=places.get(each["model"]), leads=bool({*each["letters"]} & best), **each)
        for index, each in enumerate(rows)
    )


def ranking() -> tuple[BoardRow, ...]:
    return numbered(
        [
            row("best", 1.7, "A", latency_ms=timed(6.0, [5.8, 6.3]), parameters=3e6),
            row("tied", 1.75, "A", latency_ms=timed(2.0, [1.9, 2.1]), parameters=4e6),
            row("slow", 2.0, "B", latency_ms=timed(9.0), parameters=1e5),
            row("ridge", 3.0, "C", kind="gate"),
        ]
    )


def board(rows: tuple[BoardRow, ...], **other: Any) -> BoardFacts:
    dataset = DatasetFacts(name="d", fingerprint="0", rows=9, groups=3, grouping="none", people_known=True)
    protocol = Protocol(folds=5, seed=0, folds_digest="", seeds=1, grouping="none", quick=other.pop("quick", False))
    facts = {
        "failed": (),
        "weak_evidence": False,
        "unlike_records": 0,
        "unlike_latencies": 0,
        "comparison": {},
        **other,
    }
    return BoardFacts(
        generated="",
        dataset=dataset,
        protocol=protocol,
        machine={},
        rows=rows,
        resolution_floor_px=0.1,
        **facts | other,
    )


def test_the_front_holds_whom_nobody_beats_in_both() -> None:
    best = ranking()[0]
    places = [(1.0, 3.0), (2.0, 2.0), (2.0, 2.5), (3.0, 2.0), (4.0, 1.0), (5.0, 1.5)]
    front = pareto_front([Point(best, cost, (cost, cost), error, (error, error)) for cost, error in places])
    assert [(each.cost, each.error) for each in front] == [(1.0, 3.0), (2.0, 2.0), (4.0, 1.0)]


def test_both_uncertainties_are_drawn() -> None:
    figure = latency_figure(ranking())
    assert figure is not None
    assert figure.body.count("<line x1") + figure.body.count("<line y1") >= 5  # two both ways, one for error alone
    by_parameters = parameter_figure(ranking())
    assert by_parameters is not None
    assert by_parameters.body.count('class="point best"') == 2


def test_a_latency_of_too_few_samples_is_no_figure() -> None:
    few = row("slow", 1.75, "A", latency_ms=timed(None))
    rows = numbered([row("best", 1.7, "A", latency_ms=timed(6.0)), few])
    assert "Among these, best is the fastest (6.00 ms)." in answer_sentences(board(rows))
    figure = latency_figure(rows)
    assert figure is not None and "slow" not in figure.body
    assert not any("fastest" in text for text in answer_sentences(board(numbered([few, few]))))


def test_one_seed_is_called_weak_and_one_fold_silent() -> None:
    said = [answer_sentences(board(ranking(), weak_evidence=True, quick=quick)) for quick in (False, True)]
    assert any("is only estimated" in sentence for sentence in said[0])
    assert any("One fold and one training seed say nothing about chance" in sentence for sentence in said[1])
    assert not any("estimated" in sentence for sentence in said[1])


def test_crowded_marks_keep_their_names_shortened_or_above_their_bars() -> None:
    rows = [
        row(f"timm:long_family_name_{k}.trained_elsewhere", 2.0 + 0.05 * k, "A", latency_ms=timed(2.0 + 0.9 * k))
        for k in range(5)
    ]
    figure = latency_figure(numbered(rows))
    assert figure is not None
    assert figure.body.count('class="label"') == 5


def test_intervals_share_the_scale_of_ranked_networks_and_point_to_what_lies_outside() -> None:
    shown = [row("gate below", 1.0, "A", kind="gate"), row("net", 2.0, "B"), row("other", 2.2, "B")]
    unfinished = row("unfinished", 9.0, "A", rank=None, rmse_px_ci95=None)
    cells = interval_cells(numbered([*shown, unfinished]))
    marks = [fromstring(cell).findall("*[@class='beyond']") for cell in cells.values()]
    assert [len(found) for found in marks] == [1, 0, 0, 1]
    assert ["l-6,4l6,4" in str(found[0].get("d")) for found in (marks[0], marks[3])] == [True, False]
    assert cells == {**cells, **interval_cells(numbered(shown))}, "an unfinished network moves no scale"


def test_a_single_epoch_is_a_dot() -> None:
    cell = CellRecord.model_construct(curve=[CurvePoint(epoch=1, train_loss=2.0, seconds=1, learning_rate=0.1)])
    rows = numbered([row("net", 2.0, "A", recipe={"loss": "wing"})])
    figure = training_figure(rows, {"net": [cell]})
    assert figure is not None
    assert figure.body.count('<circle class="thin"') == 1


@pytest.mark.parametrize("losses", [(0.0101, 0.0109), (0.5, 0.5001), (2.0, 2.6), (3e-7, 4e-3), (1.0, 1.0)])
def test_no_two_ticks_read_alike(losses: tuple[float, float]) -> None:
    curve = [CurvePoint(epoch=k, train_loss=loss, seconds=1, learning_rate=0.1) for k, loss in enumerate(losses, 80)]
    sizes = {name: int(2e6 * loss) for name, loss in zip("ab", losses, strict=True)}
    rows = numbered([row(name, 2.0, "A", parameters=size) for name, size in sizes.items()])
    cells = {"a": [CellRecord.model_construct(curve=curve)], "b": []}
    for figure in (training_figure(rows, cells), parameter_figure(rows)):
        assert figure is not None
        words = re.findall(r"<text[^>]*>([^<]*)</text>", figure.body)
        ticks = [word for word in words if re.fullmatch(r"[\d.]+(e-\d+)?( [kMG])?", word)]
        assert len(ticks) == len(set(ticks)) >= 2, ticks


def test_losses_to_several_gates_are_told_once() -> None:
    flags = ["incomplete: 1 of 2 cells", "loses to knn", "loses to ridge", "latency unstable: never steady"]
    assert shared_flags(flags) == "incomplete: 1 of 2 cells; loses to knn, ridge; latency unstable: never steady"


def test_without_measurements_there_is_no_trade_off() -> None:
    assert latency_figure(numbered([row("a", 1.0, "A"), row("b", 2.0, "B")])) is None


def test_a_bar_joins_those_of_one_letter_and_no_other() -> None:
    figure = ties_figure(ranking(), 0.1)
    assert figure is not None
    assert figure.body.count('class="tie best"') == 1
    assert figure.body.count('class="tie"') == 0
    assert figure.body.count('cy="75" r="1.6"') == 2  # its members
    assert "resolution floor 0.10 px" in figure.body


def test_letters_that_overlap_get_bars_below_one_another() -> None:
    rows = numbered([row("a", 1.0, "A"), row("b", 1.1, "B"), row("c", 1.2, "A"), row("d", 1.3, "B")])
    figure = ties_figure(rows, None)
    assert figure is not None
    assert 'y1="75" y2="75"' in figure.body
    assert 'y1="86" y2="86"' in figure.body


def test_long_curves_keep_their_ends_and_drop_infinite_losses() -> None:
    points = [CurvePoint(epoch=k, train_loss=1.0 / k, seconds=0, learning_rate=0) for k in range(1, 501)]
    short = thinned(points)
    assert len(short) == MOST_POINTS
    assert (short[0][0], short[-1][0]) == (1, 500)
    assert thinned([CurvePoint(epoch=1, train_loss=float("inf"), seconds=0, learning_rate=0)]) == []


def test_the_summary_names_the_best_its_ties_the_fastest_and_the_losers() -> None:
    text = " ".join(answer_sentences(board(ranking())))
    assert "best has the smallest error: 1.70 px RMSE (95 % interval 1.60 to 1.80)." in text
    assert "does not tell it apart from tied." in text
    assert "tied is the fastest (2.00 ms) and best the one with the fewest parameters (3 M)" in text
    assert "Every network beats the hardest gate, ridge (3.00 px)." in text
    lost = answer_sentences(
        board(numbered([row("weak", 3.5, "A", loses_to=["ridge"]), row("ridge", 3.0, "A", kind="gate")]))
    )
    assert "weak loses to a method without any network: ridge reaches 3.00 px." in lost


@pytest.fixture
def shifted_label() -> Observations:
    """Three networks that miss by about a pixel; the label of row 7 is wrong; on row 9 they scatter widely."""
    generator = np.random.default_rng(0)
    face = generator.uniform(20, 75, (15, 2))
    true = face + generator.normal(0, 2, (40, 15, 2))
    guesses = true + generator.normal(0, 1, (3, 1, 40, 15, 2))
    guesses[:, :, 9] += generator.normal(0, 25, (3, 1, 15, 2))
    labels = true.astype(np.float32)
    labels[7] += 12
    labels[3, 4] = np.nan
    names = ("a", "b", "c")
    predictions = {name: guesses[k].astype(np.float32) for k, name in enumerate(names)}
    return Observations(labels, np.arange(40), np.arange(40) % 5, predictions, dict.fromkeys(names, "network"))


def test_a_wrong_label_is_told_from_a_hard_picture(shifted_label: Observations) -> None:
    rows = numbered([row(name, 1.0, "A") for name in shifted_label.predictions])
    gallery = make_gallery(rows, shifted_label, row_errors(shifted_label), None)
    words = {card.index: card.words for card in gallery.suspects}
    assert "look at the label" in words[7]
    assert "a hard picture" in words[9]
    assert {card.index for card in gallery.suspects[:2]} == {7, 9}
    assert gallery.picture_count == 0
    assert [shelf.cards[0].index for shelf in gallery.shelves] == [9, 9, 9]


def test_row_errors_agree_with_their_definition(shifted_label: Observations) -> None:
    errors = row_errors(shifted_label).rmse_px("a")
    squares = np.square(shifted_label.predictions["a"][0].astype(float) - shifted_label.truth.astype(float))
    assert errors[7] == pytest.approx(np.sqrt(squares[7].mean()))
    assert errors[3] == pytest.approx(np.sqrt(np.nanmean(squares[3])))


def test_pictures_are_those_of_the_results_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    dataset = board(()).dataset.model_copy(update={"name": "../../elsewhere/faces.csv"})
    assert find_pictures(dataset, None) is None
    (tmp_path / "data").mkdir()
    path = write_faces_csv(tmp_path / "data" / "faces.csv", rows=6, groups=3)
    assert find_pictures(dataset, None) is None
    named = find_pictures(dataset, path)
    assert named is not None  # whether it is the right one, the page checks
    found = find_pictures(dataset.model_copy(update={"fingerprint": named.fingerprint}), None)
    assert found is not None
    assert found.rows == 6


def test_a_folder_of_photos_is_found_too_but_never_the_one_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pts(tmp_path / "data" / "set", draw_photos(3, 4))
    monkeypatch.chdir(tmp_path)
    faces = load_faces(FaceSource(tmp_path / "data" / "set", "none"))
    found = find_pictures(faces.facts, None)
    assert found is not None
    assert found.fingerprint == faces.fingerprint
    for name in ("..", ".", "", "../.."):
        assert find_pictures(faces.facts.model_copy(update={"name": name}), None) is None


def test_pictures_of_another_scheme_are_read_as_the_results_say(tmp_path: Path) -> None:
    few = scheme_of_names(("nose_tip", "chin"))
    path = write_faces_csv(tmp_path / "faces.csv", rows=4, scheme=few)
    dataset = board(()).dataset.model_copy(update={"name": "faces.csv", "scheme": few})
    named = find_pictures(dataset, path)
    assert named is not None
    assert named.scheme == few
    read = load_faces(FaceSource(path, "none", DataSettings(points=("chin",))))
    path.unlink()
    assert find_pictures(dataset, read) is read


def test_a_damaged_file_of_that_name_costs_only_the_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "faces.csv").write_text("not,faces\n")
    assert find_pictures(board(()).dataset.model_copy(update={"name": "faces.csv"}), None) is None
    assert "from which the results were made, cannot be read" in caplog.text


def test_weak_networks_accuse_no_label() -> None:
    """Networks that share one poor answer agree everywhere; that says nothing about labels."""
    generator = np.random.default_rng(1)
    labels = (48 + generator.normal(0, 6, (60, 1, 2)) + generator.normal(0, 1, (60, 15, 2))).astype(np.float32)
    constant = np.full((1, 60, 15, 2), 48, np.float32)
    predictions = {"a": constant, "b": constant + np.float32(0.1)}
    observations = Observations(labels, np.arange(60), np.arange(60) % 5, predictions, dict.fromkeys("ab", "network"))
    rows = numbered([row(name, 6.0, "A") for name in predictions])
    gallery = make_gallery(rows, observations, row_errors(observations), None)
    assert len(gallery.suspects) == 12
    assert all("not unusual for them" in card.words for card in gallery.suspects)
