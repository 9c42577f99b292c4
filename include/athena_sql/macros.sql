-- Trino's semantics where DuckDB's differ. Every statement ends with a semicolon at the end of a line.
-- ath_fail stops the query with "[CODE] words" and can take any type; unlike error() it may stand inside TRY.
CREATE OR REPLACE MACRO ath_fail(words, kind) AS list_extract([CASE WHEN false THEN kind END], CAST(words AS INTEGER));
CREATE OR REPLACE MACRO ath_checked(outcome, source, valid, words) AS
    CASE WHEN source IS NULL THEN NULL WHEN valid AND outcome IS NOT NULL THEN outcome
         ELSE ath_fail(concat('[INVALID_CAST_ARGUMENT] ', words), outcome) END;
CREATE OR REPLACE MACRO ath_unless(outcome, source, valid, words) AS CASE WHEN valid THEN outcome END;
CREATE OR REPLACE MACRO ath_require(valid, words, outcome) AS
    CASE WHEN valid IS NULL OR valid THEN outcome ELSE ath_fail(concat('[INVALID_FUNCTION_ARGUMENT] ', words), outcome) END;

-- Numbers: whole-number division truncates and fails on zero.
CREATE OR REPLACE MACRO ath_divide(a, b) AS CASE WHEN b = 0 THEN ath_fail('[DIVISION_BY_ZERO] Division by zero', a) ELSE a // b END;
CREATE OR REPLACE MACRO ath_modulo(a, b) AS CASE WHEN b = 0 THEN ath_fail('[DIVISION_BY_ZERO] Division by zero', a) ELSE a % b END;
CREATE OR REPLACE MACRO ath_try_divide(a, b) AS a // nullif(b, 0);
CREATE OR REPLACE MACRO ath_try_modulo(a, b) AS a % nullif(b, 0);
CREATE OR REPLACE MACRO ath_divide_half_up(a, b) AS
    sign(a) * sign(b) * ath_divide(2 * abs(a) + abs(b), 2 * abs(b));
CREATE OR REPLACE MACRO ath_truncate(x, n) AS trunc(x * power(10, n)) / power(10, n);
CREATE OR REPLACE MACRO ath_width_bucket(x, low, high, n) AS
    CASE WHEN low < high THEN CASE WHEN x < low THEN 0 WHEN x >= high THEN n + 1 ELSE CAST(floor(n * (x - low) / (high - low)) AS BIGINT) + 1 END
         ELSE CASE WHEN x > low THEN 0 WHEN x <= high THEN n + 1 ELSE CAST(floor(n * (low - x) / (low - high)) AS BIGINT) + 1 END END;

-- Texts: positions count code points, 0 and positions before the start give nothing.
CREATE OR REPLACE MACRO ath_substr(s, start) AS
    CASE WHEN start = 0 OR -start > length(s) THEN '' ELSE substr(s, start) END;
CREATE OR REPLACE MACRO ath_substr_length(s, start, size) AS
    CASE WHEN start = 0 OR size <= 0 OR -start > length(s) THEN ''
         WHEN start < 0 THEN substr(s, length(s) + start + 1, size) ELSE substr(s, start, size) END;
CREATE OR REPLACE MACRO ath_space() AS chr(32) || chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(28) || chr(29) || chr(30) || chr(31);
CREATE OR REPLACE MACRO ath_reverse(s) AS CASE WHEN strlen(s) = length(s) THEN reverse(s) ELSE array_to_string(list_reverse(regexp_extract_all(s, '(?s).')), '') END;
CREATE OR REPLACE MACRO ath_replace(s, search, replacement) AS
    CASE WHEN search = '' THEN replacement || array_to_string(list_transform(regexp_extract_all(s, '(?s).'), lambda c: c || replacement), '')
         ELSE replace(s, search, replacement) END;
CREATE OR REPLACE MACRO ath_chr(n) AS
    ath_require(n BETWEEN 0 AND 1114111 AND n NOT BETWEEN 55296 AND 57343, concat('Not a valid Unicode code point: ', n), chr(CAST(n AS INTEGER)));
CREATE OR REPLACE MACRO ath_codepoint(s) AS ath_require(length(s) = 1, 'Input string must be a single character string', unicode(s));
CREATE OR REPLACE MACRO ath_split(s, delimiter) AS
    ath_require(delimiter <> '', 'The delimiter may not be the empty string', string_split(s, delimiter));
CREATE OR REPLACE MACRO ath_split_limit(s, delimiter, most) AS
    ath_require(most > 0, 'Limit must be positive',
        CASE WHEN len(ath_split(s, delimiter)) <= most THEN string_split(s, delimiter)
             ELSE string_split(s, delimiter)[1:most - 1] || [array_to_string(string_split(s, delimiter)[most:], delimiter)] END);
CREATE OR REPLACE MACRO ath_split_part(s, delimiter, n) AS
    ath_require(n > 0, 'Index must be greater than zero',
        CASE WHEN delimiter = '' THEN nullif(substr(s, n, 1), '') ELSE list_extract(string_split(s, delimiter), n) END);
CREATE OR REPLACE MACRO ath_split_to_map(s, entries, pairs) AS map_from_entries(list_transform(
    list_filter(string_split(s, entries), lambda e: e <> ''),
    lambda e: struct_pack(key := ath_require(len(string_split(e, pairs)) = 2, 'Key-value delimiter must appear exactly once in each entry. Bad input: ' || e, string_split(e, pairs)[1]), value := string_split(e, pairs)[2])));
CREATE OR REPLACE MACRO ath_strpos_nth(s, part, n) AS
    CASE WHEN n = 0 THEN ath_fail('[INVALID_FUNCTION_ARGUMENT] ''instance'' must be a positive or negative number.', 0::BIGINT)
         ELSE ath_strpos(s, part, n) END;
CREATE OR REPLACE MACRO ath_levenshtein(a, b) AS
    CASE WHEN strlen(a) = length(a) AND strlen(b) = length(b) THEN levenshtein(a, b) ELSE ath_levenshtein_text(a, b) END;
CREATE OR REPLACE MACRO ath_hamming(a, b) AS
    ath_require(length(a) = length(b), 'The input strings to hamming_distance function must have the same length',
        CASE WHEN strlen(a) = length(a) AND strlen(b) = length(b) AND a <> '' THEN hamming(a, b) ELSE ath_hamming_text(a, b) END);
CREATE OR REPLACE MACRO ath_pad(padded, size, pad) AS
    ath_require(size >= 0 AND pad <> '', 'Target length must not be negative and padding string must not be empty', padded);

-- Arrays: out of range is an error for subscripts and NULL for element_at; comparisons with NULL stay unknown.
CREATE OR REPLACE MACRO ath_subscript(a, i) AS
    CASE WHEN i = 0 THEN ath_fail('[INVALID_FUNCTION_ARGUMENT] SQL array indices start at 1', a[1])
         WHEN i < 0 THEN ath_fail(concat('[INVALID_FUNCTION_ARGUMENT] Array subscript is negative: ', i), a[1])
         WHEN i > len(a) THEN ath_fail(concat('[INVALID_FUNCTION_ARGUMENT] Array subscript must be less than or equal to array length: ', i, ' > ', len(a)), a[1])
         ELSE list_extract(a, i) END;
CREATE OR REPLACE MACRO ath_try_subscript(a, i) AS CASE WHEN i > 0 THEN list_extract(a, i) END;
CREATE OR REPLACE MACRO ath_try_map_subscript(m, k) AS map_extract_value(m, k);
CREATE OR REPLACE MACRO ath_element_at(a, i) AS ath_require(i <> 0, 'SQL array indices start at 1', list_extract(a, i));
CREATE OR REPLACE MACRO ath_slice(a, start, size) AS
    ath_require(size >= 0, 'length must be greater than or equal to 0', ath_require(start <> 0, 'SQL array indices start at 1',
        CASE WHEN -start > len(a) OR size = 0 THEN a[1:0]
             WHEN start < 0 THEN a[len(a) + start + 1:len(a) + start + size] ELSE a[start:start + size - 1] END));
CREATE OR REPLACE MACRO ath_verdict(verdicts, wanted) AS
    CASE WHEN list_contains(verdicts, wanted) THEN wanted WHEN len(list_filter(verdicts, lambda v: v IS NULL)) > 0 THEN NULL
         WHEN verdicts IS NULL THEN NULL ELSE NOT wanted END;
CREATE OR REPLACE MACRO ath_has_null(a) AS len(list_filter(a, lambda v: v IS NULL)) > 0;
CREATE OR REPLACE MACRO ath_contains(a, x) AS
    CASE WHEN x IS NULL OR a IS NULL THEN NULL WHEN list_contains(a, x) THEN true WHEN ath_has_null(a) THEN NULL ELSE false END;
CREATE OR REPLACE MACRO ath_overlap(a, b) AS
    CASE WHEN a IS NULL OR b IS NULL THEN NULL WHEN list_has_any(a, b) THEN true
         WHEN len(a) > 0 AND len(b) > 0 AND (ath_has_null(a) OR ath_has_null(b)) THEN NULL ELSE false END;
CREATE OR REPLACE MACRO ath_position(a, x) AS CASE WHEN x IS NULL OR a IS NULL THEN NULL ELSE CAST(coalesce(list_position(a, x), 0) AS BIGINT) END;
-- An argument that a lambda's body mentions is bound to a lambda's parameter first ("whole"): DuckDB 2.0.0 fails on an
-- aggregate with a lambda inside another lambda.
CREATE OR REPLACE MACRO ath_distinct(a) AS list_transform([a], lambda whole: CASE WHEN len(list_distinct(whole)) = len(whole) THEN whole
    ELSE list_filter(whole, lambda v, i: i = list_position(whole, v) OR (v IS NULL AND NOT ath_has_null(whole[1:i - 1]))) END)[1];
CREATE OR REPLACE MACRO ath_except(a, b) AS list_transform([struct_pack(left_side := a, right_side := b)], lambda whole:
    list_filter(ath_distinct(whole.left_side), lambda v: CASE WHEN v IS NULL THEN NOT ath_has_null(whole.right_side) ELSE NOT list_contains(whole.right_side, v) END))[1];
CREATE OR REPLACE MACRO ath_intersect(a, b) AS list_transform([struct_pack(left_side := a, right_side := b)], lambda whole:
    list_filter(ath_distinct(whole.left_side), lambda v: CASE WHEN v IS NULL THEN ath_has_null(whole.right_side) ELSE list_contains(whole.right_side, v) END))[1];
CREATE OR REPLACE MACRO ath_sequence(low, high, step) AS
    ath_require(step <> 0, 'step must not be zero', ath_require((high >= low) = (step > 0) OR high = low,
        'sequence stop value should be greater than or equal to start value if step is greater than zero otherwise stop should be less than or equal to start',
        ath_require((high - low) // step < 10000, 'result of sequence function must not have more than 10000 entries', generate_series(low, high, step))));
CREATE OR REPLACE MACRO ath_days(low, high) AS
    list_transform(ath_sequence(0, high - low, CASE WHEN low <= high THEN 1 ELSE -1 END), lambda days: low + CAST(days AS INTEGER));
CREATE OR REPLACE MACRO ath_flatten(a) AS flatten(list_filter(a, lambda v: v IS NOT NULL));
CREATE OR REPLACE MACRO ath_ngrams(a, n) AS list_transform([a], lambda whole:
    CASE WHEN len(whole) <= n THEN [whole] ELSE list_transform(generate_series(1, len(whole) - n + 1), lambda i: whole[i:i + n - 1]) END)[1];
CREATE OR REPLACE MACRO ath_repeat(x, n) AS list_transform([x], lambda whole: list_transform(generate_series(1, n), lambda i: whole))[1];
CREATE OR REPLACE MACRO ath_remove(a, x) AS list_transform([x], lambda whole: list_filter(a, lambda v: v IS NULL OR v <> whole))[1];

-- Maps: a key may appear once.
CREATE OR REPLACE MACRO ath_map(k, v) AS ath_require(len(k) = len(v), 'Key and value arrays must be the same length', map(k, v));
CREATE OR REPLACE MACRO ath_map_subscript(m, k) AS
    CASE WHEN m IS NULL OR k IS NULL THEN NULL WHEN map_contains(m, k) THEN map_extract_value(m, k)
         ELSE ath_fail(concat('[INVALID_FUNCTION_ARGUMENT] Key not present in map: ', CAST(k AS VARCHAR)), map_extract_value(m, k)) END;
CREATE OR REPLACE MACRO ath_first_entries(entries) AS list_transform([list_filter(entries, lambda e: e.key IS NOT NULL)], lambda whole:
    CASE WHEN coalesce(len(whole), 0) = 0 THEN NULL
         WHEN len(list_distinct(list_transform(whole, lambda e: e.key))) = len(whole) THEN map_from_entries(whole)
         ELSE map_from_entries(list_filter(whole, lambda e, i: i = list_position(list_transform(whole, lambda x: x.key), e.key))) END)[1];
CREATE OR REPLACE MACRO ath_gathered_entries(entries) AS list_transform([list_filter(entries, lambda e: e.key IS NOT NULL)], lambda whole:
    CASE WHEN len(whole) > 0 THEN map_from_entries(list_transform(
        ath_distinct(list_transform(whole, lambda e: e.key)),
        lambda k: struct_pack(key := k, value := list_transform(list_filter(whole, lambda e: e.key = k), lambda e: e.value)))) END)[1];

-- Dates and times.
CREATE OR REPLACE MACRO ath_round_time(t, digits) AS
    date_trunc('microsecond', t + to_microseconds(CAST(CASE WHEN epoch_us(t) % power(10, 6 - digits)::BIGINT >= power(10, 6 - digits) / 2
        THEN power(10, 6 - digits)::BIGINT ELSE 0 END - ((epoch_us(t) % power(10, 6 - digits)::BIGINT) + power(10, 6 - digits)::BIGINT) % power(10, 6 - digits)::BIGINT AS BIGINT)));
CREATE OR REPLACE MACRO ath_iso_offset(minutes) AS
    CASE WHEN minutes = 0 THEN 'Z' ELSE printf('%s%02d:%02d', CASE WHEN minutes < 0 THEN '-' ELSE '+' END, abs(minutes) // 60, abs(minutes) % 60) END;
CREATE OR REPLACE MACRO ath_iso_date(s) AS
    ath_require(regexp_full_match(s, '[0-9]{4}-[0-9]{2}-[0-9]{2}') AND (s IS NULL OR TRY_CAST(s AS DATE) IS NOT NULL), concat('Invalid format: "', s, '"'), TRY_CAST(s AS DATE));
CREATE OR REPLACE MACRO ath_iso_timestamp(s) AS
    CASE WHEN regexp_full_match(s, '[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?Z?') THEN CAST(s AS TIMESTAMPTZ) ELSE
    ath_require(regexp_full_match(s, '[0-9]{4}-[0-9]{2}-[0-9]{2}(T([0-9]{2}(:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?'),
        concat('Invalid format: "', s, '"'),
        CAST(regexp_replace(regexp_replace(regexp_replace(s, 'T([0-9]{2})([Z+-].*)?$', 'T\1:00\2'), 'T$', ''), 'T([0-9]{2}:[0-9]{2})([Z+-].*)?$', 'T\1:00\2') AS TIMESTAMPTZ)) END;
CREATE OR REPLACE MACRO ath_iso_timestamp_utc(s) AS
    CASE WHEN regexp_matches(s, 'T.*[+-][0-9:]*$') AND NOT regexp_matches(s, '[+-]00:?(00)?$')
         THEN ath_fail(concat('[NOT_SUPPORTED] The zone of ', s, ' would be lost: write from_iso8601_timestamp(x) AT TIME ZONE ''UTC'''), ath_iso_timestamp(s))
         ELSE ath_iso_timestamp(s) END;
CREATE OR REPLACE MACRO ath_parsed(t, s) AS t;
CREATE OR REPLACE MACRO ath_parsed_utc(t, s) AS
    CASE WHEN regexp_matches(s, '[+-](00:?[0-9]*[1-9]|0[1-9]|1[0-9])[0-9:]*\s*$')
         THEN ath_fail(concat('[NOT_SUPPORTED] The zone of ', s, ' would be lost: write parse_datetime(...) AT TIME ZONE ''UTC'''), t) ELSE t END;
CREATE OR REPLACE MACRO ath_day_interval_text(i) AS
    concat(CASE WHEN epoch_ms(i) < 0 THEN '-' ELSE '' END, abs(epoch_ms(i)) // 86400000, ' ',
        printf('%02d:%02d:%02d.%03d', abs(epoch_ms(i)) % 86400000 // 3600000, abs(epoch_ms(i)) % 3600000 // 60000, abs(epoch_ms(i)) % 60000 // 1000, abs(epoch_ms(i)) % 1000));
CREATE OR REPLACE MACRO ath_months(i) AS datepart('year', i) * 12 + datepart('month', i);
CREATE OR REPLACE MACRO ath_month_interval_text(i) AS
    concat(CASE WHEN ath_months(i) < 0 THEN '-' ELSE '' END, abs(ath_months(i)) // 12, '-', abs(ath_months(i)) % 12);

-- JSON: a malformed document gives NULL.
CREATE OR REPLACE MACRO ath_json_extract(j, path) AS CASE WHEN json_valid(j) THEN json_extract(j, path) END;
CREATE OR REPLACE MACRO ath_json_scalar(j, path) AS
    CASE WHEN json_valid(j) AND json_type(j, path) NOT IN ('OBJECT', 'ARRAY', 'NULL') THEN json_extract_string(j, path) END;
CREATE OR REPLACE MACRO ath_json_size(j, path) AS
    CASE WHEN NOT json_valid(j) THEN NULL ELSE CASE json_type(j, path) WHEN 'OBJECT' THEN len(json_keys(j, path)) WHEN 'ARRAY' THEN CAST(json_array_length(j, path) AS BIGINT)
         WHEN NULL THEN NULL ELSE CASE WHEN json_type(j, path) IS NOT NULL THEN 0::BIGINT END END END;
CREATE OR REPLACE MACRO ath_json_length(j) AS CASE WHEN json_valid(j) AND json_type(j) = 'ARRAY' THEN CAST(json_array_length(j) AS BIGINT) END;
CREATE OR REPLACE MACRO ath_json_has(j, kinds, x) AS
    CASE WHEN json_valid(j) AND json_type(j) = 'ARRAY' AND x IS NOT NULL
         THEN len(list_filter(CAST(j AS JSON[]), lambda e: list_contains(kinds, json_type(e)) AND json_extract_string(e, '$') = x)) > 0 END;
CREATE OR REPLACE MACRO ath_json_field(j, name, i) AS
    CASE json_type(j) WHEN 'ARRAY' THEN json_extract(j, concat('$[', i, ']')) ELSE json_extract(j, concat('$."', name, '"')) END;
CREATE OR REPLACE MACRO ath_json_text(j, target) AS
    CASE WHEN json_type(j) IN ('OBJECT', 'ARRAY') THEN ath_fail(concat('[INVALID_CAST_ARGUMENT] Cannot cast to ', target, '. Unexpected token in JSON: ', CAST(j AS VARCHAR)), '')
         WHEN json_type(j) = 'NULL' THEN NULL ELSE json_extract_string(j, '$') END;
CREATE OR REPLACE MACRO ath_json_whole(s) AS
    CASE WHEN s IS NULL THEN NULL WHEN s = 'true' THEN 1 WHEN s = 'false' THEN 0
         WHEN regexp_full_match(s, '[+-]?[0-9]+') THEN CAST(s AS BIGINT)
         ELSE CAST(round(ath_checked(TRY_CAST(s AS DOUBLE), s, true, concat('Cannot cast ''', s, ''' to BIGINT'))) AS BIGINT) END;

-- URLs as java.net.URI reads them: what it cannot parse gives NULL, a part that is missing gives ''.
-- Plain ASCII URLs with a plain host go the fast way: one pattern without groups, then simple functions.
CREATE OR REPLACE MACRO ath_plain_url(u) AS
    regexp_full_match(u, '[A-Za-z][A-Za-z0-9+.-]*://(?:(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.?|(?:[0-9]{1,3}\.){3}[0-9]{1,3})(?::[0-9]+)?(?:/(?:[A-Za-z0-9_.!~*''();:@&=+$,/-]|%[0-9A-Fa-f]{2})*)?(?:\?(?:[A-Za-z0-9_.!~*''();:@&=+$,/?\[\]-]|%[0-9A-Fa-f]{2})*)?(?:#(?:[A-Za-z0-9_.!~*''();:@&=+$,/?\[\]-]|%[0-9A-Fa-f]{2})*)?');
CREATE OR REPLACE MACRO ath_after_scheme(u) AS split_part(substr(u, strpos(u, '://') + 3), '#', 1);
CREATE OR REPLACE MACRO ath_tail(s, mark) AS CASE WHEN contains(s, mark) THEN substr(s, strpos(s, mark)) ELSE '' END;
CREATE OR REPLACE MACRO ath_uri() AS
    '^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://((?:[A-Za-z0-9_.!~*''();:@&=+$,\x{80}-\x{10FFFF}\[\]-]|%[0-9A-Fa-f]{2})*))?((?:[A-Za-z0-9_.!~*''();:@&=+$,/\x{A1}-\x{10FFFF}-]|%[0-9A-Fa-f]{2})*)(?:\?((?:[A-Za-z0-9_.!~*''();:@&=+$,/?\x{A1}-\x{10FFFF}\[\]-]|%[0-9A-Fa-f]{2})*))?(?:#((?:[A-Za-z0-9_.!~*''();:@&=+$,/?\x{A1}-\x{10FFFF}\[\]-]|%[0-9A-Fa-f]{2})*))?$';
CREATE OR REPLACE MACRO ath_is_uri(u) AS
    regexp_matches(u, ath_uri()) AND NOT regexp_matches(u, '^[A-Za-z][A-Za-z0-9+.-]*:(#|$)|^(:|//(/|$)|[0-9+.-][A-Za-z0-9+.-]*:)|^[^/?#]*[^A-Za-z0-9+./?#-][^/?#]*:.*$|://(/|\?|#|$)');
CREATE OR REPLACE MACRO ath_opaque(u) AS regexp_matches(u, '^[A-Za-z][A-Za-z0-9+.-]*:[^/]');
CREATE OR REPLACE MACRO ath_uri_part(u, n) AS CASE WHEN ath_is_uri(u) THEN CASE WHEN n IN (3, 4) AND ath_opaque(u) THEN '' ELSE regexp_extract(u, ath_uri(), n) END END;
CREATE OR REPLACE MACRO ath_percent_decoded(s) AS CASE WHEN contains(s, '%') THEN url_decode(s) ELSE s END;
CREATE OR REPLACE MACRO ath_url_protocol(u) AS CASE WHEN ath_plain_url(u) THEN split_part(u, '://', 1) ELSE ath_uri_part(u, 1) END;
CREATE OR REPLACE MACRO ath_slow_host(u) AS regexp_extract(ath_uri_part(u, 2),
    '^(?:[^@]*@)?((?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.?|(?:[0-9]{1,3}\.){3}[0-9]{1,3}|\[[0-9A-Fa-f:.%]+\])(?::[0-9]*)?$', 1);
CREATE OR REPLACE MACRO ath_url_host(u) AS
    CASE WHEN ath_plain_url(u) THEN regexp_extract(u, '^[^:]+://([^/:?#]+)', 1) ELSE ath_slow_host(u) END;
CREATE OR REPLACE MACRO ath_url_port(u) AS CASE WHEN ath_plain_url(u) THEN TRY_CAST(regexp_extract(u, '^[^:]+://[^/:?#]+:([0-9]+)', 1) AS BIGINT)
    WHEN ath_slow_host(u) <> '' THEN TRY_CAST(regexp_extract(ath_uri_part(u, 2), ':([0-9]+)$', 1) AS BIGINT) END;
CREATE OR REPLACE MACRO ath_url_path(u) AS ath_percent_decoded(
    CASE WHEN ath_plain_url(u) THEN ath_tail(split_part(ath_after_scheme(u), '?', 1), '/') ELSE ath_uri_part(u, 3) END);
CREATE OR REPLACE MACRO ath_raw_query(u) AS
    CASE WHEN ath_plain_url(u) THEN substr(ath_tail(ath_after_scheme(u), '?'), 2) ELSE ath_uri_part(u, 4) END;
CREATE OR REPLACE MACRO ath_url_query(u) AS ath_percent_decoded(ath_raw_query(u));
CREATE OR REPLACE MACRO ath_url_decode(s) AS
    CASE WHEN NOT contains(s, '%') THEN replace(s, '+', ' ') ELSE
    ath_require(NOT regexp_matches(regexp_replace(s, '%[0-9A-Fa-f]{2}', '', 'g'), '%'), concat('URLDecoder: malformed escape in ', s), url_decode(replace(s, '+', ' '))) END;
CREATE OR REPLACE MACRO ath_url_parameter(u, name) AS
    ath_url_decode(list_extract(list_transform(list_filter(CASE WHEN regexp_matches(u, '^[^#]*\?') AND ath_raw_query(u) IS NOT NULL AND NOT ath_opaque(u) THEN string_split(ath_raw_query(u), '&') END,
        lambda p: split_part(p, '=', 1) = name), lambda p: substr(p, length(name) + 2)), 1));
CREATE OR REPLACE MACRO ath_url_encode(s) AS
    regexp_replace(replace(replace(replace(url_encode(s), '%20', '+'), '%2A', '*'), '~', '%7E'), '%2a', '*', 'g');

-- IP addresses: IPv4 in arithmetic, everything else in Python.
CREATE OR REPLACE MACRO ath_ip4(a) AS
    split_part(a, '.', 1)::BIGINT * 16777216 + split_part(a, '.', 2)::BIGINT * 65536 + split_part(a, '.', 3)::BIGINT * 256 + split_part(a, '.', 4)::BIGINT;
CREATE OR REPLACE MACRO ath_ip_contains(network, address) AS
    CASE WHEN regexp_full_match(network, '([0-9]{1,2}|1[0-9][0-9]|2[0-4][0-9]|25[0-5])([.]([0-9]{1,2}|1[0-9][0-9]|2[0-4][0-9]|25[0-5])){3}/([0-9]|[12][0-9]|3[0-2])') AND NOT contains(address, ':')
         THEN ath_ip4(split_part(network, '/', 1)) >> (32 - split_part(network, '/', 2)::INTEGER) = ath_ip4(address) >> (32 - split_part(network, '/', 2)::INTEGER)
         ELSE ath_ip_in_network(network, address) END;
