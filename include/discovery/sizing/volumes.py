"""EBS volumes for a server's storage: gp3 by size, IOPS and throughput; io2 beyond gp3's limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from include.discovery.catalogue.model import VolumePrice

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Volumes:
    """One entry for each server; NaN where its storage is not known."""

    is_io2: NDArray[np.bool_]
    gib: Floats
    iops: Floats
    mb_s: Floats
    count: Floats
    """volumes that the size takes at least"""


def provision(storage: Floats, iops: Floats, mb_s: Floats, *, gp3: VolumePrice, io2: VolumePrice) -> Volumes:
    """Provision storage that satisfies size, IOPS and throughput.

    gp3 includes its first IOPS and MB/s; more needs size (IOPS per GiB) and IOPS (MB/s per IOPS), so small volumes
    grow. A need beyond what gp3 volumes of that size reach together goes to io2, which is cut at its limits: the
    instance type's own limits are lower.
    """
    import numpy as np

    size = np.ceil(storage)
    count = np.maximum(np.ceil(size / gp3.max_gib), 1.0)
    is_io2 = (iops > gp3.max_iops * count) | (mb_s > gp3.max_mb_s * count)
    plain = _shape(size, count, iops, mb_s, gp3)
    fast = _shape(size, count, iops, mb_s, io2)
    unknown = np.isnan(storage)
    gib, operations, throughput = (
        np.where(unknown, np.nan, np.where(is_io2, b, a)) for a, b in zip(plain, fast, strict=True)
    )
    return Volumes(is_io2, gib, operations, throughput, count)


def _shape(size: Floats, count: Floats, iops: Floats, mb_s: Floats, kind: VolumePrice) -> tuple[Floats, Floats, Floats]:
    import numpy as np

    throughput = np.clip(np.ceil(mb_s), kind.included_mb_s, kind.max_mb_s * count)
    for_throughput = np.where(throughput > kind.included_mb_s, np.ceil(throughput / kind.max_mb_s_per_iops), 0.0)
    lowest = max(kind.included_iops, 100)  # io2 starts at 100
    operations = np.clip(np.fmax(np.ceil(iops), for_throughput), lowest, kind.max_iops * count)
    beyond = np.where(operations > kind.included_iops, np.ceil(operations / kind.max_iops_per_gib), 1.0)
    return np.fmax(size, beyond), operations, throughput
