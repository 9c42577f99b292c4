-- version: 1
-- A resource (image, style sheet, tracking pixel) by the shape of its path, on a popular host by its exact path, seen in
-- two malicious mails of the last 60 days and in no benign one.
SELECT
    value,
    domain,
    sum(malicious) AS malicious,
    sum(benign) AS benign,
    min(IF(malicious > 0, day)) AS first_day,
    max(IF(malicious > 0, day)) AS last_day,
    60 AS life_days
FROM state
WHERE version = :version AND kind = 'resource_url'
GROUP BY value, domain
HAVING sum(benign) = 0 AND sum(IF(day >= date_add('day', -60, :as_of_day), malicious, 0)) >= 2
