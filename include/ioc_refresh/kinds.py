"""The kinds of indicator, and the words a threat report uses for them."""

from enum import StrEnum


class Kind(StrEnum):
    """What an indicator's value is; also the Hive partition name of its state, so a value never changes."""

    LINK_DOMAIN = "link_domain"
    SENDER_DOMAIN = "sender_domain"
    EXACT_URL = "exact_url"
    PATH_SHAPE = "path_shape"
    RESOURCE_URL = "resource_url"
    ATTACHMENT_HASH = "attachment_hash"
    FILE_NAME = "file_name"


REASONS = {
    Kind.ATTACHMENT_HASH: "realtimeMaliciousAttachment",
    Kind.EXACT_URL: "realtimeMaliciousUrl",
    Kind.LINK_DOMAIN: "realtimeSuspiciousOrganisationalDomain",
    Kind.SENDER_DOMAIN: "realtimeSuspiciousSenderDomain",
    Kind.RESOURCE_URL: "realtimeSuspiciousResource",
    Kind.PATH_SHAPE: "realtimeSuspiciousUrlPath",
    Kind.FILE_NAME: "realtimeSuspiciousFileName",
}
"""Reason of a hit by kind, the strongest evidence first: an exact artefact outranks a pattern."""

STRENGTH = {kind: rank for rank, kind in enumerate(REASONS)}
"""Rank of a kind among a mail's hits: 0 is reported first."""
