{{ config(materialized='table', indexes=[{'columns': ['cluster_id'], 'unique': true}], tags=['personas']) }}

-- Names by what a cluster is like, never by its number, which changes from fit to fit. The rules are rows of the
-- seed persona_rules, taken one after the other: of the clusters that have no name yet, the one with the highest (or
-- lowest) measure gets the rule's, if the rule leaves enough of them; further ones get it too where they lie beyond a
-- threshold. A rule without a measure names all that are left. Equal measures go by what the clusters are like
-- otherwise, so that only clusters equal in everything could be told apart by their numbers.
-- The windows run over a handful of clusters, not over customers.
WITH RECURSIVE rules AS (
    SELECT
        row_number() OVER (ORDER BY r.position)::integer AS step,
        r.persona,
        r.measure,
        CASE r.takes WHEN 'lowest' THEN -1 ELSE 1 END AS direction,
        COALESCE(r.leaves, 0) AS leaves,
        r.further_measure,
        r.further_beyond,
        COALESCE(r.further_leaves, 0) AS further_leaves,
        r.reason,
        COALESCE(r.further_reason, r.reason) AS further_reason
    FROM {{ ref('persona_rules') }} AS r
),
bases AS (
    -- Profit of one cluster against revenue of another would compare unlike things: it is profit for all or for none.
    SELECT bool_and(p.mean_profit IS NOT NULL) AS is_profit_known
    FROM {{ ref('cluster_profiles') }} AS p
),
profiles AS (
    SELECT
        p.cluster_id,
        to_jsonb(p) || jsonb_build_object('mean_profit', CASE WHEN b.is_profit_known THEN p.mean_profit ELSE p.mean_monetary END) AS figures,
        b.is_profit_known,
        row_number() OVER (
            ORDER BY p.customers DESC, p.mean_monetary DESC, p.mean_frequency DESC, p.mean_recency_days, p.recency_z, p.frequency_z, p.cluster_id
        ) AS tie_break
    FROM {{ ref('cluster_profiles') }} AS p
    CROSS JOIN bases AS b
),
naming AS (
    SELECT
        0 AS step,
        p.cluster_id,
        p.tie_break,
        p.figures,
        p.is_profit_known,
        NULL::text AS persona,
        NULL::text AS reason,
        NULL::jsonb AS words
    FROM profiles AS p
    UNION ALL
    SELECT
        c.step,
        c.cluster_id,
        c.tie_break,
        c.figures,
        c.is_profit_known,
        COALESCE(c.persona, CASE WHEN c.is_first OR c.is_further THEN c.rule_persona END),
        CASE
            WHEN c.persona IS NOT NULL THEN c.reason
            WHEN c.is_first THEN c.rule_reason
            WHEN c.is_further THEN c.further_reason
        END,
        COALESCE(c.words, CASE WHEN c.is_first OR c.is_further THEN jsonb_build_object(
            'measure', c.measure_in_words,
            'value', {{ in_figures('c.value') }},
            'rank', c.rank::text,
            'of', c.candidates::text,
            'further_value', to_char(c.further_value, 'FM990.00'),
            'further_beyond', c.further_beyond::text
        ) END)
    FROM (
        SELECT
            k.*,
            k.measure IS NULL OR (k.rank = 1 AND k.candidates - k.rank >= k.leaves) AS is_first,
            COALESCE(k.direction * k.further_value > k.direction * k.further_beyond AND k.candidates - k.rank >= k.further_leaves, false) AS is_further
        FROM (
            SELECT
                r.step,
                n.cluster_id,
                n.tie_break,
                n.figures,
                n.is_profit_known,
                n.persona,
                n.reason,
                n.words,
                r.persona AS rule_persona,
                r.measure,
                CASE
                    WHEN r.measure = 'mean_monetary' THEN 'mean net revenue'
                    WHEN r.measure = 'mean_profit' AND n.is_profit_known THEN 'mean profit'
                    WHEN r.measure = 'mean_profit' THEN 'mean net revenue (profit is not known of everybody)'
                    ELSE replace(r.measure, '_', ' ')
                END AS measure_in_words,
                r.direction,
                r.leaves,
                r.further_beyond,
                r.further_leaves,
                r.reason AS rule_reason,
                r.further_reason,
                (n.figures ->> r.measure)::numeric AS value,
                (n.figures ->> r.further_measure)::numeric AS further_value,
                count(*) OVER (PARTITION BY n.persona IS NULL) AS candidates,
                row_number() OVER (
                    PARTITION BY n.persona IS NULL
                    ORDER BY r.direction * (n.figures ->> r.measure)::numeric DESC NULLS LAST, n.tie_break
                ) AS rank
            FROM naming AS n
            INNER JOIN rules AS r
                ON r.step = n.step + 1
        ) AS k
    ) AS c
),
named AS (
    SELECT
        n.cluster_id,
        n.persona,
        n.reason,
        n.words || jsonb_build_object(
            'mean_recency_days', {{ in_figures("n.figures ->> 'mean_recency_days'") }},
            'mean_frequency', {{ in_figures("n.figures ->> 'mean_frequency'") }},
            'mean_monetary', {{ in_figures("n.figures ->> 'mean_monetary'") }},
            'customers', {{ in_words("n.figures ->> 'customers'") }}
        ) AS words
    FROM naming AS n
    WHERE n.step = (SELECT count(*) FROM rules AS r)
)
SELECT
    n.cluster_id,
    n.persona,
    {{ filled('n.reason', 'n.words') }} AS reason
FROM named AS n
