-- The state, counted afresh from the mails themselves. Must equal the incremental state row by row.
-- Of a duplicate mail the first copy counts, of several verdicts the last; a mail teaches only when it arrived within 30
-- days of its time, and within 7 days after its verdict. include/ioc_refresh/verdicts.py states the same rules.
WITH judged AS (
    SELECT mail_id, verdict, arrived_at
    FROM (
        SELECT mail_id, verdict, arrived_at, row_number() OVER (PARTITION BY mail_id ORDER BY reported_at DESC, verdict DESC) AS recency
        FROM verdicts
        WHERE dt BETWEEN :first_hour AND :last_hour
          AND "$path" NOT IN (:open_objects)
          AND verdict IN ('malicious', 'benign')
    )
    WHERE recency = 1
),
mail AS (
    SELECT mail_id, received_at, keys
    FROM (
        SELECT
            m.mail_id,
            m.received_at,
            m.keys,
            row_number() OVER (PARTITION BY m.mail_id ORDER BY m.arrived_at, m.received_at) AS copy
        FROM mails m
        JOIN judged j ON j.mail_id = m.mail_id AND m.arrived_at <= date_add('day', 7, j.arrived_at)
        WHERE m.dt BETWEEN :first_hour AND :last_hour
          AND m.received_at BETWEEN date_add('day', -30, m.arrived_at) AND date_add('hour', 1, m.arrived_at)
    )
    WHERE copy = 1
)
SELECT
    k.value,
    k.domain,
    CAST(m.received_at AS date) AS day,
    CAST(count_if(j.verdict = 'malicious') AS bigint) AS malicious,
    CAST(count_if(j.verdict = 'benign') AS bigint) AS benign,
    k.kind
FROM mail m
JOIN judged j ON j.mail_id = m.mail_id
CROSS JOIN UNNEST(m.keys) AS k (kind, value, domain)
WHERE CAST(m.received_at AS date) >= :horizon
GROUP BY k.kind, k.value, k.domain, CAST(m.received_at AS date)
