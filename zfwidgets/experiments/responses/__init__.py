"""Which feature maps of a layer respond at a place of an image?"""

from zfwidgets.experiments.responses.respond import respond, responses
from zfwidgets.experiments.responses.result import Box, Responses

__all__ = ["Box", "Responses", "respond", "responses"]
