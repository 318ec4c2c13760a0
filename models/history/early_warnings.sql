{{ config(materialized='table', max_row_loss_share=1.0, distributed_by='customer_id', indexes=[{'columns': ['kind', 'customer_id'], 'unique': true}, {'columns': ['customer_id']}], tags=['history']) }}

-- Customers whom one may lose, while something can still be done: at most `warning_limit` of each kind, the dearest first.
-- There may be none, so that the guard against lost rows is off.
-- fading: a purchase within 90 days became much less probable than in the run before. What moved everybody (another fit, a
-- month gone by) is no customer's own news, so the median change of all is taken off; if that alone is large, nobody fades.
-- overdue: silent for several times the own usual gap between orders, and not for so long that the warning comes late.
-- downgraded: was a VIP and is none any more. Where too many are at once, the groups have moved and not the customers.
-- Who has less than `warning_min_value` at stake is worth no warning.
{%- set former = live('customer_360', columns=['customer_id', 'persona', 'purchase_probability_90d', 'predicted_ltv']) %}
WITH former AS (
    {%- if former %}
    SELECT
        f.customer_id,
        f.persona,
        f.purchase_probability_90d,
        f.predicted_ltv::numeric AS predicted_ltv
    FROM {{ former }} AS f
    {%- else %}
    SELECT
        NULL::text AS customer_id,
        NULL::text AS persona,
        NULL::float8 AS purchase_probability_90d,
        NULL::numeric AS predicted_ltv
    WHERE false
    {%- endif %}
),
drops AS (
    SELECT
        n.customer_id,
        n.currency,
        f.purchase_probability_90d AS former_probability,
        n.purchase_probability_90d AS probability,
        f.purchase_probability_90d - n.purchase_probability_90d AS fall,
        f.predicted_ltv
    FROM {{ ref('customer_360') }} AS n
    INNER JOIN former AS f
        ON f.customer_id = n.customer_id
    WHERE f.purchase_probability_90d IS NOT NULL
        AND n.purchase_probability_90d IS NOT NULL
),
-- The median to a two-thousandth, from counts: they can be added up, whatever way the customers are distributed.
fall_counts AS (
    SELECT
        width_bucket(d.fall, -1::float8, 1::float8, 4000) AS bucket,
        count(*) AS customer_count
    FROM drops AS d
    GROUP BY width_bucket(d.fall, -1::float8, 1::float8, 4000)
),
running_counts AS (
    SELECT
        f.bucket,
        sum(f.customer_count) OVER (ORDER BY f.bucket) AS up_to_here,
        sum(f.customer_count) OVER () AS total
    FROM fall_counts AS f
),
common AS (
    SELECT (min(r.bucket) - 1)::float8 / 2000::float8 - 1::float8 AS fall
    FROM running_counts AS r
    WHERE 2 * r.up_to_here >= r.total
),
fading AS (
    SELECT
        d.customer_id,
        d.currency,
        d.former_probability,
        d.probability,
        round((d.fall - m.fall)::numeric * d.predicted_ltv, 4) AS value_at_stake
    FROM drops AS d
    CROSS JOIN common AS m
    WHERE d.fall - m.fall >= {{ var('warning_min_fall', 0.1) }}::float8
        AND abs(m.fall) <= {{ var('warning_max_common_fall', 0.05) }}::float8
        AND d.predicted_ltv > 0
),
rhythms AS (
    SELECT
        p.customer_id,
        p.usual_gap_days
    FROM {{ ref('customer_purchases') }} AS p
    -- Orders of one day are one purchase; the first has no gap before it.
    WHERE p.repeat_count + 1 >= {{ var('warning_min_orders', 4) }}
        AND p.usual_gap_days IS NOT NULL
),
overdue AS (
    SELECT
        n.customer_id,
        n.currency,
        n.recency_days,
        r.usual_gap_days,
        n.recency_days / r.usual_gap_days AS overdue_ratio,
        n.average_order_value,
        -- The orders that the own rhythm has missed since.
        round(floor(n.recency_days / r.usual_gap_days)::numeric * n.average_order_value, 4) AS value_at_stake
    FROM rhythms AS r
    INNER JOIN {{ ref('customer_360') }} AS n
        ON n.customer_id = r.customer_id
    WHERE n.frequency >= {{ var('warning_min_orders', 4) }}
        AND n.recency_days / r.usual_gap_days >= {{ var('warning_overdue_ratio', 2) }}::float8
        AND n.recency_days / r.usual_gap_days <= {{ var('warning_overdue_max_ratio', 6) }}::float8
),
former_vips AS (
    SELECT
        n.customer_id,
        n.currency,
        f.persona AS former_persona,
        n.persona,
        n.persona IS DISTINCT FROM f.persona AS is_moved,
        f.predicted_ltv,
        n.monetary
    FROM {{ ref('customer_360') }} AS n
    INNER JOIN former AS f
        ON f.customer_id = n.customer_id
    WHERE f.persona IN ({{ var('warning_vip_personas', ['VIPs']) | literal }})
),
vip_counts AS (
    SELECT
        count(*) AS customer_count,
        count(*) FILTER (WHERE v.is_moved) AS moved_count
    FROM former_vips AS v
),
downgraded AS (
    SELECT
        v.customer_id,
        v.currency,
        v.former_persona,
        v.persona,
        v.predicted_ltv,
        round(COALESCE(v.predicted_ltv, v.monetary), 4) AS value_at_stake
    FROM former_vips AS v
    CROSS JOIN vip_counts AS t
    WHERE v.is_moved
        AND v.persona IS NOT NULL
        AND v.persona NOT IN ({{ var('warning_vip_personas', ['VIPs']) | literal }})
        AND t.moved_count <= GREATEST(1, {{ var('warning_max_moved_share', 0.2) }}::float8 * t.customer_count)
),
warnings AS (
    SELECT
        'fading' AS kind,
        w.customer_id,
        w.value_at_stake,
        w.currency,
        w.former_probability AS former_purchase_probability_90d,
        w.probability AS purchase_probability_90d,
        NULL::integer AS recency_days,
        NULL::float8 AS usual_gap_days,
        NULL::float8 AS overdue_ratio,
        NULL::text AS former_persona,
        NULL::text AS persona,
        NULL::boolean AS is_predicted
    FROM fading AS w
    UNION ALL
    SELECT
        'overdue',
        w.customer_id,
        w.value_at_stake,
        w.currency,
        NULL,
        NULL,
        w.recency_days,
        w.usual_gap_days,
        w.overdue_ratio,
        NULL,
        NULL,
        NULL
    FROM overdue AS w
    UNION ALL
    SELECT
        'downgraded',
        w.customer_id,
        w.value_at_stake,
        w.currency,
        NULL,
        NULL,
        NULL,
        NULL,
        NULL,
        w.former_persona,
        w.persona,
        w.predicted_ltv IS NOT NULL
    FROM downgraded AS w
),
-- The id settles equal values.
ranked AS (
    SELECT
        w.*,
        row_number() OVER (
            PARTITION BY w.kind ORDER BY w.value_at_stake DESC, w.customer_id COLLATE "C"
        )::integer AS rank
    FROM warnings AS w
    WHERE w.value_at_stake >= {{ var('warning_min_value', 1) }}
)
SELECT
    r.customer_id,
    r.kind,
    r.rank,
    r.value_at_stake::numeric(20, 4) AS value_at_stake,
    r.currency,
    CASE r.kind
        WHEN 'fading'
            THEN 'A purchase in the next 90 days was expected with ' || {{ in_percent('r.former_purchase_probability_90d') }}
                || ' and is now with ' || {{ in_percent('r.purchase_probability_90d') }}
                || '; that is worth ' || {{ in_money('r.value_at_stake', 'r.currency') }} || '.'
        WHEN 'overdue'
            THEN 'No order for ' || {{ in_count('r.recency_days', 'day') }} || ', '
                || to_char(r.overdue_ratio::numeric, 'FM999,990.0') || ' times the usual '
                || {{ in_times('r.usual_gap_days', 'day') }} || ' between orders; what is missed so far is worth '
                || {{ in_money('r.value_at_stake', 'r.currency') }} || '.'
        ELSE 'Moved down from ' || r.former_persona || ' to ' || r.persona || '; '
            || {{ in_money('r.value_at_stake', 'r.currency') }}
            || CASE WHEN r.is_predicted THEN ' were expected of the customer.' ELSE ' were spent so far.' END
    END AS message,
    r.former_purchase_probability_90d,
    r.purchase_probability_90d,
    r.recency_days,
    r.usual_gap_days,
    r.overdue_ratio,
    r.former_persona,
    r.persona
FROM ranked AS r
WHERE r.rank <= {{ var('warning_limit', 500) }}
