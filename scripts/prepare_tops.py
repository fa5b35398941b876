"""Find the top activations that the package ships: `python -m scripts.prepare_tops`."""

import zfwidgets as zf
from zfwidgets.experiments.top_activations.prepared import PLACE


def main() -> None:
    """Write the file that `zfwidgets.experiments.top_activations.prepared` reads."""
    tops = zf.top_activations(zf.load("squeezenet1_1", device="cpu"), zf.corpus())
    PLACE.parent.mkdir(exist_ok=True)
    tops.save(PLACE)
    print(f"{tops}: {PLACE.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
