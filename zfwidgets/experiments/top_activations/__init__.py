"""The strongest activations of every feature map over a data set (Fig. 2), in one pass."""

from zfwidgets.experiments.top_activations.prepared import prepared_tops
from zfwidgets.experiments.top_activations.result import NONE, TopActivations
from zfwidgets.experiments.top_activations.search import top_activations

__all__ = ["NONE", "TopActivations", "prepared_tops", "top_activations"]
