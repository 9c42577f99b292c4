-- version: 1
-- An organisational domain that malicious mails of the last 90 days link to, load from or redirect to, and no benign one.
SELECT
    value,
    domain,
    sum(malicious) AS malicious,
    sum(benign) AS benign,
    min(IF(malicious > 0, day)) AS first_day,
    max(IF(malicious > 0, day)) AS last_day,
    90 AS life_days
FROM state
WHERE version = :version AND kind = 'link_domain'
GROUP BY value, domain
HAVING sum(benign) = 0 AND max(IF(malicious > 0, day)) >= date_add('day', -90, :as_of_day)
