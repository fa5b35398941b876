"""What a person would call each layer of a network: `conv 1`, `fire 5`, `stage 3 · block 2`.

The plain title belongs to what comes out of a unit, after its norm and its rectifier; what is on the way there says
what it stands before. Units with weights are counted through, as in the literature (AlexNet's conv 1–5, fc 6–8),
unless the modules' own names say what they are. A pool has the number of the unit before it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count

from zfwidgets.backend.graph import words
from zfwidgets.backend.graph.outline import Outline, Part
from zfwidgets.backend.graph.step import Step

Chain = list[Part]  # a part, and the norms and activations that all of it passes through
UNNUMBERED = {"average pool", "flatten", "reorder"}


def titles(steps: Sequence[Step], output: Step, modules: Mapping[str, str]) -> dict[Step, str]:
    """A title for every step: no two are alike, and none is another step's name.

    Args:
        steps: in the order of computation, the input first.
        output: the step whose result the network gives.
        modules: the class name of the module at each path; what is missing is called by its operations.
    """
    naming = _Naming(Outline(steps[1:], modules), steps, output)
    naming.name_members(naming.outline.root, "", "")
    return _distinct({step: naming.found.get(step, "") for step in steps})


class _Naming:
    """Walks down an outline."""

    def __init__(self, outline: Outline, steps: Sequence[Step], output: Step) -> None:
        self.outline, self.output = outline, output
        self.readers = Counter(source for step in steps for source in step.inputs)
        self.found: dict[Step, str] = {}

    def name_members(self, part: Part, prefix: str, plain: str) -> None:
        """Name all that is in a part; `plain`, if not empty, is the title of what comes out of it."""
        chains = self._chains(part.members.values())
        labels = _Labels(self.outline, [chain[0] for chain in chains])
        several = sum(chain[0].weighted for chain in chains) > 1
        last = _last_unit(chains) if plain else None
        for chain in chains:
            label = labels.of(chain[0])
            own = f"{prefix} · {label}" if prefix else label
            if chain is last and not chain[0].members:
                self._name_chain(chain, plain, own if several and chain[0].weighted else prefix)
                labels.last = ""
            else:
                self._name_chain(chain, own, own)

    def _name_chain(self, chain: Chain, title: str, stem: str) -> None:
        ends = [f"{stem} · before {part.role}" for part in chain[1:]] + [title]
        for part, end in zip(chain, ends, strict=True):
            if part.members:
                self.name_members(part, stem, "" if self.outline.is_row(part) else end)
            else:
                beside = (step for step in part.steps if step is not part.main)
                self.found |= {step: f"{stem} · {words.of_step(step)}" for step in beside}
                self.found[part.main] = "output" if self._is_answer(part) else end

    def _chains(self, parts: Iterable[Part]) -> list[Chain]:
        chains: list[Chain] = []
        ending_with: dict[Step, Chain] = {}
        for part in parts:
            chain = self._chain_before(part, ending_with)
            if chain is None:
                chains.append(chain := [])
            chain.append(part)
            ending_with[part.main] = chain
        return chains

    def _chain_before(self, part: Part, ending_with: Mapping[Step, Chain]) -> Chain | None:
        """The chain that a norm or activation belongs to: it alone reads what comes out of it."""
        source = next(iter(part.steps[0].inputs), None)
        chain = ending_with.get(source) if source and self.readers[source] == 1 else None
        if chain is None or not part.role or self._is_answer(part):
            return None
        one_unit = chain[0].weighted and self.outline.weights(chain[0].path) <= 1  # a norm after more is the next one's
        return chain if part.role != "norm" or one_unit else None

    def _is_answer(self, part: Part) -> bool:
        """Whether it gives the network's output and is no unit: a softmax, a sigmoid, scores averaged over the map."""
        return self.output in part.steps and not part.weighted and not words.is_rectifier(self.output)


def _last_unit(chains: Sequence[Chain]) -> Chain:
    """What a module is there for: the last of its units that is more than a pool or another order of features."""
    for chain in reversed(chains):
        main = chain[0].main
        if chain[0].role or not (words.is_pool(main) or words.is_rearrangement(main)):
            return chain
    return chains[-1]


class _Labels:
    """What the units in one part are called, in their order."""

    def __init__(self, outline: Outline, heads: Sequence[Part]) -> None:
        self.outline = outline
        self.last = ""  # the number of the last unit
        self._units = self._stages = 0
        self._given: dict[str, str] = {}
        nameless = [head for head in heads if head.weighted and not outline.own_name(head)]
        self._single = len({head.path for head in nameless}) == 1

    def of(self, part: Part) -> str:
        """The label of the next part."""
        if not part.weighted:
            return self._beside(part)
        if part.path in self._given:
            return f"{self._given[part.path]} · call {part.call + 1}"
        label = self._given[part.path] = self._holder(part) if part.members else self._unit(part)
        self.last = words.number_in(label)
        return label

    def _unit(self, part: Part) -> str:
        self._units += 1
        return self.outline.own_name(part) or words.numbered(
            words.of_step(part.main), "" if self._single else self._units
        )

    def _holder(self, part: Part) -> str:
        own, kind = self.outline.own_name(part), self.outline.modules.get(part.path, "")
        if words.is_gate(part.main):
            return own or words.of_class(kind, "gate")
        stage = self.outline.is_stage(part.path)
        self._stages, self._units = self._stages + stage, self._units + (not stage)
        if own:
            return words.as_holder(own, stage)
        return f"stage {self._stages}" if stage else f"{words.of_class(kind, 'block')} {self._units}"

    def _beside(self, part: Part) -> str:
        """What is no unit is called by what it does, and has the number of the unit before it."""
        own, word = self.outline.own_name(part), part.role or words.of_step(part.main)
        if own[-1:].isdecimal() or " " in own or (own and not words.is_pool(part.main)):
            return own
        return word if word in UNNUMBERED else words.numbered(word, self.last)


def _distinct(found: Mapping[Step, str]) -> dict[Step, str]:
    """Each title once: where two are alike, the later one says what it does, or is numbered."""
    names = {step.name: step for step in found}
    given: dict[str, Step] = {}
    for step, title in found.items():
        free = (t for t in _variants(title, step) if t not in given and names.get(t, step) is step)
        given[next(free)] = step
    return {step: title for title, step in given.items()}


def _variants(title: str, step: Step) -> Iterator[str]:
    word = words.of_step(step)
    title = title or word
    yield title
    if word not in title:
        yield f"{title} · {word}"
    yield from (f"{title} ({number})" for number in count(2))
