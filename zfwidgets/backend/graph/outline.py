"""A network's steps as a person would sort them: blocks and what is in them, without the modules that say nothing."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property

from zfwidgets.backend.graph import words
from zfwidgets.backend.graph.step import Step

PLAIN = {"Sequential", "ModuleList", "ModuleDict"}  # classes of modules that but hold others


@dataclass(eq=False)
class Part:
    """A module, or an operation that stands between modules, and what it is made of."""

    path: str
    call: int = 0  # a module that is used again is another part
    steps: list[Step] = field(default_factory=list)
    members: dict[tuple[str, int], Part] = field(default_factory=dict)  # none in a module that holds no others
    weighted: bool = False  # whether it computes features anew

    def member(self, path: str, call: int = 0) -> Part:
        """The part of that module in this one; made when it is first asked for."""
        return self.members.setdefault((path, call), Part(path, call))

    def add(self, step: Step) -> None:
        """One more step, the last so far."""
        self.steps.append(step)
        self.weighted = self.weighted or words.is_weighted(step)

    @cached_property
    def main(self) -> Step:
        """What comes out."""
        return next((step for step in reversed(self.steps) if not words.is_reshape(step)), self.steps[-1])

    @cached_property
    def role(self) -> str:
        """What it does to the features that it is given, if no more than that: a norm, an activation."""
        if self.weighted or self.members:
            return ""
        if any(map(words.is_norm, self.steps)):
            return "norm"
        return words.of_step(self.main) if len(self.steps) == 1 and words.is_activation(self.main) else ""


class Outline:
    """Sorts steps into parts. What is in a module that says nothing counts to the one around it."""

    def __init__(self, steps: Iterable[Step], modules: Mapping[str, str]) -> None:
        self.modules = modules  # the class name of the module at each path
        self.root = Part("")
        self._inside: dict[str, list[str]] = defaultdict(list)  # by module: the modules that it holds
        for path in filter(None, modules):
            self._inside[_holder(path)].append(path)
        self._weights: dict[str, set[str]] = defaultdict(set)  # by module: what in it has weights
        self._normalising: set[str] = set()
        self._calls: dict[str, int] = defaultdict(int)
        self.is_stage, self._says_nothing = cache(self._find_stage), cache(self._find_says_nothing)
        for step in (steps := tuple(steps)):
            self._note(step)
        for step in steps:
            self._sort_in(step)

    def _note(self, step: Step) -> None:
        if words.is_norm(step):
            self._normalising.update(_holders(step.name))
        if words.is_weighted(step):
            for holder in _holders(step.name):
                self._weights[holder].add(_without_call(step.name))

    def _sort_in(self, step: Step) -> None:
        part, module = self.root, self._module_of(step)
        is_leaf = module in self.modules and module not in self._inside
        for holder in [*_holders(module), *([] if is_leaf else [module])][1:]:
            if not self._weights[holder] and holder not in self._normalising:  # a pool and what belongs to it
                return part.member(holder, _call(step)).add(step)
            if not self._says_nothing(holder):
                part = part.member(holder)
                part.add(step)
        part = part.member(module, self._calls[module]) if is_leaf else part.member(step.name)
        part.add(step)
        if is_leaf and _without_call(step.name) == module:  # the last step of a call
            self._calls[module] += 1

    def _module_of(self, step: Step) -> str:
        """The innermost module around a step."""
        found = (path for path in (step.name, _without_call(step.name)) if path in self.modules)
        return next(found, _holder(step.name))

    def weights(self, path: str) -> int:
        """How many parts with weights are in a module."""
        return len(self._weights[path])

    def _find_says_nothing(self, path: str) -> bool:
        """Whether a module that holds others is left out of titles."""
        holder, name = _holder(path), _name(path)
        all_of_holder = self.weights(path) == self.weights(holder)
        if not self.weights(path):
            return True
        if not name.isdecimal():
            generic = name.lower() in words.SECTIONS | words.LISTS
            generic = generic or self.modules.get(path) in ("ModuleList", "ModuleDict")
            return generic or (all_of_holder and (self.weights(path) > 1 or holder != ""))
        if self.list_word(path):
            return False
        if self.weights(path) == 1 or (all_of_holder and (not holder or self._says_nothing(holder))):
            return True
        return self.modules.get(path) in PLAIN and not self.is_stage(path)

    def _find_stage(self, path: str) -> bool:
        """Whether a module is a row of blocks."""
        kind = self.modules.get(path, "")
        blocks = (each for each in self._inside[path] if _name(each).isdecimal() and each in self._inside)
        return "Stage" in kind or (kind in PLAIN and any(self.weights(block) > 1 for block in blocks))

    def list_word(self, path: str) -> str:
        """What the members of a list of modules are called, by the list's name: `block` for `blocks.2`."""
        holder = _holder(path)
        name = _name(holder)
        if not _name(path).isdecimal() or not name or name.isdecimal() or name.lower() in words.SECTIONS:
            return ""
        if name.lower() not in words.LISTS and self.modules.get(holder) != "ModuleList":
            return ""
        word = words.humanise(name.removesuffix("s") or name)
        stages = word in ("block", "layer", "group") and any(map(self.is_stage, self._inside[holder]))
        return "stage" if stages else word

    def own_name(self, part: Part) -> str:
        """What a module's own name says in words; empty where it has none but a number, and for operations."""
        name = _name(part.path)
        if part.path not in self.modules or self._is_wrapped(part.path):
            return ""
        if not name.isdecimal():
            return words.humanise(name)
        word = self.list_word(part.path)
        return f"{word} {int(name) + 1}" if word else ""

    def _is_wrapped(self, path: str) -> bool:
        """Whether it is the one part with weights in a numbered module, which is counted by that."""
        holder = _holder(path)
        return _name(holder).isdecimal() and self.weights(holder) == 1 and self._says_nothing(holder)

    def is_row(self, part: Part) -> bool:
        """Whether a module is but a row of units, so that its last one is called by its own name."""
        if self.modules.get(part.path) not in PLAIN or self.weights(part.path) < 2:
            return False
        return not _name(part.path).isdecimal() or self.list_word(part.path) == "stage"


def _holder(path: str) -> str:
    return path.rpartition(".")[0]


def _holders(path: str) -> list[str]:
    """The paths of all modules around, from the outermost."""
    pieces = path.split(".")
    return [".".join(pieces[:depth]) for depth in range(len(pieces))]


def _name(path: str) -> str:
    return path.rpartition(".")[2]


def _without_call(name: str) -> str:
    """A step's name without the number of its call."""
    return re.sub(r"_\d+$", "", name)


def _call(step: Step) -> int:
    found = re.search(r"_(\d+)$", step.name)
    return int(found[1]) if found else 0
