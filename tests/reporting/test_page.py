"""The page as text: complete, escaped, within its size, and about the right faces."""

import re
import subprocess
import sys
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from markupsafe import Markup

from bench.errors import DataError
from bench.faces.face_set import FaceSet
from bench.records.store import RecordStore
from bench.reporting.chapters import CHAPTERS
from bench.reporting.markdown import leaderboard_markdown
from bench.reporting.markups import coded
from bench.reporting.material import collect
from bench.reporting.page import render_page
from bench.reporting.section import Figure, Section
from bench.reporting.tables import number_columns
from bench.scheme import scheme_of_names
from benchmarks.drawn_results import DrawnModel, DrawnResults, draw_results
from tests.conftest import bench_environment

HOSTILE = "<script>alert(1)</script>"
QUOTED = "\"><img src=x onerror='alert(2)'>{{ 7 * 7 }}\x1b"
FINGERPRINT = "0123456789abcdef"


def models() -> list[DrawnModel]:
    return [
        DrawnModel("heatmap_net", 1.2, latency_ms=6.2, parameters=3_100_000),
        DrawnModel("plain_cnn", 1.9, latency_ms=3.1, parameters=1_200_000),
        DrawnModel(HOSTILE, 1.5, latency_ms=1.6, parameters=400_000),
        DrawnModel(QUOTED, 2.1, latency_ms=2.6, parameters=600_000),
        DrawnModel("diverging_net", 2.1, failed_folds=(1,), reason=f"raised {HOSTILE}"),
        DrawnModel("mean_face", 4.6, kind="gate", latency_ms=None),
        DrawnModel("ridge", 2.4, kind="gate", latency_ms=None),
    ]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> RecordStore:
    return draw_results(tmp_path_factory.mktemp("results"), DrawnResults(models(), seeds=2))


@pytest.fixture(scope="module")
def page(store: RecordStore) -> str:
    return render_page(collect(store))


def faces(rows: int = 200, fingerprint: str = FINGERPRINT) -> FaceSet:
    images = np.random.default_rng(0).integers(0, 255, (rows, 96, 96)).astype(np.uint8)
    points = np.full((rows, 15, 2), 40, np.float32)
    return FaceSet("drawn.csv", images, points, np.arange(rows), "none", False, fingerprint)


class Outline(HTMLParser):
    """What a browser would make of the text, as far as these tests ask."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def count(self, tag: str) -> int:
        return sum(found == tag for found, _ in self.tags)

    def ids(self) -> list[str]:
        return [value for _, attributes in self.tags if (value := attributes.get("id"))]


def test_every_part_of_the_report_is_there(page: str) -> None:
    figures = {"figure-ties", "figure-latency", "figure-parameters", "figure-keypoints"}
    figures |= {"figure-cumulative", "figure-training"}
    sections = {"ranking", "ties", "costs", "keypoints", "curves", "training", "suspects", "gallery", "failures"}
    ids = Outline(page).ids()
    assert figures | sections | {"circumstances"} <= set(ids)
    assert len(ids) == len(set(ids))


def test_names_and_reasons_show_as_text_and_run_nowhere(page: str) -> None:
    outline = Outline(page)
    assert outline.count("script") == 1
    assert outline.count("img") == 0
    assert HOSTILE in outline.text
    assert f"raised {HOSTILE}" in outline.text
    assert "{{ 7 * 7 }}" in outline.text
    assert not [name for _, attributes in outline.tags for name in attributes if name.startswith("on")]


def test_control_characters_do_not_reach_the_page(page: str) -> None:
    assert "\x1b" in QUOTED
    assert "\x1b" not in page


def test_nothing_is_loaded_and_the_policy_forbids_it(page: str) -> None:
    outline = Outline(page)
    policy = next(a["content"] for tag, a in outline.tags if tag == "meta" and a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", page)
    assert not [a for _, a in outline.tags if "style" in a]


def test_the_same_records_give_the_same_page(store: RecordStore, page: str) -> None:
    assert render_page(collect(store)) == page


def test_pictures_are_embedded_only_when_faces_are_given(store: RecordStore, page: str) -> None:
    assert "data:image" not in page
    pictured = render_page(replace(collect(store), faces=faces()))
    embedded = re.findall(r'id="picture-(\d+)"', pictured)
    used = set(re.findall(r'href="#picture-(\d+)"', pictured))
    assert set(embedded) == used
    assert len(embedded) == len(used) > 8
    assert f"This page holds {len(used)} pictures" in pictured


def test_other_faces_are_refused(store: RecordStore) -> None:
    with pytest.raises(DataError, match=r"feedfeedfeedfeed.*0123456789abcdef"):
        render_page(replace(collect(store), faces=faces(fingerprint="feedfeedfeedfeed")))


def test_ten_architectures_with_pictures_stay_below_three_megabytes(tmp_path: Path) -> None:
    ten = [DrawnModel(f"net_{k}", 1 + k / 10, epochs=200) for k in range(10)]
    store = draw_results(tmp_path, DrawnResults(ten, seeds=3))
    page = render_page(replace(collect(store), faces=faces()))
    assert 100_000 < len(page.encode()) < 3_000_000


def test_results_without_a_complete_network_make_a_page(tmp_path: Path) -> None:
    store = draw_results(tmp_path, DrawnResults([DrawnModel("net", 1.0, failed_folds=range(5))]))
    outline = Outline(render_page(collect(store)))
    assert "nothing is ranked" in outline.text
    assert "figure-ties" not in outline.ids()


def test_one_network_alone_and_a_quick_run_make_a_page(tmp_path: Path) -> None:
    store = draw_results(tmp_path, DrawnResults([DrawnModel("net", 1.0, epochs=1)], quick=True))
    outline = Outline(render_page(collect(store)))
    assert "It is the only network." in outline.text
    assert "quick run" in outline.text


def test_reports_are_rebuilt_without_torch(store: RecordStore) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom bench.reporting.rebuilding import report_from_records\n"
        "report_from_records(Path(sys.argv[1]))\n"
        "loaded = {'torch', 'timm', 'sklearn', 'optuna'} & set(sys.modules)\nassert not loaded, loaded\n"
    )
    command = [sys.executable, "-c", code, str(store.out)]
    done = subprocess.run(
        command, capture_output=True, text=True, env=bench_environment(), cwd=store.out, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert {path.name for path in store.out.glob("*.*")} >= {"report.html", "leaderboard.md", "leaderboard.json"}


def test_a_further_section_stands_in_the_page_with_its_words_escaped(store: RecordStore) -> None:
    drawing = Markup("<svg viewBox='0 0 1 1'></svg>")
    figure = Figure("figure-more", "More <of> it", "Caption & all", drawing)
    section = Section("more", "A <further> section", "Lead & text", [figure], Markup("<p id='own-body'>own</p>"))
    outline = Outline(render_page(collect(store), [*CHAPTERS, lambda _: section]))
    assert {"more", "figure-more", "own-body"} <= set(outline.ids())
    assert "A <further> section" in outline.text
    assert ("a", {"href": "#more"}) in outline.tags
    assert outline.count("further") == 0


def test_the_ranking_shows_letters_intervals_and_flags(page: str) -> None:
    table = page.partition('id="leaderboard"')[2].partition("</table>")[0]
    assert re.search(r'<td class="interval-cell"><svg.*?</svg><span>\d\.\d\d to \d\.\d\d</span></td>', table)
    assert re.search(r'>1 <span class="letter" title="[^"]*">A</span></td>', table)
    assert '<td class="notes">incomplete: 8 of 10 cells</td>' in table
    heads = re.findall(r"<th scope=\"col\".*?>([^<>]+)<", table)
    assert heads[:10] == [
        "rank", "model", "RMSE px", "95 % interval", "fold SD px", "NME %", "latency ms", "parameters", "MACs", "flags",
    ]  # fmt: skip


def test_a_board_of_another_scheme_shows_its_points_frame_and_normaliser(tmp_path: Path) -> None:
    scheme = scheme_of_names(tuple(f"point_{number}" for number in range(1, 69)), side_px=128, channels=3)
    store = draw_results(tmp_path, DrawnResults(models(), seeds=2, scheme=scheme))
    images = np.random.default_rng(0).integers(0, 255, (200, 128, 128, 3)).astype(np.uint8)
    grey = faces()
    coloured = replace(grey, images=images, keypoints=np.full((200, 68, 2), 40, np.float32), scheme=scheme)
    page = render_page(replace(collect(store), faces=coloured))
    assert "Mean point distance over the diagonal of the points' box" in unescape(page)
    assert "NME at most, % of the diagonal of the points" in page
    assert 'class="outline"' not in page and 'class="disc"' in page
    assert re.search(r'<image id="picture-\d+" width="128" height="128"', page)
    table = page.partition('id="keypoint-table"')[2].partition("</table>")[0]
    assert "point 68" in table and table.count("<tr>") == 69  # below one another: they do not fit side by side
    markdown = leaderboard_markdown(collect(store).facts)
    assert "NME is the mean point distance over the diagonal of the points' box." in markdown
    assert not re.search(r"\b(faces|people)\b", Outline(page.partition("</style>")[2]).text + markdown)


def test_columns_of_numbers_are_set_to_the_right(page: str) -> None:
    tail = page.partition('id="evidence-tail"')[2].partition("</table>")[0]
    assert '<th scope="col">model</th><th scope="col" class="number">RMSE px</th>' in tail
    assert re.search(r'<td class="number">\d\.\d\d</td><td class="number">\d\.\d\d to \d\.\d\d</td>', tail)
    machine = page.partition('id="facts-machine"')[2].partition("</table>")[0]
    assert "number" not in machine


def test_a_number_is_told_from_a_name_or_a_state_that_begins_with_one() -> None:
    lines = [("1", "3dnet", "–", "< 0.001", "5 complete, 1 pruned"), ("12", "4", "–", "1 h 05 min", "6 complete")]
    assert number_columns(lines) == (True, False, False, True, False)


def test_what_is_typed_stands_as_code_and_everything_is_escaped() -> None:
    assert coded("see `--seeds <3>` & more") == "see <code>--seeds &lt;3&gt;</code> &amp; more"
    assert coded("a ` alone <b>") == "a <code> alone &lt;b&gt;</code>"
