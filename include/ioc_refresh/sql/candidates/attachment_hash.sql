-- version: 1
-- The SHA-256 of an attachment of malicious mails of the last 180 days, and of no benign one: files come back late.
SELECT
    value,
    domain,
    sum(malicious) AS malicious,
    sum(benign) AS benign,
    min(IF(malicious > 0, day)) AS first_day,
    max(IF(malicious > 0, day)) AS last_day,
    180 AS life_days
FROM state
WHERE version = :version AND kind = 'attachment_hash'
GROUP BY value, domain
HAVING sum(benign) = 0 AND max(IF(malicious > 0, day)) >= date_add('day', -180, :as_of_day)
