"""Write `sizing_options` and `sizing`, each row of the latter with its reason in one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from include.discovery import tables
from include.discovery.sizing.fitting import NONE
from include.discovery.sizing.needs import BASES
from include.discovery.sizing.summaries import METRICS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from include.discovery.catalogue.model import Catalogue
    from include.discovery.sizing.facts import Facts
    from include.discovery.sizing.needs import Needs
    from include.discovery.sizing.settings import SizingSettings
    from include.discovery.sizing.volumes import Volumes

_BINDINGS: Final = ("cpu", "cpu", "memory", "network", "disk", "disk", "architecture")
"""What `sizing` calls each of NEEDS, and the one thing that is no need."""
_ARCHITECTURE: Final = 6
_NEEDED: Final = {
    "needed_vcpu": "cpu",
    "needed_memory_mib": "memory",
    "needed_network_gbit": "network",
    "needed_disk_mb_s": "disk_mb_s",
    "needed_iops": "iops",
}
_SIZING: Final = """
INSERT INTO sizing BY NAME
WITH told AS (
    SELECT c.*, n.server_id, n.architecture AS source_architecture, n.is_windows,
        CASE WHEN n.is_database THEN 'database host' WHEN n.is_production THEN 'production'
            WHEN c.as_production THEN 'environment unknown, sized as production'
            WHEN n.is_unknown_environment THEN 'environment unknown' ELSE 'non-production' END AS role,
        CASE c.binding WHEN 0 THEN format('CPU {:.2f} vCPU', c.needed_vcpu)
            WHEN 1 THEN format('CPU on average {:.2f} vCPU', c.sustained_vcpu)
            WHEN 2 THEN format('memory {:.1f} GiB', c.needed_memory_mib / 1024)
            WHEN 3 THEN format('network {:.2f} Gbit/s', c.needed_network_gbit)
            WHEN 4 THEN format('disk {:.0f} MB/s', c.needed_disk_mb_s)
            WHEN 5 THEN format('disk {:.0f} IOPS', c.needed_iops) END AS binding_text
    FROM found_chosen c JOIN sizing_servers n USING (server)
)
SELECT server_id, basis_name AS basis, is_fallback, type_name AS instance_type, type_vcpu AS vcpu,
    type_memory AS memory_mib, type_usd AS hourly_usd, type_architecture AS architecture, runner_name AS runner_up,
    runner_usd AS runner_up_hourly_usd, lift_name AS lift_instance_type, lift_usd AS lift_hourly_usd,
    CASE WHEN volume_gib IS NOT NULL THEN CASE WHEN is_io2 THEN 'io2' ELSE 'gp3' END END AS volume_type,
    volume_gib, volume_iops::INTEGER AS volume_iops, volume_mb_s::INTEGER AS volume_mb_s, days, coverage, breach_share,
    binding_name AS binding,
    CASE WHEN is_fallback AND days IS NULL THEN 'nameplate, because no CPU samples are known'
        WHEN is_fallback AND days < $minimum_days THEN
            format('nameplate, because samples span {:.2f} of at least {:g} days', days, $minimum_days::DOUBLE)
        WHEN is_fallback THEN format('nameplate, because samples cover {:.0f} % of {:.1f} days and {:.0f} % are needed',
            floor(coverage * 100), days, $minimum_coverage * 100)
        WHEN basis_name = 'nameplate' THEN 'nameplate, as the settings say'
        WHEN days IS NULL THEN
            format('{} x {:g} as the source states it, period unknown ({})', basis_name, headroom, role)
        ELSE format('{} x {:g} over {:.1f} days, coverage {:.0f} % ({})', basis_name, headroom, days,
            floor(coverage * 100), role)
    END || ': ' || CASE
        WHEN NOT is_known AND isnan(cores) THEN 'not sized, because the sources give no CPU count'
        WHEN NOT is_known THEN 'not sized, because the sources give no memory size'
        WHEN binding_name = 'architecture' AND source_architecture IN ('x86_64', 'arm64')
            THEN 'the settings allow no type of architecture ' || source_architecture
        WHEN binding_name = 'architecture' THEN 'EC2 has no type of architecture ' || source_architecture
        ELSE format('needs {:.2f} vCPU and {:.1f} GiB', needed_vcpu, needed_memory_mib / 1024)
            || CASE WHEN type_name IS NULL THEN ', which no allowed type offers; binding: ' || binding_text
            ELSE format(', so {} ({} vCPU, {:g} GiB, ${:.4f}/h)', type_name, type_vcpu, type_memory / 1024, type_usd)
                || coalesce('; binding: ' || binding_text, '; binding: none, it is the cheapest allowed type')
                || coalesce(format('; runner-up {} {}${:.4f}/h', runner_name,
                    CASE WHEN runner_usd + runner_vcpu * w.usd >= type_usd + type_vcpu * w.usd THEN '+' ELSE '-' END,
                    abs(runner_usd - type_usd + (runner_vcpu - type_vcpu) * w.usd)), '')
                || CASE WHEN w.usd > 0 THEN ' with Windows' ELSE '' END END
    END || CASE WHEN is_known AND basis_name <> 'nameplate' AND NOT is_memory_observed
        THEN '; memory as configured, not sampled enough' ELSE '' END
    || CASE WHEN volumes > 1 THEN format('; storage takes at least {:.0f} volumes', volumes) ELSE '' END AS reason
FROM told, LATERAL (SELECT CASE WHEN is_windows THEN $windows_usd ELSE 0.0 END AS usd) w
ORDER BY server
"""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the fitting found; types, runners-up, bindings and breach shares have the shape (BASES, servers)."""

    types: NDArray[np.int64]
    runners_up: NDArray[np.int64]
    bindings: NDArray[np.int64]
    breaches: NDArray[np.float64]
    volumes: Volumes


def write_answers(
    connection: Any, *, facts: Facts, needs: Needs, answers: Answers, settings: SizingSettings, catalogue: Catalogue
) -> None:
    """Write both tables, ordered by server, and drop the numbering of the servers."""
    tables.create(connection, "sizing_options", "sizing")
    ids = connection.sql("SELECT server_id FROM sizing_servers ORDER BY server").to_arrow_table()["server_id"]
    connection.register("found_options", _options(ids, needs, answers, catalogue))
    connection.execute("INSERT INTO sizing_options BY NAME SELECT * FROM found_options").fetchall()
    connection.unregister("found_options")
    windows = catalogue.licences.get("windows")
    connection.register("found_chosen", _chosen(facts, needs, answers, settings, catalogue))
    connection.execute(
        _SIZING,
        {
            "minimum_days": settings.minimum_days,
            "minimum_coverage": settings.minimum_coverage,
            "windows_usd": windows.usd_per_vcpu_hour if windows else 0.0,
        },
    ).fetchall()
    connection.unregister("found_chosen")
    connection.execute("DROP TABLE sizing_servers").fetchall()


def _options(ids: Any, needs: Needs, answers: Answers, catalogue: Catalogue) -> Any:
    """The rows of every basis that is known, by server and basis; the nameplate always, so that nothing is lost."""
    import numpy as np
    import pyarrow as pa

    shown = needs.known.T.copy()
    shown[:, 0] = True
    server, basis = np.nonzero(shown)
    types, bindings = answers.types.T[shown], _bindings(needs, answers).T[shown]
    return pa.table(
        {
            "server_id": ids.take(pa.array(server)),
            "basis": _words(basis, BASES),
            **{name: _nullable(needs.values[need].T[shown]) for name, need in _NEEDED.items()},
            "instance_type": _words(types, [kind.name for kind in catalogue.types]),
            "hourly_usd": _picked(types, [kind.hourly_usd for kind in catalogue.types]),
            "breach_share": _nullable(answers.breaches.T[shown]),
            "binding": _words(bindings, _BINDINGS),
        }
    )


def _chosen(facts: Facts, needs: Needs, answers: Answers, settings: SizingSettings, catalogue: Catalogue) -> Any:
    import numpy as np
    import pyarrow as pa

    rows = np.arange(len(needs.chosen))
    at = needs.chosen, rows
    cpu, volumes = METRICS.index("cpu_percent"), answers.volumes
    bindings = _bindings(needs, answers)[at]
    return pa.table(
        {
            "server": rows,
            "basis_name": _words(needs.chosen, BASES),
            "headroom": _picked(needs.chosen, [settings.headroom.of(basis) for basis in BASES]),
            "is_fallback": needs.is_fallback,
            "is_known": needs.known[at],
            "is_memory_observed": needs.is_memory_observed,
            "as_production": needs.as_production,
            "cores": facts.cores,
            **{name: _nullable(needs.values[need][at]) for name, need in _NEEDED.items()},
            "sustained_vcpu": _nullable(needs.values["sustained"][at]),
            **_chosen_types(answers.types[at], answers.runners_up[at], answers.types[0], catalogue),
            "binding": bindings,
            "binding_name": _words(bindings, _BINDINGS),
            "breach_share": _nullable(answers.breaches[at]),
            "days": _nullable(facts.days[cpu]),
            "coverage": _nullable(facts.coverage[cpu]),
            "is_io2": volumes.is_io2,
            "volume_gib": _nullable(volumes.gib),
            "volume_iops": _nullable(volumes.iops),
            "volume_mb_s": _nullable(volumes.mb_s),
            "volumes": _nullable(volumes.count),
        }
    )


def _chosen_types(
    chosen: NDArray[np.int64], runner_up: NDArray[np.int64], lift: NDArray[np.int64], catalogue: Catalogue
) -> dict[str, Any]:
    kinds = catalogue.types
    names, usd, vcpu = ([getattr(kind, field) for kind in kinds] for field in ("name", "hourly_usd", "vcpu"))
    return {
        "type_name": _words(chosen, names),
        "type_vcpu": _picked(chosen, vcpu, integer=True),
        "type_memory": _picked(chosen, [kind.memory_mib for kind in kinds], integer=True),
        "type_usd": _picked(chosen, usd),
        "type_architecture": _words(chosen, [kind.architecture for kind in kinds]),
        "runner_name": _words(runner_up, names),
        "runner_usd": _picked(runner_up, usd),
        "runner_vcpu": _picked(runner_up, vcpu, integer=True),
        "lift_name": _words(lift, names),
        "lift_usd": _picked(lift, usd),
    }


def _bindings(needs: Needs, answers: Answers) -> NDArray[np.int64]:
    """The binding needs, with the architecture where a server is known and no type was even tried."""
    import numpy as np

    untried = needs.known & (answers.types == NONE) & (answers.bindings == NONE)
    return np.where(untried, _ARCHITECTURE, answers.bindings)


def _words(places: NDArray[np.int64], words: Sequence[str]) -> Any:
    """Return texts by their places, NULL for NONE."""
    import pyarrow as pa

    return pa.array(list(words)).take(pa.array(places, mask=places == NONE))


def _picked(places: NDArray[np.int64], values: Sequence[float], *, integer: bool = False) -> Any:
    import pyarrow as pa

    kind = pa.int64() if integer else pa.float64()
    return pa.array(list(values), kind).take(pa.array(places, mask=places == NONE))


def _nullable(values: NDArray[np.float64]) -> Any:
    import pyarrow as pa

    return pa.array(values, from_pandas=True)  # NaN becomes NULL
