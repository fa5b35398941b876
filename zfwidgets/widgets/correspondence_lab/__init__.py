"""The correspondence lab."""

from zfwidgets.widgets.correspondence_lab.widget import CorrespondenceLab

__all__ = ["CorrespondenceLab"]
