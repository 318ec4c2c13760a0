{{ config(materialized='view') }}

SELECT c.customer_id, c.persona, c.frequency, c.monetary
FROM {{ ref('customer_360') }} AS c
WHERE c.persona = 'VIPs'
