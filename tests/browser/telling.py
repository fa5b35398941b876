"""For notebooks that tests run, and that import this: a line in which the kernel tells what it holds."""

import json
import threading

import ipywidgets

kernel = ipywidgets.Label().add_class("zf-kernel")
_one_by_one = threading.RLock()


def told(ask):
    """An observer that tells what `ask(change)` answers; of two threads that tell, the later one knows more."""

    def tell(change=None):
        with _one_by_one:
            kernel.value = json.dumps(ask(change))

    return tell
