import sys
import xml.etree.ElementTree as ET

import pytest

from accord.core.errors import MissingExtra
from accord.reporting.plots.canvas import altair_module, clean, names_width, shorten

RAW = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" version="1.1" class="marks"
width="310" height="80" viewBox="0 0 310 80"><g clip-path="url(#clip37)" role="graphics-object" aria-label="x">
<path class="background" d="M0,0h0v0h0Z"/><path d="M0,0h5" stroke="#1858B8" fill="none"/>
<text fill="#1b1f24" font-family="sans-serif">#1b1f24 &lt;b&gt; role="x"</text></g>
<defs><clipPath id="clip37"><rect width="310" height="40"/></clipPath></defs></svg>"""


@pytest.fixture
def svg():
    return clean(RAW, 'Loss on "a" <b>')


def test_colours_become_variables_with_the_light_value_to_fall_back_on(svg):
    assert 'stroke="var(--blue,#1858b8)"' in svg
    assert 'fill="var(--ink,#1b1f24)"' in svg


def test_text_is_left_as_it_is(svg):
    assert ET.fromstring(svg).find(".//text").text == '#1b1f24 <b> role="x"'


def test_chance_ids_become_the_same_everywhere(svg):
    assert "clip37" not in svg
    assert clean(RAW.replace("clip37", "clip99"), 'Loss on "a" <b>') == svg
    root = ET.fromstring(svg)
    assert root[0].get("clip-path") == f"url(#{root.find('.//clipPath').get('id')})"


def test_the_drawing_is_one_labelled_image(svg):
    root = ET.fromstring(svg)
    assert (root.get("role"), root.get("aria-label")) == ("img", 'Loss on "a" <b>')
    assert all("role" not in e.attrib and "font-family" not in e.attrib for e in root[0].iter())


def test_what_is_not_seen_is_gone(svg):
    assert [e.get("d") for e in ET.fromstring(svg).iter("path")] == ["M0,0h5"]
    assert "xmlns" not in svg


def test_long_names_keep_both_ends():
    name = "tasks/first-" + "x" * 50 + "-last"
    assert shorten(name).startswith("tasks/") and shorten(name).endswith("-last")
    assert len(shorten(name)) == 20
    assert names_width([name]) == names_width(["y" * 20]) > names_width(["short"])


def test_without_the_extra_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(MissingExtra, match=r"pip install 'accord\[report\]'"):
        altair_module()
