"""Transfer (§4.3, Tables 4–7, Fig. 9): a new classifier on the frozen features of a network, layer by layer."""

from zfwidgets.experiments.transfer.result import Confusion, Estimate, Transfer
from zfwidgets.experiments.transfer.sweep import transfer, transfer_sweep

__all__ = ["Confusion", "Estimate", "Transfer", "transfer", "transfer_sweep"]
