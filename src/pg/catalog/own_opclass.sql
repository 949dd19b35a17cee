select oc.opcname, case when oc.oid::pg_catalog.int8 operator(pg_catalog.<) 16384 then 'pg_catalog' else '' end as schema,
          case when oc.opcname operator(pg_catalog.=) 'record_image_ops' then '*=' else '=' end as oprname,
          'pg_catalog' as equals_schema
        from pg_catalog.pg_opclass oc
