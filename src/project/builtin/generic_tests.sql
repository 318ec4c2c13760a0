{# The four generic tests: each a query whose rows are the failures. #}

{% test unique(model, column_name) %}
{{ return(adapter.dispatch('test_unique', 'dbt')(model, column_name)) }}
{% endtest %}
{% macro default__test_unique(model, column_name) %}
SELECT {{ column_name }} AS unique_field, count(*) AS n_records
FROM {{ model }}
WHERE {{ column_name }} IS NOT NULL
GROUP BY {{ column_name }}
HAVING count(*) > 1
{% endmacro %}

{% test not_null(model, column_name) %}
{{ return(adapter.dispatch('test_not_null', 'dbt')(model, column_name)) }}
{% endtest %}

{# Stored failures are read by people, who need the whole row; for counting, one column is cheaper. #}
{% macro default__test_not_null(model, column_name) %}
SELECT {{ '*' if should_store_failures() else column_name }}
FROM {{ model }}
WHERE {{ column_name }} IS NULL
{% endmacro %}

{% test accepted_values(model, column_name, values, quote=True) %}
{{ return(adapter.dispatch('test_accepted_values', 'dbt')(model, column_name, values, quote)) }}
{% endtest %}
{% macro default__test_accepted_values(model, column_name, values, quote=True) %}
WITH counted AS (
    SELECT {{ column_name }} AS value_field, count(*) AS n_records
    FROM {{ model }}
    GROUP BY {{ column_name }}
)
SELECT *
FROM counted
WHERE value_field NOT IN (
    {% for value in values -%}
    {{ "'" ~ value ~ "'" if quote else value }}{{ ', ' if not loop.last }}
    {%- endfor %}
)
{% endmacro %}

{% test relationships(model, column_name, to, field) %}
{{ return(adapter.dispatch('test_relationships', 'dbt')(model, column_name, to, field)) }}
{% endtest %}

{# A join and not NOT IN, which one NULL among the parents would make blind. #}
{% macro default__test_relationships(model, column_name, to, field) %}
WITH child AS (
    SELECT {{ column_name }} AS from_field
    FROM {{ model }}
    WHERE {{ column_name }} IS NOT NULL
),
parent AS (
    SELECT {{ field }} AS to_field
    FROM {{ to }}
)
SELECT child.from_field
FROM child
LEFT JOIN parent ON child.from_field = parent.to_field
WHERE parent.to_field IS NULL
{% endmacro %}
