"""Labelled data sets to try features on: in the folders that they are published as, and some that are at hand."""

from zfwidgets.data.sets.caltech import caltech101, caltech256
from zfwidgets.data.sets.embedded import EMBEDDED, data_set
from zfwidgets.data.sets.objects import LabelledObjects
from zfwidgets.data.sets.voc import voc2012

__all__ = ["EMBEDDED", "LabelledObjects", "caltech101", "caltech256", "data_set", "voc2012"]
