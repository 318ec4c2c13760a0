-- Every row of this breaks the rule.
select * from {{ ref('customer_orders') }} where revenue <= 0
