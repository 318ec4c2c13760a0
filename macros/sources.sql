{#
  A table of raw, with the rows of relations beside it that mappings read where they stand. Read raw tables by it, and not
  by source('raw', ...), so that a source may be files today and a table tomorrow.
#}
{% macro raw_rows(table) -%}
{{ ref('stg_raw_' ~ table) if table in var('relation_tables', []) else source('raw', table) }}
{%- endmacro %}
