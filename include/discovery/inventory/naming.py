"""The `server_id` of each machine: the source's own where it has one, unique, the same for rows in any order."""

from __future__ import annotations

from typing import Any


def name_machines(connection: Any) -> None:
    """Create `inv_servers` (machine in the order of server_id, server_id, plain) and put that machine into `inv_rows`.

    `plain` is the id before a suffix. Of several machines with one id, the one whose keys come first keeps it.
    """
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE inv_plain AS
        SELECT machine, trim(coalesce(arg_min(own_id, row_no), arg_min(external_id, row_no),
            arg_min(moref || '@' || vcenter_id, row_no), arg_min(smbios_id, row_no), arg_min(hostname, row_no),
            arg_min(vm_name, row_no), arg_min(fqdn, row_no), arg_min(ref, row_no))) AS plain
        FROM inv_rows JOIN inv_machines USING (row_no) GROUP BY machine
        """
    ).fetchall()
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE inv_servers AS
        WITH shared AS (FROM inv_plain SELECT machine QUALIFY count(*) OVER (PARTITION BY lower(plain)) > 1),
        digests AS (
            SELECT machine, md5(string_agg(DISTINCT level || key, '|' ORDER BY level || key)) AS digest
            FROM inv_keys JOIN inv_machines USING (row_no) SEMI JOIN shared USING (machine) GROUP BY machine),
        ranked AS (
            SELECT p.machine, plain, digest, row_number() OVER (PARTITION BY lower(plain) ORDER BY digest, p.machine)
                AS place,
                row_number() OVER (PARTITION BY lower(plain), digest ORDER BY p.machine) AS twin
            FROM inv_plain p LEFT JOIN digests USING (machine)),
        named AS (
            SELECT machine AS old, plain, CASE WHEN place = 1 THEN plain
                ELSE plain || '~' || substr(coalesce(digest, ''), 1, 6) || CASE WHEN twin > 1 THEN '-' || twin ELSE ''
                    END
                END AS server_id
            FROM ranked)
        SELECT (row_number() OVER (ORDER BY server_id) - 1)::INTEGER AS machine, * FROM named ORDER BY server_id
        """
    ).fetchall()
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE inv_machines AS SELECT row_no, s.machine FROM inv_machines m "
        "JOIN inv_servers s ON s.old = m.machine"
    ).fetchall()
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE inv_rows AS SELECT machine, count(*) OVER (PARTITION BY machine) AS "
        "machine_rows, r.* "
        "FROM inv_rows r JOIN inv_machines USING (row_no) ORDER BY machine, row_no"
    ).fetchall()
