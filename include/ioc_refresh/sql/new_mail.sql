-- The new mail objects, as the gate wants to see them: one row a mail, with lateness and a mark on second copies.
SELECT
    mail_id,
    received_at,
    arrived_at,
    sender_domain,
    receiver_count,
    cardinality(urls) AS url_count,
    cardinality(attachments) AS attachment_count,
    cardinality(keys) AS key_count,
    key_version,
    date_diff('minute', received_at, arrived_at) / 60.0 AS lateness_hours,
    row_number() OVER (PARTITION BY mail_id ORDER BY arrived_at, received_at) > 1 AS duplicate
FROM mails
WHERE dt IN (:hours) AND "$path" IN (:objects)
