{# Privileges: what a relation has, what the configuration wants, and the statements between the two. #}

{# Whether a replaced relation keeps its privileges by itself. In PostgreSQL a new relation starts without any. #}
{% macro copy_grants() %}{{ return(adapter.dispatch('copy_grants', 'dbt')()) }}{% endmacro %}
{% macro default__copy_grants() %}{{ return(True) }}{% endmacro %}
{% macro postgres__copy_grants() %}{{ return(False) }}{% endmacro %}

{% macro support_multiple_grantees_per_dcl_statement() -%}
{{ return(adapter.dispatch('support_multiple_grantees_per_dcl_statement', 'dbt')()) }}
{%- endmacro %}
{% macro default__support_multiple_grantees_per_dcl_statement() %}{{ return(True) }}{% endmacro %}

{# Only a relation that outlives the run, or that inherits, can have privileges to take away. #}
{% macro should_revoke(existing_relation, full_refresh_mode=True) -%}
{% if not existing_relation %}{{ return(False) }}{% endif %}
{{ return(copy_grants() if full_refresh_mode else True) }}
{%- endmacro %}

{# Rows of grantee and privilege: those that the present role has given to others. #}
{% macro get_show_grant_sql(relation) -%}
{{ return(adapter.dispatch('get_show_grant_sql', 'dbt')(relation)) }}
{%- endmacro %}
{% macro default__get_show_grant_sql(relation) -%}
SELECT grantee, privilege_type
FROM {{ relation.information_schema('role_table_grants') }}
WHERE grantor = current_role
    AND grantee <> current_role
    AND table_schema = '{{ dbt.escape_single_quotes(relation.schema) }}'
    AND table_name = '{{ dbt.escape_single_quotes(relation.identifier) }}'
{%- endmacro %}
{% macro postgres__get_show_grant_sql(relation) %}{{ return(default__get_show_grant_sql(relation)) }}{% endmacro %}

{# Grantees as written, because a configuration may say `"Jane"` or `group readers`. #}
{% macro get_grant_sql(relation, privilege, grantees) -%}
{{ return(adapter.dispatch('get_grant_sql', 'dbt')(relation, privilege, grantees)) }}
{%- endmacro %}
{% macro default__get_grant_sql(relation, privilege, grantees) -%}
GRANT {{ privilege }} ON {{ relation }} TO {{ grantees | join(', ') }}
{%- endmacro %}

{# Grantees quoted, because the catalogue gave their names. #}
{% macro get_revoke_sql(relation, privilege, grantees) -%}
{{ return(adapter.dispatch('get_revoke_sql', 'dbt')(relation, privilege, grantees)) }}
{%- endmacro %}
{% macro default__get_revoke_sql(relation, privilege, grantees) -%}
REVOKE {{ privilege }} ON {{ relation }} FROM {{ get_quoted_csv(grantees) }}
{%- endmacro %}

{# One statement a privilege; `get_dcl_macro` is get_grant_sql or get_revoke_sql. #}
{% macro get_dcl_statement_list(relation, grant_config, get_dcl_macro) -%}
{{ return(adapter.dispatch('get_dcl_statement_list', 'dbt')(relation, grant_config, get_dcl_macro)) }}
{%- endmacro %}
{% macro default__get_dcl_statement_list(relation, grant_config, get_dcl_macro) -%}
{% set statements = [] %}
{% for privilege, grantees in grant_config.items() if grantees %}
    {% if support_multiple_grantees_per_dcl_statement() %}
        {% do statements.append(get_dcl_macro(relation, privilege, grantees)) %}
    {% else %}
        {% for grantee in grantees %}
            {% do statements.append(get_dcl_macro(relation, privilege, [grantee])) %}
        {% endfor %}
    {% endif %}
{% endfor %}
{{ return(statements) }}
{%- endmacro %}

{% macro call_dcl_statements(dcl_statement_list) -%}
{{ return(adapter.dispatch('call_dcl_statements', 'dbt')(dcl_statement_list)) }}
{%- endmacro %}
{% macro default__call_dcl_statements(dcl_statement_list) -%}
{% call statement('grants') %}{{ dcl_statement_list | join(';\n') }}{% endcall %}
{%- endmacro %}

{# Without configuration nothing is touched; with it, and if should_revoke, what it does not name is taken away. #}
{% macro apply_grants(relation, grant_config, should_revoke) -%}
{{ return(adapter.dispatch('apply_grants', 'dbt')(relation, grant_config, should_revoke)) }}
{%- endmacro %}
{% macro default__apply_grants(relation, grant_config, should_revoke=True) -%}
{% if not grant_config %}{{ return('') }}{% endif %}
{% set present = adapter.standardize_grants_dict(run_query(get_show_grant_sql(relation))) if should_revoke else {} %}
{% set statements = get_dcl_statement_list(relation, diff_of_two_dicts(present, grant_config), get_revoke_sql)
    + get_dcl_statement_list(relation, diff_of_two_dicts(grant_config, present), get_grant_sql) %}
{% if statements %}{% do call_dcl_statements(statements) %}{% endif %}
{%- endmacro %}
