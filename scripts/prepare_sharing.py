"""Find the feature sharing that the package ships: `python -m scripts.prepare_sharing`."""

from dataclasses import replace

import numpy as np

import zfwidgets as zf
from zfwidgets.experiments.sharing.prepared import PLACE


def main() -> None:
    """Write the file that `zfwidgets.experiments.sharing.prepared` reads."""
    found = zf.sharing(zf.load("squeezenet1_1", device="cpu"))
    halved = {
        name: {layer: sums.astype(np.float16) for layer, sums in getattr(found, name).items()}
        for name in ("contributions", "signals")
    }
    PLACE.parent.mkdir(exist_ok=True)
    replace(found, **halved).save(PLACE)
    print(f"{found}: {PLACE.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
