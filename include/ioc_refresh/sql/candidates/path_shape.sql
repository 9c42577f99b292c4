-- version: 1
-- The shape of a link's path, seen in two malicious mails of the last 90 days at hosts that are not popular, and in no
-- benign one. One mail is not a pattern: at one mail the table doubles and finds little more.
SELECT
    value,
    domain,
    sum(malicious) AS malicious,
    sum(benign) AS benign,
    min(IF(malicious > 0, day)) AS first_day,
    max(IF(malicious > 0, day)) AS last_day,
    90 AS life_days
FROM state
WHERE version = :version AND kind = 'path_shape'
GROUP BY value, domain
HAVING sum(benign) = 0 AND sum(IF(day >= date_add('day', -90, :as_of_day), malicious, 0)) >= 2
