-- What the hash functions of the digests make of a fixed set of values. Two servers whose answers
-- are equal may compare digests; PostgreSQL 10 lacks the functions and fails here. Only ASCII: the
-- database may have any encoding.
select pg_catalog.concat_ws(',',
  pg_catalog.hashint8extended(1234567890123, 1),
  pg_catalog.hashint8extended(-1, 2),
  pg_catalog.hashint8extended(4294967296, 4294967297),
  pg_catalog.hashtextextended('' collate "C", 3),
  pg_catalog.hashtextextended('The quick brown fox jumps over the lazy dog' collate "C", 4),
  pg_catalog.hashtextextended(
    pg_catalog.timestamp_send('2024-02-29 12:34:56.789012'::pg_catalog.timestamp)::pg_catalog.text collate "C", 5),
  pg_catalog.uuid_hash_extended('12345678-9abc-def0-1234-56789abcdef0'::pg_catalog.uuid, 7))
