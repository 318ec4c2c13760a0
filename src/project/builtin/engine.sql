{# What a package may ask about the engine that runs it. #}

{# The answers are those of dbt-core 1.x, whose behaviour this engine has. #}
{% macro is_core_v2() %}{{ return(False) }}{% endmacro %}

{# PostgreSQL has no copy of a table that shares its storage. #}
{% macro can_clone_table() %}{{ return(adapter.dispatch('can_clone_table', 'dbt')()) }}{% endmacro %}
{% macro default__can_clone_table() %}{{ return(False) }}{% endmacro %}
