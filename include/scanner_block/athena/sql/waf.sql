-- WAF's logs: one JSON object a line (WAF developer guide, "Log fields for web ACL traffic"). The whole line is parsed
-- before a field is read: json_extract_scalar alone would take fields from the beginning of a line that was cut.
SELECT
    object,
    line,
    CAST(NULL AS varchar) AS header,
    moment,
    client,
    coalesce(json_extract_scalar(document, '$.httpRequest.uri'), '') AS asked,
    TRUE AS counts,
    CASE
        WHEN document IS NULL THEN 'it is no JSON document'
        WHEN moment IS NULL THEN 'timestamp is none'
        WHEN client IS NULL OR NOT regexp_like(client, :address) THEN 'clientIp is no address'
    END AS reason
FROM (
    SELECT
        *,
        CASE
            WHEN regexp_like(milliseconds, '\A[0-9]{1,15}\z') AND CAST(milliseconds AS bigint) <= :last_timestamp
                THEN CAST(milliseconds AS bigint) / 1000
        END AS moment
    FROM (
        SELECT
            object,
            line,
            document,
            json_format(json_extract(document, '$.timestamp')) AS milliseconds,
            json_extract_scalar(document, '$.httpRequest.clientIp') AS client
        FROM (
            SELECT "$path" AS object, line, try(json_parse(line)) AS document
            FROM {table}
            WHERE {objects} AND NOT regexp_like(line, :passed_over)
        ) AS raw_lines
    ) AS split_lines
) AS timed
