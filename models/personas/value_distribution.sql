{{ config(materialized='table', access='private', indexes=[{'columns': ['basis', 'lowest_customers'], 'unique': true}], tags=['personas']) }}

-- How an amount is spread over the customers who have one: the customers in the order of their amounts, cut after each
-- percent of them, with what those before the cut have together. concentration and lorenz_curve are two views of it.
-- An order takes all customers at once, so this is the one model that makes one. Where the amounts at a cut are equal, it
-- does not matter who stands on which side: no order of rows changes a figure.
-- Amounts are exact decimals, because a sum of float8 depends on the order of the rows.
WITH amounts AS (
    SELECT
        v.basis,
        v.amount
    FROM {{ ref('customer_360') }} AS c
    CROSS JOIN LATERAL (
        VALUES
            ('revenue', c.monetary),
            ('profit', c.profit),
            ('predicted_ltv', round(c.predicted_ltv::numeric, 4))
    ) AS v (basis, amount)
    WHERE v.amount IS NOT NULL
),
totals AS (
    SELECT
        a.basis,
        count(*) AS customers,
        count(*) FILTER (WHERE a.amount < 0) AS negative_customers,
        sum(a.amount) AS amount,
        sum(abs(a.amount)) AS absolute_amount,
        max(a.amount) AS highest_amount
    FROM amounts AS a
    GROUP BY a.basis
),
ordered AS (
    -- Basis by basis: sorting by the amount alone takes less than half the time of sorting by both.
    {%- for basis in ['revenue', 'profit', 'predicted_ltv'] %}
    SELECT
        a.basis,
        a.amount,
        row_number() OVER up AS place,
        sum(a.amount) OVER up AS amount_through
    FROM amounts AS a
    WHERE a.basis = '{{ basis }}'
    WINDOW up AS (ORDER BY a.amount ROWS UNBOUNDED PRECEDING)
    {{- ' UNION ALL' if not loop.last }}
    {%- endfor %}
),
ginis AS (
    -- sum over i of (2i - n - 1) x_i, over n times the sum of |x_i|; i is the place from the lowest amount. With the sum of all
    -- that is (n + 1) times the total less twice the sum of the running totals, which are there already. Amounts below 0
    -- would lift the ordinary coefficient above 1; over the sum of |x_i| it stays within 0 and 1 (Raffinetti, Siletti and
    -- Vernizzi 2015, without their n / (n - 1)), and is the ordinary one where none is.
    SELECT
        o.basis,
        sum(o.amount_through) AS running_totals
    FROM ordered AS o
    GROUP BY o.basis
),
cuts AS (
    -- The lowest floor(p * n / 100) for p = 0 to 100: the others are ceil((100 - p) * n / 100), so the top 1 % of 150 are
    -- two. The least p that reaches a place is ceil(100 * place / n); the place is cut if that p stops there.
    SELECT
        o.basis,
        o.place AS lowest_customers,
        o.amount_through AS lowest_amount,
        o.amount AS cut_amount
    FROM ordered AS o
    INNER JOIN totals AS t
        ON t.basis = o.basis
    WHERE (100 * o.place + t.customers - 1) / t.customers * t.customers / 100 = o.place
    UNION ALL
    SELECT
        t.basis,
        0 AS lowest_customers,
        0 AS lowest_amount,
        NULL AS cut_amount
    FROM totals AS t
),
facts AS (
    SELECT
        CASE WHEN min(c.currency) = max(c.currency) THEN min(c.currency) END AS currency,
        bool_or(c.id_is_synthetic) AS id_is_synthetic
    FROM {{ ref('customer_360') }} AS c
)
SELECT
    k.basis,
    k.lowest_customers,
    k.lowest_amount,
    -- The highest amount on the lower side.
    k.cut_amount,
    t.customers,
    t.negative_customers,
    t.amount,
    t.highest_amount,
    (((t.customers + 1) * t.amount - 2 * i.running_totals) / NULLIF(t.customers * t.absolute_amount, 0))::float8 AS gini,
    f.currency,
    f.id_is_synthetic
FROM cuts AS k
INNER JOIN totals AS t
    ON t.basis = k.basis
INNER JOIN ginis AS i
    ON i.basis = k.basis
CROSS JOIN facts AS f
