"""Choose an EC2 instance type and EBS volume for every server in scope, by every basis and by the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.discovery.sizing.answers import Answers, write_answers
from include.discovery.sizing.breaches import share_above
from include.discovery.sizing.facts import read_facts
from include.discovery.sizing.fitting import NONE, fit
from include.discovery.sizing.needs import BASES, NEEDS, work_out
from include.discovery.sizing.policy import type_sets
from include.discovery.sizing.volumes import provision

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from include.discovery.catalogue.model import Catalogue
    from include.discovery.sizing.facts import Facts
    from include.discovery.sizing.needs import Needs
    from include.discovery.sizing.settings import SizingSettings

    Integers = NDArray[np.int64]
    Floats = NDArray[np.float64]


def size_servers(connection: Any, *, settings: SizingSettings, catalogue: Catalogue) -> None:
    """Fill `sizing_options` and `sizing` from `servers`, `disks`, `databases` and `utilisation_summary`.

    Every server in scope gets one row of `sizing`, also when no type fits: then the reason says why.
    """
    facts = read_facts(
        connection,
        storage_basis=settings.storage_basis,
        used_headroom=settings.used_storage_headroom,
        production_environments=settings.production_environments,
    )
    needs = work_out(facts, settings)
    types, runners_up, bindings = _fit_all(facts, needs, settings, catalogue)
    rows = _rows(len(facts.cores))
    volumes = provision(
        facts.storage,
        needs.values["iops"][needs.chosen, rows],
        needs.values["disk_mb_s"][needs.chosen, rows],
        gp3=catalogue.volumes["gp3"],
        io2=catalogue.volumes["io2"],
    )
    breaches = _breaches(facts, needs, types, settings, catalogue)
    answers = Answers(types, runners_up, bindings, breaches, volumes)
    write_answers(connection, facts=facts, needs=needs, answers=answers, settings=settings, catalogue=catalogue)


def _rows(count: int) -> Integers:
    import numpy as np

    return np.arange(count)


def _fit_all(
    facts: Facts, needs: Needs, settings: SizingSettings, catalogue: Catalogue
) -> tuple[Integers, Integers, Integers]:
    """Return types, runners-up and binding needs, shape (BASES, servers) each."""
    import numpy as np

    shape = needs.known.shape
    found = [np.full(shape, NONE, dtype=np.int64) for _ in range(3)]
    for servers, types in type_sets(facts, needs, settings, catalogue):
        where = np.nonzero(needs.known & servers)
        told = fit(np.stack([needs.values[name][where] for name in NEEDS]), types)
        for target, part in zip(found, (told.type, told.runner_up, told.binding), strict=True):
            target[where] = part
    return found[0], found[1], found[2]


def _breaches(facts: Facts, needs: Needs, types: Integers, settings: SizingSettings, catalogue: Catalogue) -> Floats:
    """Share of time above the chosen type, or above the need where no type fits; the worse of CPU and memory."""
    import numpy as np

    vcpu = np.array([kind.vcpu for kind in catalogue.types], dtype=np.float64)
    memory = np.array([kind.memory_mib for kind in catalogue.types], dtype=np.float64)
    today = {"cpu_percent": facts.cores * settings.cpu_speed_factor, "memory_percent": facts.memory}
    held = {
        "cpu_percent": np.where(types == NONE, needs.values["cpu"], vcpu[types]),
        "memory_percent": np.where(types == NONE, needs.values["memory"], memory[types]),
    }
    shares = []
    for metric, capacity in held.items():
        names = ("p50", "p90", "p95", "p99", "max")
        statistics = {name: facts.use(metric, name) / 100 * today[metric] for name in names}
        shares.append(np.stack([share_above(capacity[basis], statistics) for basis in range(len(BASES))]))
    worse: Floats = np.fmax(*shares)
    return worse
