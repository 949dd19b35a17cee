//! Functions, operators and types that somebody put before the system's are not picked up.

use crate::support::Pair;

const TABLES: &str = "
    create table inc (id int primary key, body text, updated_at timestamptz);
    create table part (a text, b uuid, inc int references inc, primary key (a, b));
    create table bag (n int, body text)";
const ROWS: &str = "
    insert into inc select i, 'b', '2024-01-01'::timestamptz + i * interval '1 s' from generate_series(1, 300) i;
    insert into part select 'a' || i, md5(i::text)::uuid, i from generate_series(1, 300) i;
    insert into bag select i % 50, 'b' from generate_series(1, 300) i";
const CHANGES: &str = "
    update inc set body = 'c', updated_at = '2024-02-01' where id % 10 = 0; delete from part where inc > 280;
    delete from inc where id > 280; insert into inc values (1000, 'n', '2024-02-02');
    update part set inc = 7 where inc = 8; delete from bag where n = 3; insert into bag values (3, 'x'), (3, 'x')";

/// Whoever comes upon one of these learns it.
const SHADOWS: &str = r#"
    create schema shadow; grant usage on schema shadow to public;
    do $$
    declare kind text; name text; made text := 'create function shadow.'; raises text :=
      ' language plpgsql as ''begin raise exception ''''a shadow was picked up: %'''', ''''$name''''; end''';
    begin
      foreach kind in array array['int', 'bigint', 'numeric', 'text', 'name', 'oid', '"char"', 'boolean', 'timestamptz', 'timestamp', 'uuid', 'regclass'] loop
        foreach name in array array['=', '<>', '<', '>', '<=', '>=', '+', '-', '||', '&', '>>', '%', '*', '*<>'] loop
          execute format('create function shadow.%I(%s, %2$s) returns boolean', name || ' of ' || kind, kind) || replace(raises, '$name', name || ' of ' || kind);
          execute format('create operator shadow.%s (leftarg = %s, rightarg = %2$s, procedure = shadow.%I)', name, kind, name || ' of ' || kind);
        end loop;
        foreach name in array array['md5', 'hashtextextended', 'count', 'sum', 'max', 'min', 'coalesce2', 'to_regclass', 'quote_ident', 'length', 'abs', 'replace', 'string_agg', 'json_agg', 'has_table_privilege'] loop
          execute format('create function shadow.%s(%s) returns %2$s', name, kind) || replace(raises, '$name', name);
        end loop;
      end loop;
    end $$;
    create domain shadow.text as pg_catalog.text check (length(value) > 1000);
    create domain shadow.int8 as pg_catalog.int8 check (value < 0);
    create domain shadow.bigint as pg_catalog.int8 check (value < 0);
    create domain shadow.name as pg_catalog.name check (value::pg_catalog.text = '');
    create table shadow.pg_class (oid int); create table shadow.pg_namespace (oid int); create table shadow.pg_attribute (oid int)"#;

#[tokio::test]
async fn nothing_that_stands_before_the_system_in_the_search_path_is_used() {
    let db = Pair::with(TABLES).await;
    db.source(ROWS).await;
    let writer = db.target_writer().await;
    let own = format!("alter role {} in database {} reset search_path", writer.name, db.name);
    db.target(&own).await;
    db.both(SHADOWS).await;
    let path = format!("alter database {} set search_path = shadow, pg_catalog, public", db.name);
    db.both(&path).await;
    let sync = || db.sync().batch_size(50);
    for args in [&["-max-delete", "90%"][..], &["-reconcile"]] {
        sync().args(args).await.expect_ok();
        db.source(CHANGES).await;
        sync().args(args).arg("-dry-run").await.expect_ok();
        sync().args(args).target_role(&writer).await.expect_ok();
        for table in ["inc", "part", "bag"] {
            db.assert_same(table).await;
        }
        db.source("delete from inc where id = 1000; update bag set body = 'y' where n = 4").await;
    }
    db.target("drop table part, inc, bag, sync_log").await;
    sync().await.expect_ok();
    for table in ["inc", "part", "bag"] {
        db.assert_same(table).await;
    }
}
