{#
  The methods by which cut points are found. Each gives a query with measure, r_score, f_score (the cell of scores that the
  cut points hold for; null for all customers) and cut_points: four values, for the scores 2 to 5.
#}

{# What the methods look at: one row a customer; monetary is null where the profit is asked for and not known. #}
{% macro rfm_measures() -%}
SELECT
        {{ last_day(as_of) }} - c.last_order_date AS recency_days,
        c.order_count AS frequency,
        {{ scored_money('c') }}::float8 AS monetary
    FROM {{ ref('customers') }} AS c
{%- endmacro %}

{#
  Fifths of all customers, each measure for itself. Days and orders have few different values, which are counted: then only
  money is sorted, in a third of the memory.
#}
{% macro cut_points_quintile(least) -%}
WITH days AS (
        SELECT
            c.last_order_date,
            count(*) AS customers
        FROM {{ ref('customers') }} AS c
        GROUP BY c.last_order_date
    ),
    orders AS (
        SELECT
            c.order_count,
            count(*) AS customers,
            {{ 'count(c.profit)' if rfm_monetary() == 'profit' else 'count(*)' }} AS valued_customers
        FROM {{ ref('customers') }} AS c
        GROUP BY c.order_count
    ),
    population AS (
        SELECT
            sum(o.customers)::bigint AS customers,
            sum(o.valued_customers)::bigint AS valued_customers
        FROM orders AS o
    ),
    places AS (
        SELECT
            {{ fifths('p.customers', least) }} AS places,
            {{ fifths('p.valued_customers', least) }} AS valued_places,
            p.valued_customers,
            {{ last_day(as_of) }} AS last_day
        FROM population AS p
    ),
    -- How many customers are at most this good, worst first: the customer at a place has the first value that reaches it.
    days_reached AS (
        SELECT
            d.last_order_date,
            sum(d.customers) OVER (ORDER BY d.last_order_date) AS customers
        FROM days AS d
    ),
    orders_reached AS (
        SELECT
            o.order_count,
            sum(o.customers) OVER (ORDER BY o.order_count) AS customers
        FROM orders AS o
    ),
    money AS (
        SELECT c.cut_points
        FROM places AS p
        -- Not joined and grouped by the places, for which all customers would be sorted by an array that is the same for all.
        CROSS JOIN LATERAL (
            SELECT
                percentile_disc({{ fractions('p.valued_places', 'p.valued_customers') }})
                    WITHIN GROUP (ORDER BY {{ scored_money('m') }}::float8) AS cut_points
            FROM {{ ref('customers') }} AS m
        ) AS c
        WHERE p.valued_places IS NOT NULL
    )
    SELECT
        'recency_days' AS measure,
        NULL::smallint AS r_score,
        NULL::smallint AS f_score,
        (
            SELECT array_agg((p.last_day - v.last_order_date)::float8 ORDER BY u.place)
            FROM unnest(p.places) AS u (place)
            CROSS JOIN LATERAL (
                SELECT min(d.last_order_date) AS last_order_date FROM days_reached AS d WHERE d.customers >= u.place
            ) AS v
        ) AS cut_points
    FROM places AS p
    UNION ALL
    SELECT
        'frequency',
        NULL::smallint,
        NULL::smallint,
        (
            SELECT array_agg(v.order_count::float8 ORDER BY u.place)
            FROM unnest(p.places) AS u (place)
            CROSS JOIN LATERAL (
                SELECT min(o.order_count) AS order_count FROM orders_reached AS o WHERE o.customers >= u.place
            ) AS v
        )
    FROM places AS p
    UNION ALL
    SELECT
        'monetary',
        NULL::smallint,
        NULL::smallint,
        m.cut_points
    FROM money AS m
{%- endmacro %}

{#
  Fifths within fifths, as SPSS has them: frequency within each recency score, monetary within each pair of both. A cell
  without customers has no cut points of its own; customers who come into it later get those of all customers.
#}
{% macro cut_points_nested(least) -%}
WITH overall AS (
        {{ cut_points_quintile(least) }}
    ),
    r_scores AS (
        SELECT
            {{ score('m.recency_days', 'o.cuts') }} AS r_score,
            m.frequency,
            m.monetary
        FROM (
            {{ rfm_measures() }}
        ) AS m
        CROSS JOIN (
            SELECT ARRAY(SELECT u.cut FROM unnest(a.cut_points) WITH ORDINALITY AS u (cut, place) ORDER BY u.place DESC) AS cuts
            FROM overall AS a
            WHERE a.measure = 'recency_days' AND a.cut_points IS NOT NULL
        ) AS o
    ),
    f_sizes AS (
        SELECT
            r.r_score,
            count(*) AS customers
        FROM r_scores AS r
        GROUP BY r.r_score
    ),
    f_cuts AS (
        SELECT
            r.r_score,
            (percentile_disc({{ fractions(fifths('n.customers', 1), 'n.customers') }}) WITHIN GROUP (ORDER BY r.frequency))::float8[] AS cut_points
        FROM r_scores AS r
        INNER JOIN f_sizes AS n
            ON n.r_score = r.r_score
        GROUP BY r.r_score, n.customers
    ),
    f_scores AS (
        SELECT
            r.r_score,
            {{ score('-r.frequency', 'o.cuts') }} AS f_score,
            r.monetary
        FROM r_scores AS r
        INNER JOIN (
            SELECT
                a.r_score,
                ARRAY(SELECT -u.cut FROM unnest(a.cut_points) WITH ORDINALITY AS u (cut, place) ORDER BY u.place DESC) AS cuts
            FROM f_cuts AS a
        ) AS o
            ON o.r_score = r.r_score
        WHERE r.monetary IS NOT NULL
    ),
    m_sizes AS (
        SELECT
            f.r_score,
            f.f_score,
            count(*) AS customers
        FROM f_scores AS f
        GROUP BY f.r_score, f.f_score
    ),
    m_cuts AS (
        SELECT
            f.r_score,
            f.f_score,
            percentile_disc({{ fractions(fifths('n.customers', 1), 'n.customers') }}) WITHIN GROUP (ORDER BY f.monetary) AS cut_points
        FROM f_scores AS f
        INNER JOIN m_sizes AS n
            ON n.r_score = f.r_score
            AND n.f_score = f.f_score
        -- Too few with a known profit: no monetary score for anybody, as with the other methods.
        WHERE EXISTS (SELECT 1 FROM overall AS a WHERE a.measure = 'monetary' AND a.cut_points IS NOT NULL)
        GROUP BY f.r_score, f.f_score, n.customers
    )
    SELECT o.measure, o.r_score, o.f_score, o.cut_points FROM overall AS o
    UNION ALL
    SELECT 'frequency', f.r_score, NULL::smallint, f.cut_points FROM f_cuts AS f
    UNION ALL
    SELECT 'monetary', m.r_score, m.f_score, m.cut_points FROM m_cuts AS m
{%- endmacro %}

{# Steps of equal width of the logarithm, from the lowest value to the highest. #}
{% macro cut_points_log_width(least) -%}
WITH bounds AS (
        SELECT
            count(*) AS customers,
            count(m.monetary) AS valued_customers,
            min(m.recency_days)::float8 AS least_days,
            max(m.recency_days)::float8 AS most_days,
            min(m.frequency)::float8 AS fewest_orders,
            max(m.frequency)::float8 AS most_orders,
            min(m.monetary) AS least_money,
            max(m.monetary) AS most_money
        FROM (
            {{ rfm_measures() }}
        ) AS m
    )
    SELECT
        v.measure,
        NULL::smallint AS r_score,
        NULL::smallint AS f_score,
        v.cut_points
    FROM bounds AS b
    CROSS JOIN LATERAL (
        VALUES
            ('recency_days', b.customers, {{ log_steps('b.least_days', 'b.most_days', is_downward=true) }}),
            ('frequency', b.customers, {{ log_steps('b.fewest_orders', 'b.most_orders') }}),
            ('monetary', b.valued_customers, {{ log_steps('b.least_money', 'b.most_money') }})
    ) AS v (measure, customers, cut_points)
    WHERE v.customers >= {{ least }}::bigint
{%- endmacro %}

{# The cut points that the project names; they hold for any number of customers. #}
{% macro cut_points_breaks() -%}
{%- set points = rfm_break_points() -%}
SELECT
        v.measure,
        NULL::smallint AS r_score,
        NULL::smallint AS f_score,
        v.cut_points
    FROM (
        VALUES
        {%- for measure in ['recency_days', 'frequency', 'monetary'] %}
            ('{{ measure }}', ARRAY[{{ points[measure] | join(', ') }}]::float8[]){{ ',' if not loop.last }}
        {%- endfor %}
    ) AS v (measure, cut_points)
{%- endmacro %}

{# The cut points of an earlier run, which are kept for good as the facts of its fit. #}
{% macro cut_points_frozen(run) -%}
WITH kept AS (
        SELECT
            f.run_id,
            f.facts -> 'rows' AS cut_points,
            f.facts -> 'rows' -> 0 ->> 'method' AS method,
            f.facts -> 'rows' -> 0 ->> 'monetary_basis' AS monetary_basis
        FROM {{ source('quintile', 'fits') }} AS f
        WHERE f.model = 'rfm_cut_points'
    ),
    asked AS (
        SELECT
            count(*) FILTER (WHERE k.run_id = {{ run }}) AS runs,
            min(k.method) FILTER (WHERE k.run_id = {{ run }}) AS method,
            min(k.monetary_basis) FILTER (WHERE k.run_id = {{ run }}) AS monetary_basis,
            COALESCE(string_agg(k.run_id::text, ', ' ORDER BY k.run_id DESC) FILTER (WHERE k.method IS NOT NULL), 'none') AS known_runs
        FROM kept AS k
    ),
    checked AS (
        SELECT
            CASE
                WHEN a.runs = 0 THEN quintile.refuse(
                    'run {{ run }} of rfm_frozen_run has fitted no cut points',
                    'Runs that have: ' || a.known_runs || '.',
                    'name one of them; the column run_id of rfm_cut_points shows which run fitted those that are published'
                )
                WHEN a.method IS NULL THEN quintile.refuse(
                    'run {{ run }} of rfm_frozen_run had too few customers for cut points',
                    'Runs with cut points: ' || a.known_runs || '.',
                    'name one of them, or set rfm_breaks = "refit"'
                )
                WHEN a.method <> '{{ rfm_method() }}' OR a.monetary_basis <> '{{ rfm_monetary() }}' THEN quintile.refuse(
                    'run {{ run }} of rfm_frozen_run fitted other cut points than are asked for',
                    'They are by method ' || a.method || ' over ' || a.monetary_basis || '.',
                    'set rfm_method and rfm_monetary to these'
                )
                ELSE true
            END AS is_sound
        FROM asked AS a
    )
    SELECT
        r.measure,
        r.r_score,
        r.f_score,
        array_agg(r.cut_point ORDER BY r.score) AS cut_points
    FROM kept AS k
    CROSS JOIN LATERAL jsonb_to_recordset(k.cut_points) AS r (measure text, score smallint, cut_point float8, r_score smallint, f_score smallint)
    WHERE k.run_id = {{ run }}
        AND (SELECT c.is_sound FROM checked AS c)
    GROUP BY r.measure, r.r_score, r.f_score
{%- endmacro %}
