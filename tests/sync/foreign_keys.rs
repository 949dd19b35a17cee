//! Foreign keys: never a dangling row in silence, and no row lost to a cascade.

use crate::support::Pair;
use crate::support::Rights::{self, Owner, Superuser, Writer};

const FAMILY: &str = "create table parent (id int primary key, name text);
    create table child (id int primary key, parent_id int, updated_at timestamptz not null default now())";
const KEY: &str =
    "alter table child add constraint child_parent foreign key (parent_id) references parent";
const ROWS: &str = "insert into parent select i, 'p' from generate_series(1, 20) i;
    insert into child select i, i, '2024-01-01' from generate_series(1, 20) i";

async fn orphans(db: &Pair) -> String {
    db.target_value("select count(*) from child c where parent_id is not null and not exists (select from parent p where p.id = c.parent_id)").await
}

#[tokio::test]
async fn a_foreign_key_that_only_the_target_has_lets_no_dangling_row_in() {
    for rights in Rights::ALL {
        let db = Pair::with(FAMILY).await;
        db.target(KEY).await;
        let role = db.target_role(rights).await;
        db.source(ROWS).await;
        db.follow_as(&role, "insert into parent values (30); insert into child values (30, 30); delete from child where id = 3; delete from parent where id = 3").await;
        db.source("insert into child values (31, 777)").await;
        let run = db.sync().target_role(&role).await.expect_exit(1);
        run.expect_failed("child", &["child_parent", "23503", "drop constraint child_parent"]);
        assert_eq!(orphans(&db).await, "0");
        db.source("delete from child where id = 31; delete from parent where id = 9").await;
        let run = db.sync().target_role(&role).await.expect_exit(1);
        run.expect_failed("parent", &["child_parent"]);
        assert_eq!(orphans(&db).await, "0");
    }
}

#[tokio::test]
async fn a_child_whose_parent_is_not_selected_fails_by_name_instead_of_dangling() {
    for rights in Rights::ALL {
        let db = Pair::with(&format!("{FAMILY}; {KEY}")).await;
        let role = db.target_role(rights).await;
        db.source(ROWS).await;
        db.sync().target_role(&role).await.expect_ok();
        db.source("insert into parent values (30); insert into child values (30, 30)").await;
        let run = db.sync().include("child").target_role(&role).await.expect_exit(1);
        run.expect_failed(
            "child",
            &["child_parent", "public.parent is not part of this run: include it"],
        );
        assert_eq!(orphans(&db).await, "0");
        db.sync().include("child,parent").target_role(&role).await.expect_ok();
        db.assert_all_same().await;
    }
}

#[tokio::test]
async fn a_parent_whose_child_is_not_selected_fails_by_name_instead_of_leaving_it_dangling() {
    let cases = [
        ("cascade", Superuser),
        ("no action", Superuser),
        ("restrict", Owner),
        ("set null", Owner),
        ("set default", Writer),
        ("cascade", Writer),
    ];
    for (action, rights) in cases {
        let db = Pair::with(&format!("{FAMILY}; {KEY} on delete {action}")).await;
        let role = db.target_role(rights).await;
        db.source(ROWS).await;
        db.sync().target_role(&role).await.expect_ok();
        db.source("delete from child where id = 5; delete from parent where id = 5").await;
        let run = db.sync().include("parent").target_role(&role).await.expect_exit(1);
        run.expect_failed("parent", &["child_parent"]);
        assert_eq!(db.target_value("select count(*) filter (where id = 5 and parent_id = 5) || ' ' || count(*) from child").await, "1 20");
        db.settle_as(&role).await;
    }
}

#[tokio::test]
async fn every_action_of_the_source_arrives_though_no_timestamp_changed() {
    let cases = [
        ("set null", "no action", Superuser),
        ("set null", "cascade", Owner),
        ("set default", "no action", Writer),
        ("cascade", "cascade", Superuser),
        ("cascade", "no action", Writer),
        ("no action", "set null", Owner),
    ];
    for (delete, update, rights) in cases {
        let schema = format!(
            "{FAMILY}; alter table child alter parent_id set default 1; {KEY} on delete {delete} on update {update}"
        );
        let db = Pair::with(&schema).await;
        let role = db.target_role(rights).await;
        db.source(ROWS).await;
        let deletes = if delete == "no action" {
            ""
        } else {
            "delete from parent where id in (5, 6); insert into parent values (6, 'again');"
        };
        let updates =
            if update == "no action" { "" } else { "update parent set id = 70 where id = 7;" };
        db.follow_as(&role, &format!("{deletes} {updates} insert into parent values (80)")).await;
    }
}

#[tokio::test]
async fn an_action_of_the_source_arrives_where_the_target_has_another_one() {
    for rights in Rights::ALL {
        let db = Pair::with(FAMILY).await;
        db.source(&format!("{KEY} on delete set null")).await;
        db.target(&format!("{KEY} on delete cascade")).await;
        let role = db.target_role(rights).await;
        db.source(ROWS).await;
        db.follow_as(&role, "delete from parent where id in (5, 6)").await;
    }
}

#[tokio::test]
async fn a_tree_whose_children_precede_their_parents_is_followed() {
    for (action, rights) in
        [("no action", Superuser), ("restrict", Owner), ("cascade", Writer), ("set null", Owner)]
    {
        let db = Pair::with(&format!("create table tree (id int primary key, up int references tree on delete {action}, updated_at timestamptz not null default now())")).await;
        let role = db.target_role(rights).await;
        db.source("insert into tree select i, nullif(i + 1, 2001), '2024-01-01'::timestamptz + i * interval '1 s' from generate_series(1, 2000) i").await;
        db.sync().target_role(&role).batch_size(100).await.expect_ok();
        db.source("insert into tree select i, nullif(i + 1, 2501), now() + i * interval '1 us' from generate_series(2301, 2500) i;
                update tree set up = 2400, updated_at = now() where id = 989; delete from tree where id between 990 and 999").await;
        db.sync().target_role(&role).batch_size(100).await.expect_ok();
        db.assert_all_same().await;
        db.sync().target_role(&role).await.expect_unchanged();
    }
}

#[tokio::test]
async fn rows_of_a_tree_may_refer_to_rows_without_a_timestamp_and_to_lost_ones() {
    for rights in Rights::ALL {
        let db = Pair::with("create table tree (id int primary key, up int references tree, updated_at timestamptz default now())").await;
        let role = db.target_role(rights).await;
        db.source("insert into tree select i, nullif(i - 1, 0), '2024-01-01' from generate_series(1, 50) i").await;
        db.follow_as(
            &role,
            "insert into tree values (60, 1, 'infinity'), (61, 60, now()), (62, 61, null), (63, 62, now())",
        )
        .await;
        db.target("update tree set up = 1 where id = 63; delete from tree where id = 62").await;
        db.source("insert into tree values (64, 62); delete from tree where id = 63").await;
        db.settle_as(&role).await;
    }
}

#[tokio::test]
async fn composite_keys_and_chains_lose_parents_and_children_together() {
    let schema = "create table a (x int, y text, updated_at timestamptz not null default now(), primary key (x, y));
        create table b (id int primary key, ax int not null, ay text not null, foreign key (ax, ay) references a (x, y) on delete restrict);
        create table c (id int primary key, b_id int references b on delete set null, updated_at timestamptz default now())";
    for rights in Rights::ALL {
        let db = Pair::with(schema).await;
        let role = db.target_role(rights).await;
        db.source("insert into a select i, 'y' || i, '2024-01-01' from generate_series(1, 30) i; insert into b select i, i, 'y' || i from generate_series(1, 30) i;
            insert into c select i, i, '2024-01-01' from generate_series(1, 30) i").await;
        db.follow_as(&role, "delete from b where id < 9; delete from a where x < 9; insert into a values (90, 'y'); insert into b values (90, 90, 'y');
            insert into c values (90, 90); delete from c where id = 20; update b set ax = 90, ay = 'y' where id = 12; delete from a where x = 12").await;
    }
}

#[tokio::test]
async fn rows_that_dangle_because_their_parent_failed_are_no_success() {
    let db = Pair::with(&format!("{FAMILY}; {KEY}")).await;
    db.source(ROWS).await;
    db.sync().await.expect_ok();
    db.target("alter table parent add constraint few check (id < 30)").await;
    db.source("insert into parent values (30); insert into child values (30, 30)").await;
    let run = db.sync().await.expect_exit(1).expect_failed("parent", &["few"]);
    run.expect_failed("child", &["child_parent", "public.parent failed"]);
    let logged = "select status || ' ' || (error_message ~ 'child_parent') from sync_log where table_name = 'child' order by id desc limit 1";
    assert_eq!(db.target_value(logged).await, "failed true");
    db.target("alter table parent drop constraint few").await;
    db.settle().await;
}

#[tokio::test]
async fn a_child_without_dangling_rows_is_a_success_though_its_parent_failed() {
    let db = Pair::with(&format!("{FAMILY}; {KEY}")).await;
    db.source(ROWS).await;
    db.sync().await.expect_ok();
    db.target("alter table parent add constraint few check (id < 30)").await;
    db.source("insert into parent values (30); insert into child values (30, 3)").await;
    let run = db.sync().await.expect_exit(1).expect_failed("parent", &["few"]);
    assert_eq!(run.table("child").status, "success");
}

#[tokio::test]
async fn a_child_whose_parent_could_not_be_brought_in_step_points_to_it() {
    for rights in [Owner, Writer] {
        let db = Pair::with(&format!("{FAMILY}; {KEY}")).await;
        let role = db.target_role(rights).await;
        db.source(ROWS).await;
        db.sync().target_role(&role).await.expect_ok();
        db.source("alter table parent add fresh int; insert into parent values (30); insert into child values (30, 30)").await;
        let run = db.sync().target_role(&role).arg("-ddl=none").await.expect_exit(1);
        let run = run.expect_failed("parent", &["parent.fresh"]);
        run.expect_failed("child", &["child_parent", "public.parent is not in sync"]);
        db.hand_over_log(&role).await;
        db.settle().await;
        db.source("alter table child add fresh int; delete from child where id = 30; delete from parent where id = 30").await;
        let run = db.sync().target_role(&role).arg("-ddl=none").await.expect_exit(1);
        run.expect_failed("parent", &["child_parent", "public.child is not in sync"]);
    }
}

#[tokio::test]
async fn a_where_is_not_blamed_for_a_parent_that_failed() {
    let db = Pair::with(
        "create table p (id int primary key); create table c (id int primary key, p int references p)",
    )
    .await;
    let filters =
        ["-set", "p.where=id < 50", "-set", "c.where=p in (select id from p where id < 50)"];
    db.sync().args(&filters).await.expect_ok();
    db.source(
        "alter table p add fresh int; insert into p values (30); insert into c values (1, 30)",
    )
    .await;
    let run = db.sync().args(&filters).arg("-ddl=none").await.expect_exit(1);
    let error = run.expect_failed("p", &["p.fresh"]).table("c").error.expect("an error");
    let hint = "public.p is not in sync: fix what stopped it, and run again";
    assert_eq!(error.hint.as_deref(), Some(hint));
    db.sync().args(&filters).await.expect_ok();
}

/// Rows that are older than a constraint that was added NOT VALID.
const OLD_ROWS: &str = "insert into parent values (1); insert into child values (1, 1, '2024-01-01'), (2, 99, '2024-01-01'), (3, 98, '2024-01-01')";

#[tokio::test]
async fn rows_from_before_a_foreign_key_that_is_not_valid_on_both_sides_are_let_in() {
    let db = Pair::with(FAMILY).await;
    db.source(OLD_ROWS).await;
    db.both(&format!("{KEY} not valid")).await;
    db.settle().await;
    // A new value of another column is not looked at by the server.
    db.source("update child set updated_at = '2024-06-01' where id = 2; delete from child where id = 3; insert into child values (4, 1)").await;
    db.settle().await;
    assert_eq!(orphans(&db).await, "1");
}

#[tokio::test]
async fn rows_from_before_a_foreign_key_that_is_not_valid_are_let_in_where_pgsync_makes_it() {
    let db = Pair::fresh().await;
    db.source(&format!("{FAMILY}; {OLD_ROWS}; {KEY} not valid")).await;
    db.settle().await;
    db.source(
        "update child set updated_at = '2024-06-01' where id = 2; insert into child values (4, 1)",
    )
    .await;
    db.settle().await;
    // What fails elsewhere makes no orphan of it.
    db.target("alter table parent add column own int not null default 1; alter table parent alter own drop default").await;
    db.source("update child set updated_at = '2024-06-02' where id = 2").await;
    let run = db.sync().await.expect_exit(1);
    assert_eq!(run.table("child").status, "success", "{run}");
}

#[tokio::test]
async fn a_foreign_key_that_is_not_valid_on_the_source_only_is_named_as_such() {
    let db = Pair::with(FAMILY).await;
    db.source(&format!("{OLD_ROWS}; {KEY} not valid")).await;
    db.target(KEY).await;
    let run = db.sync().await.expect_exit(1);
    run.expect_failed(
        "child",
        &["NOT VALID on the source", "make it NOT VALID on the target, too"],
    );
    db.target("alter table child drop constraint child_parent").await;
    db.target(&format!("{KEY} not valid")).await;
    let owner = db.target_owner().await;
    let run = db.sync().target_role(&owner).await.expect_exit(1);
    run.expect_failed("child", &["NOT VALID on the source", db.replica_right().await]);
    db.hand_over_log(&owner).await;
    db.settle().await;
}

#[tokio::test]
async fn a_parent_that_only_the_target_has_is_not_to_be_included() {
    let db = Pair::fresh().await;
    db.source("create table child (id int primary key, p int); insert into child values (1, 1)")
        .await;
    db.target(
        "create table own (id int primary key);
         create table child (id int primary key, p int references own)",
    )
    .await;
    let role = db.target_writer().await;
    let drop = "alter table public.child drop constraint child_p_fkey";
    let run = db.sync().target_role(&role).await.expect_exit(1);
    std::mem::drop(run.expect_unsaid("include it").expect_failed("child", &[drop]));
    db.target(drop).await;
    db.sync().target_role(&role).await.expect_ok();
}

#[tokio::test]
async fn a_foreign_key_of_a_partition_alone_orders_tables() {
    let schema = "create table z_parent (id int primary key); create table a_child (id int, ref int) partition by range (id);
        create table a_child_1 partition of a_child for values from (0) to (1000) partition by range (id); create table a_child_11 partition of a_child_1 for values from (0) to (500);
        alter table a_child_11 add foreign key (ref) references z_parent;
        create table z_part (id int primary key) partition by range (id); create table z_part_1 partition of z_part for values from (0) to (1000);
        create table a_ref (id int primary key, ref int references z_part_1)";
    if !Pair::fresh().await.has(11, "primary keys of partitioned tables").await {
        return;
    }
    for rights in Rights::ALL {
        let db = Pair::with(schema).await;
        let role = db.target_role(rights).await;
        db.source("insert into z_parent select generate_series(1, 400); insert into a_child select i, i from generate_series(1, 50) i;
            insert into z_part select generate_series(1, 400); insert into a_ref select i, i from generate_series(1, 50) i").await;
        db.settle_as(&role).await;
        db.follow_as(&role, "delete from a_child where id < 9; delete from z_parent where id < 9; insert into z_parent values (900); insert into a_child values (60, 900);
            delete from a_ref where id < 9; delete from z_part where id < 9; insert into z_part values (900); insert into a_ref values (60, 900)").await;
    }
}

#[tokio::test]
async fn a_table_whose_check_looks_into_another_one_comes_after_that() {
    let db = Pair::fresh().await;
    db.source("create table z_country (code text primary key); create table \"a shop\" (id int primary key, c text);
        create function cok(c text) returns boolean language plpgsql stable as $$ begin return exists (select from public.z_country where code = c); end $$;
        alter table \"a shop\" add check (cok(c));
        insert into z_country select 'c' || generate_series(1, 30000); insert into \"a shop\" select i, 'c' || i from generate_series(1, 100) i").await;
    db.settle().await;
    db.source("insert into z_country values ('new'); insert into \"a shop\" values (200, 'new')")
        .await;
    db.settle().await;
    db.source("delete from \"a shop\" where id = 200; delete from z_country where code = 'new'")
        .await;
    db.settle().await;
}

#[tokio::test]
async fn a_check_that_names_a_table_below_its_own_is_in_nobodys_way() {
    for rights in Rights::ALL {
        let db = Pair::fresh().await;
        let role = db.target_role(rights).await;
        db.source(
            "create table part (id int primary key);
             create function counted(int) returns boolean language plpgsql stable as
                 'begin return $1 > 0 or exists (select from part where id = $1); end';
             create table whole (id int primary key, check (counted(id))); alter table part add whole int references whole;
             insert into whole select generate_series(1, 100); insert into part select i, i from generate_series(1, 100) i",
        )
        .await;
        db.settle_as(&role).await;
        db.follow_as(
            &role,
            "delete from part where id < 9; delete from whole where id < 9; insert into whole values (200); \
             insert into part values (200, 200)",
        )
        .await;
    }
}

#[tokio::test]
async fn a_key_to_a_table_that_is_not_selected_is_named_when_its_table_is_made() {
    let db = Pair::fresh().await;
    db.source(
        "create table parent (id int primary key); create table child (id int primary key, p int references parent);
         insert into parent values (1); insert into child values (1, 1)",
    )
    .await;
    let said = "foreign key child_p_fkey is left out: public.parent is not selected";
    let child = || db.sync().include("child");
    child().arg("-dry-run").await.expect_ok().expect_note(said);
    child().await.expect_ok().expect_note(said);
    for _ in 0..2 {
        child().await.expect_unchanged().expect_unsaid("is left out");
    }
    let made = "select count(*) from pg_constraint where conname = 'child_p_fkey'";
    assert_eq!(db.target_value(made).await, "0");
    db.sync().await.expect_ok();
    assert_eq!(db.target_value(made).await, "1");
}

#[tokio::test]
async fn a_table_that_cannot_be_read_keeps_no_other_key_from_being_checked() {
    let db = Pair::with(
        "create table parent (id int primary key); create table child (id int primary key, p int references parent);
         create table apart (id int primary key); create table part (id int primary key, a int references apart)",
    )
    .await;
    if !db.has(15, "a grant of session_replication_role").await {
        return;
    }
    db.source("insert into apart values (1); insert into part values (1, 1)").await;
    let writer = db.target_writer().await;
    db.target(&format!("grant set on parameter session_replication_role to {}", writer.name)).await;
    db.sync().target_role(&writer).await.expect_ok();
    db.target(&format!(
        "revoke select on apart from {}; alter table parent add extra int not null",
        writer.name
    ))
    .await;
    db.source("insert into parent values (1); insert into child values (1, 1)").await;
    let run = db.sync().target_role(&writer).await.expect_exit(1);
    run.expect_failed("child", &["rows refer to rows of public.parent that are not there"])
        .expect_failed("apart", &["permission denied for table apart"])
        .expect_unsaid("was not checked");
}

#[tokio::test]
async fn foreign_keys_of_a_locked_table_are_named_in_one_warning_and_waited_for_once() {
    let db = Pair::with(
        "create table parent (id int primary key);
         create table a (id int primary key, p int references parent);
         create table b (id int primary key, p int references parent);
         create table c (id int primary key, p int references parent);
         create table d (id int primary key, c int references c)",
    )
    .await;
    db.source("insert into parent values (1); insert into a values (1, 1); insert into b values (1, 1); insert into c values (1, 1); insert into d values (1, 1)")
        .await;
    db.sync().await.expect_ok();
    db.source(
        "insert into parent values (2); insert into c values (2, 2); insert into d values (2, 2)",
    )
    .await;
    let other = db.target_session().await;
    other.run("begin; lock table parent").await;
    let run = db.sync().while_writing().args(&["-lock-timeout", "500ms", "-retries", "0"]);
    let run = run.await.expect_exit(1);
    let run = run.expect_failed("parent", &["holds a lock on public.parent"]);
    let said = "warning: the foreign keys a_p_fkey, b_p_fkey, c_p_fkey were not checked, because somebody else holds a \
                lock on public.parent of the target: run pgsync again when the lock is released";
    let run = run.expect_said(said);
    assert_eq!(run.stderr.matches("not checked").count(), 1, "{run}");
    other.run("rollback").await;
    db.settle().await;
}

#[tokio::test]
async fn a_foreign_key_that_a_table_gets_later_is_told() {
    let db = Pair::fresh().await;
    db.source("create table a (id int primary key); create table b (id int primary key, aid int); insert into a values (1); insert into b values (1, 1)").await;
    db.sync().await.expect_ok().expect_unsaid("foreign key");
    db.source("alter table b add constraint b_a foreign key (aid) references a; create index b_aid on b (aid)")
        .await;
    db.sync().await.expect_ok().expect_note("created on the target: 1 foreign key, 1 index");
    db.sync().await.expect_unchanged().expect_unsaid("created");
    db.target("alter table b drop constraint b_a").await;
    db.sync().await.expect_ok().expect_note("created on the target: 1 foreign key");
}

#[tokio::test]
async fn tables_that_are_not_tried_name_the_table_that_failed() {
    let db = Pair::with(
        "create table a_region (id int primary key, code text);
         create table b_customer (id int primary key, region int references a_region);
         create table c_address (id int primary key, customer int references b_customer);
         create table d_session (id int primary key, customer int references b_customer)",
    )
    .await;
    db.target("alter table a_region add check (code <> 'bad')").await;
    db.source(
        "insert into a_region values (1, 'bad'); insert into b_customer values (1, 1); insert into c_address values (1, 1);
         insert into d_session values (1, 1)",
    )
    .await;
    let writer = db.target_writer().await;
    let run = db.sync().target_role(&writer).await.expect_exit(1);
    let run = run.expect_unsaid("b_customer, which");
    let of = |table: &str| run.table(table).error.expect("an error").message;
    let direct =
        "not tried, because of a foreign key to public.a_region, which failed: fix that one first";
    let leads = "not tried, because of foreign keys that lead to public.a_region, which failed: fix that one first";
    assert_eq!(of("b_customer"), direct);
    for table in ["c_address", "d_session"] {
        assert_eq!(of(table), leads, "{table}");
    }
}

#[tokio::test]
async fn tables_behind_a_refused_one_say_that_it_was_refused() {
    let db = Pair::with("create table a (id int primary key); create table b (id int primary key, a int references a); insert into a values (1), (2)").await;
    let owner = db.target_owner().await;
    db.source("delete from a; insert into a values (3); insert into b values (1, 3)").await;
    let run = db.sync().target_role(&owner).args(&["-max-delete", "0"]).await.expect_exit(5);
    let told = "not tried, because of a foreign key to public.a, which was refused: settle that one first (then this table may be refused, too)";
    assert_eq!(run.table("b").error.expect("an error").message, told);
}

/// The source may have rows that a key of the target alone would delete.
#[tokio::test]
async fn an_action_within_a_table_deletes_no_row_that_the_source_has() {
    let db = Pair::with("create table p (id int primary key, par int)").await;
    db.source("insert into p values (1, null), (2, 1), (3, 2)").await;
    db.target("alter table p add foreign key (par) references p on delete cascade").await;
    let owner = db.target_owner().await;
    db.sync().target_role(&owner).await.expect_ok();
    db.source("delete from p where id = 1").await;
    let told = "cannot be deleted: 1 row of public.p still refers to such rows by the foreign key \"p_par_fkey\", which would delete rows of public.p; ";
    db.sync().target_role(&owner).await.expect_exit(1).expect_failed("p", &[told]);
    assert_eq!(db.target_value("select count(*) from p").await, "3");
    db.source("update p set par = null where id = 2").await;
    db.sync().target_role(&owner).await.expect_ok();
    db.assert_all_same().await;
}

#[tokio::test]
async fn a_circle_of_a_table_whose_rows_are_kept_has_its_own_remedy() {
    let db = Pair::with(
        "create table p (id int primary key, c int); create table c (id int primary key, p int references p on delete set null);
         alter table p add foreign key (c) references c on delete cascade",
    )
    .await;
    let owner = db.target_owner().await;
    db.source("insert into p values (1); insert into c values (1, 1); update p set c = 1").await;
    let run = db.sync().target_role(&owner).args(&["-set", "c.mode=upsert"]).await.expect_exit(1);
    run.expect_said(
        "refer to each other, through other tables or not: run on the target: alter table public.",
    )
    .expect_unsaid("the source does not have this constraint");
}

#[tokio::test]
async fn rows_of_a_table_that_is_not_chosen_keep_what_a_filter_leaves_out() {
    let db = Pair::with("create table p (id int primary key); create table c (id int primary key, p int references p on delete cascade)").await;
    let owner = db.target_owner().await;
    db.source("insert into p values (1), (2); insert into c values (1, 2)").await;
    db.sync().target_role(&owner).await.expect_ok();
    let run = db.sync().target_role(&owner).args(&["-include", "p", "-set", "p.where=id < 2"]);
    let told = "1 row of public.c still refers to such rows by the foreign key \"c_p_fkey\", which would delete rows of public.c; let the run sync public.c as well";
    run.await.expect_exit(1).expect_failed("p", &[told]);
    assert_eq!(db.target_value("select count(*) from c").await, "1");
}

/// A rule that keeps rows keeps them from what a foreign key does, too.
#[tokio::test]
async fn rows_that_a_rule_keeps_stay_in_a_circle_too() {
    let kept = "a rule keeps rows of public.q (\"deletes\" or \"mode\"): take out that rule, keep the rows of public.p, too (its rule \
                \"deletes\": false), or delete the rows of public.q that refer to vanished rows on the target";
    let appended = "choose another mode than append for public.q, or delete the rows of public.q that refer to vanished rows on \
                    the target";
    for (rule, why) in
        [("q.deletes=false", kept), ("q.mode=upsert", kept), ("q.mode=append", appended)]
    {
        let db = Pair::fresh().await;
        db.source(
            "create table p (id int primary key, q int, n int); create table q (id int primary key, p int references p on delete cascade deferrable, n int);
             alter table p add foreign key (q) references q on delete cascade deferrable;
             insert into p values (1, null, 1), (2, null, 2); insert into q values (1, 1, 1), (2, 2, 2); update p set q = id",
        )
        .await;
        let owner = db.target_owner().await;
        db.sync().target_role(&owner).args(&["-set", rule]).await.expect_ok();
        db.source("begin; set constraints all deferred; delete from p where id = 1; delete from q where id = 1; commit").await;
        let run = db.sync().target_role(&owner).args(&["-set", rule]).await.expect_exit(1);
        run.expect_failed("p", &["1 row of public.q still refers to such rows", why]);
        assert_eq!(
            db.target_value("select count(*) from q join p on p.id = q.p").await,
            "2",
            "{rule}"
        );
        db.hand_over_log(&owner).await;
        let run = db.sync().args(&["-set", rule]).await.expect_exit(1);
        run.expect_failed("p", &["1 row of public.q still refers to such rows"]);
        assert_eq!(
            db.target_value("select count(*) from q join p on p.id = q.p").await,
            "2",
            "{rule}"
        );
        db.settle().await;
    }
}

/// A key that only the target has is checked, also of a superuser; those beside it are not.
#[tokio::test]
async fn a_key_of_the_target_alone_holds_up_no_other_table() {
    let db = Pair::fresh().await;
    db.source(
        "create table a (id int primary key, n int); create table b (id int primary key, a int references a);
         create table c (id int primary key, a int references a); insert into a values (1, 1); insert into b values (1, 1); insert into c values (1, 1)",
    )
    .await;
    db.settle().await;
    db.source("alter table c drop constraint c_a_fkey; update a set n = -1; insert into b values (2, 1); insert into c values (2, 1)").await;
    db.target("alter table a add check (n > 0)").await;
    let run = db.sync().await.expect_exit(1);
    run.expect_failed("a", &["a_n_check"]).expect_changes("b", (1, 0, 0));
    assert_eq!(db.target_value("select count(*) from b").await, "2");
    // What refers to a row that did not arrive is no success.
    db.source("insert into a values (2, 2); insert into b values (3, 2)").await;
    let run = db.sync().await.expect_exit(1);
    run.expect_failed("b", &["rows refer to rows of public.a that are not there"]);
    db.target("alter table a drop constraint a_n_check").await;
    db.settle().await;
}

#[tokio::test]
async fn what_only_the_target_has_is_kept_by_what_is_told_first() {
    let db = Pair::with("create table p (id int primary key)").await;
    db.source("insert into p values (1), (2)").await;
    db.sync().await.expect_ok();
    db.target(
        "create table own (id int primary key, p int references p); insert into own values (1, 2)",
    )
    .await;
    db.source("delete from p where id = 2").await;
    let told = "rows of public.own, which is not part of this run, refer to rows that the run deletes (-verbose shows \
                one): delete the rows of public.own that refer to vanished rows, or keep the rows of public.p (its rule \"deletes\": \
                false); to give up the foreign key, which the source does not have, run on the target: alter table public.own \
                drop constraint own_p_fkey";
    db.sync().await.expect_exit(1).expect_failed("p", &[told]);
    db.sync().args(&["-set", "p.deletes=false"]).await.expect_ok();
    db.target("delete from own").await;
    db.settle().await;
}

#[tokio::test]
async fn the_example_of_a_where_for_the_child_of_a_filtered_table_works() {
    let db = Pair::with("create table p (id int primary key); create table c (id int primary key, p int references p on delete cascade)").await;
    db.source("insert into p values (1), (2); insert into c values (1, 2), (2, 1)").await;
    db.sync().await.expect_ok();
    let filter = ["-set", "p.where=id < 2"];
    let run = db.sync().args(&["-include", "p"]).args(&filter).await;
    let told = "rows that the source does not have, or that the where leaves out, cannot be deleted: 1 row of public.c still \
                refers to such rows by the foreign key \"c_p_fkey\", which would delete rows of public.c; let the run sync public.c as well, with a \
                where of its own, such as: p in (select id from public.p where id < 2)";
    run.expect_exit(1).expect_failed("p", &[told]);
    let run = db.sync().args(&filter).await.expect_exit(2);
    let told = "-set p.where: it leaves out rows of public.p, and rows of public.c may refer to these (foreign key \"c_p_fkey\"): \
                give public.c a where, too: -set 'public.c.where=p is null or p in (select id from public.p where id < 2)'; or leave \
                out p with excludeColumns";
    drop(run.expect_said(told));
    let fitting = ["-set", "c.where=p in (select id from public.p where id < 2)"];
    db.sync().args(&filter).args(&fitting).await.expect_ok();
    assert_eq!(db.target_value("select count(*) from c").await, "1");
}

#[tokio::test]
async fn what_a_where_needs_of_all_tables_below_is_told_at_once() {
    let db = Pair::with(
        "create table orders (id int primary key, kind text);
         create table item (id int primary key, of int not null references orders);
         create table gift (id int primary key, of int references orders, item int not null references item)",
    )
    .await;
    db.source(
        "insert into orders values (1, 'a'), (2, 'b'); insert into item values (1, 1), (2, 2);
         insert into gift values (1, 1, 1), (2, 2, 2), (3, null, 1), (4, null, 2)",
    )
    .await;
    let filter = ["-set", "orders.where=kind = 'a'"];
    let of_item = "public.item.where=of in (select id from public.orders where kind = 'a')";
    let of_gift = "public.gift.where=(item in (select id from public.item where of in (select id from public.orders where kind = 'a'))) \
                   and (of is null or of in (select id from public.orders where kind = 'a'))";
    let run = db.sync().args(&filter).await.expect_exit(2);
    drop(run.expect_said(&format!(
        "-set orders.where: it leaves out rows of public.orders, and rows of 2 other tables may refer to these: give each a where, \
         too: -set \"{of_item}\" -set \"{of_gift}\""
    )));
    db.sync().args(&filter).args(&["-set", of_item, "-set", of_gift]).await.expect_ok();
    let rows = "select string_agg(id::text, ' ' order by id) from gift";
    assert_eq!(db.target_value(rows).await, "1 3");
}

#[tokio::test]
async fn a_table_below_two_filtered_ones_gets_one_where_for_both() {
    let db = Pair::with(
        "create table a (id int primary key); create table b (id int primary key);
         create table c (id int primary key, a int not null references a, b int not null references b)",
    )
    .await;
    db.source(
        "insert into a values (1), (2); insert into b values (1), (2);
         insert into c values (1, 1, 1), (2, 2, 1), (3, 1, 2)",
    )
    .await;
    let filters = ["-set", "a.where=id = 1", "-set", "b.where=id = 1"];
    let of_both = "public.c.where=(a in (select id from public.a where id = 1)) and (b in (select id from public.b where id = 1))";
    let run = db.sync().args(&filters).await.expect_exit(2);
    let run = run.expect_said(&format!(
        "-set a.where and -set b.where: they leave out rows of public.a and public.b, and rows of public.c may refer to these \
         (foreign keys \"c_a_fkey\", \"c_b_fkey\"): give public.c a where, too: -set '{of_both}'; or leave out a and b with \
         excludeColumns"
    ));
    drop(run);
    db.sync().args(&filters).args(&["-set", of_both]).await.expect_ok();
    assert_eq!(db.target_value("select string_agg(id::text, ' ') from c").await, "1");
}

/// By a column that only the target has, too: then its table is in sync.
#[tokio::test]
async fn rows_of_the_target_that_refer_to_vanished_ones_are_told_of() {
    let db = Pair::fresh().await;
    db.source(
        "create table orders (id int primary key); insert into orders values (1), (5);
         create table my_notes (id int primary key); insert into my_notes values (1)",
    )
    .await;
    db.sync().await.expect_ok();
    db.target(
        "alter table my_notes add order_id int references orders; update my_notes set order_id = 5",
    )
    .await;
    db.source("delete from orders where id = 5").await;
    let error = db.sync().await.expect_exit(1).table("orders").error.expect("an error");
    let drop = "alter table public.my_notes drop constraint my_notes_order_id_fkey";
    let hint = format!(
        "if public.my_notes failed in this run, fix that first; otherwise, rows of public.my_notes on the source still \
         refer to rows that it has no more: change or delete these rows there, or leave them out with a where; or give up the constraint, which \
         only the target has: run on the target: {drop}"
    );
    assert_eq!(error.hint, Some(hint));
    db.target(drop).await;
    db.sync().await.expect_ok();
    db.sync().await.expect_unchanged();
}
