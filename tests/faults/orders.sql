-- Orders of $1 customers over two years, the same every time.
INSERT INTO raw.orders (
    source, order_id, line, customer_id, ordered_at, product_id, quantity, unit_price, country, currency, load_id
)
SELECT
    'made_up', format('%s-%s', c, n), 1, format('c%s', c),
    timestamptz '2023-07-01 10:00+00' + make_interval(days => least(
        (abs(hashint4(c)) % 500) + (n - 1) * (7 + abs(hashint4(c * 31)) % 60) + abs(hashint4(c * 7 + n)) % 9, 729)),
    format('p%s', n % 10), 1 + abs(hashint4(c + n)) % 4, 5 + (abs(hashint4(c * 3 + n)) % 9000) / 100.0, 'Utopia', 'EUR', 0
FROM generate_series(1, $1::int) AS c
CROSS JOIN LATERAL generate_series(1, 1 + (abs(hashint4(c * 13)) % 100) * (abs(hashint4(c * 17)) % 100) / 900) AS n
