"""Train what the package's ablation compares: `python -m scripts.prepare_ablation FOLDER`.

Six hundred trainings: an hour on two cores. Finished ones are kept in the folder: the same call goes on.
"""

import sys

from distributed import Client, LocalCluster

import zfwidgets as zf
from zfwidgets.experiments.ablation.study import PLACE, RATES, VARIANTS, study_budget, study_images


def main() -> None:
    """Write the file that `zf.prepared_ablation()` reads."""
    with LocalCluster(threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        found = zf.ablation(
            VARIANTS, study_images(), 5, 3, study_budget(), rates=RATES, checkpoint=sys.argv[1], client=client
        )
    PLACE.parent.mkdir(exist_ok=True)
    found.save(PLACE)
    print(found)


if __name__ == "__main__":
    main()
