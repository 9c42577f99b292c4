"""The running instance: sessions, statements, transactions, the catalog views."""
