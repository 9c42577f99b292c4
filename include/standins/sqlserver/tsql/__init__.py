"""T-SQL read as a person wrote it: text to tokens to statements. Pure: it knows no database."""
