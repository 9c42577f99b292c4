-- version: 1
-- An exact link of malicious mails of the last 30 days, where the domain itself cannot be an indicator because benign
-- mails link to it too (a hacked site, a shared host). Elsewhere the domain says it all, and the URL would only cost.
SELECT
    u.value,
    u.domain,
    sum(u.malicious) AS malicious,
    sum(u.benign) AS benign,
    min(IF(u.malicious > 0, u.day)) AS first_day,
    max(IF(u.malicious > 0, u.day)) AS last_day,
    30 AS life_days
FROM (SELECT * FROM state WHERE version = :version AND kind = 'exact_url') u
JOIN (
    SELECT value
    FROM state
    WHERE version = :version AND kind = 'link_domain'
    GROUP BY value
    HAVING sum(benign) > 0
) d ON d.value = u.domain
GROUP BY u.value, u.domain
HAVING sum(u.benign) = 0 AND max(IF(u.malicious > 0, u.day)) >= date_add('day', -30, :as_of_day)
