"""A local SQL Server: TDS on the wire, real rows, a real log with LSNs, backups that another instance restores.

Started as a process (`python -m include.standins.sqlserver`); nothing outside the tests imports it.
"""
