"""Which feature maps of a layer respond at a place of an image?"""

from zfwidgets.experiments.responses.respond import checked_box, respond, responses
from zfwidgets.experiments.responses.result import Box, Responses

__all__ = ["Box", "Responses", "checked_box", "respond", "responses"]
