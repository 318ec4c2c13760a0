{{ config(materialized='view', tags=['history']) }}

-- Since when everybody is where. One customer is found by an index; all of them are a sort of the whole history.
SELECT
    m.customer_id,
    m.scheme,
    m.segment,
    m.from_segment AS previous_segment,
    m.as_of AS entered_at,
    m.run_id AS entered_run_id
FROM ({{ members_of(ref('segment_history')) }}) AS m
