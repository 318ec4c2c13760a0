-- Schemas with relations of dbt projects that were built in place.
SELECT DISTINCT i.schema_name FROM quintile.in_place_relations AS i ORDER BY i.schema_name
