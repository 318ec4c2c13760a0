{# Hooks: statements around a node, inside its transaction or outside of it. #}

{# The form in which a hook says where it wants to run. #}
{% macro make_hook_config(sql, inside_transaction) -%}
{{ tojson({'sql': sql, 'transaction': inside_transaction}) }}
{%- endmacro %}
{% macro before_begin(sql) %}{{ make_hook_config(sql, inside_transaction=False) }}{% endmacro %}
{% macro in_transaction(sql) %}{{ make_hook_config(sql, inside_transaction=True) }}{% endmacro %}
{% macro after_commit(sql) %}{{ make_hook_config(sql, inside_transaction=False) }}{% endmacro %}

{# Keeps a statement that the node wants to have run just before its own. #}
{% macro set_sql_header(config) -%}
{{ config.set('sql_header', caller()) }}
{%- endmacro %}

{# A hook that belongs outside ends the open transaction first, since it may be a VACUUM. #}
{% macro run_hooks(hooks, inside_transaction=True) -%}
{% for hook in hooks | selectattr('transaction', 'equalto', inside_transaction) %}
    {% if loop.first and not inside_transaction %}
        {% call statement(auto_begin=inside_transaction) %}COMMIT{% endcall %}
    {% endif %}
    {% set text = render(hook.get('sql')) | trim %}
    {% if text %}{% call statement(auto_begin=inside_transaction) %}{{ text }}{% endcall %}{% endif %}
{% endfor %}
{%- endmacro %}
