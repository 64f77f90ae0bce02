"""Pictures of the demo's pages: `python tests/screenshots.py [FOLDER]`, which `make screenshots` calls.

FOLDER/<page>-phone.png and FOLDER/<page>-desk.png of the main ones, as far as one sees without scrolling. The clock
of the demo stands still, so the same pages give the same pictures, up to the fonts of the machine.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from browser_room import DESK, NO_CHROMIUM, PHONE, Demo, find_chromium, open_browser, serve_demo, visit
from playwright.sync_api import Browser
from png_palette import shrink_png

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "screenshots"
BYTES_MOST = 200_000  # of a picture
WINDOWS = {"phone": {"viewport": PHONE}, "desk": {"viewport": DESK}}
SITE = "https://kabar.example.org/"  # in the addresses that pages show
SHOWN = ("front", "story", "city", "map", "trends", "search-found", "sources", "kliping")


def take_screenshots(browser: Browser, demo: Demo, folder: Path) -> list[Path]:
    """Takes a picture of each page of `SHOWN` in each window; returns where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    taken = []
    reader = browser.new_page()
    for window, options in WINDOWS.items():
        with visit(browser, demo, **options) as visitor:
            for name in SHOWN:
                visitor.open_page(name)
                visitor.page.wait_for_load_state("networkidle")
                taken.append(folder / f"{name}-{window}.png")
                picture = visitor.page.screenshot(animations="disabled", caret="hide")
                taken[-1].write_bytes(shrink_png(reader, picture))
    return taken


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python tests/screenshots.py", description=(__doc__ or "").partition(":")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    folder = parser.parse_args(arguments).folder
    if find_chromium() is None:
        print(NO_CHROMIUM, file=sys.stderr)
        return 1
    with (
        tempfile.TemporaryDirectory(prefix="kabarkota-demo-") as name,
        serve_demo(Path(name), site_url=SITE) as demo,
        open_browser() as browser,
    ):
        taken = take_screenshots(browser, demo, folder)
    heavy = [path.name for path in taken if path.stat().st_size > BYTES_MOST]
    print(f"{len(taken)} pictures in {folder}" + (f"; over {BYTES_MOST // 1000} kB: {', '.join(heavy)}" * bool(heavy)))
    return 1 if heavy else 0


if __name__ == "__main__":
    sys.exit(main())
