COPY {raw}.orders (
    source, order_id, line, customer_id, id_is_synthetic, ordered_at, product_id, description, category,
    quantity, unit_price, discount, unit_cost, channel, country, currency, load_id
) FROM STDIN (FORMAT binary)
