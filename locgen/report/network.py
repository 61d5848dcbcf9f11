"""The picture of the tree network."""

from collections.abc import Callable

from locgen.report.drawing import Drawing, ramp_step
from locgen.report.numbers import plural, thousands
from locgen.report.palette import RAMP_STEPS
from locgen.report.pictures import Pictures, SiteFacts

__all__ = ["network_svg"]

_WIDTH = 1080.0
_LEFT = 150.0
_RIGHT = 16.0
_TOP = 34.0
_ROW_GAP = 46.0


def network_svg(pictures: Pictures, *, standalone: bool = True) -> str:
    """Return the tree network: root, broadcast stops, sites by logic cells, adding stops.

    Sites stand in the order of their numbers; the root is drawn twice, where it sends features and
    where it takes the scores.

    Raises
    ------
    ValueError
        If there are no sites (direct fabric).
    """
    sites = sorted(pictures.sites, key=lambda site: site.number)
    if not sites:
        raise ValueError("pictures must have at least one site for a picture of the network")
    count = len(sites)
    stages = sorted({site.stop for site in sites})
    low, high = _range(sites)
    nodes = sum(len(site.nodes) for site in sites)
    down_levels = [*pictures.inner_stops, len(stages)]
    pitch = (_WIDTH - _LEFT - _RIGHT) / count
    box = min(pitch - min(0.16 * pitch, 4), 44)
    tall = min(max(box, 26), 40)
    rail_gap = 9 if len(stages) <= 8 else 6
    rails_top = _TOP + _ROW_GAP * len(down_levels) + 22
    sites_top = rails_top + rail_gap * len(stages) + 12
    level_gap = 30 if pictures.combine_levels <= 6 else 24
    adders_top = sites_top + tall + (12 if pitch >= 13 else 24)
    bottom = adders_top + level_gap * max(pictures.combine_levels, 1)
    drawing = Drawing(
        "network",
        _WIDTH,
        bottom + 94,
        f"The tree network with {plural(count, 'site')}",
        f"Features go from the root through {plural(sum(down_levels), 'broadcast stop')} in "
        f"{plural(len(down_levels), 'level')} to {plural(count, 'site')} with "
        f"{plural(nodes, 'node')}; scores come back through {pictures.combine_levels} levels of "
        f"adding stops. A site takes {thousands(low)} to {thousands(high)} logic cells.",
    )

    def centre(position: float) -> float:
        return _LEFT + pitch * (position + 0.5)

    feeds = _broadcast(drawing, down_levels)
    _rails(drawing, sites, stages, feeds, (rails_top, rail_gap, sites_top), centre)
    for x, y in feeds:
        _stop(drawing, x, y, False, "f-down", "last broadcast stop")
    _sites(drawing, sites, (low, high), (box, tall, pitch), sites_top, centre)
    _row_label(drawing, sites_top + tall / 2 + 3, plural(count, "site"), plural(nodes, "node"))
    end = _adders(drawing, pictures, count, (sites_top + tall, adders_top, level_gap), centre)
    drawing.line([(end, bottom - 8), (end, bottom + 20)], "s-up", 1.4)
    _stop(drawing, end, bottom + 24, True, "f-up", "root: adds the digits up and decides")
    _row_label(drawing, bottom + 24, "Root", "takes the scores, decides")
    every = _labels_every(pitch)
    for position in range(0, count if every > 1 else 0, every):
        x, y = centre(position), sites_top + tall + 13
        drawing.text(x, y, str(sites[position].number), "small quiet over", "middle")
    _ramp_legend(drawing, bottom + 62, low, high)
    return drawing.render(standalone)


def _broadcast(drawing: Drawing, down_levels: list[int]) -> list[tuple[float, float]]:
    """Draw the root and the levels of the broadcast tree; return the places of the last stages."""
    _row_label(drawing, _TOP, "Root", "sends the features")
    feeds = [(_LEFT + (_WIDTH - _LEFT - _RIGHT) / 2, _TOP)]
    for level, stages in enumerate(down_levels):
        y = _TOP + _ROW_GAP * (level + 1)
        last = level == len(down_levels) - 1
        _row_label(drawing, y, "Last stops" if last else "Broadcast", plural(stages, "stop"))
        here = []
        for number in range(stages):
            x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * (number + 0.5) / stages
            from_x, from_y = feeds[number * len(feeds) // stages]
            half = (from_y + y) / 2
            points = [(from_x, from_y), (from_x, half), (x, half), (x, y)]
            drawing.line(points, "s-down", 1.4)
            here.append((x, y))
        for x, from_y in feeds:
            _stop(drawing, x, from_y, level == 0, "f-down", "root" if level == 0 else "stop")
        feeds = here
    return feeds


def _labels_every(pitch: float) -> int:
    """Return which sites carry their number: all of them only where it fits inside."""
    return 1 if pitch >= 13 else 8 if pitch >= 7 else 16


def _range(sites: list[SiteFacts]) -> tuple[int, int]:
    cells = [site.logic_cells for site in sites]
    return min(cells), max(cells)


def _row_label(drawing: Drawing, y: float, head: str, below: str) -> None:
    drawing.text(0, y, head, "bold")
    drawing.text(0, y + 14, below, "quiet small")


def _stop(drawing: Drawing, x: float, y: float, root: bool, css: str, tooltip: str) -> None:
    if root:
        drawing.rect(x - 26, y - 11, 52, 22, css, tooltip, rx=11)
        drawing.text(x, y + 4, "root", "small bold on-root", "middle", style="fill:var(--panel)")
    else:
        drawing.circle(x, y, 5, css, tooltip)


def _rails(
    drawing: Drawing,
    sites: list[SiteFacts],
    stops: list[int],
    feeds: list[tuple[float, float]],
    rows: tuple[float, float, float],
    centre: Callable[[float], float],
) -> None:
    """Draw a rail for each last stop, with a drop to each of its sites."""
    rails_top, gap, sites_top = rows
    thin = 1.4 if len(sites) <= 64 else 0.7
    for index, stop in enumerate(stops):
        y = rails_top + gap * index
        x_stop, y_stop = feeds[index]
        served = [centre(n) for n, site in enumerate(sites) if site.stop == stop]
        drawing.line([(x_stop, y_stop), (x_stop, y)], "s-down", 1.4)
        drawing.line([(min([*served, x_stop]), y), (max([*served, x_stop]), y)], "s-down", thin)
        drops = "".join(f"M{x:.2f} {y:.2f}V{sites_top:.2f}" for x in served)
        drawing.path(drops, "s-down", stroke_width=thin, stroke_opacity=0.7)
        for x in served:
            drawing.circle(x, y, 2.2 if len(sites) <= 64 else 1.3, "f-down")


def _sites(
    drawing: Drawing,
    sites: list[SiteFacts],
    cells: tuple[int, int],
    sizes: tuple[float, float, float],
    top: float,
    centre: Callable[[float], float],
) -> None:
    box, tall, pitch = sizes
    for position, site in enumerate(sites):
        step = ramp_step(site.logic_cells, *cells)
        x = centre(position)
        noun = "node" if len(site.nodes) == 1 else "nodes"
        tooltip = (
            f"site {site.number}: {plural(site.logic_cells, 'logic cell')}, "
            f"{noun} {', '.join(map(str, site.nodes)) or 'none'}; stop {site.stop}"
        )
        rounded = min(box / 6, 5)
        drawing.rect(x - box / 2, top, box, tall, f"f-u{step} hover", tooltip, rx=rounded)
        if _labels_every(pitch) == 1:
            ink = "on-low" if step < RAMP_STEPS // 2 else "on-high"
            size = "" if box >= 22 else "small" if box >= 16 else "tiny"
            y = top + tall / 2 + 4
            drawing.text(x, y, str(site.number), f"{size} {ink}".strip(), "middle")


def _adders(
    drawing: Drawing,
    pictures: Pictures,
    count: int,
    rows: tuple[float, float, float],
    centre: Callable[[float], float],
) -> float:
    """Draw the combining tree, pair by pair; return where its last link stands."""
    sites_bottom, top, gap = rows
    thin = 1.4 if count <= 64 else 0.8
    links = [(centre(n), sites_bottom) for n in range(count)]
    for level in range(pictures.combine_levels):
        y = top + gap * level + gap * 0.55
        above, wires = [], []
        for pair in range(0, len(links) - 1, 2):
            (xa, ya), (xb, yb) = links[pair], links[pair + 1]
            wires.append(f"M{xa:.2f} {ya:.2f}V{y:.2f}H{xb:.2f}V{yb:.2f}")
            above.append(((xa + xb) / 2, y))
        adders = len(above)
        if len(links) % 2:
            x, y_from = links[-1]
            wires.append(f"M{x:.2f} {y_from:.2f}V{y:.2f}")
            above.append((x, y))
        drawing.path("".join(wires), "s-up", stroke_width=thin)
        radius = 4.5 if len(links) <= 64 else 3 if len(links) <= 128 else 1.8
        for number, (x, _) in enumerate(above):
            if number < adders:
                drawing.circle(x, y, radius, "f-up", f"adding stop {number} of level {level + 1}")
            else:
                hollow = {"style": "fill:var(--panel)"}
                words = "delay: this link has no partner here"
                drawing.circle(x, y, radius, "s-up", words, **hollow)
        stops = plural(adders, "adding stop")
        drawing.text(0, y + 4, stops, "bold" if level == 0 else "")
        links = above
    if not pictures.combine_levels:
        drawing.line([links[0], (links[0][0], top + gap)], "s-up", thin)
    elif links[0][1] < top + gap * pictures.combine_levels:
        drawing.line([links[0], (links[0][0], top + gap * pictures.combine_levels)], "s-up", thin)
    return links[0][0]


def _ramp_legend(drawing: Drawing, y: float, low: int, high: int) -> None:
    drawing.text(0, y + 10, "Logic cells", "bold")
    if high <= low:
        drawing.rect(_LEFT, y, 46, 14, f"f-u{RAMP_STEPS // 2}", rx=2)
        drawing.text(_LEFT + 54, y + 11, f"{thousands(low)}", "small")
    else:
        for step in range(RAMP_STEPS):
            drawing.rect(_LEFT + 46 * step, y, 46, 14, f"f-u{step}")
        for edge in (0, RAMP_STEPS // 2, RAMP_STEPS):
            value = low + (high - low) * edge / RAMP_STEPS
            drawing.text(_LEFT + 46 * edge, y + 26, f"{value:,.0f}", "small quiet", "middle")
    x = _LEFT + 46 * RAMP_STEPS + 40
    drawing.line([(x, y + 7), (x + 28, y + 7)], "s-down", 2)
    drawing.text(x + 36, y + 11, "features down", "small")
    drawing.line([(x + 140, y + 7), (x + 168, y + 7)], "s-up", 2)
    drawing.text(x + 176, y + 11, "scores up, added on the way", "small")
