-- The transactions of this database that are prepared and neither committed nor rolled back. Each began before
-- it was prepared, and nobody can say when.
select p.transaction::pg_catalog.text
from pg_catalog.pg_prepared_xacts p
where p.database operator(pg_catalog.=) pg_catalog.current_database()
