//! Triggers of the target must not write into the copy.

use crate::support::{Outcome, Pair};

const ITEM: &str = "create table item (id int primary key, name text, updated_at timestamptz not null);
    create function touch() returns trigger language plpgsql as $$ begin new.updated_at := now(); return new; end $$;
    create trigger touch before update on item for each row execute procedure touch()";
const ROWS: &str = "insert into item select i, 'n', '2024-01-01' from generate_series(1, 50) i";

async fn items() -> Pair {
    let db = Pair::with(ITEM).await;
    db.source(ROWS).await;
    db
}

#[tokio::test]
async fn a_trigger_that_sets_updated_at_does_not_falsify_the_copy() {
    let db = items().await;
    db.follow("update item set name = 'x' where id < 5").await.expect_changes("item", (0, 4, 0));
    db.source("update item set name = 'y' where id = 2").await;
    db.settle().await.expect_changes("item", (0, 1, 0));
}

#[tokio::test]
async fn the_watermark_is_not_affected_by_a_trigger_of_the_target() {
    let db = items().await;
    db.sync().no_overlap().await.expect_ok();
    db.target("update item set name = name").await;
    db.source("alter table item disable trigger user").await;
    db.source("update item set name = 'x', updated_at = '2024-01-02' where id = 3").await;
    db.sync().no_overlap().await.expect_ok();
    assert_eq!(db.target_value("select name from item where id = 3").await, "x");
}

#[tokio::test]
async fn an_owner_that_is_no_superuser_keeps_triggers_quiet_too() {
    let db = items().await;
    let owner = db.target_owner().await;
    db.sync().target_role(&owner).await.expect_ok();
    db.source("update item set name = 'x' where id < 5; delete from item where id = 9").await;
    db.sync().target_role(&owner).await.expect_ok().expect_changes("item", (0, 4, 1));
    db.assert_same("item").await;
    db.sync().target_role(&owner).await.expect_unchanged();
    let enabled = "select tgenabled from pg_trigger where tgname = 'touch'";
    assert_eq!(db.target_value(enabled).await, "O");
}

#[tokio::test]
async fn a_role_that_cannot_keep_triggers_quiet_is_told_what_would_help() {
    let db = items().await;
    let writer = db.target_writer().await;
    let run = db.sync().target_role(&writer).await.expect_exit(1);
    run.expect_failed("item", &["trigger", db.replica_right().await]);
}

#[tokio::test]
async fn a_foreign_key_that_keeps_a_trigger_on_is_told_with_what_settles_that() {
    let db = items().await;
    if !db.has(15, "a grant of session_replication_role").await {
        return;
    }
    db.both("create table part (id int primary key, item int references item)").await;
    let writer = db.target_writer().await;
    let run = || db.sync().target_role(&writer).include("item");
    let message = |run: &Outcome| run.table("item").error.expect("an error").message;
    let trigger = format!(
        "the target's trigger \"touch\" would fire on copied rows, and {} may not disable it; session_replication_role does \
         not help, because it also switches off foreign keys, and the server has to check \"part_item_fkey\" of public.part ",
        writer.name
    );
    let way = "; connect as the table's owner; or use -fire-triggers, if the trigger changes no copied value";
    let outside = format!("{trigger}(public.part is not in this run){way}");
    // The right would change nothing.
    assert_eq!(message(&run().await.expect_exit(1)), outside);
    db.target(&format!("grant set on parameter session_replication_role to {}", writer.name)).await;
    let included = format!("{outside}; or include public.part in the run, too");
    assert_eq!(message(&run().await.expect_exit(1)), included);
    db.sync().target_role(&writer).await.expect_ok();
    db.source("alter table part drop constraint part_item_fkey").await;
    db.source("insert into item values (100, 'n', now())").await;
    let run = db.sync().target_role(&writer).await.expect_exit(1);
    let drop = "alter table public.part drop constraint part_item_fkey";
    let own = format!(
        "{trigger}(only the target has it){way}; or drop the foreign key, which only the target has: run on the target: {drop}"
    );
    assert_eq!(message(&run), own);
    db.target(drop).await;
    db.sync().target_role(&writer).await.expect_ok();
}

#[tokio::test]
async fn every_foreign_key_that_keeps_a_trigger_on_is_named_and_no_way_out_that_is_not_enough() {
    let db = items().await;
    if !db.has(15, "a grant of session_replication_role").await {
        return;
    }
    db.both("create table part (id int primary key, item int references item)").await;
    db.target("create table own (id int primary key, item int references item)").await;
    let writer = db.target_writer().await;
    db.target(&format!("grant set on parameter session_replication_role to {}", writer.name)).await;
    let filters = [
        "-set",
        "item.where=id > 3",
        "-set",
        "part.where=item in (select id from item where id > 3)",
    ];
    let run = db.sync().target_role(&writer).args(&filters).await.expect_exit(1);
    let keys = "and the server has to check \"own_item_fkey\" of public.own (public.own is not in this run), \"part_item_fkey\" of \
                public.part (the where of public.item leaves out rows); connect as the table's owner; or use -fire-triggers, if \
                the trigger changes no copied value";
    let message = run.table("item").error.expect("an error").message;
    assert!(message.ends_with(keys), "{message}");
}

#[tokio::test]
async fn a_right_that_a_trigger_lacks_is_the_one_that_its_statement_needs() {
    let db = Pair::with("create table item (id int primary key)").await;
    let writer = db.target_writer().await;
    db.target(
        "create table audit (id serial primary key, what text);
         create function log() returns trigger language plpgsql as $$ begin insert into audit (what) values (tg_op); return new; end $$;
         create trigger log after insert on item for each row execute procedure log();
         alter table item enable always trigger log",
    )
    .await;
    db.source("insert into item values (1)").await;
    db.target(&format!("revoke all on audit from {}", writer.name)).await;
    let rights =
        ["grant insert on table public.audit to", "grant usage on sequence public.audit_id_seq to"];
    for right in rights.map(|right| format!("{right} {}", writer.name)) {
        let run = db.sync().target_role(&writer).await.expect_exit(1);
        run.expect_failed("item", &[&right]);
        db.target(&right).await;
    }
    db.sync().target_role(&writer).await.expect_ok();
}

#[tokio::test]
async fn a_trigger_that_only_others_can_quiet_is_no_reason_to_leave_out_a_flag() {
    let db = items().await;
    let writer = db.target_writer().await;
    db.sync().target_role(&writer).arg("-fire-triggers").await.expect_ok();
    db.source("update item set name = 'x', updated_at = '2024-01-02' where id = 3").await;
    let run = db.sync().target_role(&writer).arg("-fire-triggers").await.expect_exit(1);
    let statement = "run on the target: alter table public.item disable trigger touch";
    run.expect_failed("item", &["1 row", "still differs", statement]).expect_unsaid("leave out");
}

#[tokio::test]
async fn no_trigger_of_any_kind_fires() {
    let db = items().await;
    db.target(
        "create table audit (what text);
         create function note() returns trigger language plpgsql as $$ begin insert into audit values (tg_op); return null; end $$;
         create function refuse() returns trigger language plpgsql as $$ begin raise 'refused'; end $$;
         create trigger note after insert or update or delete on item for each row execute procedure note();
         create trigger refuse before insert or update or delete on item for each statement execute procedure refuse()",
    )
    .await;
    for role in [None, Some(db.target_owner().await)] {
        let sync = || match &role {
            Some(role) => db.sync().exclude("audit").target_role(role),
            None => db.sync().exclude("audit"),
        };
        sync().await.expect_ok();
        db.source("update item set name = name || '!' where id < 5; delete from item where id in (select max(id) from item)")
            .await;
        sync().await.expect_ok().expect_changes("item", (0, 4, 1));
        db.assert_same("item").await;
    }
    assert_eq!(db.target_value("select count(*) from audit").await, "0");
}

#[tokio::test]
async fn triggers_fire_when_they_shall_and_then_every_constraint_is_checked() {
    let db = items().await;
    db.target(
        "create table audit (id int); create table kind (id int primary key); insert into kind select generate_series(1, 50);
         alter table item add constraint of_kind foreign key (id) references kind;
         create function note() returns trigger language plpgsql as $$ begin insert into audit values (new.id); return null; end $$;
         create trigger note after insert on item for each row execute procedure note()",
    )
    .await;
    // What the database sets of its own does not count.
    let replica = format!("alter database {} set session_replication_role = replica", db.name);
    db.target(&replica).await;
    db.sync().include("item").arg("-fire-triggers").await.expect_ok();
    assert_eq!(db.target_value("select count(*) from audit").await, "50");
    db.source("insert into item values (77, 'n', now())").await;
    let run = db.sync().include("item").arg("-fire-triggers").await.expect_exit(1);
    run.expect_failed("item", &["of_kind"]);
}

#[tokio::test]
async fn a_trigger_that_is_enabled_always_fires_and_is_noted() {
    let db = items().await;
    db.target("create table audit (id int); create function note() returns trigger language plpgsql as $$ begin insert into audit values (new.id); return null; end $$;
        create trigger always after insert on item for each row execute procedure note(); alter table item enable always trigger always;
        create trigger repl after insert on item for each row execute procedure note(); alter table item enable replica trigger repl").await;
    let run = db.sync().include("item").await.expect_ok();
    run.expect_note("\"always\" is enabled ALWAYS").expect_note("\"repl\"");
    assert_eq!(db.target_value("select count(*) from audit").await, "100");
}

#[tokio::test]
async fn names_of_other_tables_are_still_equal_when_a_trigger_has_fired() {
    let db = Pair::fresh().await;
    // The numbers of tables are others on the target.
    db.target("create table pad (id int)").await;
    db.both("create table item (id int primary key); create table named (id int primary key, item regclass)")
        .await;
    db.target("create function nothing() returns trigger language plpgsql as $$ begin return null; end $$;
        create trigger always after insert on item for each row execute procedure nothing(); alter table item enable always trigger always").await;
    db.source("insert into item values (1); insert into named values (1, 'item')").await;
    db.sync().await.expect_ok();
    db.source("insert into item values (2)").await;
    db.sync().await.expect_ok();
}

#[tokio::test]
async fn a_table_is_not_in_step_when_a_trigger_of_the_target_swallows_or_changes_rows() {
    let db = Pair::with(
        "create table gone (id int primary key, name text); create table bent (id int primary key, name text, updated_at timestamptz);
        create table kept (id int primary key, name text)",
    )
    .await;
    db.source("insert into gone select i, 'n' from generate_series(1, 5) i; insert into kept select * from gone;
        insert into bent select i, 'n', now() from generate_series(1, 3000) i").await;
    db.target("create function swallow() returns trigger language plpgsql as $$ begin return null; end $$;
        create function bend() returns trigger language plpgsql as $$ begin new.name := 'bent'; return new; end $$;
        create trigger eat before insert or update on gone for each row execute procedure swallow(); alter table gone enable always trigger eat;
        create trigger bend before insert or update on bent for each row execute procedure bend(); alter table bent enable replica trigger bend").await;
    for _ in 0..2 {
        let run = db.sync().await.expect_exit(1);
        let run = run.expect_failed("gone", &["\"eat\"", "changed or swallowed rows"]);
        run.expect_failed("bent", &["\"bend\"", "changed or swallowed rows"]);
        db.assert_same("kept").await;
    }
    db.target("alter table gone disable trigger eat; alter table bent disable trigger bend").await;
    db.settle().await;
}

#[tokio::test]
async fn triggers_of_partitions_stay_quiet_and_disabled_ones_stay_disabled() {
    let db = Pair::with("create table item (id int, name text) partition by range (id);
        create table low partition of item for values from (0) to (100); create table high partition of item for values from (100) to (200)").await;
    db.target("create function refuse() returns trigger language plpgsql as $$ begin raise 'refused'; end $$;
        create trigger of_part before insert or update on low for each row execute procedure refuse();
        create trigger asleep before insert or update on high for each row execute procedure refuse();
        alter table high disable trigger asleep").await;
    if db.has(11, "primary keys and row triggers of partitioned tables").await {
        db.both("alter table item add primary key (id)").await;
        db.target("create trigger of_parent after insert or update on item for each row execute procedure refuse();
            alter table high disable trigger of_parent").await;
    }
    let enabled = "select string_agg(format('%s %s %s', tgrelid::regclass, tgname, tgenabled), ', ' order by tgrelid::regclass::text, tgname) from pg_trigger";
    let before = db.target_value(enabled).await;
    let owner = db.target_owner().await;
    db.source("insert into item select i, 'n' from generate_series(1, 150) i").await;
    let internal =
        "select exists (select from pg_trigger where tgname = 'of_parent' and tgisinternal)";
    let changes = "update item set name = 'x' where id % 50 = 0; delete from item where id = 7";
    if db.target_value(internal).await == "t" {
        // PostgreSQL 11 and 12 let nobody but a superuser disable the trigger on a partition.
        let run = db.sync().target_role(&owner).await.expect_exit(1);
        run.expect_failed("item", &["of_parent", "only a superuser", "-fire-triggers"]);
        db.follow(changes).await;
    } else {
        db.follow_as(&owner, changes).await;
    }
    assert_eq!(db.target_value(enabled).await, before);
}

#[tokio::test]
async fn a_failed_batch_leaves_triggers_enabled() {
    let db = items().await;
    let owner = db.target_owner().await;
    db.target("alter table item add constraint few check (id < 40)").await;
    db.sync().target_role(&owner).await.expect_exit(1).expect_failed("item", &["few"]);
    assert_eq!(
        db.target_value("select tgenabled from pg_trigger where tgname = 'touch'").await,
        "O"
    );
}

#[tokio::test]
async fn rules_of_the_target_do_not_rewrite_the_copy() {
    let db = Pair::with("create table item (id int primary key, name text); create table other (id int primary key)").await;
    db.target("create rule no_insert as on insert to item do instead nothing; create rule also as on update to item do also insert into other values (new.id)").await;
    db.source("insert into item select i, 'n' from generate_series(1, 50) i; insert into other values (1)").await;
    db.follow("update item set name = 'x' where id < 9; insert into item values (90, 'y')").await;
    let owner = db.target_owner().await;
    let run = db.sync().target_role(&owner).await.expect_exit(1);
    run.expect_failed("item", &["rule \"also\"", "disable rule"]);
    db.target("alter table item disable rule also; alter table item disable rule no_insert").await;
    db.source("update item set name = 'z' where id < 5").await;
    db.settle_as(&owner).await;
}

const SWALLOW: &str = "create function swallow() returns trigger language plpgsql as
    $$ begin if new.id % 3 > 0 then return null; end if; return new; end $$";

#[tokio::test]
async fn a_table_is_not_in_step_when_a_trigger_that_shall_fire_swallows_rows() {
    let db = Pair::with(
        "create table plain (id int primary key, name text, updated_at timestamptz);
        create table bag (id int, name text);
        create table tree (id int, name text) partition by range (id);
        create table tree_1 partition of tree for values from (0) to (9000)",
    )
    .await;
    db.target(SWALLOW).await;
    let mut tables = vec!["plain", "bag"];
    if db.has(13, "row triggers before inserts into partitioned tables").await {
        db.both("alter table tree add primary key (id)").await;
        tables.push("tree");
    }
    for table in &tables {
        db.source(&format!("insert into {table} select i, 'n' from generate_series(1, 3000) i"))
            .await;
        db.target(&format!("create trigger eat before insert or update on {table} for each row execute procedure swallow()")).await;
    }
    for _ in 0..3 {
        let mut run = db.sync().arg("-fire-triggers").await.expect_exit(1);
        for table in &tables {
            run = run.expect_failed(table, &["\"eat\"", "changed or swallowed rows"]);
            let rows = format!("select count(*) from {table}");
            assert_eq!(db.target_value(&rows).await, "1000", "{table} after {run}");
        }
        // New rows are eaten again.
        db.source("update plain set name = 'm', updated_at = now()").await;
    }
    db.settle().await;
}

#[tokio::test]
async fn a_trigger_that_shall_fire_and_leaves_rows_alone_is_no_fault() {
    let db =
        Pair::with("create table item (id int primary key, name text, updated_at timestamptz)")
            .await;
    db.target(
        "create table audit (id int); create function note() returns trigger language plpgsql as
         $$ begin insert into audit values (new.id); return new; end $$;
         create trigger note before insert or update on item for each row execute procedure note()",
    )
    .await;
    db.source("insert into item select i, 'n', '2024-01-01' from generate_series(1, 3000) i").await;
    let sync = || db.sync().exclude("audit").arg("-fire-triggers");
    sync().await.expect_ok();
    db.source("update item set name = 'm', updated_at = now() where id < 9").await;
    sync().await.expect_ok();
    sync().await.expect_unchanged();
    db.assert_same("item").await;
    assert_eq!(db.target_value("select count(*) > 3000 from audit").await, "t");
}

/// Table `b` is read before or after `a`, whichever is larger, and each has a turn at that.
#[tokio::test]
async fn a_trigger_of_one_table_that_writes_into_another_is_found_out() {
    for (large, changed) in
        [("a", ""), ("b", ""), ("a", "update b set n = 7, updated_at = now() where id = 9")]
    {
        let db = Pair::with(
            "create table a (id int primary key, n int, updated_at timestamptz);
            create table b (id int primary key, n int, updated_at timestamptz); create table c (id int primary key)",
        )
        .await;
        db.source("insert into a select i, 0, '2024-01-01' from generate_series(1, 50) i; insert into b select * from a;
            insert into c select id from a").await;
        db.source(&format!("insert into {large} select i, 0, '2024-01-01' from generate_series(100, 20000) i; analyze")).await;
        db.sync().await.expect_ok();
        db.target("create function meddle() returns trigger language plpgsql as $$ begin delete from b where id = new.id; return new; end $$;
            create trigger meddle after update on a for each row execute procedure meddle(); alter table a enable always trigger meddle").await;
        db.source("update a set n = 1, updated_at = now() where id = 5").await;
        db.source(changed).await;
        let run = db.sync().parallel(1).await;
        // Where `b` came last it was put right again.
        if run.status != 0 {
            let run = run.expect_exit(1);
            run.expect_failed(
                "b",
                &["a trigger of another table has written into it", "\"meddle\" on public.a"],
            );
            assert_ne!(db.difference("b").await, Ok(()));
            let last =
                "select status from sync_log where table_name = 'b' order by id desc limit 1";
            assert_eq!(db.target_value(last).await, "failed");
            db.sync().await.expect_ok();
        }
        db.assert_all_same().await;
    }
}

#[tokio::test]
async fn what_a_trigger_of_another_table_has_changed_is_put_right_by_the_next_run() {
    let db = Pair::with(
        "create table a (id int primary key, n int, updated_at timestamptz);
        create table b (id int primary key, n int, updated_at timestamptz)",
    )
    .await;
    db.source("insert into a select i, 0, '2024-01-01'::timestamptz + i * interval '1 day' from generate_series(1, 50) i;
        insert into b select * from a").await;
    db.sync().await.expect_ok();
    db.target("create function meddle() returns trigger language plpgsql as $$ begin update b set n = 99 where id = new.id; return new; end $$;
        create trigger meddle after update on a for each row execute procedure meddle(); alter table a enable always trigger meddle").await;
    db.source("update a set n = 1, updated_at = now() where id = 5").await;
    let run = db.sync().await.expect_exit(1);
    run.expect_failed("b", &["a trigger of another table has written into it"]);
    let run = db.sync().await.expect_ok();
    run.expect_strategy("b", "compare");
    db.assert_all_same().await;
}

#[tokio::test]
async fn an_owner_silences_triggers_of_a_table_whose_foreign_key_is_checked_at_the_commit() {
    let db = Pair::with(
        "create table parent (id int primary key);
        create table child (id int primary key, parent int references parent deferrable initially deferred, n int)",
    )
    .await;
    db.target("create function fail() returns trigger language plpgsql as 'begin raise ''fired''; end';
        create trigger fail before insert or update or delete on child for each row execute procedure fail();
        create trigger fail before insert or update or delete on parent for each row execute procedure fail()").await;
    db.source("insert into parent values (1), (2); insert into child values (1, 1, 0), (2, 2, 0)")
        .await;
    let owner = db.target_owner().await;
    let changes = [
        "insert into parent select i from generate_series(3, 50) i; insert into child select i, i, 0 from generate_series(3, 50) i",
        "update child set n = 1, parent = 2 where id < 20",
        "delete from child where id % 2 = 0; delete from parent where id > 40 and id % 2 = 0",
    ];
    db.sync().target_role(&owner).await.expect_ok();
    for change in changes {
        db.source(change).await;
        db.sync().target_role(&owner).await.expect_ok();
        db.assert_all_same().await;
    }
    let disabled = "select count(*) from pg_trigger where not tgisinternal and tgenabled <> 'O'";
    assert_eq!(db.target_value(disabled).await, "0");
}

#[tokio::test]
async fn a_trigger_that_changes_rows_is_told_with_the_statement_that_quiets_it() {
    for (args, enable, statement) in [
        (
            &[][..],
            "enable always",
            "run on the target: alter table public.item enable trigger \"Up\"",
        ),
        (
            &["-fire-triggers"][..],
            "enable",
            "leave out -fire-triggers, or run on the target: alter table public.item disable trigger \"Up\"",
        ),
    ] {
        let db = Pair::with("create table item (id int primary key, n int)").await;
        db.target(&format!(
            "create function up() returns trigger language plpgsql as $$ begin new.n := 7; return new; end $$;
             create trigger \"Up\" before insert on item for each row execute procedure up();
             alter table item {enable} trigger \"Up\""
        ))
        .await;
        db.source("insert into item values (1, 1)").await;
        let run = db.sync().args(args).await.expect_exit(1);
        run.expect_failed("item", &[statement]);
        db.target(statement.rsplit_once(": ").expect("a statement").1).await;
        db.sync().args(args).await.expect_ok();
        db.assert_same("item").await;
    }
}

#[tokio::test]
async fn rows_that_a_rule_keeps_are_no_difference_after_triggers_have_fired() {
    for rule in ["-set=f.deletes=false", "-set=f.mode=upsert", "-set=f.mode=append", "-no-deletes"]
    {
        let db = Pair::with(
            "create table f (name text primary key, n int);
             create table item (id int primary key, name text, updated_at timestamptz)",
        )
        .await;
        db.target(
            "create function nothing() returns trigger language plpgsql as $$ begin return new; end $$;
             create trigger nothing before insert or update on item for each row execute procedure nothing()",
        )
        .await;
        db.source("insert into f values ('a', 1); insert into item values (1, 'n', '2024-01-01')")
            .await;
        let sync = || db.sync().args(&["-fire-triggers", rule]);
        sync().await.expect_ok();
        db.target("insert into f values ('own', 2)").await;
        if rule.ends_with("append") {
            db.target("update f set n = 3 where name = 'a'").await;
        }
        db.source("insert into item values (2, 'n', '2024-01-02')").await;
        sync().await.expect_ok();
        // A row that is missing is a difference all the same.
        db.target(
            "create function meddle() returns trigger language plpgsql as $$ begin delete from f where name = 'a'; return new; end $$;
             create trigger meddle before insert on item for each row execute procedure meddle()",
        )
        .await;
        db.source("insert into item select i, 'n', '2024-01-03' from generate_series(3, 3000) i")
            .await;
        let run = sync().parallel(1).await.expect_exit(1);
        run.expect_failed("f", &["a trigger of another table has written into it"]);
    }
}
