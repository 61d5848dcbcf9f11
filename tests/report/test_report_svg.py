"""The pictures: well-formed, complete, the same every time."""

import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import replace

import pytest
from reportkit import (
    direct_pictures,
    direct_report,
    make_report,
    tree_pictures,
)

from locgen.report.drawing import Drawing, ramp_step, tick_step
from locgen.report.modules import group_parts, module_class
from locgen.report.pictures import Confusion, Pictures, PlacedCell, SiteFacts
from locgen.report.svg import (
    confusion_svg,
    features_svg,
    floorplan_svg,
    modules_svg,
    network_svg,
    pipeline_svg,
    scatter_svg,
    trials_svg,
)

SVG = "{http://www.w3.org/2000/svg}"


def parse(text):
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SVG}svg"
    assert root[0].tag == f"{SVG}title" and root[0].text
    assert root[1].tag == f"{SVG}desc" and root[1].text
    assert root.get("aria-labelledby") == f"{root[0].get('id')} {root[1].get('id')}"
    return root


def tooltips(root):
    """Return the titles of all elements below the picture's own."""
    return [title.text for child in root[2:] for title in child.iter(f"{SVG}title")]


def drawings():
    tree, direct = tree_pictures(), direct_pictures(scatter=True)
    yield "network", lambda alone: network_svg(tree, standalone=alone)
    yield "pipeline", lambda alone: pipeline_svg(direct_report(), direct, standalone=alone)
    yield "floorplan", lambda alone: floorplan_svg(tree, standalone=alone)
    yield "modules", lambda alone: modules_svg(tree, standalone=alone)
    yield "trials", lambda alone: trials_svg(tree, False, standalone=alone)
    yield "features", lambda alone: features_svg(make_report().quantisation, standalone=alone)
    yield "scatter", lambda alone: scatter_svg(direct, standalone=alone)
    for which in ("float", "golden"):
        yield which, lambda alone, w=which: confusion_svg(tree.confusion, w, standalone=alone)


@pytest.mark.parametrize(("name", "draw"), list(drawings()), ids=[name for name, _ in drawings()])
def test_a_picture_is_xml_and_stands_alone(name, draw):
    alone, inside = draw(True), draw(False)
    assert parse(alone).find(f"{SVG}style") is not None
    assert parse(inside).find(f"{SVG}style") is None
    assert draw(True) == alone
    assert "url(" not in alone and "href" not in alone and "<script" not in alone


@pytest.mark.parametrize("sites", [1, 2, 3, 16, 17, 20, 64, 65, 100, 256])
def test_the_network_shows_every_site_and_stop(sites):
    pictures = tree_pictures(sites, placed=False)
    words = tooltips(parse(network_svg(pictures)))
    for site in pictures.sites:
        expected = f"site {site.number}: {site.logic_cells} logic cells, node {site.number}; "
        assert expected + f"stop {site.stop}" in words
    assert sum(w.startswith("adding stop ") for w in words) == sites - 1
    assert words.count("last broadcast stop") == -(-sites // 16)
    assert words.count("stop") == sum(pictures.inner_stops)


def test_the_network_names_all_nodes_of_a_site():
    sites = (SiteFacts(0, (0, 3, 5), 40, 0), SiteFacts(1, (1, 2, 4), 44, 0))
    words = tooltips(parse(network_svg(Pictures(sites=sites, combine_levels=1))))
    assert "site 0: 40 logic cells, nodes 0, 3, 5; stop 0" in words


def test_site_colours_follow_logic_cells():
    sites = (SiteFacts(0, (0,), 10, 0), SiteFacts(1, (1,), 90, 0))
    root = parse(network_svg(Pictures(sites=sites, combine_levels=1)))
    boxes = [r.get("class") for r in root.iter(f"{SVG}rect") if r.find(f"{SVG}title") is not None]
    assert [b for b in boxes if "hover" in b] == ["f-u0 hover", "f-u5 hover"]
    assert [ramp_step(v, 0, 60) for v in (0, 9, 10, 59, 60)] == [0, 0, 1, 5, 5]


def test_the_floor_plan_draws_every_logic_cell_once_in_its_tile():
    pictures = tree_pictures()
    root = parse(floorplan_svg(pictures))
    counts = Counter(c.module for c in pictures.cells if c.is_logic)
    drawn = {}
    for path in root.iter(f"{SVG}path"):
        title = path.find(f"{SVG}title")
        if title is not None:
            drawn[title.text.rpartition(":")[0]] = path.get("d").count("M")
    assert drawn["site 3"] == counts["site_3"]
    assert drawn["link, link: UART and frames"] == counts["link"]
    assert drawn["stop_1, last broadcast stops"] == counts["stop_1"]
    assert sum(drawn.values()) == sum(counts.values())


def test_row_zero_of_the_floor_plan_is_at_the_bottom():
    cells = (PlacedCell("root", "logic cell", 0, 0), PlacedCell("link", "pin", 1, 3))
    root = parse(floorplan_svg(Pictures(cells=cells, grid=(2, 4))))
    path = next(p for p in root.iter(f"{SVG}path") if p.find(f"{SVG}title") is not None)
    assert path.get("d").startswith("M2 77")
    ring = next(c for c in root.iter(f"{SVG}circle") if c.find(f"{SVG}title") is not None)
    assert (ring.get("cx"), ring.get("cy")) == ("37.5", "12.5")
    assert ring[0].text == "pin of link"


def test_confusion_marks_the_cells_that_differ():
    confusion = Confusion(("a", "b"), ((9, 1), (2, 8)), ((8, 2), (2, 8)))
    root = parse(confusion_svg(confusion, "golden"))
    frames = [r for r in root.iter(f"{SVG}rect") if "s-ink" in r.get("class")]
    assert len(frames) == 2
    texts = [t.text for t in root.iter(f"{SVG}text")]
    assert {"8", "2", "-1", "+1"} <= set(texts)
    assert "16 of 20 right" in texts
    assert "2 cells differ" in root[1].text
    assert "17 of 20 right" in confusion_svg(confusion, "float")


@pytest.mark.parametrize("classes", [1, 2, 3, 10, 20, 40])
def test_confusion_of_any_number_of_classes(classes):
    labels = tuple(f"a rather long label {n}" for n in range(classes))
    words = tooltips(parse(confusion_svg(tree_pictures(1, False, labels).confusion, "float")))
    assert sum(w.startswith("true ") for w in words) == classes * classes
    assert labels[-1] in words


def test_modules_group_many_sites_and_lose_no_cell():
    modules = tree_pictures(64, placed=False).modules
    parts = group_parts(modules)
    assert sum(p.logic_cells for p in parts) == sum(cells for _, cells in modules)
    grouped = next(p for p in parts if p.words == "58 other sites")
    assert grouped.members == 58
    assert parts[0].logic_cells == max(c for m, c in modules if m.startswith("site_"))
    assert parts[-1].words == "shared by several modules"
    assert next(p for p in parts if p.words == "last broadcast stops").members == 4


def test_few_sites_stand_alone_and_colours_take_turns():
    parts = group_parts((("site_0", 5), ("site_7", 9), ("root", 30)))
    assert [(p.words, p.css) for p in parts] == [
        ("site 7", "f-c0"),
        ("site 0", "f-c0"),
        ("root", "f-network"),
    ]
    assert module_class("site_8") == "f-c1"
    assert module_class("unheard_of") == "f-shared"


def test_trials_ring_the_chosen_width():
    root = parse(trials_svg(tree_pictures(), False))
    texts = [t.text for t in root.iter(f"{SVG}text")]
    assert texts.count("chosen") == 1
    assert {"12.4", "4.91", "1.37", "0.62", "0.18"} <= set(texts)
    assert "5 bits are kept" in root[1].text
    none_kept = Pictures(trials=((1, None, 0.0, False),))
    assert "none is kept" in trials_svg(none_kept, True)


def test_features_strip_says_every_width():
    quantisation = make_report().quantisation
    words = tooltips(parse(features_svg(quantisation)))
    assert "feature 1: 4 bits, rank" in words
    assert sum(w.endswith("not used") for w in words) == quantisation.feature_bits.count(0)
    assert len(words) == 30
    many = quantisation.model_copy(update={"kinds": ["affine"] * 784, "feature_bits": [3] * 784})
    assert len(tooltips(parse(features_svg(many)))) == 784
    empty = quantisation.model_copy(update={"kinds": [], "feature_bits": []})
    parse(features_svg(empty))


def test_pipeline_shows_every_tree_and_the_decision():
    for trees in (1, 20, 300):
        words = tooltips(parse(pipeline_svg(direct_report(), direct_pictures(trees))))
        assert sum(w.startswith("tree ") for w in words) == trees
    merged = Pictures(modules=(("shared", 590),))
    words = tooltips(parse(pipeline_svg(direct_report(), merged)))
    assert words == [f"tree {n}" for n in range(20)]
    decided = replace(direct_pictures(), decision="weighted votes")
    assert "weighted votes" in pipeline_svg(direct_report(), decided)


def test_scatter_of_equal_values_and_its_largest_difference():
    parse(scatter_svg(Pictures(scatter=((2.0, 2.0),))))
    text = scatter_svg(Pictures(scatter=((0.0, 0.0), (10.0, 7.5))))
    assert "largest difference is 2.5" in text
    assert [tick_step(s) for s in (1, 10, 11, 0.3, 99)] == [0.2, 2.0, 2.5, 0.1, 20.0]


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (network_svg, "at least one site"),
        (floorplan_svg, "must have a grid"),
        (scatter_svg, "at least one pair"),
        (lambda p: trials_svg(p, False), "at least one trial"),
    ],
)
def test_nothing_to_draw(draw, message):
    with pytest.raises(ValueError, match=message):
        draw(Pictures())


def test_text_that_xml_forbids_is_replaced():
    drawing = Drawing("x", 10, 10, "a\x00b", "c\ud800<d>")
    drawing.text(0, 0, '<script>"&\x1b', tooltip="]]>")
    root = parse(drawing.render(standalone=True))
    assert root[0].text == "a\N{REPLACEMENT CHARACTER}b"
    assert root[1].text == "c\N{REPLACEMENT CHARACTER}<d>"
    assert root[4].text == '<script>"&\N{REPLACEMENT CHARACTER}'
