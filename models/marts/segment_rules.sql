{{ config(materialized='table', replicated=true, indexes=[{'columns': ['scheme', 'rfm_code'], 'unique': true}], tags=['marts', 'rfm']) }}

-- Every scheme of segments as 125 cells, one for each combination of scores. A scheme that leaves a cell out, or has two
-- segments for one, is refused here with the cells named: customers would be in no segment, or in two.
WITH scores AS (
    SELECT
        r.score AS r_score,
        f.score AS f_score,
        m.score AS m_score,
        100 * r.score + 10 * f.score + m.score AS rfm_code
    FROM generate_series(1, 5) AS r (score)
    CROSS JOIN generate_series(1, 5) AS f (score)
    CROSS JOIN generate_series(1, 5) AS m (score)
),
rules AS (
    SELECT
        v.scheme,
        w.r_score::text AS r_scores,
        w.f_score::text AS f_scores,
        w.m_score::text AS m_scores,
        v.segment
    FROM {{ ref('rfm_segment_rules') }} AS w
    CROSS JOIN LATERAL (
        VALUES
            ('classic11', w.segment),
            ('rf10', w.rf_segment),
            ('seed5', w.value_segment),
            ('seed7', w.lifecycle_segment)
    ) AS v (scheme, segment)
    {%- for name in own_schemes() %}
    UNION ALL
    SELECT
        '{{ name }}',
        btrim(w.r_score::text),
        btrim(w.f_score::text),
        btrim(w.m_score::text),
        w.segment::text
    FROM {{ ref(name) }} AS w
    {%- endfor %}
),
cells AS (
    SELECT
        u.scheme,
        s.r_score,
        s.f_score,
        s.m_score,
        s.rfm_code,
        u.segment
    FROM rules AS u
    INNER JOIN scores AS s
        ON {{ covers('u.r_scores', 's.r_score') }}
        AND {{ covers('u.f_scores', 's.f_score') }}
        AND {{ covers('u.m_scores', 's.m_score') }}
),
schemes AS (
    SELECT k.scheme
    FROM (VALUES {% for scheme, _ in rule_schemes() %}('{{ scheme }}'){{ ', ' if not loop.last }}{% endfor %}) AS k (scheme)
),
faults AS (
    SELECT
        k.scheme,
        string_agg(s.rfm_code::text, ', ' ORDER BY s.rfm_code) FILTER (WHERE n.segments IS NULL) AS missing,
        string_agg(s.rfm_code::text, ', ' ORDER BY s.rfm_code) FILTER (WHERE n.segments > 1) AS doubled,
        string_agg(s.rfm_code::text, ', ' ORDER BY s.rfm_code) FILTER (WHERE n.segments = 1 AND n.named = 0) AS unnamed
    FROM schemes AS k
    CROSS JOIN scores AS s
    LEFT JOIN (
        SELECT
            c.scheme,
            c.rfm_code,
            count(*) AS segments,
            count(NULLIF(btrim(c.segment), '')) AS named
        FROM cells AS c
        GROUP BY c.scheme, c.rfm_code
    ) AS n
        ON n.scheme = k.scheme
        AND n.rfm_code = s.rfm_code
    GROUP BY k.scheme
),
first_fault AS (
    SELECT
        min(f.scheme) AS scheme,
        (array_agg(concat_ws(
            ' ',
            'No segment: ' || f.missing || '.',
            'More than one: ' || f.doubled || '.',
            'Without a name: ' || f.unnamed || '.'
        ) ORDER BY f.scheme))[1] AS detail
    FROM faults AS f
    WHERE f.missing IS NOT NULL
        OR f.doubled IS NOT NULL
        OR f.unnamed IS NOT NULL
),
proof AS (
    SELECT
        CASE WHEN f.scheme IS NULL THEN true ELSE quintile.refuse(
            'scheme "' || f.scheme || '" does not give each of the 125 cells one segment',
            f.detail,
            'correct seeds/'
            || CASE WHEN f.scheme IN ('classic11', 'rf10', 'seed5', 'seed7') THEN 'rfm_segment_rules' ELSE f.scheme END
            || '.csv; a cell is r_score, f_score and m_score, each a score, a range such as 3-5, or *'
        ) END AS is_sound
    FROM first_fault AS f
)
SELECT
    c.scheme,
    c.r_score::smallint AS r_score,
    c.f_score::smallint AS f_score,
    c.m_score::smallint AS m_score,
    c.rfm_code::smallint AS rfm_code,
    c.segment
FROM cells AS c
WHERE (SELECT p.is_sound FROM proof AS p)
