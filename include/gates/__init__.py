"""Data-quality gates: suites, the verdict policy, validation by Great Expectations and the evidence of each decision.

A gate says `pass`, `quarantine` or `block`, and fails closed. Nothing here imports Airflow.
"""
