"""Queries: typed T-SQL compiled to SQLite, value representations, functions, schema and catalog views."""
