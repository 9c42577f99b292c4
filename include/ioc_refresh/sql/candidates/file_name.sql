-- version: 1
-- A file-name pattern, or a name that contradicts the detected type, of two malicious mails of the last 60 days and of
-- no benign one.
SELECT
    value,
    domain,
    sum(malicious) AS malicious,
    sum(benign) AS benign,
    min(IF(malicious > 0, day)) AS first_day,
    max(IF(malicious > 0, day)) AS last_day,
    60 AS life_days
FROM state
WHERE version = :version AND kind = 'file_name'
GROUP BY value, domain
HAVING sum(benign) = 0 AND sum(IF(day >= date_add('day', -60, :as_of_day), malicious, 0)) >= 2
