-- Whether a definition may have changed since an earlier look: of each catalog that the short look reads, the places
-- of all rows that are not the server's own, and the transactions that wrote them. Who changes a definition
-- writes or removes a row. What VACUUM and ANALYZE write into a row leaves both as they are. What sessions make for
-- themselves alone counts as well, but for pg_class: then the short look is taken for nothing. The start of the server
-- tells it from a copy of its files, and from itself after it went back in time.
select pg_catalog.concat_ws(' ', pg_catalog.pg_postmaster_start_time(),
  (select $version from pg_catalog.pg_class x
    where x.oid operator(pg_catalog.>=) 16384::pg_catalog.oid and x.relpersistence operator(pg_catalog.<>) 't'),
  (select $version from pg_catalog.pg_attribute x where x.attrelid operator(pg_catalog.>=) 16384::pg_catalog.oid),
  (select $version from pg_catalog.pg_attrdef x),
  (select $version from pg_catalog.pg_index x where x.indexrelid operator(pg_catalog.>=) 16384::pg_catalog.oid),
  (select $version from pg_catalog.pg_constraint x where x.oid operator(pg_catalog.>=) 16384::pg_catalog.oid),
  (select $version from pg_catalog.pg_inherits x),
  (select $version from pg_catalog.pg_partitioned_table x),
  (select $version from pg_catalog.pg_statistic_ext x),
  (select $version from pg_catalog.pg_description x where x.objoid operator(pg_catalog.>=) 16384::pg_catalog.oid),
  (select $version from pg_catalog.pg_type x where x.oid operator(pg_catalog.>=) 16384::pg_catalog.oid),
  (select $version from pg_catalog.pg_enum x),
  (select $version from pg_catalog.pg_proc x where x.oid operator(pg_catalog.>=) 16384::pg_catalog.oid),
  (select $version from pg_catalog.pg_operator x where x.oid operator(pg_catalog.>=) 16384::pg_catalog.oid),
  (select $version from pg_catalog.pg_opclass x where x.oid operator(pg_catalog.>=) 16384::pg_catalog.oid),
  (select $version from pg_catalog.pg_collation x where x.oid operator(pg_catalog.>=) 16384::pg_catalog.oid),
  (select $version from pg_catalog.pg_am x where x.oid operator(pg_catalog.>=) 16384::pg_catalog.oid),
  (select $version from pg_catalog.pg_ts_config x where x.oid operator(pg_catalog.>=) 16384::pg_catalog.oid),
  (select $version from pg_catalog.pg_ts_config_map x where x.mapcfg operator(pg_catalog.>=) 16384::pg_catalog.oid),
  (select $version from pg_catalog.pg_ts_dict x where x.oid operator(pg_catalog.>=) 16384::pg_catalog.oid),
  (select $version from pg_catalog.pg_namespace x),
  -- Which columns own sequences. Other rows of it are written together with one of another catalog.
  (select $version from pg_catalog.pg_depend x
    where x.classid operator(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass and x.objid operator(pg_catalog.>=) 16384::pg_catalog.oid
      and x.refobjsubid operator(pg_catalog.>) 0 and x.deptype operator(pg_catalog.=) 'a'))
