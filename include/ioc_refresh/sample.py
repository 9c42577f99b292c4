"""Sample mail metadata: generated, deterministic, free of real names, in the shape of real traffic.

Campaigns move to a new host every day and keep their kit's paths; ordinary mail links to popular hosts and to the
senders' own sites. Used by the demo, by tests and by benchmarks; nothing is learned from it.
"""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

POPULAR_HOSTS = ("www.google.com", "github.com", "www.microsoft.com", "www.linkedin.com", "www.youtube.com")
KIT_WORDS = ("parcel", "invoice", "account-verify", "wallet", "voicemail", "payroll", "tax-refund", "sign-document")
COMPANY_WORDS = ("garden", "bicycle", "library", "bakery", "printing", "concert", "harbour", "orchard", "museum")
ENDINGS = ("work", "shop", "info", "xyz", "online")


@dataclass(frozen=True, slots=True)
class Campaign:
    """One attack: its kit's path and picture stay, its hosts change daily."""

    number: int
    word: str

    def host(self, day: int) -> str:
        """Return the throw-away host of a day."""
        mark = hashlib.sha256(f"{self.number}:{day // 2}".encode()).hexdigest()[:6]
        return f"{self.word}-{mark}-sample.{ENDINGS[(self.number + day) % len(ENDINGS)]}"


def sample_mails(*, end: datetime, span: timedelta, count: int, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Yield labelled mail records in time order, the last one at `end` (UTC): 30 % phishing, 65 % ham, 5 % spam."""
    source = random.Random(seed)  # noqa: S311 - sample data, not a secret
    campaigns = [Campaign(number, word) for number, word in enumerate(KIT_WORDS)]
    moments = [*sorted(source.random() for _ in range(count - 1)), 1.0]
    for number, moment in enumerate(moments):
        time = end - span * (1 - moment)
        label = source.choices(("phishing", "ham", "spam"), (30, 65, 5))[0]
        build = _phishing if label == "phishing" else _ordinary
        record = build(source, source.choice(campaigns), time)
        digest = hashlib.sha256(f"{seed}:{number}:{time:%Y-%m-%dT%H:%M:%S}".encode()).hexdigest()
        yield {"id": digest[:16], "label": label, "time": f"{time:%Y-%m-%dT%H:%M:%SZ}", **record}


def _phishing(source: random.Random, campaign: Campaign, time: datetime) -> dict[str, Any]:
    host = campaign.host(time.toordinal())
    token = f"{source.getrandbits(64):016x}"
    sender = f"mailer-{campaign.word}-sample.{source.choice(ENDINGS)}" if source.random() < 0.6 else "gmail.com"
    attachments = []
    if source.random() < 0.2:
        body = hashlib.sha256(f"{campaign.word}:{time.toordinal() // 3}".encode()).hexdigest()
        attachments.append(
            {
                "Sha256Hash": body,
                "Classification": 0,
                "Filename": f"{campaign.word}_{source.randint(1000, 9999)}.pdf",
                "DetectedMimeType": "text/html",
                "Size": 20_480 + campaign.number,
            }
        )
    return {
        "sender": {"domain": sender, "envelope_domain": sender, "reply_to_domain": None},
        "receiver": {"domains": ["landfall.example"], "count": 1},
        "auth": {"spf": source.choice(("pass", "none", "softfail")), "dkim": "none", "dmarc": "none"},
        "Attachments": attachments,
        "Urls": [
            {"Url": f"https://{host}/{campaign.word}/session/{token}", "Classification": 0, "Kind": "link"},
            {"Url": f"https://{host}/kit/{campaign.word}/letterhead.png", "Classification": 0, "Kind": "res"},
        ],
    }


def _ordinary(source: random.Random, _campaign: Campaign, _time: datetime) -> dict[str, Any]:
    word = source.choice(COMPANY_WORDS)
    own = f"{word}-company-sample.com"
    return {
        "sender": {"domain": own, "envelope_domain": f"bounce.{own}", "reply_to_domain": None},
        "receiver": {"domains": ["landfall.example"], "count": source.randint(1, 4)},
        "auth": {"spf": "pass", "dkim": "pass", "dmarc": "pass"},
        "Attachments": [],
        "Urls": [
            {"Url": f"https://{own}/newsletter/{source.randint(1, 500)}", "Classification": 0, "Kind": "link"},
            {"Url": f"https://{source.choice(POPULAR_HOSTS)}/{word}", "Classification": 0, "Kind": "link"},
        ],
    }
