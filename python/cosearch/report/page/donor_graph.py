"""The donors of a network: whose schedules its blocks run with, as bands from left to right."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from cosearch.report.page.markup import Html, element
from cosearch.report.page.scale import Column, Scale
from cosearch.report.reuse import Kernel, Source

WIDTH = 960.0
SIDE = 250.0
"""Room for the names on each side."""
NODE = 12.0
GAP = 14.0
SMALLEST = 4.0
MOST_NODES = 12
"""More than so many donors, or patterns, are drawn as one."""

Flow = tuple[str, Source, str]
"""From a donor, by a source, to the blocks of a pattern."""


@dataclass
class _Node:
    """A name on one side, and how much of its height is taken."""

    name: str
    size: float
    y: float = 0.0
    height: float = 0.0
    used: float = 0.0

    def take(self, size: float) -> tuple[float, float]:
        """Return top and height of a band that ends here."""
        height = self.height * size / self.size if self.size else 0.0
        top = self.y + self.used
        self.used += height
        return top, height


def donor_graph(row: Sequence[Column], scale: Scale) -> Html:
    """Draw where the schedules come from, the bands as wide as what runs with them.

    Parameters
    ----------
    row : sequence of Column
        The network.
    scale : Scale
        What the widths stand for.
    """
    flows = merge_small(flows_of(row))
    if not flows:
        return element("p", "There is no kernel.", class_="empty")
    left, right = _nodes(flows, 0), _nodes(flows, 2)
    height = max(180.0, 40.0 + 30.0 * max(len(left), len(right)))
    bottom = max(_stack(side, height) for side in (left, right))
    # Bands leave a node in the order of their other ends: few of them cross.
    ends = (list(left), list(right))
    order = sorted(flows, key=lambda flow: (ends[0].index(flow[0]), ends[1].index(flow[2]), flow))
    bands = [_band(flow, flows[flow], left[flow[0]], right[flow[2]], scale) for flow in order]
    names = [_name(node, SIDE - 8, "end", SIDE, scale) for node in left.values()]
    far = WIDTH - SIDE
    names += [_name(node, far + 8, "start", far - NODE, scale) for node in right.values()]
    drawing = element(
        "svg",
        *bands,
        *names,
        viewBox=f"0 0 {WIDTH:.0f} {bottom + 4:.0f}",
        role="img",
        aria_label="From donors to the blocks of this network",
        class_="donors",
    )
    return element("div", drawing, class_="scroll")


def flows_of(row: Sequence[Column]) -> dict[Flow, float]:
    """Add up what runs in each kind of block with the schedules of each donor."""
    flows: dict[Flow, float] = defaultdict(float)
    for column in row:
        for part in column.parts:
            flow = (_donor(part.kernel), part.kernel.source, column.pattern or "outside of blocks")
            flows[flow] += part.size
    return dict(flows)


def merge_small(flows: dict[Flow, float], most: int = MOST_NODES) -> dict[Flow, float]:
    """Draw the smallest nodes of a side together, where it has more than `most`."""
    for side, noun in ((0, "donors"), (2, "kinds of blocks")):
        nodes = sorted(_nodes(flows, side).values(), key=lambda node: -node.size)
        small = {node.name for node in nodes[most - 1 :]} if len(nodes) > most else set()
        merged: dict[Flow, float] = defaultdict(float)
        for flow, size in flows.items():
            names = list(flow)
            if flow[side] in small:
                names[side] = f"{len(small)} other {noun}"
            merged[(names[0], flow[1], names[2])] += size
        flows = dict(merged)
    return flows


def _donor(kernel: Kernel) -> str:
    if kernel.source == "rules":
        return "schedule rules"
    if kernel.source == "default":
        return "TVM's own loops"
    return kernel.donor or "a network without a name"


def _nodes(flows: dict[Flow, float], side: int) -> dict[str, _Node]:
    nodes: dict[str, _Node] = {}
    for flow, size in flows.items():
        name = str(flow[side])
        nodes.setdefault(name, _Node(name, 0.0)).size += size
    return nodes


def _stack(nodes: dict[str, _Node], height: float) -> float:
    """Place the nodes of a side one below the other, centred; return where the last one ends."""
    total = sum(node.size for node in nodes.values()) or 1.0
    gaps = GAP * (len(nodes) - 1)
    for node in nodes.values():
        node.height = max(SMALLEST, (height - gaps) * node.size / total)
    y = 4 + max(0.0, height - gaps - sum(node.height for node in nodes.values())) / 2
    for node in nodes.values():
        node.y = y
        y += node.height + GAP
    return y - GAP


def _band(flow: Flow, size: float, start: _Node, end: _Node, scale: Scale) -> Html:
    (y0, h0), (y1, h1) = start.take(size), end.take(size)
    x0, x1 = SIDE + NODE, WIDTH - SIDE - NODE
    middle = (x0 + x1) / 2
    path = (
        f"M{x0:.1f} {y0:.2f}C{middle:.1f} {y0:.2f} {middle:.1f} {y1:.2f} {x1:.1f} {y1:.2f}"
        f"V{y1 + max(0.6, h1):.2f}"
        f"C{middle:.1f} {y1 + h1:.2f} {middle:.1f} {y0 + h0:.2f} {x0:.1f} {y0 + max(0.6, h0):.2f}Z"
    )
    text = f"{flow[0]} → {flow[2]}\n{flow[1]}: {scale.write(size)} a run"
    return element("path", element("title", text), d=path, class_=f"band {flow[1]}")


def _name(node: _Node, x: float, anchor: str, bar: float, scale: Scale) -> Html:
    text = node.name if len(node.name) <= 34 else node.name[:33] + "…"
    return element(
        "g",
        element("title", f"{node.name}\n{scale.write(node.size)} a run"),
        element("rect", x=bar, y=node.y, width=NODE, height=node.height, class_="node"),
        element("text", text, x=x, y=node.y + node.height / 2 + 4, text_anchor=anchor),
    )
