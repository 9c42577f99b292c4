"""TDS 7.4, as SQL Server's clients speak it: bytes in, a session's events out as tokens. Source: [MS-TDS]."""
