"""Databases on disk: SQLite pages, an own log with LSNs, the instance's metadata and msdb."""
