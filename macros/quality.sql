{#
  A hash of a value of any type: distinct hashes are counted by sorting numbers, not texts in the order of a language. An instant is a
  number already, of which PostgreSQL hashes 32 bits only.
#}
{% macro hash_of(column, kind) -%}
{%- if kind == 'numeric' -%} hash_numeric_extended({{ column }}, 0)
{%- elif kind == 'timestamptz' -%} {{ column }}
{%- elif kind in ['date', 'person date'] -%} ({{ column }} - DATE '2000-01-01')::bigint
{%- elif kind == 'boolean' -%} ({{ column }})::integer::bigint
{%- else -%} hashtextextended({{ column }}, 0)
{%- endif -%}
{%- endmacro %}

{#
  A value about a person as it may be shown: a***@d***.com of an email, initials of a name, and of everything else that
  there is something. Ids take pseudonym() instead.
#}
{% macro masked(column, kind='text') -%}
{%- if kind == 'email' -%}
CASE
        WHEN {{ column }} ~ '^[^@]+@[^@.][^@]*\.[^@.]+$'
            THEN regexp_replace({{ column }}, '^(.)[^@]*@(.)[^@]*(\.[^@.]+)$', '\1***@\2***\3')
        WHEN {{ column }} IS NOT NULL THEN '***'
    END
{%- elif kind == 'name' -%}
btrim(regexp_replace({{ column }}, '\s*(\S)\S*', ' \1.', 'g'))
{%- else -%}
CASE WHEN {{ column }} IS NOT NULL THEN '***' END
{%- endif -%}
{%- endmacro %}

{#
  An id under another name, the same for the same id: keyed with secrets of the database that readers cannot see, so that
  nobody finds an id by trying. `keys` is an alias of quintile.person_keys. Equal to the function quintile.pseudonym, by
  which an erasure finds the rows.
#}
{% macro pseudonym(column, keys) -%}
'p-' || left(encode(sha256({{ keys }}.outer_key || sha256({{ keys }}.inner_key || convert_to({{ column }}, 'UTF8'))), 'hex'), 12)
{%- endmacro %}

{#
  The checks of data_quality that forbid a publish, as the variable data_quality_blocks names them. A name that is no check
  is an error: it would never block anything.
#}
{% macro blocking_checks() -%}
{%- set known = [
    'rejected_rows', 'unaccounted_rows', 'without_customer', 'synthetic_customer', 'returned', 'returned_without_purchase',
    'zero_quantity', 'zero_price', 'negative_price', 'discount_out_of_range', 'sold_below_cost', 'after_as_of',
    'mixed_currencies', 'repeated_lines', 'several_customers', 'single_line_orders', 'stale', 'volume',
    'customers_rejected', 'customers_unaccounted', 'customers_repeated', 'products_rejected', 'products_unaccounted',
    'products_repeated', 'campaigns_rejected', 'campaigns_unaccounted', 'campaigns_repeated', 'campaign_members_rejected',
    'campaign_members_unaccounted', 'campaign_members_repeated', 'customers_unknown', 'customers_without_order',
    'products_unknown', 'products_without_order', 'members_unknown', 'members_without_order', 'members_without_campaign',
    'campaigns_without_member', 'campaigns_ending_before_start', 'responses_before_assignment'
] -%}
ARRAY[
{%- for name in var('data_quality_blocks', []) -%}
{%- if name not in known -%}
{{ exceptions.raise_compiler_error('data_quality_blocks names "' ~ name ~ '", which is no check; known: ' ~ known | join(', ')) }}
{%- endif -%}
'{{ name }}'{{ ', ' if not loop.last }}
{%- endfor -%}
]::text[]
{%- endmacro %}
