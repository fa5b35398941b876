"""Transfer (§4.3, Tables 4–7, Fig. 9): a new classifier on the frozen features of a network, layer by layer."""

from zfwidgets.experiments.transfer.data import labelled_data
from zfwidgets.experiments.transfer.duplicates import NearDuplicates, near_duplicates
from zfwidgets.experiments.transfer.layers import spread_layers
from zfwidgets.experiments.transfer.objects import ObjectTransfer, transfer_objects
from zfwidgets.experiments.transfer.papers import PaperTransfer, paper_beside, papers_transfer
from zfwidgets.experiments.transfer.plan import checked_counts
from zfwidgets.experiments.transfer.prepared import prepared_transfer
from zfwidgets.experiments.transfer.result import Confusion, Estimate, Transfer
from zfwidgets.experiments.transfer.scratch import from_scratch
from zfwidgets.experiments.transfer.sweep import transfer, transfer_sweep
from zfwidgets.experiments.transfer.teach import Taught, teach

__all__ = [
    "Confusion",
    "Estimate",
    "NearDuplicates",
    "ObjectTransfer",
    "PaperTransfer",
    "Taught",
    "Transfer",
    "checked_counts",
    "from_scratch",
    "labelled_data",
    "near_duplicates",
    "paper_beside",
    "papers_transfer",
    "prepared_transfer",
    "spread_layers",
    "teach",
    "transfer",
    "transfer_objects",
    "transfer_sweep",
]
