-- version: 1
-- A sender domain (header, envelope or reply-to, not forged) of malicious mails of the last 90 days, and of no benign one.
SELECT
    value,
    domain,
    sum(malicious) AS malicious,
    sum(benign) AS benign,
    min(IF(malicious > 0, day)) AS first_day,
    max(IF(malicious > 0, day)) AS last_day,
    90 AS life_days
FROM state
WHERE version = :version AND kind = 'sender_domain'
GROUP BY value, domain
HAVING sum(benign) = 0 AND max(IF(malicious > 0, day)) >= date_add('day', -90, :as_of_day)
