"""BACKUP and RESTORE: the media format, the headers, and the rules by which a backup set fits a database."""
