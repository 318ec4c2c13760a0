-- What all customers bring in the horizon of the back-test, not discounted.
[priced]
SELECT COALESCE(sum(l.alive * l.window_purchases * l.order_value), 0)::float8 AS revenue
FROM lives AS l
