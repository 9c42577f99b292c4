-- What the lines of some objects say, one row for each distinct (object, kind, at, client, uri, path, reason).
-- kind: header, again (only the file reader can read the object rightly), unreadable, counted, or fine: readable, but
-- nothing that counts. The table is named once, in the inner query, so that Athena reads each object once.
SELECT
    object,
    log_format,
    kind,
    at,
    max(CASE WHEN kind = 'counted' THEN moment END) AS last,
    client,
    uri,
    path,
    reason,
    count(*) AS requests,
    min(CASE WHEN kind = 'unreadable' THEN substr(line, 1, 200) END) AS beginning
FROM (
    SELECT
        object,
        line,
        moment,
        kind,
        :log_format AS log_format,
        CASE WHEN kind = 'counted' THEN moment - (moment % :step + :step) % :step END AS at,
        CASE WHEN kind IN ('counted', 'fine') THEN client END AS client,
        CASE WHEN kind = 'counted' AND asked IN (:uris) THEN asked END AS uri,
        CASE
            WHEN kind = 'counted' AND :hashes = 1 THEN substr(lower(to_hex(md5(to_utf8(asked)))), 1, 16)
        END AS path,
        CASE WHEN kind = 'header' THEN header WHEN kind = 'unreadable' THEN reason END AS reason
    FROM (
        SELECT
            object,
            line,
            header,
            moment,
            client,
            asked,
            reason,
            CASE
                WHEN header IS NOT NULL THEN 'header'
                WHEN length(line) > :longest OR (:is_json = 1 AND strpos(line, chr(65533)) > 0) THEN 'again'
                WHEN reason IS NOT NULL THEN 'unreadable'
                WHEN NOT counts OR regexp_like(asked, :ignored) THEN 'fine'
                WHEN :hashes = 1 AND strpos(asked, chr(65533)) > 0 THEN 'again'
                ELSE 'counted'
            END AS kind
        FROM (
{lines}
        ) AS read_lines
    ) AS judged
) AS counted_lines
GROUP BY object, log_format, kind, at, client, uri, path, reason
