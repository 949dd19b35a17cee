select oc.opcname, ocn.nspname as schema, op.oprname, opn.nspname as equals_schema
        from pg_catalog.pg_opclass oc
        join pg_catalog.pg_namespace ocn on ocn.oid operator(pg_catalog.=) oc.opcnamespace
        join pg_catalog.pg_amop ao on ao.amopfamily operator(pg_catalog.=) oc.opcfamily
          and ao.amoplefttype operator(pg_catalog.=) oc.opcintype
          and ao.amoprighttype operator(pg_catalog.=) oc.opcintype
          and ao.amopstrategy operator(pg_catalog.=) 3
        join pg_catalog.pg_operator op on op.oid operator(pg_catalog.=) ao.amopopr
        join pg_catalog.pg_namespace opn on opn.oid operator(pg_catalog.=) op.oprnamespace
