"""Read the AWS Price List file of AmazonEC2, CSV or JSON, as a stream.

Formats: AWS Billing user guide, "Reading the service price list file for an AWS service". A CSV has five rows of
metadata, then the header; a JSON has `products` by SKU, then `terms` by kind and SKU.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from statistics import median
from typing import IO, TYPE_CHECKING, Any, Final

from include.discovery.catalogue.json_stream import walk
from include.discovery.catalogue.model import CatalogueError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_SOFTWARE: Final = {"NA": "", "SQL Web": "sql_web", "SQL Std": "sql_standard", "SQL Ent": "sql_enterprise"}
_USAGE: Final = (
    ("EBS:VolumeUsage.gp3", ("gp3", "gib")),
    ("EBS:VolumeP-IOPS.gp3", ("gp3", "iops")),
    ("EBS:VolumeP-Throughput.gp3", ("gp3", "mb_s")),
    ("EBS:VolumeUsage.io2", ("io2", "gib")),
    ("EBS:VolumeP-IOPS.io2", ("io2", "iops")),
    ("EBS:VolumeP-IOPS.io2.tier2", ("io2", "iops2")),
    ("EBS:VolumeP-IOPS.io2.tier3", ("io2", "iops3")),
)
_NOT_ALNUM: Final = re.compile(r"[^a-z0-9]")


@dataclass(slots=True)
class RegionalOffer:
    """What an offer file says of one Region: prices an hour by (type, system, software), volume prices a month."""

    region: str
    hourly: dict[tuple[str, str, str], float] = field(default_factory=dict)
    monthly: dict[tuple[str, str], float] = field(default_factory=dict)

    @property
    def linux(self) -> dict[str, float]:
        """Linux prices by type."""
        return {
            kind: usd for (kind, system, software), usd in self.hourly.items() if (system, software) == ("Linux", "")
        }

    def adders(self, vcpu: Mapping[str, int]) -> dict[str, float]:
        """Return dollars per vCPU and hour by licence: the median over types of (with licence - Linux) / vCPU."""
        linux, found = self.linux, {}
        for name, system, software in (
            ("windows", "Windows", ""),
            *((software, "Linux", software) for software in _SOFTWARE.values() if software),
        ):
            each = [
                (usd - linux[kind]) / vcpu[kind]
                for (kind, os, sw), usd in self.hourly.items()
                if (os, sw) == (system, software) and kind in vcpu
            ]
            if each:
                found[name] = round(median(each), 6)
        return found

    def volumes(self, file: str) -> dict[str, dict[str, Any]]:
        """Return the price fields of gp3 and io2.

        :raises CatalogueError: one is missing.
        """
        told = self.monthly
        missing = sorted({key for _, key in _USAGE} - told.keys())
        if missing:
            raise CatalogueError(
                f"{file} lacks EBS prices of {self.region} ({', '.join(' '.join(key) for key in missing)}): give the "
                "whole AmazonEC2 file of the Region, since those of another Region are not used."
            )
        io2 = ((0, told["io2", "iops"]), (32_000, told["io2", "iops2"]), (64_000, told["io2", "iops3"]))
        return {
            "gp3": {
                "usd_per_gib_month": told["gp3", "gib"],
                "usd_per_iops_month": ((3_000, told["gp3", "iops"]),),
                "usd_per_mb_s_month": told["gp3", "mb_s"],
            },
            "io2": {"usd_per_gib_month": told["io2", "gib"], "usd_per_iops_month": io2},
        }


@dataclass(slots=True)
class Offers:
    """The Regions of one offer file."""

    file: str
    date: str = ""
    regions: dict[str, RegionalOffer] = field(default_factory=dict)

    def choose(self, region: str | None) -> RegionalOffer:
        """Return the wanted Region, or the only one.

        :raises CatalogueError: there are several, or not this one, or no Linux price in it.
        """
        held = sorted(name for name, offer in self.regions.items() if offer.linux)
        if not held:
            raise CatalogueError(
                f"{self.file} holds no on-demand Linux price in USD for shared hardware: give AmazonEC2's price list."
            )
        if region is None and len(held) > 1:
            raise CatalogueError(
                f"{self.file} holds {len(held)} Regions ({', '.join(held[:5])}, ...): name the wanted one."
            )
        if region is not None and region not in held:
            raise CatalogueError(f"{self.file} holds {', '.join(held[:5])}, not {region}: give the file of {region}.")
        return self.regions[region or held[0]]

    def add(self, row: Mapping[str, str], unit: str, usd: float) -> None:
        """Note one price; rows that no assessment needs are passed over."""
        offer = self.regions.setdefault(row["regioncode"], RegionalOffer(row["regioncode"]))
        if is_wanted_instance(row):
            key = row["instancetype"], row["operatingsystem"], _SOFTWARE[row["preinstalledsw"]]
            offer.hourly[key] = usd
        elif part := volume_part(row):
            offer.monthly[part] = usd / 1024 if unit.lower().startswith("gibps") else usd


def is_offer_csv(head: str) -> bool:
    """Tell from its begin whether a text is a Price List CSV."""
    return "FormatVersion" in head[:64] and "OfferTermCode" in head


def is_offer_json(head: str) -> bool:
    """Tell from its begin whether a text is a Price List JSON."""
    return head.lstrip().startswith("{") and '"offerCode"' in head


def read_offer(file: IO[str], name: str, *, is_csv: bool) -> Offers:
    """Read an offer file to its end, or to the end of its on-demand terms.

    :raises CatalogueError: it is not AmazonEC2's, or lacks a column.
    """
    found = Offers(name)
    try:
        for row, unit, usd in _csv_prices(file, found) if is_csv else _json_prices(file, found):
            found.add(row, unit, usd)
    except CatalogueError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, csv.Error) as error:
        raise CatalogueError(f"{name} is no price list as AWS writes it ({error!r}): download it again.") from error
    return found


def is_wanted_instance(row: Mapping[str, str]) -> bool:
    """Shared hardware, on demand, licence included, no reservation, in a Region proper."""
    return (
        row.get("productfamily", "").startswith("Compute Instance")
        and row.get("tenancy") == "Shared"
        and row.get("capacitystatus", "Used") == "Used"
        and row.get("operatingsystem") in ("Linux", "Windows")
        and row.get("preinstalledsw") in _SOFTWARE
        and row.get("licensemodel", "No License required") == "No License required"
        and row.get("marketoption", "OnDemand") in ("OnDemand", "")
    )


def volume_part(row: Mapping[str, str]) -> tuple[str, str] | None:
    """Return (volume type, what is priced) of an EBS row that is needed."""
    usage = row.get("usagetype", "")
    return next((key for end, key in _USAGE if usage.endswith(end)), None)


def _csv_prices(file: IO[str], found: Offers) -> Iterator[tuple[dict[str, str], str, float]]:
    names: list[str] = []
    for fields in csv.reader(_on_demand_lines(file)):
        if names:
            if len(fields) != len(names):
                raise CatalogueError(f"{found.file}: the row of SKU {fields[0]} is cut off: download the file again.")
            row = dict(zip(names, fields, strict=True))
            if row["termtype"] == "OnDemand" and row["currency"] == "USD" and _in_region(row):
                yield row, row["unit"], float(row["priceperunit"])
        elif fields and fields[0] == "SKU":
            names = [_plain(field) for field in fields]
            lacking = {"regioncode", "instancetype", "priceperunit", "unit", "currency", "termtype"} - set(names)
            if lacking:
                raise CatalogueError(
                    f"{found.file} lacks columns ({', '.join(sorted(lacking))}): give AmazonEC2's file."
                )
        elif fields and fields[0] == "Publication Date":
            found.date = fields[1][:10]
        elif fields and fields[0] == "OfferCode":
            _check_offer(fields[1], found.file)


def _on_demand_lines(file: Iterable[str]) -> Iterator[str]:
    """Pass the head and the lines that may be on-demand prices: nine of ten rows are reservations."""
    in_head = True
    for line in file:
        if in_head or "OnDemand" in line:
            yield line
        in_head = in_head and "OfferTermCode" not in line


def _json_prices(file: IO[str], found: Offers) -> Iterator[tuple[dict[str, str], str, float]]:
    products: dict[str, dict[str, str]] = {}
    for path, key, value in walk(file, found.file, descend=(("products",), ("terms",), ("terms", "OnDemand"))):
        if path == () and key == "offerCode":
            _check_offer(str(value), found.file)
        elif path == () and key == "publicationDate":
            found.date = str(value)[:10]
        elif path == ("products",):
            row = {_plain(name): str(text) for name, text in value.get("attributes", {}).items()}
            row["productfamily"] = str(value.get("productFamily", ""))
            if (is_wanted_instance(row) or volume_part(row)) and _in_region(row) and row.get("regioncode"):
                products[key] = row
        elif path == ("terms", "OnDemand") and key in products:
            for unit, usd in _dimensions(value):
                yield products[key], unit, usd
        elif path == ("terms",) and key == "Reserved":
            return


def _dimensions(terms: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for term in terms.values():
        for dimension in term["priceDimensions"].values():
            if "USD" in dimension["pricePerUnit"]:
                yield str(dimension["unit"]), float(dimension["pricePerUnit"]["USD"])


def _in_region(row: Mapping[str, str]) -> bool:
    return row.get("locationtype", "AWS Region") == "AWS Region"


def _check_offer(code: str, file: str) -> None:
    if code != "AmazonEC2":
        raise CatalogueError(f"{file} is the price list of {code}: give AmazonEC2's.")


def _plain(name: str) -> str:
    return _NOT_ALNUM.sub("", name.lower())
