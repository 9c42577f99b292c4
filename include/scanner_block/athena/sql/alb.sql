-- Load balancers' logs: blanks between fields, the request in the first quotes (Elastic Load Balancing user guide,
-- "Access logs for your Application Load Balancer"). Nothing behind the request is read: clients write there.
SELECT
    object,
    line,
    CAST(NULL AS varchar) AS header,
    moment,
    client,
    asked,
    status IN (:statuses) AS counts,
    CASE
        WHEN status IS NULL THEN concat('it has only ', CAST(cardinality(cells) AS varchar), ' fields')
        WHEN moment IS NULL THEN 'time is none'
        WHEN NOT regexp_like(client, :address) THEN 'client:port is no address'
        WHEN NOT regexp_like(status, '\A([0-9]{3}|-)\z') THEN 'target_status_code is no status'
    END AS reason
FROM (
    SELECT
        *,
        CASE
            WHEN regexp_like(at, '\A[0-9]{4}-[0-9]{2}-[0-9]{2}T') AND NOT starts_with(at, '0000')
                AND regexp_like(substr(at, 12, 8), :clock)
                AND regexp_like(substr(at, 20), '\A([.][0-9]+)?Z\z')
                THEN date_diff(
                    'second', TIMESTAMP '1970-01-01 00:00:00',
                    try_cast(concat(substr(at, 1, 10), ' ', substr(at, 12, 8)) AS timestamp)
                )
        END AS moment
    FROM (
        SELECT
            object,
            line,
            cells,
            element_at(cells, 2) AS at,
            element_at(cells, 4) AS client,
            element_at(cells, 10) AS status,
            coalesce(regexp_extract(line, :request, 1), '') AS asked
        FROM (
            SELECT "$path" AS object, line, split(line, ' ') AS cells
            FROM {table}
            WHERE {objects} AND NOT regexp_like(line, :passed_over)
        ) AS raw_lines
    ) AS split_lines
) AS timed
