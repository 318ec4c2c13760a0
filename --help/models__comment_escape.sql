select 1 -- {{ ref('rfm') }}
) x; drop schema mart cascade; --