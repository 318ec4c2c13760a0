{{ config(materialized='table', indexes=[{'columns': ['persona'], 'unique': true}], tags=['personas']) }}

-- One row for each persona of the playbook, also where nobody has it.
-- Figures of the fit are rounded before they are added up: sums of float8 depend on the order of the rows.
WITH members AS (
    SELECT
        c.persona,
        count(*) AS customers,
        count(DISTINCT c.cluster_id) AS clusters,
        sum(c.monetary) AS revenue,
        avg(c.recency_days)::float8 AS mean_recency_days,
        avg(c.frequency)::float8 AS mean_frequency,
        avg(c.monetary) AS mean_monetary,
        sum(round(c.predicted_ltv::numeric, 4)) AS predicted_ltv_total,
        avg(round(c.predicted_ltv::numeric, 4)) AS predicted_ltv_mean,
        avg(round(c.purchase_probability_90d::numeric, 9)) AS mean_purchase_probability_90d,
        -- Null unless the cost is known for everybody: a sum over some of them would stand for all.
        CASE WHEN count(*) = count(c.profit) THEN sum(c.profit) END AS profit,
        min(c.currency) AS lowest_currency,
        max(c.currency) AS highest_currency,
        bool_or(c.id_is_synthetic) AS id_is_synthetic
    FROM {{ ref('customer_360') }} AS c
    WHERE c.persona IS NOT NULL
    GROUP BY c.persona
),
totals AS (
    SELECT
        sum(m.customers) AS customers,
        sum(m.revenue) AS revenue,
        CASE WHEN count(*) = count(m.profit) THEN sum(m.profit) END AS profit,
        sum(m.predicted_ltv_total) AS predicted_ltv_total,
        CASE WHEN min(m.lowest_currency) = max(m.highest_currency) THEN min(m.lowest_currency) END AS currency,
        bool_or(m.id_is_synthetic) AS id_is_synthetic
    FROM members AS m
),
personas AS (
    SELECT
        b.persona,
        b.priority,
        b.title,
        b.goal,
        b.action,
        b.channel,
        b.success_measure,
        COALESCE(m.clusters, 0)::integer AS clusters,
        COALESCE(m.customers, 0)::integer AS customers,
        COALESCE(m.customers / NULLIF(t.customers, 0), 0)::float8 AS customer_share,
        COALESCE(m.revenue, 0) AS revenue,
        COALESCE(m.revenue / NULLIF(t.revenue, 0), 0)::float8 AS revenue_share,
        m.mean_recency_days,
        m.mean_frequency,
        round(m.mean_monetary, 4) AS mean_monetary,
        m.predicted_ltv_total::float8 AS predicted_ltv_total,
        m.predicted_ltv_mean::float8 AS predicted_ltv_mean,
        m.mean_purchase_probability_90d::float8 AS mean_purchase_probability_90d,
        m.profit,
        CASE WHEN t.profit > 0 THEN (m.profit / t.profit)::float8 END AS profit_share,
        round(m.profit / m.customers, 4) AS mean_profit,
        (m.predicted_ltv_total / NULLIF(t.predicted_ltv_total, 0))::float8 AS predicted_ltv_share,
        t.currency,
        COALESCE(t.id_is_synthetic, false) AS id_is_synthetic
    FROM {{ ref('persona_playbook') }} AS b
    LEFT JOIN members AS m
        ON m.persona = b.persona
    CROSS JOIN totals AS t
)
SELECT
    p.persona,
    p.priority,
    p.customers,
    p.customer_share,
    p.revenue,
    p.revenue_share,
    p.mean_recency_days,
    p.mean_frequency,
    p.mean_monetary,
    p.predicted_ltv_total,
    p.predicted_ltv_mean,
    p.mean_purchase_probability_90d,
    p.clusters,
    CASE
        WHEN p.customers = 0 THEN 'No customer has the persona ' || p.persona || ' in this run.'
        WHEN p.persona = 'Loyalists' THEN
            {{ in_count('p.customers', 'customer') }} || ' (' || {{ in_percent('p.customer_share') }} || ') keep coming back: '
            || {{ in_times('p.mean_frequency', 'order') }} || ' and ' || {{ in_money('p.mean_monetary', 'p.currency') }}
            || ' each on average, ' || {{ in_percent('p.revenue_share') }} || ' of revenue.'
        WHEN p.persona = 'At Risk' THEN
            {{ in_count('p.customers', 'customer') }} || ' (' || {{ in_percent('p.customer_share') }} || ') last ordered '
            || {{ in_count('round(p.mean_recency_days)', 'day') }} || ' ago on average; they have spent '
            || {{ in_money('p.revenue', 'p.currency') }} || ' so far (' || {{ in_percent('p.revenue_share') }} || ' of revenue)'
            || COALESCE(', and about ' || {{ in_percent('p.mean_purchase_probability_90d') }} || ' of them can be expected to buy in the next 90 days', '') || '.'
        WHEN p.persona = 'Casual Shoppers' THEN
            {{ in_count('p.customers', 'customer') }} || ' (' || {{ in_percent('p.customer_share') }} || ') buy now and then: '
            || {{ in_times('p.mean_frequency', 'order') }} || ' and ' || {{ in_money('p.mean_monetary', 'p.currency') }}
            || ' each on average'
            || COALESCE(', with ' || {{ in_money('p.predicted_ltv_mean', 'p.currency') }}
                || ' more expected from each in the next {{ var('ltv_horizon_days', 365) }} days', '') || '.'
        -- VIPs, and whichever personas the rules name besides.
        ELSE
            {{ in_count('p.customers', 'customer') }} || ' (' || {{ in_percent('p.customer_share') }} || ') bring '
            || {{ in_percent('p.revenue_share') }} || ' of revenue: '
            || {{ in_times('p.mean_frequency', 'order') }} || ' and ' || {{ in_money('p.mean_monetary', 'p.currency') }}
            || ' each on average, the last order ' || {{ in_count('round(p.mean_recency_days)', 'day') }} || ' ago.'
    END
    || CASE WHEN p.id_is_synthetic THEN ' The customer ids are made up, so this shows the method and not real people.' ELSE '' END AS insight,
    p.title,
    p.goal,
    p.action,
    p.channel,
    p.success_measure,
    p.currency,
    p.id_is_synthetic,
    p.profit,
    p.profit_share,
    p.mean_profit,
    p.predicted_ltv_share
FROM personas AS p
