{#
  What each column of a raw table holds, source by source: a SELECT of source, column_name, column_number, row_count,
  null_count, null_share, distinct_count, minimum, maximum, is_personal, description. `columns` are pairs of name and kind:
  person and person date (lead to a person), boolean, timestamptz, date, text, numeric. One pass over the table, whatever their number.
  Columns that lead to a person show no range: the smallest of a few is somebody.
#}
{% macro column_figures(table, columns) -%}
{%- set ranged = ['timestamptz', 'date', 'text', 'numeric'] -%}
SELECT
        n.source,
        k.column_name,
        k.column_number::integer AS column_number,
        n.row_count,
        n.row_count - k.filled AS null_count,
        ((n.row_count - k.filled) / n.row_count::numeric)::float8 AS null_share,
        k.distinct_count,
        left(k.minimum, 200) AS minimum,
        left(k.maximum, 200) AS maximum,
        k.is_personal,
        pg_catalog.col_description(a.attrelid, a.attnum) AS description
    FROM (
        SELECT
            o.source,
            count(*) AS row_count
            {%- for name, kind in columns %},
            count(o.{{ name }}) AS {{ name }}_filled,
            count(DISTINCT {{ hash_of('o.' ~ name, kind) }}) AS {{ name }}_distinct
            {%- if kind in ranged %},
            min(o.{{ name }}{{ ' COLLATE "C"' if kind == 'text' }}) AS {{ name }}_min,
            max(o.{{ name }}{{ ' COLLATE "C"' if kind == 'text' }}) AS {{ name }}_max
            {%- endif %}
            {%- endfor %}
        FROM {{ raw_rows(table) }} AS o
        GROUP BY o.source
    ) AS n
    CROSS JOIN LATERAL (
        VALUES
        {%- for name, kind in columns %}
            {%- set utc = " AT TIME ZONE 'UTC'" if kind == 'timestamptz' else '' %}
            (
                '{{ name }}', {{ loop.index }}, n.{{ name }}_filled, n.{{ name }}_distinct,
                {{ '(n.' ~ name ~ '_min' ~ utc ~ ')::text' if kind in ranged else 'NULL' }},
                {{ '(n.' ~ name ~ '_max' ~ utc ~ ')::text' if kind in ranged else 'NULL' }},
                {{ 'true' if kind in ['person', 'person date'] else 'false' }}
            ){{ ',' if not loop.last }}
        {%- endfor %}
    ) AS k (column_name, column_number, filled, distinct_count, minimum, maximum, is_personal)
    LEFT JOIN pg_catalog.pg_attribute AS a
        ON a.attrelid = '{{ source('raw', table) }}'::regclass
            AND a.attname = k.column_name
{%- endmacro %}
