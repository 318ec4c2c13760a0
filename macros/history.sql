{#
  The segments of every customer as the history was last told them: customer_id, the columns of segment_schemes(),
  monetary. Usually these are the live rows of customer_360. Where those were published without the history (a partial run),
  they are put together from the history itself, so that no change between is lost; where there is no history, nobody has been told.
#}
{% macro told_segments() -%}
{%- set schemes = segment_schemes() -%}
{%- set history = live('segment_history') -%}
{%- set customers = live('customer_360', columns=['customer_id', 'monetary'], seen_by='segment_history') -%}
{%- if history and customers -%}
SELECT
        c.customer_id,
        {%- for scheme, column in schemes %}
        {%- if live('customer_360', columns=[column]) %}
        -- A scheme that the history has not told yet begins with everybody.
        CASE WHEN EXISTS (SELECT FROM {{ history }} AS t WHERE t.scheme = '{{ scheme }}') THEN c.{{ column }}::text END AS {{ column }},
        {%- else %}
        NULL::text AS {{ column }},
        {%- endif %}
        {%- endfor %}
        c.monetary::numeric(20, 4) AS monetary
    FROM {{ customers }} AS c
{%- elif history -%}
SELECT
        m.customer_id,
        {%- for scheme, column in schemes %}
        max(m.segment) FILTER (WHERE m.scheme = '{{ scheme }}') AS {{ column }},
        {%- endfor %}
        max(m.revenue) AS monetary
    FROM ({{ members_of(history) }}) AS m
    GROUP BY m.customer_id
{%- else -%}
SELECT
        NULL::text AS customer_id,
        {%- for scheme, column in schemes %}
        NULL::text AS {{ column }},
        {%- endfor %}
        NULL::numeric(20, 4) AS monetary
    WHERE false
{%- endif -%}
{%- endmacro %}

{# Who is where after all that a history tells: each customer's last word in each scheme, where that is an entry. #}
{% macro members_of(history) -%}
SELECT
        l.customer_id,
        l.scheme,
        l.segment,
        l.from_segment,
        l.revenue,
        l.as_of,
        l.run_id
    FROM (
        SELECT
            h.customer_id,
            h.scheme,
            h.event,
            h.segment,
            h.from_segment,
            h.revenue,
            h.as_of,
            h.run_id,
            -- Of a move from one segment to another the entry is the last word.
            row_number() OVER (PARTITION BY h.customer_id, h.scheme ORDER BY h.run_id DESC, h.event) AS place
        FROM {{ history }} AS h
    ) AS l
    WHERE l.place = 1
        AND l.event = 'enter'
{%- endmacro %}
