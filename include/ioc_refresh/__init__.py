"""IOC refresh: indicators of compromise generated from a company's own mail, aged, and kept in one key-value table.

One record's way through the package:

    mails.parse_mail -> keys.mail_keys -> frontend (report, receipt, lake row) -> [S3] -> verdicts.resolve
    -> sql/update_state.sql -> sql/candidates/*.sql -> changes.diff -> table (DynamoDB) -> reports.threat_report
"""
