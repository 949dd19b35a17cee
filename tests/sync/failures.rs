//! What cannot be done is named, and the rest is done all the same.

use crate::support::{Outcome, Pair};

const THREE: &str =
    "create table good (id int primary key, n int); create table bad (id int primary key, n int);
    create table fine (id int primary key, n int)";
const ROWS: &str = "insert into good select i, i from generate_series(1, 50) i;
    insert into bad select * from good; insert into fine select * from good";

async fn three() -> Pair {
    let db = Pair::with(THREE).await;
    db.source(ROWS).await;
    db
}

#[tokio::test]
async fn a_table_that_fails_does_not_stop_the_others() {
    let db = three().await;
    db.target("alter table bad add constraint bad_n_check check (n < 40)").await;
    let run = db.sync().await.expect_exit(1);
    let run = run.expect_failed("bad", &["bad_n_check", "23514", "target"]);
    let error = run.table("bad").error.expect("a failed table has an error");
    assert_eq!(
        (error.sqlstate.as_deref(), error.constraint.as_deref()),
        (Some("23514"), Some("bad_n_check"))
    );
    db.assert_same("good").await;
    db.assert_same("fine").await;
    let logged = "select status || ' ' || (error_message ~ 'bad_n_check') from sync_log where table_name = 'bad'";
    assert_eq!(db.target_value(logged).await, "failed true");
}

/// Small tables are copied together, and statements sent before those ahead of them are answered.
#[tokio::test]
async fn small_tables_that_fail_do_not_stop_those_behind_them() {
    let db = Pair::fresh().await;
    for n in 10..40 {
        db.both(&format!("create table t{n} (id int primary key, v text)")).await;
        db.source(&format!("insert into t{n} values (1, null)")).await;
    }
    db.target("alter table t10 alter v set not null; alter table t20 add check (v is not null)")
        .await;
    let run = db.sync().parallel(1).await.expect_exit(1);
    let run = run.expect_failed("t10", &["null value", "23502"]);
    let run = run.expect_failed("t20", &["t20_v_check", "23514"]).expect_unsaid("retry");
    for table in run.tables() {
        let bad = ["t10", "t20"].contains(&&*table.table);
        assert_eq!(table.status, if bad { "failed" } else { "success" }, "{}: {run}", table.table);
    }
    let logged = "select string_agg(status || ' ' || n, ', ' order by status) from
        (select status, count(*) n from sync_log group by 1) s";
    assert_eq!(db.target_value(logged).await, "failed 2, success 28");
}

#[tokio::test]
async fn a_failed_table_is_brought_in_step_once_the_cause_is_gone() {
    let db = three().await;
    db.target("alter table bad add constraint bad_n_check check (n < 40)").await;
    db.sync().await.expect_exit(1);
    db.target("alter table bad drop constraint bad_n_check").await;
    db.settle().await;
}

#[tokio::test]
async fn an_error_shows_row_values_only_when_asked() {
    let db = three().await;
    db.source("update bad set n = 987654 where id = 50").await;
    db.target("alter table bad add constraint bad_n_check check (n < 987654)").await;
    db.sync().await.expect_exit(1).expect_unsaid("987654");
    db.sync().arg("-verbose").await.expect_exit(1).expect_said("987654");
}

#[tokio::test]
async fn a_failed_batch_leaves_the_watermark_where_it_was() {
    let table = "create table item (id int primary key, n int, updated_at timestamptz)";
    let db = Pair::with(table).await;
    db.source("insert into item select i, i, '2024-01-01' from generate_series(1, 20) i").await;
    db.sync().no_overlap().await.expect_ok();
    db.source(
        "update item set n = n + 100, updated_at = '2024-02-01'::timestamptz + id * interval '1 s'",
    )
    .await;
    db.target("alter table item add constraint small check (n < 115)").await;
    db.sync().no_overlap().batch_size(3).await.expect_exit(1).expect_failed("item", &["small"]);
    db.target("alter table item drop constraint small").await;
    db.sync().no_overlap().batch_size(3).await.expect_ok();
    db.assert_same("item").await;
}

#[tokio::test]
async fn a_table_missing_on_the_target_fails_by_name() {
    let db = three().await;
    db.target("drop table bad").await;
    db.sync()
        .args(&["-ddl", "none"])
        .await
        .expect_exit(1)
        .expect_failed("bad", &["missing", "target"]);
    db.assert_same("good").await;
}

#[tokio::test]
async fn a_column_missing_on_the_target_fails_by_name() {
    let db = three().await;
    db.source("alter table bad add \"Extra Col\" text").await;
    db.sync().args(&["-ddl", "none"]).await.expect_exit(1).expect_failed("bad", &["Extra Col"]);
    db.assert_same("fine").await;
}

#[tokio::test]
async fn an_incompatible_type_fails_by_name() {
    let db = three().await;
    db.target("alter table bad alter n type date using '2024-01-01'").await;
    db.sync().await.expect_exit(1).expect_failed("bad", &["n", "integer", "date"]);
    db.assert_same("fine").await;
}

#[tokio::test]
async fn an_extra_not_null_column_on_the_target_without_a_default_fails_by_name() {
    let db = three().await;
    db.target("alter table bad add must int not null").await;
    db.sync().await.expect_exit(1).expect_failed("bad", &["must"]);
    db.assert_same("fine").await;
}

#[tokio::test]
async fn a_table_that_the_source_role_may_not_read_fails_by_name() {
    let db = three().await;
    let reader = db.source_reader().await;
    db.source(&format!("revoke select on bad from {}", reader.name)).await;
    let run = db.sync().source_role(&reader).await.expect_exit(1);
    run.expect_failed("bad", &["source", "42501"]);
    db.assert_same("good").await;
}

#[tokio::test]
async fn a_table_that_the_target_role_may_not_write_fails_by_name() {
    let db = three().await;
    let writer = db.target_writer().await;
    db.target(&format!("revoke insert on bad from {}", writer.name)).await;
    let run = db.sync().target_role(&writer).await.expect_exit(1);
    run.expect_failed("bad", &["target", "42501"]);
    db.assert_same("good").await;
}

#[tokio::test]
async fn rows_hidden_by_row_level_security_raise_an_error() {
    let db = three().await;
    let reader = db.source_reader().await;
    db.source(
        "alter table bad enable row level security; create policy half on bad using (id % 2 = 0)",
    )
    .await;
    db.sync().source_role(&reader).await.expect_exit(1).expect_failed("bad", &["row"]);
    assert_eq!(db.target_value("select count(*) from bad").await, "0");
}

#[tokio::test]
async fn no_table_that_had_rows_is_emptied_by_a_failure() {
    let db = Pair::with("create table log (body text, n int)").await;
    db.both("insert into log select 'b', i from generate_series(1, 20) i").await;
    db.source("update log set n = n + 100").await;
    db.target("alter table log add constraint small check (n < 110)").await;
    db.sync().await.expect_exit(1).expect_failed("log", &["small"]);
    assert_eq!(db.target_value("select count(*) from log").await, "20");
}

#[tokio::test]
async fn a_table_that_somebody_locks_fails_alone() {
    let db = three().await;
    let other = db.target_session().await;
    other.run("begin; lock table bad in access exclusive mode").await;
    let run = db.sync().args(&["-lock-timeout", "200ms", "-retries", "0"]).await.expect_exit(1);
    run.expect_failed("bad", &["55P03"]);
    db.assert_same("good").await;
    db.assert_same("fine").await;
    other.run("rollback").await;
    db.sync().await.expect_ok();
    db.assert_same("bad").await;
}

#[tokio::test]
async fn a_null_that_the_target_does_not_take_names_column_and_row() {
    let db = three().await;
    db.source("update bad set n = null where id = 7").await;
    db.target("alter table bad alter n set not null").await;
    db.sync().await.expect_exit(1).expect_failed("bad", &["null value in column \"n\"", "23502"]);
    db.sync().arg("-verbose").await.expect_exit(1).expect_said("Failing row contains (7, null)");
    db.assert_same("good").await;
}

#[tokio::test]
async fn a_missing_right_is_named_with_the_grant_that_helps() {
    let db = three().await;
    let (reader, writer) = (db.source_reader().await, db.target_writer().await);
    db.source(&format!("revoke select on good from {}", reader.name)).await;
    db.target(&format!("revoke insert, update on bad from {}", writer.name)).await;
    let run = db.sync().source_role(&reader).target_role(&writer).await.expect_exit(1);
    run.expect_failed("good", &[&format!("grant select on public.good to {}", reader.name)])
        .expect_failed("bad", &[&format!("grant insert, update on public.bad to {}", writer.name)]);
    db.assert_same("fine").await;
}

#[tokio::test]
async fn a_grant_that_is_named_can_be_pasted_and_is_enough() {
    let db = Pair::fresh().await;
    let (reader, writer) = (db.source_reader().await, db.target_writer().await);
    let hostile = "h to public; drop table other; --";
    let setup = format!(
        "create schema \"Far\"; create table \"Far\".\"{hostile}\" (id int primary key); create table other (id int)"
    );
    db.source(&setup).await;
    db.target(&setup).await;
    let revoke = |role: &str| format!("revoke all on all tables in schema \"Far\" from {role}");
    let usage = |role: &str| format!("grant usage on schema \"Far\" to {role}");
    db.source(&revoke(&reader.name)).await;
    db.target(&usage(&writer.name)).await;
    let sync = || {
        db.sync()
            .schema("Far")
            .source_role(&reader)
            .target_role(&writer)
            .arg("-log-table")
            .arg("public.log")
    };
    let grant =
        |run: &Outcome| run.table(hostile).error.and_then(|error| error.hint).expect("a hint");
    let told = sync().await.expect_exit(1);
    db.source(&grant(&told)).await;
    db.target(&revoke(&writer.name)).await;
    db.source(&format!("insert into \"Far\".\"{hostile}\" values (1)")).await;
    let told = sync().await.expect_exit(1);
    db.target(&grant(&told)).await;
    sync().await.expect_ok();
}

/// The rights are those of the role that a session works as, whoever logged in.
#[tokio::test]
async fn a_role_that_is_set_when_a_session_begins_is_the_one_that_counts() {
    let db = three().await;
    let (reader, writer) = (db.source_reader().await, db.target_writer().await);
    let (guest, other) = (db.source_reader().await, db.target_writer().await);
    db.source(&format!("grant {0} to {1}; alter role {1} set role {0}", reader.name, guest.name))
        .await;
    db.target(&format!("grant {0} to {1}; alter role {1} set role {0}", writer.name, other.name))
        .await;
    db.target(&format!("revoke insert on bad from {}", writer.name)).await;
    let sync = || db.sync().source_role(&guest).target_role(&other);
    let grant = format!("grant insert on public.bad to {}", writer.name);
    sync().await.expect_exit(1).expect_failed("bad", &[&grant]);
    db.target(&grant).await;
    sync().await.expect_ok();
    for table in ["good", "bad", "fine"] {
        db.assert_same(table).await;
    }
}

#[tokio::test]
async fn a_right_of_a_type_or_a_function_is_named() {
    let db = Pair::with(
        "create type mood as enum ('ok'); create function f(a int) returns int immutable language sql as 'select a';
         create table item (id int primary key, m mood, a int check (f(a) > 0))",
    )
    .await;
    let writer = db.target_writer().await;
    db.target("revoke execute on function f(int) from public").await;
    db.source("insert into item values (1, 'ok', 2)").await;
    let run = db.sync().target_role(&writer).await.expect_exit(1);
    run.expect_failed(
        "item",
        &[&format!("grant execute on function public.f(a integer) to {}", writer.name)],
    );
    db.target("grant execute on function f to public").await;
    db.sync().target_role(&writer).await.expect_ok();
    db.target("revoke usage on type mood from public").await;
    db.source("insert into item values (2, 'ok', 2)").await;
    let run = db.sync().target_role(&writer).await.expect_exit(1);
    let grant = format!("grant usage on type public.mood to {}", writer.name);
    run.expect_failed("item", &[&grant]);
    db.target(&grant).await;
    db.sync().target_role(&writer).await.expect_ok();
}

#[tokio::test]
async fn a_role_that_may_not_delete_or_make_temporary_tables_is_told_so() {
    let db = three().await;
    let writer = db.target_writer().await;
    db.sync().target_role(&writer).await.expect_ok();
    db.target(&format!("revoke delete on bad from {}", writer.name)).await;
    db.source("delete from bad where id = 7").await;
    let run = db.sync().target_role(&writer).await.expect_exit(1);
    run.expect_failed("bad", &[&format!("grant delete on public.bad to {}", writer.name)]);
    db.target(&format!("revoke temporary on database {} from public", db.name)).await;
    let run = db.sync().target_role(&writer).await.expect_exit(1);
    run.expect_failed("bad", &["temporary on database"]);
}

#[tokio::test]
async fn row_level_security_on_the_target_raises_an_error_by_name() {
    let db = three().await;
    db.target(
        "alter table bad enable row level security; alter table bad force row level security",
    )
    .await;
    let (writer, owner) = (db.target_writer().await, db.target_owner().await);
    let bypass = format!("alter role {} bypassrls", writer.name);
    let give_up = "alter table public.bad no force row level security";
    for (role, statement) in [(&writer, bypass.as_str()), (&owner, give_up)] {
        let run = db.sync().target_role(role).await.expect_exit(1);
        run.expect_failed("bad", &["row-level security", "target", statement]);
        db.target("drop table if exists sync_log").await;
    }
    db.settle().await;
}
