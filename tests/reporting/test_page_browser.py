"""The page in a real headless Chromium: no console errors, sorting, themes, figures, paper, a narrow screen."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bench.reporting.material import collect
from bench.reporting.page import render_page
from benchmarks.drawn_results import DrawnResults, draw_results
from tests.reporting.test_page import HOSTILE, faces, models

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver (apt install chromium-driver)"
    ),
    pytest.mark.filterwarnings("default"),  # selenium's own sockets
]

Driver = Any


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("results")
    material = replace(collect(draw_results(out, DrawnResults(models(), seeds=2))), faces=faces())
    (out / "report.html").write_text(render_page(material))
    return out / "report.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Driver]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser: Driver, page: Path) -> Driver:
    """The page, freshly loaded in a wide window that prefers light."""
    resize(browser, 1280)
    prefer(browser, "light")
    browser.get("about:blank")
    browser.get_log("browser")
    browser.get(page.as_uri())
    return browser


def resize(browser: Driver, width: int) -> None:
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def prefer(browser: Driver, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def ask(browser: Driver, expression: str) -> Any:
    return browser.execute_script(f"return {expression}")


def column(browser: Driver, number: int) -> list[str]:
    rows = "[...document.querySelectorAll('#leaderboard tbody tr')]"
    found: list[str] = ask(browser, f"{rows}.map(row => row.cells[{number}].dataset.value)")
    return found


def press(browser: Driver, head: str) -> None:
    """Choose a column head with the keyboard."""
    from selenium.webdriver.common.keys import Keys

    heads = browser.find_elements("css selector", "#leaderboard thead button")
    button = next(each for each in heads if each.text.strip() == head)
    button.send_keys(Keys.ENTER)


def background(browser: Driver) -> str:
    return str(ask(browser, "getComputedStyle(document.body).backgroundColor"))


def test_it_loads_without_a_console_message_and_asks_for_nothing(opened: Driver) -> None:
    assert opened.get_log("browser") == []
    wanted = ask(opened, "performance.getEntriesByType('resource').map(entry => entry.name)")
    assert [name for name in wanted if not name.startswith("data:")] == []


def test_every_figure_is_drawn(opened: Driver) -> None:
    opened.execute_script("for (const each of document.querySelectorAll('details')) each.open = true")
    boxes = ask(
        opened,
        "[...document.querySelectorAll('figure')].map(f => [f.id, [...f.querySelectorAll('svg')].map(s => "
        "[s.getBoundingClientRect().width, s.getBoundingClientRect().height, s.querySelectorAll('*').length])])",
    )
    assert len(boxes) == 6
    for name, drawings in boxes:
        assert drawings, name
        assert all(width > 90 and height > 90 and parts > 8 for width, height, parts in drawings), name


def test_pictures_appear_behind_their_points(opened: Driver) -> None:
    uses = "[...document.querySelectorAll('.photo use')]"
    assert ask(opened, f"{uses}.length") > 8
    assert ask(opened, f"{uses}.every(use => document.querySelector(use.getAttribute('href'))?.tagName === 'image')")
    shown = ask(opened, "document.querySelector('#suspects .photo use').getBoundingClientRect().width")
    assert shown > 90


def test_a_hostile_name_is_text(opened: Driver) -> None:
    assert HOSTILE in ask(opened, "document.querySelector('#leaderboard').textContent")
    assert ask(opened, "document.scripts.length") == 1


def test_columns_sort_by_keyboard_and_say_so(opened: Driver) -> None:
    assert column(opened, 0)[:3] == ["1", "2", "3"]
    press(opened, "latency ms")
    values = column(opened, 6)
    filled = [float(value) for value in values if value]
    assert len(filled) == 5
    assert values[: len(filled)] == [str(value) for value in sorted(filled)]
    assert ask(opened, "document.querySelectorAll('#leaderboard [aria-sort=ascending]').length") == 1
    press(opened, "latency ms")
    values = column(opened, 6)
    assert [float(value) for value in values[: len(filled)]] == sorted(filled, reverse=True)
    assert values[len(filled) :] == ["", ""]
    assert ask(opened, "document.getElementById('sorted').textContent") == "Sorted by latency ms, descending"
    press(opened, "rank")
    assert column(opened, 0)[:3] == ["1", "2", "3"]


def test_the_theme_follows_the_system_until_the_reader_chooses(opened: Driver) -> None:
    light = background(opened)
    prefer(opened, "dark")
    dark = background(opened)
    assert light != dark
    opened.find_element("id", "theme").click()
    assert background(opened) == light
    opened.refresh()
    assert background(opened) == light
    opened.execute_script("localStorage.clear()")


def test_pointing_at_a_model_lights_it_up_in_the_figures(opened: Driver) -> None:
    first = "document.querySelector('#leaderboard tbody tr')"
    opened.execute_script(f"{first}.dispatchEvent(new PointerEvent('pointerover', {{bubbles: true}}))")
    lit = ask(opened, "[...document.querySelectorAll('.lit')].map(each => each.dataset.model)")
    assert len(lit) > 4
    assert len(set(lit)) == 1


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_itself_never_scrolls_sideways(opened: Driver, width: int) -> None:
    resize(opened, width)
    assert ask(opened, "document.documentElement.scrollWidth") <= width


def test_everything_that_ranks_is_seen_at_1280_without_scrolling(opened: Driver) -> None:
    right = "document.querySelector('#leaderboard td.notes').getBoundingClientRect().right"
    assert ask(opened, right) <= ask(opened, "document.querySelector('#ranking .scroll').getBoundingClientRect().right")


def test_notes_have_room(opened: Driver) -> None:
    """A long note in a narrow column would make its row many lines high."""
    widths = ask(opened, "[...document.querySelectorAll('#leaderboard td.notes')].map(cell => cell.offsetWidth)")
    assert min(widths) >= 200


def test_controls_and_scrolled_regions_are_reachable_and_named(opened: Driver) -> None:
    nameless = ask(
        opened,
        "[...document.querySelectorAll('button, [tabindex], svg[role=img]:not([aria-hidden])')]"
        ".filter(e => !(e.getAttribute('aria-label') || e.textContent.trim())).length",
    )
    assert nameless == 0
    assert ask(opened, "[...document.querySelectorAll('table')].every(table => table.caption)")
    levels = ask(opened, "[...document.querySelectorAll('h1, h2, h3')].map(head => Number(head.tagName[1]))")
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_text_stands_out_from_its_ground_in_both_themes(opened: Driver) -> None:
    for scheme in ("light", "dark"):
        prefer(opened, scheme)
        poor = opened.execute_script(CONTRAST)
        assert poor == [], f"{scheme}: {poor[:5]}"


def test_paper_gets_a_light_page_with_everything_unfolded(opened: Driver) -> None:
    prefer(opened, "dark")
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": [
        {"name": "prefers-color-scheme", "value": "dark"}]})  # fmt: skip
    assert background(opened) == "rgb(255, 255, 255)"
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    opened.execute_script("window.dispatchEvent(new Event('beforeprint'))")
    assert ask(opened, "document.querySelectorAll('details:not([open])').length") == 0
    printed = opened.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})
    assert len(printed["data"]) > 50_000


def test_the_ranking_fits_on_paper_with_its_notes(opened: Driver) -> None:
    resize(opened, 965)  # US letter, landscape, within its margins: narrower than A4
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    table = "document.getElementById('leaderboard').getBoundingClientRect().right"
    assert ask(opened, table) <= 965
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_a_wide_window_gives_the_ranking_its_margin(opened: Driver) -> None:
    right = "document.querySelector('#ranking .scroll').getBoundingClientRect().right"
    assert ask(opened, right) <= 1280
    resize(opened, 1700)
    assert 1500 < ask(opened, right) <= 1700
    assert ask(opened, "document.documentElement.scrollWidth") <= 1700


CONTRAST = """
const parts = text => text.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
  .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
  .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const ground = element => {
  for (let each = element; each; each = each.parentElement) {
    const found = parts(getComputedStyle(each).backgroundColor);
    if (found.length < 4 || found[3] > 0) return found;
  }
  return [255, 255, 255];
};
const poor = [];
for (const each of document.querySelectorAll('p, td, th, summary, figcaption, a, button, svg text')) {
  if (!each.textContent.trim() || each.closest('.skip') || each.closest('.hidden')) continue;
  const style = getComputedStyle(each);
  const a = light(parts(each instanceof SVGElement ? style.fill : style.color)), b = light(ground(each));
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < 4.5) poor.push(`${each.textContent.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
}
return poor;
"""
"""WCAG 2's contrast of every text; 4.5 is its level AA."""
