{{ config(materialized='view', access='private', tags=['staging', 'quality']) }}

-- The checks of data_quality for the raw tables beside the orders: what was looked at, what was found, what is done.
WITH named AS (
    SELECT
        f.source,
        f.table_name || k.ending AS check_name,
        k.failing_rows,
        k.row_count,
        k.severity,
        k.treatment
    FROM {{ ref('stg_table_facts') }} AS f
    CROSS JOIN LATERAL (
        VALUES
            ('_rejected', f.rows_rejected, f.rows_read, 'warn', 'Kept in rejected_rows with the reason; counts rows of the files.'),
            ('_unaccounted', abs(f.rows_unaccounted), f.rows_read, 'error', 'Rows read are not rows loaded plus rows rejected; load the file again.'),
            ('_repeated', f.repeated_rows, f.row_count, 'warn', 'Rows whose key another row has: something else than a load wrote them. Counts rows.')
    ) AS k (ending, failing_rows, row_count, severity, treatment)
    UNION ALL
    SELECT
        m.source,
        m.check_name,
        m.missing_ids,
        m.id_count,
        k.severity,
        k.treatment
    FROM {{ ref('stg_id_matches') }} AS m
    JOIN (
        VALUES
            ('customers_unknown', 'info', 'Used as they are: models take nothing from raw.customers. Counts customers with orders whom it does not describe.'),
            ('customers_without_order', 'info', 'Left out of all models, which begin with an order. Counts described customers.'),
            ('products_unknown', 'info', 'Used as they are: models take nothing from raw.products. Counts sold products that it does not describe.'),
            ('products_without_order', 'info', 'Described, and never sold in the data. Counts products.'),
            ('members_unknown', 'warn', 'Members of campaigns whom neither the orders nor raw.customers know: ids of two systems may differ. Counts customers.'),
            ('members_without_order', 'info', 'Members of campaigns who never ordered in the data. Counts customers.'),
            ('members_without_campaign', 'warn', 'Campaigns that have members and that raw.campaigns does not describe: no time and no cost is known. Counts campaigns.'),
            ('campaigns_without_member', 'info', 'Campaigns whose effect cannot be measured, because nobody is known to have been in them. Counts campaigns.')
    ) AS k (check_name, severity, treatment)
        ON k.check_name = m.check_name
    UNION ALL
    SELECT
        f.source,
        k.check_name,
        f.reversed_rows,
        f.row_count,
        'warn',
        k.treatment
    FROM {{ ref('stg_table_facts') }} AS f
    JOIN (
        VALUES
            ('campaigns', 'campaigns_ending_before_start', 'Kept as they are: the time of the campaign says nothing. Counts campaigns.'),
            (
                'campaign_members', 'responses_before_assignment',
                'Kept as they are: who responded before being assigned cannot have responded to the campaign. Counts members.'
            )
    ) AS k (table_name, check_name, treatment)
        ON k.table_name = f.table_name
)
SELECT
    n.source,
    n.check_name,
    n.failing_rows,
    n.row_count,
    n.severity,
    n.treatment
FROM named AS n
