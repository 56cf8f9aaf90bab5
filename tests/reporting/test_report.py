import dataclasses
import itertools
import math
import re
import sys
from html.parser import HTMLParser

import pytest

from accord.core.errors import InputError, MissingExtra
from accord.core.records import Results
from accord.reporting.report import page, write_report
from accord.reporting.run_folder import read_run

VOID = {"meta", "br", "hr", "img", "link"}


class Reader(HTMLParser):
    """Keeps tags, attributes and text, and checks that tags close in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def html(tmp_path_factory, request):
    conftest = request.config.pluginmanager.getplugin(str(request.path.parent / "conftest.py"))
    folder = tmp_path_factory.mktemp("runs") / "python-library"
    conftest.write_run(folder, conftest.make_results(), list(conftest.make_steps()))
    path = write_report(folder)
    assert path == folder / "report.html"
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def read(html):
    return Reader(html)


def test_the_page_says_what_the_run_found(read):
    assert "better than the base on all 3 tasks" in read.text
    assert "about 4,300 examples would be needed (have 812)" in read.text
    for words in ("0.507", "[0.480, 0.534]", "+0.095", "<0.001", "AMD EPYC 7B13", "accord search", "6 min 49 s"):
        assert words in read.text


def test_the_page_needs_nothing_beside_itself(html, read):
    assert "script" not in read.tags
    assert not {"link", "img", "iframe", "object", "image", "use"} & set(read.tags)
    for _, attributes in read.attributes:
        assert not {"src", "xlink:href", "srcset"} & set(attributes)
        assert attributes.get("href", "#").startswith("#")
    assert "url(http" not in html and "@import" not in html and "@font-face" not in html


def test_headings_descend_one_level_at_a_time(read):
    levels = [int(tag[1]) for tag in read.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_tables_and_plots_are_described(read):
    assert read.tags.count("caption") == read.tags.count("table") > 3
    drawings = [a for tag, a in read.attributes if tag == "svg" and a.get("aria-hidden") != "true"]
    assert len(drawings) == read.tags.count("figure") > 10
    assert all(a["role"] == "img" and len(a["aria-label"]) > 20 for a in drawings)


def test_links_and_ids_meet(read):
    ids = [a["id"] for _, a in read.attributes if "id" in a]
    assert len(ids) == len(set(ids))
    links = {a["href"][1:] for tag, a in read.attributes if tag == "a"}
    assert links <= set(ids)


@pytest.mark.slow
def test_the_same_folder_gives_the_same_page(run_folder):
    assert page(read_run(run_folder)) == page(read_run(run_folder))


def test_html_in_names_is_text(tmp_path, make):
    evil = "<script>alert('x')</script>&\"<b>"
    results = Results(
        scores=[make.score(model, evil, 0.5) for model in ("base", f"single:{evil}", "joint", "<i>own</i>")],
        comparisons=[make.comparison("joint", "base", evil, 0.2, p=0.001)],
        environment={"<u>machine</u>": "<u>x</u>"},
        details={"tasks": [{"name": evil, "signal": "<s>", "train": 3}],
                 "leakage": [{"task": evil, "held_out_by": evil, "kind": "id", "count": 3}],
                 "models": [{"name": evil, "tokens": 5}], "timings": [{"stage": evil, "seconds": 2.0}]},
    )  # fmt: skip
    folder = make.run(tmp_path / "a&b 'c'", results, recipe="x: <script>y</script>\nindex: {}")
    read = Reader(write_report(folder).read_text(encoding="utf-8"))
    assert not {"script", "b>", "i", "u", "s"} & set(read.tags)
    assert "alert('x')" in read.text and "<i>own</i>" in read.text


def _odd(make):
    nan = dataclasses.replace(make.score("joint", "b", 0.5), score=math.nan, ci=(math.nan, math.nan))
    unmeasured = dataclasses.replace(
        make.comparison("joint", "base", "b", math.nan, p=math.nan), ci=(math.nan, math.nan), n_needed=None
    )
    return {
        "nothing": Results(scores=[]),
        "one task, one model": Results(scores=[make.score("base", "only", 0.5)]),
        "no comparisons": Results(scores=[make.score(m, "only", 0.5) for m in ("base", "joint")]),
        "not a number": Results(
            scores=[make.score("joint", "a", 0.5), nan, make.score("base", "b", 0.4)], comparisons=[unmeasured]
        ),
        "all not a number": Results(scores=[nan], comparisons=[unmeasured]),
        "a long name": Results(scores=[make.score("base", "name-" * 60, 0.5)]),
        "score of one, no width": Results(scores=[make.score("base", "a", 1.0, half=0.0)]),
        "sparse details": Results(scores=[], details={"tasks": [{"name": "a"}], "models": [{"name": "m"}],
                                                      "timings": [{"stage": "x", "seconds": None}], "leakage": []}),
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["nothing", "one task, one model", "no comparisons", "not a number",
                                  "all not a number", "a long name", "score of one, no width",
                                  "sparse details"])  # fmt: skip
def test_odd_runs_give_a_page_all_the_same(tmp_path, make, kind):
    folder = make.run(tmp_path / "run", _odd(make)[kind], recipe=None)
    read = Reader(write_report(folder).read_text(encoding="utf-8"))
    assert " nan" not in read.text.lower()
    assert "None" not in read.text
    assert read.tags.count("section") == 8


def test_search_is_offered_only_where_there_is_an_index(tmp_path, results, make):
    folder = make.run(tmp_path / "run", results, recipe="train: {steps: 3}")
    assert "accord search" not in write_report(folder).read_text(encoding="utf-8")


@pytest.mark.slow
def test_seeds_share_one_look(tmp_path, results, steps, make):
    again = [dataclasses.replace(step, run=f"{step.run}@1") for step in steps]
    text = write_report(make.run(tmp_path / "run", results, [*steps, *again])).read_text(encoding="utf-8")
    section = text[text.index('id="training"') : text.index('id="data"')]
    legend = Reader(section[section.index("<ul") : section.index("</ul>") + 5])
    assert legend.text == "single joint"
    assert "joint@1 from" in section


def test_an_unfinished_run_gets_no_page(tmp_path):
    with pytest.raises(InputError, match="has not finished"):
        write_report(tmp_path)
    assert not (tmp_path / "report.html").exists()


def test_a_missing_extra_is_named(run_folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtra, match=r"accord\[report\]"):
        write_report(run_folder)
