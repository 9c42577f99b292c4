"""The version that headers name: SQL Server 2022, whose HEADERONLY columns the stand-in answers."""

SOFTWARE_NAME = "Landfall local SQL Server (stand-in)"
VERSION = (16, 0, 1000)
DATABASE_VERSION = 957
COMPATIBILITY_LEVEL = 160
COLLATION = "SQL_Latin1_General_CP1_CI_AS"
SORT_ORDER = 52
CODE_PAGE = 0
LOCALE = 1033
COMPARISON_STYLE = 196609
