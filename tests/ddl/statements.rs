//! What stands in the way is said with a statement that is run as it is printed.

use crate::rights::{mended, statement_of};
use crate::support::{Pair, pgsync};

#[tokio::test]
async fn whoever_does_not_own_a_table_or_a_type_is_told_how_to() {
    for is_superuser in [false, true] {
        let db = Pair::fresh().await;
        db.source("create type mood as enum ('a'); create table item (id int primary key, m mood)")
            .await;
        db.sync().await.expect_ok();
        let (role, other) = (db.target_writer().await, db.target_writer().await);
        let owner = if is_superuser { "postgres".to_owned() } else { other.name.clone() };
        db.target(&format!(
            "alter table item owner to {owner}; alter type mood owner to {owner}; alter table sync_log owner to {}",
            role.name
        ))
        .await;
        db.source("alter type mood add value 'b'; alter table item add n int").await;
        let pasted = mended(&db, &role, &[]).await;
        if is_superuser {
            let mut expected = ["type public.mood", "table public.item"]
                .map(|what| format!("alter {what} owner to {}", role.name));
            expected.sort();
            let mut pasted = pasted;
            pasted.sort();
            assert_eq!(pasted, expected);
        } else {
            assert_eq!(pasted, [format!("grant {owner} to {}", role.name)]);
        }
        db.assert_all_same().await;
    }
}

#[tokio::test]
async fn all_extensions_that_a_table_needs_are_named_at_once() {
    let db = Pair::fresh().await;
    db.source(
        "create extension citext; create extension ltree; create extension hstore; create table a (id int primary key, v citext);
        create table b (id int primary key, v citext, h hstore); create table c (l ltree, h hstore, v citext);
        create table plain (id int primary key)",
    )
    .await;
    let role = db.target_writer().await;
    let foretold = db.sync().target_role(&role).arg("-dry-run").await.expect_exit(1);
    let run = db.sync().target_role(&role).await.expect_exit(1);
    assert_eq!(run.table("plain").status, "success");
    for (run, table, extensions) in
        [(&run, "a", 1), (&run, "b", 2), (&run, "c", 3), (&foretold, "b", 2), (&foretold, "c", 3)]
    {
        let hint = run.table(table).error.and_then(|error| error.hint).unwrap_or_default();
        let statement = hint.strip_prefix("run there as a superuser: ").unwrap_or_default();
        assert_eq!(statement.matches("create extension ").count(), extensions, "{table} of {run}");
    }
    let hint = run.table("c").error.and_then(|error| error.hint).unwrap_or_default();
    db.target(hint.trim_start_matches("run there as a superuser: ")).await;
    db.sync().target_role(&role).await.expect_ok();
}

#[tokio::test]
async fn software_that_the_target_does_not_have_is_asked_for_with_the_statement() {
    let db = Pair::fresh().await;
    db.source("create extension citext; create table item (id citext)").await;
    db.source("update pg_extension set extname = 'no_such_thing' where extname = 'citext'").await;
    let run = db.sync().await.expect_exit(1);
    let texts = ["install its software", "create extension if not exists \"no_such_thing\""];
    drop(run.expect_failed("item", &texts));
}

#[tokio::test]
async fn a_built_in_function_is_not_taken_for_that_of_an_extension() {
    let slug = "create function slug(v text) returns text language sql immutable as";
    let cases = [
        ("select replace(lower(v), '' '', ''-'')", false),
        ("select pg_catalog.replace(lower(v), '' '', ''-'')", false),
        ("select replace(v::citext, ''a''::citext, ''b''::citext)", true),
        ("select public.replace(v, ''a'', ''b'')", true),
    ];
    for (body, needs_extension) in cases {
        let db = Pair::fresh().await;
        db.source(&format!(
            "create extension citext; set check_function_bodies = off; {slug} '{body}';
            create table item (id int primary key, v text default slug('A b'), check (slug(v) <> ''))"
        ))
        .await;
        let (source, target) = (db.source_url(), db.target_url());
        let listed =
            pgsync(&["schema", "-source", &source, "-target", &target]).await.expect_exit(1);
        let is_asked_for = listed.stdout.contains("create extension");
        assert_eq!(is_asked_for, needs_extension, "{body}: {listed}");
    }
}

#[tokio::test]
async fn a_policy_that_hides_rows_is_said_with_the_statement_that_shows_them() {
    let db = Pair::with("create table item (id int primary key)").await;
    db.source("insert into item values (1)").await;
    db.target("alter table item enable row level security").await;
    let writer = db.target_writer().await;
    db.target(&format!("revoke insert on item from {}", writer.name)).await;
    let both = format!(
        "alter role {0} bypassrls; grant insert on public.item to {0}; or connect",
        writer.name
    );
    db.sync().target_role(&writer).await.expect_exit(1).expect_failed("item", &[&both]);
    db.target(&format!("grant insert on item to {}", writer.name)).await;
    let pasted = mended(&db, &writer, &[]).await;
    assert_eq!(pasted, [format!("alter role {} bypassrls", writer.name)]);
    // To its owner a table hides rows only where that is forced.
    db.target("alter table item force row level security").await;
    let owner = db.target_owner().await;
    let pasted = mended(&db, &owner, &[]).await;
    assert_eq!(pasted, ["alter table public.item no force row level security"]);
}

#[tokio::test]
async fn a_function_that_the_role_may_not_call_is_said_with_its_grant() {
    let functions = [
        "pg_export_snapshot()",
        "pg_get_expr(pg_node_tree, oid)",
        "pg_relation_filenode(regclass)",
        "md5(text)",
        "set_config(text, text, boolean)",
    ];
    let db = Pair::with("create table item (id int primary key, v text)").await;
    db.source("insert into item values (1, 'a')").await;
    let reader = db.source_reader().await;
    for function in functions {
        db.source(&format!("revoke execute on function pg_catalog.{function} from public")).await;
        let run = db.sync().source_role(&reader).await.expect_exit(1);
        let statement = statement_of(&run);
        let grant = format!("grant execute on function pg_catalog.{function} to {}", reader.name);
        assert_eq!(statement, grant, "{run}");
        db.source(&statement).await;
        db.sync().source_role(&reader).await.expect_ok();
    }
}

#[tokio::test]
async fn what_needs_the_replica_role_is_said_with_its_grant() {
    let db = Pair::with("create table item (id int primary key, v text)").await;
    if !db.has(15, "a grant of session_replication_role").await {
        return;
    }
    db.source("insert into item values (1, 'a')").await;
    db.target(
        "create function f() returns trigger language plpgsql as 'begin return new; end';
        create trigger t before insert on item for each row execute function f()",
    )
    .await;
    let writer = db.target_writer().await;
    let run = db.sync().target_role(&writer).await.expect_exit(1);
    let grant = format!("grant set on parameter session_replication_role to {}", writer.name);
    drop(run.expect_failed("item", &[&grant]));
    db.target(&grant).await;
    db.sync().target_role(&writer).await.expect_ok();
}
