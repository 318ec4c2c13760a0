{{ config(materialized='table', indexes=[{'columns': ['insight'], 'unique': true}], max_row_loss_share=1, tags=['insights']) }}

-- What the data say, in the words of the seed insight_templates, and nothing where they say nothing (insight_tests tells why),
-- so to have no rows any more is no loss.
-- How a figure is written follows from the end of its name: _share as a percentage, _amount as money, _count as a whole
-- number, _mean and _days with one decimal; any other as it is.
WITH told AS (
    SELECT
        t.*,
        (
            SELECT jsonb_object_agg(
                f.name,
                CASE
                    WHEN f.value IS NULL THEN NULL
                    WHEN f.name LIKE '%\_share' THEN {{ in_percent('f.value') }}
                    WHEN f.name LIKE '%\_amount' THEN {{ in_money('f.value', 't.currency') }}
                    WHEN f.name LIKE '%\_count' THEN {{ in_words('f.value') }}
                    WHEN f.name LIKE '%\_mean' OR f.name LIKE '%\_days' THEN {{ in_figures('f.value') }}
                    ELSE f.value
                END
            )
            FROM jsonb_each_text(t.figures) AS f (name, value)
        ) AS words
    FROM {{ ref('insight_tests') }} AS t
    WHERE t.is_told
)
SELECT
    t.insight,
    p.priority,
    COALESCE(p.persona, p.subject) AS subject,
    {{ filled('p.headline', 't.words') }} AS headline,
    {{ filled('p.body', 't.words') }}
        || CASE WHEN t.id_is_synthetic THEN ' The customer ids are made up, so this shows the method and not real people.' ELSE '' END AS body,
    t.figures || jsonb_build_object('statistic', t.statistic, 'p_value', t.p_value, 'p_adjusted', t.p_adjusted) AS figures,
    t.test_name,
    t.statistic,
    t.p_value,
    t.p_adjusted,
    t.confidence,
    t.customers,
    t.revenue,
    t.currency,
    t.id_is_synthetic
FROM told AS t
INNER JOIN {{ ref('insight_templates') }} AS p
    ON p.insight = t.insight
