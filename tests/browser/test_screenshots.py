"""The pictures of the README: ``PIXFIND_SCREENSHOTS=docs python -m pytest tests/browser``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page

from browser.checks import wait_for_pictures
from browser.conftest import DESKTOP, PHONE, NewPage
from browser.serving import Site

DARK = {"color_scheme": "dark"}
SMALL = {"viewport": PHONE, "is_mobile": True, "has_touch": True, "device_scale_factor": 2}
QUALITY = 82
# Of these folders every picture is in the public domain, or given to it (CC0).
FREE = "folder:(animals|kitchen|space|ground)"
SHOTS: dict[str, tuple[str, dict[str, Any]]] = {
    "photos": (f"/?q={FREE}", {}),
    "search": ("/?q=a+cup+of+coffee+-snow", {}),
    "photo": ("/photos/{}?q=a+rocket+launch", {}),
    "phone": ("/?q=a+cat", SMALL | DARK),
}


@pytest.mark.parametrize("name", SHOTS)
def test_a_screenshot_is_made(new_page: NewPage, site: Site, shots: Path, name: str) -> None:
    address, options = SHOTS[name]
    page = new_page(**options, reduced_motion="reduce")
    page.goto(address.format(site.photo("rocket.jpg")))
    wait_for_pictures(page)
    page.screenshot(path=shots / f"{name}.jpg", type="jpeg", quality=QUALITY)
    assert _size(shots / f"{name}.jpg") == _expected(page, options)


def _size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def _expected(page: Page, options: dict[str, Any]) -> tuple[int, int]:
    window, scale = page.viewport_size or DESKTOP, options.get("device_scale_factor", 1)
    return window["width"] * scale, window["height"] * scale
