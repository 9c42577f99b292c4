"""The shipped snapshot, and price lists that users bring."""

from __future__ import annotations

import csv
import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from include.discovery.catalogue.building import DATA, build
from include.discovery.catalogue.loading import SHIPPED, load_catalogue
from include.discovery.catalogue.model import CatalogueError

if TYPE_CHECKING:
    from pathlib import Path

HEAD = [
    ["FormatVersion", "v1.0"],
    ["Disclaimer", "text"],
    ["Publication Date", "2026-02-03T04:05:06Z"],
    ["Version", "20260203040506"],
    ["OfferCode", "AmazonEC2"],
]
COLUMNS = (
    "SKU", "OfferTermCode", "TermType", "Unit", "PricePerUnit", "Currency", "Product Family", "Location Type",
    "Instance Type", "Tenancy", "Operating System", "License Model", "usageType", "CapacityStatus", "MarketOption",
    "Pre Installed S/W", "Region Code",
)  # fmt: skip
EBS = (
    ("EUC1-EBS:VolumeUsage.gp3", "GB-Mo", "0.0952"),
    ("EUC1-EBS:VolumeP-IOPS.gp3", "IOPS-Mo", "0.006"),
    ("EUC1-EBS:VolumeP-Throughput.gp3", "GiBps-mo", "49.152"),
    ("EUC1-EBS:VolumeUsage.io2", "GB-Mo", "0.149"),
    ("EUC1-EBS:VolumeP-IOPS.io2", "IOPS-Mo", "0.078"),
    ("EUC1-EBS:VolumeP-IOPS.io2.tier2", "IOPS-Mo", "0.0546"),
    ("EUC1-EBS:VolumeP-IOPS.io2.tier3", "IOPS-Mo", "0.0382"),
)


def instance(name: str, usd: str, **changes: str) -> dict[str, str]:
    row = {
        "TermType": "OnDemand", "Unit": "Hrs", "PricePerUnit": usd, "Currency": "USD",
        "Product Family": "Compute Instance", "Location Type": "AWS Region", "Instance Type": name, "Tenancy": "Shared",
        "Operating System": "Linux", "License Model": "No License required", "CapacityStatus": "Used",
        "MarketOption": "OnDemand", "Pre Installed S/W": "NA", "Region Code": "eu-central-1",
        "usageType": f"EUC1-BoxUsage:{name}",
    }  # fmt: skip
    return row | changes


def volume(usage: str, unit: str, usd: str) -> dict[str, str]:
    row = {"TermType": "OnDemand", "Unit": unit, "PricePerUnit": usd, "Currency": "USD", "usageType": usage}
    return row | {"Product Family": "Storage", "Location Type": "AWS Region", "Region Code": "eu-central-1"}


OFFER = [
    instance("m7i.large", "0.1208"),
    instance("m7i.large", "0.2128", **{"Operating System": "Windows"}),
    instance("m7i.large", "0.3608", **{"Pre Installed S/W": "SQL Std"}),
    instance("m7i.large", "9.99", TermType="Reserved"),
    instance("m7i.large", "9.99", Tenancy="Dedicated"),
    instance("m7i.large", "0.00", CapacityStatus="AllocatedCapacityReservation"),
    instance("m7i.large", "9.99", **{"License Model": "Bring your own license", "Operating System": "Windows"}),
    instance("m7i.large", "9.99", **{"Location Type": "AWS Local Zone"}),
    instance("r7i.xlarge", "0.3192"),
    instance("q99.large", "0.5"),
    *(volume(*told) for told in EBS),
]


def write_csv(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerows([*HEAD, COLUMNS])
        for number, row in enumerate(rows):
            writer.writerow([{"SKU": f"SKU{number}", "OfferTermCode": "X", **row}.get(name, "") for name in COLUMNS])
    return path


def write_json(path: Path, rows: list[dict[str, str]]) -> Path:
    products: dict[str, Any] = {}
    terms: dict[str, Any] = {"OnDemand": {}, "Reserved": {}}
    for number, row in enumerate(rows):
        sku, kind = f"SKU{number}", row["TermType"]
        names = {"Instance Type": "instanceType", "Operating System": "operatingSystem", "Region Code": "regionCode",
                 "License Model": "licenseModel", "CapacityStatus": "capacitystatus", "usageType": "usagetype",
                 "MarketOption": "marketoption", "Pre Installed S/W": "preInstalledSw", "Tenancy": "tenancy",
                 "Location Type": "locationType"}  # fmt: skip
        attributes = {to: row[name] for name, to in names.items() if name in row}
        products[sku] = {"sku": sku, "productFamily": row["Product Family"], "attributes": attributes}
        price = {"unit": row["Unit"], "pricePerUnit": {"USD": row["PricePerUnit"]}}
        terms[kind][sku] = {f"{sku}.X": {"priceDimensions": {f"{sku}.X.Y": price}}}
    document = {"formatVersion": "v1.0", "offerCode": "AmazonEC2", "publicationDate": "2026-02-03T04:05:06Z"}
    path.write_text(json.dumps({**document, "products": products, "terms": terms}, indent=1), encoding="utf-8")
    return path


def own(path: Path, **changes: Any) -> Path:
    document = {"format": "landfall-ec2/1", "region": "eu-west-1", "price_date": "2026-05-01", "source": "contract"}
    shipped = json.loads(gzip.decompress(SHIPPED.read_bytes()))
    document |= {"prices": {"m7i.large": 0.09}, "licences": {}, "volumes": shipped["volumes"]}
    path.write_text(json.dumps({k: v for k, v in (document | changes).items() if v is not None}), encoding="utf-8")
    return path


def test_the_shipped_snapshot_is_dated_priced_and_complete() -> None:
    catalogue = load_catalogue()
    assert (catalogue.region, catalogue.price_date, len(catalogue.types)) == ("us-east-1", "2026-07-20", 1340)
    large = catalogue.type("m7i.large")
    assert (large.vcpu, large.physical_cores, large.memory_mib, large.family, large.generation) == (
        2,
        1,
        8192,
        "m7i",
        7,
    )
    assert (large.network_gbit_baseline, large.ebs_mb_s_baseline, large.ebs_iops_baseline) == (0.781, 81.25, 3600)
    assert large.hourly_usd == pytest.approx(0.1008)
    assert all(kind.hourly_usd > 0 and kind.vcpu > 0 and kind.memory_mib > 0 for kind in catalogue.types)
    assert {kind.architecture for kind in catalogue.types} == {"x86_64", "arm64"}
    assert list(catalogue.types) == sorted(catalogue.types, key=lambda kind: (kind.hourly_usd, kind.name))


def test_every_licence_and_volume_carries_its_source_and_date() -> None:
    catalogue = load_catalogue()
    prices = {name: one.usd_per_vcpu_hour for name, one in catalogue.licences.items()}
    assert prices == {"windows": 0.046, "sql_web": 0.0169, "sql_standard": 0.12, "sql_enterprise": 0.375}
    assert all(one.source and one.as_of for one in (*catalogue.licences.values(), *catalogue.volumes.values()))


def test_the_snapshot_holds_what_is_kept_by_hand() -> None:
    by_hand = json.loads((DATA / "us-east-1_licences_and_volumes.json").read_text(encoding="utf-8"))
    shipped = json.loads(gzip.decompress(SHIPPED.read_bytes()))
    assert (shipped["licences"], shipped["volumes"]) == (by_hand["licences"], by_hand["volumes"])
    assert SHIPPED.stat().st_size < 400_000


def test_burstable_and_flex_types_sustain_their_baseline_only() -> None:
    catalogue = load_catalogue()
    shares = {name: catalogue.type(name).cpu_baseline_share for name in ("t3.large", "m7i-flex.large", "m7i.large")}
    assert shares == {"t3.large": 0.3, "m7i-flex.large": 0.4, "m7i.large": 1.0}


def test_volume_prices_include_what_gp3_includes_and_tier_io2() -> None:
    volumes = load_catalogue().volumes
    assert volumes["gp3"].monthly_usd(100, 3000, 125) == pytest.approx(8.0)
    assert volumes["gp3"].monthly_usd(100, 4000, 225) == pytest.approx(8.0 + 5.0 + 4.0)
    expected = 1000 * 0.125 + 32_000 * 0.065 + 32_000 * 0.0455 + 6_000 * 0.03185
    assert volumes["io2"].monthly_usd(1000, 70_000, 2000) == pytest.approx(expected)


def test_building_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    pytest.importorskip("moto")
    prices = tmp_path / "prices.json"
    told = {
        "source": "test",
        "usd_or_cny_per_hour_linux_ondemand": {"us-east-1": {"m7i.large": 0.1, "mac1.metal": 1.0}},
    }
    prices.write_text(json.dumps(told), encoding="utf-8")
    first = build(prices, tmp_path, region="us-east-1", price_date="2026-01-01").read_bytes()
    again = build(prices, tmp_path, region="us-east-1", price_date="2026-01-01")
    assert again.read_bytes() == first
    assert [kind.name for kind in load_catalogue(again).types] == ["m7i.large"]


@pytest.mark.parametrize("write", [write_csv, write_json])
def test_an_offer_file_gives_prices_licences_and_volumes_of_its_region(tmp_path: Path, write: Any) -> None:
    catalogue = load_catalogue(write(tmp_path / "offer", OFFER))
    assert (catalogue.region, catalogue.price_date) == ("eu-central-1", "2026-02-03")
    assert {kind.name: kind.hourly_usd for kind in catalogue.types} == {"m7i.large": 0.1208, "r7i.xlarge": 0.3192}
    licences = {name: one.usd_per_vcpu_hour for name, one in catalogue.licences.items()}
    assert licences == {"windows": pytest.approx(0.046), "sql_standard": pytest.approx(0.12)}
    assert catalogue.volumes["gp3"].usd_per_mb_s_month == pytest.approx(0.048)
    assert catalogue.volumes["io2"].usd_per_iops_month == ((0, 0.078), (32_000, 0.0546), (64_000, 0.0382))
    assert catalogue.notes == (
        "1 priced types have no hardware facts here and are left out: q99.large.",
        "offer prices no sql_enterprise, sql_web: what needs them cannot be costed.",
    )


def test_a_gzipped_offer_file_reads_as_a_plain_one(tmp_path: Path) -> None:
    plain = write_csv(tmp_path / "offer.csv", OFFER)
    packed = tmp_path / "offer.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert load_catalogue(packed).types == load_catalogue(plain).types


def test_a_file_of_several_regions_asks_which_one(tmp_path: Path) -> None:
    rows = [*OFFER, instance("m7i.large", "0.2", **{"Region Code": "sa-east-1"})]
    path = write_csv(tmp_path / "offer.csv", rows)
    with pytest.raises(CatalogueError, match=r"holds 2 Regions \(eu-central-1, sa-east-1, ...\): name the wanted one"):
        load_catalogue(path)
    assert load_catalogue(path, region="eu-central-1").region == "eu-central-1"
    with pytest.raises(CatalogueError, match="lacks EBS prices of sa-east-1"):
        load_catalogue(path, region="sa-east-1")


def test_the_own_format_takes_hardware_from_the_snapshot_and_prices_from_the_file(tmp_path: Path) -> None:
    catalogue = load_catalogue(own(tmp_path / "prices.json"))
    assert [(kind.name, kind.hourly_usd, kind.vcpu) for kind in catalogue.types] == [("m7i.large", 0.09, 2)]
    assert dict(catalogue.licences) == {}


def test_discounts_for_the_same_region_may_leave_out_the_rest(tmp_path: Path) -> None:
    catalogue = load_catalogue(own(tmp_path / "prices.json", region="us-east-1", licences=None, volumes=None))
    assert catalogue.licences == load_catalogue().licences
    assert len(catalogue.notes) == 2


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"volumes": None}, 'prices.json has no "volumes" of eu-west-1'),
        ({"licences": None}, 'prices.json has no "licences" of eu-west-1'),
        ({"prices": {"m7i.large": "0.09"}}, "the price of m7i.large is '0.09': give US dollars an hour"),
        ({"prices": {"m7i.large": -1}}, "the price of m7i.large is -1"),
        ({"prices": {"x99.huge": 1.0}}, "prices no instance type that is known here"),
        ({"currency": "CNY"}, "is in CNY: convert the prices to USD"),
        ({"format": "other"}, 'JSON without "format": "landfall-ec2/1"'),
        ({"price_date": None}, 'has no "price_date"'),
        ({"price_date": "July"}, "\"price_date\" 'July' is no day"),
        ({"prices": {"m7i.large": float("nan")}}, "the price of m7i.large is nan"),
        ({"prices": [1, 2]}, "does not keep the format landfall-ec2/1"),
        ({"types": [["m7i.large", 2]], "columns": ["name"]}, "does not keep the format landfall-ec2/1"),
        ({"volumes": {"gp3": {}}}, "volumes lack io2"),
    ],
)
def test_a_price_list_that_does_not_fit_is_refused_in_one_sentence(
    tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(CatalogueError) as refusal:
        load_catalogue(own(tmp_path / "prices.json", **changes))
    assert sentence in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("VM,CPUs\nweb1,2\n", "is no price list"),
        ("", "is no price list"),
        ('{"format": ', "is no valid JSON"),
        ('{"offerCode": "AmazonS3", "products": {}}', "is the price list of AmazonS3: give AmazonEC2's"),
        ('{"offerCode": "AmazonEC2", "products": {"A": {"attributes"', "ends in the middle: download it again"),
        ('{"offerCode": "AmazonEC2", "products": {}}', "holds no on-demand Linux price"),
        ('{"offerCode": "AmazonEC2", "products": {"A": 5}}', "is no price list as AWS writes it"),
    ],
)
def test_a_file_of_another_kind_is_refused_in_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "file.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CatalogueError) as refusal:
        load_catalogue(path)
    assert sentence in str(refusal.value)


def test_an_offer_file_with_a_price_that_is_no_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="is no price list as AWS writes it"):
        load_catalogue(write_csv(tmp_path / "offer.csv", [instance("m7i.large", "soon")]))


def test_another_region_than_the_files_is_never_taken_silently(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="holds us-east-1, not eu-central-1"):
        load_catalogue(region="eu-central-1")
    with pytest.raises(CatalogueError, match="holds eu-west-1, not eu-central-1"):
        load_catalogue(own(tmp_path / "prices.json"), region="eu-central-1")


def test_a_missing_or_broken_file_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"absent\.json cannot be read"):
        load_catalogue(tmp_path / "absent.json")
    broken = tmp_path / "broken.json.gz"
    broken.write_bytes(gzip.compress(b"{}" * 1000)[:20])
    with pytest.raises(CatalogueError, match=r"broken\.json\.gz cannot be read"):
        load_catalogue(broken)
