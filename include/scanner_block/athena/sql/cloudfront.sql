-- CloudFront's standard logs: tabs between fields, in the order of the object's #Fields line or else the standard one
-- (CloudFront developer guide, "Standard logging reference"). A field the header does not name has place 0.
SELECT
    object,
    line,
    header,
    moment,
    client,
    asked,
    status IN (:statuses)
        AND NOT (:ignore_blocks = 1 AND status = '403' AND coalesce(detail, '') = 'InvalidRequestBlocked') AS counts,
    CASE
        WHEN 0 IN (day_place, clock_place, client_place, path_place, status_place)
            THEN 'the #Fields header lacks a field that is needed'
        WHEN day IS NULL OR clock IS NULL OR client IS NULL OR asked IS NULL OR status IS NULL
            THEN concat('it has only ', CAST(cardinality(cells) AS varchar), ' fields')
        WHEN moment IS NULL THEN 'date and time are none'
        WHEN NOT regexp_like(client, :address) THEN 'c-ip is no address'
        WHEN NOT regexp_like(status, '\A[0-9]{3}\z') THEN 'sc-status is no status'
    END AS reason
FROM (
    SELECT
        *,
        CASE
            WHEN regexp_like(day, '\A[0-9]{4}-[0-9]{2}-[0-9]{2}\z') AND NOT starts_with(day, '0000')
                AND regexp_like(clock, :clock)
                THEN date_diff('second', TIMESTAMP '1970-01-01 00:00:00', try_cast(concat(day, ' ', clock) AS timestamp))
        END AS moment
    FROM (
        SELECT
            *,
            element_at(cells, nullif(day_place, 0)) AS day,
            element_at(cells, nullif(clock_place, 0)) AS clock,
            element_at(cells, nullif(client_place, 0)) AS client,
            element_at(cells, nullif(path_place, 0)) AS asked,
            element_at(cells, nullif(status_place, 0)) AS status,
            element_at(cells, nullif(detail_place, 0)) AS detail
        FROM (
            SELECT
                object,
                line,
                array_join(names, ' ') AS header,
                split(line, chr(9)) AS cells,
                coalesce(max(array_position(names, 'date')) OVER (PARTITION BY object), 1) AS day_place,
                coalesce(max(array_position(names, 'time')) OVER (PARTITION BY object), 2) AS clock_place,
                coalesce(max(array_position(names, 'c-ip')) OVER (PARTITION BY object), 5) AS client_place,
                coalesce(max(array_position(names, 'cs-uri-stem')) OVER (PARTITION BY object), 8) AS path_place,
                coalesce(max(array_position(names, 'sc-status')) OVER (PARTITION BY object), 9) AS status_place,
                coalesce(
                    max(array_position(names, 'x-edge-detailed-result-type')) OVER (PARTITION BY object), 29
                ) AS detail_place
            FROM (
                SELECT
                    "$path" AS object,
                    line,
                    CASE
                        WHEN starts_with(line, '#Fields:')
                            THEN regexp_split(regexp_replace(substr(line, 9), '\A[ \t]+|[ \t]+\z', ''), '[ \t]+')
                    END AS names
                FROM {table}
                WHERE {objects}
            ) AS raw_lines
            WHERE names IS NOT NULL OR NOT regexp_like(line, :passed_over)
        ) AS placed
    ) AS split_lines
) AS timed
