"""Find the transfer that the package ships: `python -m scripts.prepare_transfer`. A quarter of an hour on two cores."""

import zfwidgets as zf
from zfwidgets.experiments.transfer.prepared import save_small
from zfwidgets.widgets.transfer_lab.sources import Sources
from zfwidgets.widgets.transfer_lab.widget import FOLDS, PER_CLASS

DATA = ("digits", "faces", "forms", "textures")


def main() -> None:
    """Write the files that `zf.prepared_transfer` reads."""
    net, sources = zf.load("squeezenet1_1", device="cpu"), Sources()
    for name in DATA:
        for weights, one in {"trained": net, "new": net.reinitialised()}.items():
            found = zf.transfer(one, sources[name], per_class=PER_CLASS, folds=FOLDS)
            path = save_small(found, weights)
            print(f"{found}\n{path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
