{#
  Every day from the first order to the last day that is over, with its place in the calendar and what was ordered; zeros where
  nothing was. A return may lie before the first order: the series begins with the order.
#}
{% macro days_of_orders() -%}
SELECT
        k.calendar_date,
        k.week_number,
        k.month_number,
        k.month_of_year,
        k.weekday,
        k.is_month_end,
        COALESCE(d.orders, 0)::numeric AS orders,
        COALESCE(d.gross_revenue, 0) AS revenue
    FROM {{ ref('stg_calendar') }} AS k
    LEFT JOIN {{ ref('order_days') }} AS d
        ON d.order_date = k.calendar_date
    WHERE k.is_over
        AND k.calendar_date >= (SELECT min(c.first_order_date) FROM {{ ref('customers') }} AS c)
{%- endmacro %}
