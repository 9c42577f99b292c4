"""Find scanners and probes in access logs and decide which addresses WAF blocks, until when, and why; no Airflow."""
