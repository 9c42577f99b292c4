-- The verdict that counts for each mail: the one reported last; of two at the same instant the malicious one.
WITH known AS (
    SELECT mail_id, verdict, reported_at, received_day FROM ledger WHERE version = :previous
    UNION ALL
    SELECT mail_id, verdict, reported_at, received_day FROM evidence WHERE version = :version
),
ranked AS (
    SELECT
        mail_id,
        verdict,
        reported_at,
        received_day,
        row_number() OVER (PARTITION BY mail_id ORDER BY reported_at DESC, verdict DESC) AS recency
    FROM known
)
SELECT mail_id, verdict, reported_at, received_day
FROM ranked
WHERE recency = 1 AND received_day >= :horizon
