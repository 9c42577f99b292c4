"""Log shipping: SQL Server transaction logs backed up, copied and restored on a second server; failover and failback.

The decisions are pure; the steps talk to servers through `client.SqlServer`. Nothing here imports Airflow.
"""
