{#
  A table of raw, with the rows of relations beside it that mappings read where they stand. Read raw tables by it, and not
  by source('raw', ...), so that a source may be files today and a table tomorrow.
#}
{% macro raw_rows(table) -%}
{{ ref('stg_raw_' ~ table) if table in var('relation_tables', []) else source('raw', table) }}
{%- endmacro %}
{#
  Rows that stand rejected, of files and of relations: a SELECT of source, table_name, column_name, reason, file_name, row_count. A load
  is never changed later, and its rejected rows may have been tried again since: so they are counted where they lie.
#}
{% macro rejects() -%}
SELECT
        r.source,
        COALESCE(l.table_name, 'orders') AS table_name,
        r.column_name,
        r.reason,
        r.file_name,
        1::bigint AS row_count
    FROM {{ source('raw', 'rejected_rows') }} AS r
    LEFT JOIN {{ source('raw', 'loads') }} AS l
        ON l.load_id = r.load_id
    {%- if var('relation_tables', []) %}
    UNION ALL
    SELECT
        n.source,
        n.table_name,
        n.column_name,
        n.reason,
        n.relation,
        n.row_count
    FROM {{ ref('stg_relation_rejects') }} AS n
    {%- endif %}
{%- endmacro %}
