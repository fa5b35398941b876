"""Feature sharing: which lower feature maps an upper one is made of, and which upper ones use the same (the question
that the paper leaves open)."""

from zfwidgets.experiments.sharing.checked import SharingCheck
from zfwidgets.experiments.sharing.knock_out import KnockOut, knock_out
from zfwidgets.experiments.sharing.layers import sharing_layers
from zfwidgets.experiments.sharing.links import WEIGHTS, SharingLinks, SharingPart
from zfwidgets.experiments.sharing.order import alike_together
from zfwidgets.experiments.sharing.prepared import prepared_sharing
from zfwidgets.experiments.sharing.result import Sharing
from zfwidgets.experiments.sharing.share import sharing
from zfwidgets.experiments.sharing.tree import SharingBranch

__all__ = [
    "WEIGHTS",
    "KnockOut",
    "Sharing",
    "SharingBranch",
    "SharingCheck",
    "SharingLinks",
    "SharingPart",
    "alike_together",
    "knock_out",
    "prepared_sharing",
    "sharing",
    "sharing_layers",
]
