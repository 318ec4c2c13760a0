-- Columns of the relations named by $1 and $2 (schema, name): number of the relation, name of the column.
SELECT wanted.number, a.attname AS column_name
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS wanted (schema_name, relation_name, number)
JOIN pg_catalog.pg_attribute AS a
    ON a.attrelid = to_regclass(format('%I.%I', wanted.schema_name, wanted.relation_name))
        AND a.attnum > 0 AND NOT a.attisdropped
