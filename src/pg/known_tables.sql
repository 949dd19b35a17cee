-- What the statement in the hole says of tables, one a row: the digest of a row's text, and the text where that digest
-- is not known. Without `offset 0` the planner would have each table described once for each mention.
select d.digest,
  case when d.digest operator(pg_catalog.=) any (
    select k.digest from pg_catalog.unnest(pg_catalog.string_to_array($digests, ' ')) k(digest))
  then null else d.description end
from (
  select c.description, pg_catalog.md5(c.description) as digest from (
    select c.description::pg_catalog.text as description from (
$catalog
    ) c(description) offset 0
  ) c offset 0
) d
