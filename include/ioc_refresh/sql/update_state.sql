-- New state = previous state + what the new verdicts change, per key and day of receipt; counts are distinct mails.
-- A verdict already counted changes nothing; a later, different one moves its mail from one column to the other.
-- Days before :horizon fall out: nothing reads them any more.
WITH news AS (
    SELECT e.mail_id, e.verdict, e.received_day, e.keys, l.verdict AS counted_as
    FROM (SELECT * FROM evidence WHERE version = :version) e
    LEFT JOIN (SELECT * FROM ledger WHERE version = :previous) l ON l.mail_id = e.mail_id
    WHERE l.mail_id IS NULL
       OR (e.verdict <> l.verdict
           AND (e.reported_at > l.reported_at OR (e.reported_at = l.reported_at AND e.verdict > l.verdict)))
),
changes AS (
    SELECT
        k.kind,
        k.value,
        k.domain,
        n.received_day AS day,
        IF(n.verdict = 'malicious', 1, 0) - IF(coalesce(n.counted_as, '') = 'malicious', 1, 0) AS malicious,
        IF(n.verdict = 'benign', 1, 0) - IF(coalesce(n.counted_as, '') = 'benign', 1, 0) AS benign
    FROM news n
    CROSS JOIN UNNEST(n.keys) AS k (kind, value, domain)
),
merged AS (
    SELECT kind, value, domain, day, malicious, benign FROM state WHERE version = :previous
    UNION ALL
    SELECT kind, value, domain, day, malicious, benign FROM changes
)
SELECT
    value,
    domain,
    day,
    CAST(sum(malicious) AS bigint) AS malicious,
    CAST(sum(benign) AS bigint) AS benign,
    kind
FROM merged
WHERE day >= :horizon
GROUP BY kind, value, domain, day
HAVING sum(malicious) <> 0 OR sum(benign) <> 0
