"""A place in the tokens, and the questions a recursive-descent parser asks there."""

from __future__ import annotations

from typing import Any

from include.standins.sqlserver.errors import SqlError, not_modelled
from include.standins.sqlserver.tsql.tokens import Kind, Token

RESERVED = frozenset(
    """
    ADD ALL ALTER AND ANY AS ASC AUTHORIZATION BACKUP BEGIN BETWEEN BREAK BROWSE BULK BY CASCADE CASE CHECK CHECKPOINT
    CLOSE CLUSTERED COALESCE COLLATE COLUMN COMMIT COMPUTE CONSTRAINT CONTAINS CONTAINSTABLE CONTINUE CONVERT CREATE
    CROSS CURRENT CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER CURSOR DATABASE DBCC DEALLOCATE DECLARE
    DEFAULT DELETE DENY DESC DISK DISTINCT DISTRIBUTED DOUBLE DROP DUMP ELSE END ERRLVL ESCAPE EXCEPT EXEC EXECUTE
    EXISTS EXIT EXTERNAL FETCH FILE FILLFACTOR FOR FOREIGN FREETEXT FREETEXTTABLE FROM FULL FUNCTION GOTO GRANT GROUP
    HAVING HOLDLOCK IDENTITY IDENTITY_INSERT IDENTITYCOL IF IN INDEX INNER INSERT INTERSECT INTO IS JOIN KEY KILL LEFT
    LIKE LINENO LOAD MERGE NATIONAL NOCHECK NONCLUSTERED NOT NULL NULLIF OF OFF OFFSETS ON OPEN OPENDATASOURCE
    OPENQUERY OPENROWSET OPENXML OPTION OR ORDER OUTER OVER PERCENT PIVOT PLAN PRIMARY PRINT PROC PROCEDURE
    PUBLIC RAISERROR READ READTEXT RECONFIGURE REFERENCES REPLICATION RESTORE RESTRICT RETURN REVERT REVOKE RIGHT
    ROLLBACK ROWCOUNT ROWGUIDCOL RULE SAVE SCHEMA SECURITYAUDIT SELECT SESSION_USER SET SETUSER SHUTDOWN SOME
    STATISTICS SYSTEM_USER TABLE TABLESAMPLE TEXTSIZE THEN TO TOP TRAN TRANSACTION TRIGGER TRUNCATE TRY_CONVERT
    TSEQUAL UNION UNIQUE UNPIVOT UPDATE UPDATETEXT USE USER VALUES VARYING VIEW WAITFOR WHEN WHERE WHILE WITH WRITETEXT
    """.split()
)


class TokenCursor:
    """Walks over the tokens of one batch.

    `baked` gathers the literals whose value went into the statements themselves (a path, a type's length):
    a batch with other values there is another batch, while all other literals are only parameters.
    """

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.here = tokens[0]
        self.baked: dict[int, Any] = {}

    def advance(self) -> Token:
        """Return the token here and go on to the next one."""
        token = self.here
        if token.kind is not Kind.END:
            self.at += 1
            self.here = self.tokens[self.at]
        return token

    def back_to(self, at: int) -> None:
        """Return to an earlier place."""
        self.at = at
        self.here = self.tokens[at]

    def ahead(self, count: int = 1) -> Token:
        """Return the token `count` places further."""
        return self.tokens[min(self.at + count, len(self.tokens) - 1)]

    @property
    def at_end(self) -> bool:
        return self.here.kind is Kind.END

    def at_word(self, *words: str) -> bool:
        """Whether one of the words stands here."""
        return self.here.kind is Kind.WORD and self.here.value in words

    def at_words(self, *words: str) -> bool:
        """Whether the words stand here one after another."""
        return all(
            (token := self.ahead(offset)).kind is Kind.WORD and token.value == word for offset, word in enumerate(words)
        )

    def accept(self, *words: str) -> bool:
        """Step over the words if they stand here one after another."""
        if self.here.kind is not Kind.WORD or self.here.value != words[0]:
            return False
        if len(words) > 1 and not self.at_words(*words):
            return False
        self.back_to(self.at + len(words))
        return True

    def expect(self, *words: str) -> None:
        """Step over the words; raise when they are not here."""
        for word in words:
            if not self.accept(word):
                raise self.error()

    def accept_any(self, *words: str) -> str | None:
        """Step over one of the words and return it."""
        return str(self.advance().value) if self.at_word(*words) else None

    def at_operator(self, operator: str) -> bool:
        return self.here.kind is Kind.OPERATOR and self.here.value == operator

    def accept_operator(self, operator: str) -> bool:
        """Step over the operator if it stands here."""
        if self.here.kind is Kind.OPERATOR and self.here.value == operator:
            self.advance()
            return True
        return False

    def expect_operator(self, operator: str) -> None:
        """Step over the operator; raise when it is not here."""
        if not self.accept_operator(operator):
            raise self.error()

    @property
    def at_name(self) -> bool:
        """Whether an identifier stands here."""
        kind = self.here.kind
        return kind is Kind.QUOTED or (kind is Kind.WORD and self.here.value not in RESERVED)

    def name(self) -> str:
        """Return the identifier here."""
        if not self.at_name:
            raise self.error()
        token = self.advance()
        return str(token.value) if token.kind is Kind.QUOTED else token.text

    def names(self) -> tuple[str, ...]:
        """Return a name of up to four parts; a part left out, as in msdb..backupset, is empty."""
        parts = [self.name()]
        while self.accept_operator("."):
            parts.append("" if self.at_operator(".") else self.name())
        if len(parts) > 4:
            raise SqlError(
                117, "The object name contains more than the maximum number of prefixes.", severity=15, ends_batch=True
            )
        return tuple(parts)

    def baked_literal(self) -> Any:
        """Return the literal here as part of the statement itself."""
        if self.here.kind is not Kind.LITERAL:
            raise self.error()
        token = self.advance()
        self.baked[token.slot] = token.value
        return token.value

    def baked_integer(self) -> int:
        """Return the whole number here, with an optional sign."""
        sign = -1 if self.accept_operator("-") else 1
        if self.here.kind is not Kind.LITERAL or not isinstance(self.here.value, int):
            raise self.error()
        return sign * int(self.baked_literal())

    def baked_text(self) -> str:
        """Return the string literal here."""
        if self.here.kind is not Kind.LITERAL or not isinstance(self.here.value, str):
            raise self.error()
        return str(self.baked_literal())

    def error(self) -> SqlError:
        """What SQL Server says about the token here: 156 for a keyword, 102 for all else."""
        token = self.here
        if token.kind is Kind.END:
            text = self.tokens[self.at - 1].text if self.at else ""
            return SqlError(102, f"Incorrect syntax near '{text[:128]}'.", severity=15, ends_batch=True)
        if token.kind is Kind.WORD and token.value in RESERVED:
            return SqlError(156, f"Incorrect syntax near the keyword '{token.text}'.", severity=15, ends_batch=True)
        return SqlError(102, f"Incorrect syntax near '{token.text[:128]}'.", severity=15, ends_batch=True)

    def refuse(self, what: str) -> SqlError:
        """What is T-SQL but is not modelled."""
        return not_modelled(what)
