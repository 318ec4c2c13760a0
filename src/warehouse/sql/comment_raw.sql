-- What the columns of the raw tables mean: the one place where it is said. data_quality_columns shows it.
COMMENT ON TABLE {raw}.orders IS 'Order lines as they were loaded, before any rule';
COMMENT ON COLUMN {raw}.orders.source IS 'Name of the mapping that the line was loaded with';
COMMENT ON COLUMN {raw}.orders.order_id IS 'Order number within the source';
COMMENT ON COLUMN {raw}.orders.line IS 'Number of the line';
COMMENT ON COLUMN {raw}.orders.customer_id IS 'Customer, as the source writes it; null where nobody knows';
COMMENT ON COLUMN {raw}.orders.id_is_synthetic IS 'Whether the customer id was made up because the source has none';
COMMENT ON COLUMN {raw}.orders.ordered_at IS 'Instant of the order';
COMMENT ON COLUMN {raw}.orders.product_id IS 'Product code of the source';
COMMENT ON COLUMN {raw}.orders.description IS 'Product text of the source';
COMMENT ON COLUMN {raw}.orders.category IS 'Product category of the source';
COMMENT ON COLUMN {raw}.orders.quantity IS 'Units; below 0 where they came back';
COMMENT ON COLUMN {raw}.orders.unit_price IS 'Price of one unit before discount, in currency';
COMMENT ON COLUMN {raw}.orders.discount IS 'Discount as a share of the price, 0 to 1';
COMMENT ON COLUMN {raw}.orders.unit_cost IS 'Cost of one unit, in currency; null where the source has none';
COMMENT ON COLUMN {raw}.orders.channel IS 'Where or how the order was placed';
COMMENT ON COLUMN {raw}.orders.country IS 'Country of the order';
COMMENT ON COLUMN {raw}.orders.currency IS 'ISO 4217 code of all amounts of the line';
COMMENT ON COLUMN {raw}.orders.load_id IS 'Load that wrote the line';
COMMENT ON TABLE {raw}.loads IS 'One row for each loaded file';
COMMENT ON TABLE {raw}.rejected_rows IS 'Rows that did not fit their mapping, with the reason and their text'
