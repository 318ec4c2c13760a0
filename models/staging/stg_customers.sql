{{ config(materialized='table', access='private', distributed_by='customer_id', indexes=[{'columns': ['customer_id'], 'unique': true}], tags=['staging']) }}

-- One row for each customer whom a source describes, without name and address. Where several sources describe one, the greatest value of
-- each attribute counts: it does not depend on the order of rows. The age is taken now, so that no date of birth is kept.
SELECT
    r.customer_id,
    max(NULLIF(r.country, '') COLLATE "C") AS country,
    max(NULLIF(r.region, '') COLLATE "C") AS region,
    max(NULLIF(r.city, '') COLLATE "C") AS city,
    max(NULLIF(r.gender, '') COLLATE "C") AS gender,
    max(NULLIF(r.segment, '') COLLATE "C") AS segment,
    max(NULLIF(r.acquisition_channel, '') COLLATE "C") AS acquisition_channel,
    max(NULLIF(r.acquisition_campaign_id, '') COLLATE "C") AS acquisition_campaign_id,
    extract(year FROM age({{ day_of(as_of) }}::timestamp, max(r.birth_date)::timestamp))::integer AS age_years,
    min(r.signed_up_at) AS signed_up_at,
    bool_and(r.has_consent) AS has_consent
FROM {{ raw_rows('customers') }} AS r
WHERE r.customer_id <> ''
GROUP BY r.customer_id
