"""How much running text each node of a page holds, furniture left out. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from crawler.extraction.furniture import Strength
from crawler.extraction.outline import Block, Outline

# A weak sign of furniture on a node with half of the page's prose is a wrapper's name ("content-with-sidebar").
WRAPPER_SHARE = 0.5


class ProseMap:
    """`prose[i]`: the prose of node i and what is under it; `layers[i]`: on how many furniture nodes it hangs.

    With `trusting`, weak signs of furniture are not believed.
    """

    def __init__(self, outline: Outline, *, trusting: bool = False) -> None:
        self.outline = outline
        self.trusting = trusting
        self._weights = [block.weight for block in outline.blocks]
        self.layers = self._count_layers([node.strength is Strength.STRONG for node in outline.nodes])
        self.prose = self._sum_prose()
        if not trusting:
            wrapper = WRAPPER_SHARE * self.total
            self.layers = self._count_layers(
                [
                    node.strength is Strength.STRONG or (node.strength is Strength.WEAK and prose < wrapper)
                    for node, prose in zip(outline.nodes, self.prose, strict=True)
                ]
            )
            self.prose = self._sum_prose()

    @property
    def total(self) -> float:
        """The prose of the page."""
        return self.prose[0] if self.prose else 0.0

    def list_blocks(self, container: int) -> Iterator[Block]:
        """The blocks of a node that are not in furniture inside it."""
        node, depth = self.outline.nodes[container], self.layers[container]
        return (block for block in self.outline.blocks[node.first : node.end] if self.layers[block.node] <= depth)

    def _count_layers(self, flags: Sequence[bool]) -> list[int]:
        layers: list[int] = []
        for node, flag in zip(self.outline.nodes, flags, strict=True):
            layers.append((layers[node.parent] if node.parent >= 0 else 0) + flag)
        return layers

    def _sum_prose(self) -> list[float]:
        nodes = self.outline.nodes
        sums = [0.0] * len(nodes)
        for block, weight in zip(self.outline.blocks, self._weights, strict=True):
            if not self.layers[block.node]:
                sums[block.node] += weight
        for index in range(len(nodes) - 1, 0, -1):  # children stand after their parents
            sums[nodes[index].parent] += sums[index]
        return sums
