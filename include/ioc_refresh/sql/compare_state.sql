-- Rows in which the incremental state and the recount disagree, either way round.
SELECT kind, value, day, sum(malicious) AS malicious, sum(benign) AS benign
FROM (
    SELECT kind, value, day, malicious, benign FROM state WHERE version = :version AND day >= :horizon
    UNION ALL
    SELECT kind, value, day, -malicious, -benign FROM recounted WHERE version = :version
)
GROUP BY kind, value, day
HAVING sum(malicious) <> 0 OR sum(benign) <> 0
LIMIT 100
