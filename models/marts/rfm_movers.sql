{{ config(materialized='table', max_row_loss_share=1.0, indexes=[{'columns': ['measure', 'from_score', 'to_score', 'cause']}], tags=['marts', 'rfm']) }}

-- Customers whose score is another than before this run, parted by why. By the former cut points the score of today's value is
-- another as well: the customer's own behaviour (buying, or staying away). It is the same: only the cut points moved, which
-- is news of all the others. With nothing published before there is nothing to compare, and no rows.
{%- set former_scores = live('rfm_scores', columns=['customer_id', 'r_score', 'f_score', 'm_score']) %}
{%- set former_cuts = live('rfm_cut_points', columns=['measure', 'score', 'cut_point', 'r_score', 'f_score', 'monetary_basis']) %}
{%- if former_scores and former_cuts %}
WITH by_former_cuts AS (
    {{ nested_scores(former_cuts) }}
),
former_run AS (
    SELECT
        max(p.run_id) AS run_id,
        max(p.as_of) AS as_of,
        max(p.monetary_basis) AS monetary_basis
    FROM {{ former_cuts }} AS p
),
scores AS (
    SELECT
        v.measure,
        v.from_score,
        v.to_score,
        CASE WHEN v.by_former_cuts = v.from_score THEN 'moving cut points' ELSE 'own behaviour' END AS cause,
        count(*) AS customers
    FROM {{ ref('rfm_scores') }} AS n
    INNER JOIN {{ former_scores }} AS b
        ON b.customer_id = n.customer_id
    INNER JOIN by_former_cuts AS u
        ON u.customer_id = n.customer_id
    CROSS JOIN former_run AS r
    CROSS JOIN LATERAL (
        VALUES
            ('recency_days', b.r_score, n.r_score, u.r_score),
            ('frequency', b.f_score, n.f_score, u.f_score),
            -- Scores of revenue and of profit are not the same measure.
            ('monetary', CASE WHEN r.monetary_basis = '{{ rfm_monetary() }}' THEN b.m_score END, n.m_score, u.m_score)
    ) AS v (measure, from_score, to_score, by_former_cuts)
    WHERE v.from_score IS NOT NULL
        AND v.to_score IS NOT NULL
    GROUP BY v.measure, v.from_score, v.to_score, CASE WHEN v.by_former_cuts = v.from_score THEN 'moving cut points' ELSE 'own behaviour' END
),
compared AS (
    SELECT
        s.measure,
        sum(s.customers) AS customers
    FROM scores AS s
    GROUP BY s.measure
)
SELECT
    s.measure,
    s.from_score,
    s.to_score,
    s.cause,
    s.customers::integer AS customers,
    (s.customers / c.customers)::float8 AS customer_share,
    r.run_id AS former_run_id,
    r.as_of AS former_as_of
FROM scores AS s
INNER JOIN compared AS c
    ON c.measure = s.measure
CROSS JOIN former_run AS r
WHERE s.from_score <> s.to_score
{%- else %}
SELECT
    NULL::text AS measure,
    NULL::smallint AS from_score,
    NULL::smallint AS to_score,
    NULL::text AS cause,
    NULL::integer AS customers,
    NULL::float8 AS customer_share,
    NULL::bigint AS former_run_id,
    NULL::timestamptz AS former_as_of
FROM {{ ref('rfm_scores') }} AS s
WHERE false
{%- endif %}
