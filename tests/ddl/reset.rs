//! `-ddl reset`: tables that additions cannot make equal are built beside the old ones and swapped.

use std::time::Duration;

use crate::dump::assert_same_definitions;
use crate::support::{Outcome, Pair, Random, Rights, Role, pgsync};

const SHOP: &str = "
    create type mood as enum ('sad', 'happy');
    create table parent (id serial primary key, name varchar(20) not null, m mood, updated_at timestamptz default now());
    create table child (id int primary key, parent_id int references parent on delete cascade, v text);
    create index on parent (name); create statistics named on id, name from parent;
    insert into parent (name, m) select 'p' || i, 'sad' from generate_series(1, 50) i;
    insert into child select i, i, 'c' from generate_series(1, 50) i";

async fn changed(change: &str) -> Pair {
    let db = Pair::fresh().await;
    db.source(SHOP).await;
    db.settle().await;
    db.source(change).await;
    db
}

async fn reset(db: &Pair) -> Outcome {
    db.sync().args(&["-ddl", "reset"]).await
}

/// A reset makes both sides equal, and the next one finds nothing to do.
async fn settles(db: &Pair) {
    reset(db).await.expect_ok();
    db.assert_all_same().await;
    assert_same_definitions(db).await;
    reset(db).await.expect_unchanged();
    db.sync().await.expect_unchanged();
}

#[tokio::test]
async fn a_column_of_another_type_a_dropped_and_a_renamed_one_are_the_sources_again() {
    let db = changed(
        "alter table parent alter id type bigint, alter name type text using name || '!', drop m;
        alter table child rename v to value",
    )
    .await;
    db.sync().await.expect_exit(1).expect_failed("parent", &["\"id\"", "bigint"]);
    settles(&db).await;
}

#[tokio::test]
async fn a_key_that_changed_on_both_ends_of_a_foreign_key_is_followed() {
    let db = changed("alter table child drop constraint child_parent_id_fkey; alter table parent alter id type text;
        alter table child alter parent_id type text; alter table child add constraint child_parent_id_fkey foreign key (parent_id) references parent;
        alter table child drop constraint child_pkey; alter table child add primary key (id, parent_id)").await;
    settles(&db).await;
}

#[tokio::test]
async fn what_the_target_added_to_the_table_stays_or_is_named() {
    let db = changed("alter table parent alter name type int using id").await;
    let role = db.target_writer().await;
    db.target(&format!("create function nothing() returns trigger language plpgsql as 'begin return new; end';
        create trigger mine before insert on parent for each row execute procedure nothing();
        create trigger quiet before update on parent for each row execute procedure nothing(); alter table parent disable trigger quiet;
        grant select, update (m) on parent to {role}; grant usage on sequence parent_id_seq to {role};
        create table report (parent int references parent (id)); insert into report values (7);
        create index own on parent (updated_at)", role = role.name)).await;
    reset(&db).await.expect_ok().expect_note("goes with the old table: index own");
    db.assert_all_same().await;
    let kept = format!("select string_agg(tgname::text || tgenabled::text, ' ' order by tgname) || ' ' || has_table_privilege('{0}', 'parent', 'select')
        || has_column_privilege('{0}', 'parent', 'm', 'update') || has_sequence_privilege('{0}', 'parent_id_seq', 'usage')
        || (select count(*) from pg_constraint where confrelid = 'parent'::regclass and convalidated)
        from pg_trigger where tgrelid = 'parent'::regclass and not tgisinternal", role.name);
    assert_eq!(db.target_value(&kept).await, "mineO quietD truetruetrue2");
}

#[tokio::test]
async fn a_table_that_a_view_shows_is_refused_by_the_views_name() {
    let db = changed("alter table parent alter name type int using id; alter table child alter v type int using id").await;
    db.target("create view shown as select name from parent").await;
    let run = reset(&db).await.expect_exit(1);
    let why = "-ddl reset would rebuild it because column \"name\" is integer on the source";
    let run = run.expect_failed("parent", &["cannot be rebuilt", "view public.shown", why]);
    let run = run.expect_note("is rebuilt: ").expect_unsaid("created on the target");
    assert_eq!(run.table("child").status, "success");
    assert_eq!(db.target_value("select count(*) from shown").await, "50");
}

#[tokio::test]
async fn a_key_that_a_table_of_the_target_refers_to_cannot_go() {
    let db = changed(
        "alter table parent drop constraint parent_pkey cascade; alter table parent drop id",
    )
    .await;
    db.target("create table report (parent int references parent (id))").await;
    let drop = "run on the target: alter table public.report drop constraint report_parent_fkey";
    let run = reset(&db).await.expect_exit(1);
    run.expect_failed("parent", &["cannot be rebuilt", "refers to (id)", drop]);
    assert_eq!(db.target_value("select count(id) from parent").await, "50");
    let left = "select count(*) from pg_namespace where nspname ~ 'reset'";
    assert_eq!(db.target_value(left).await, "0");
}

#[tokio::test]
async fn readers_never_see_the_table_empty_and_a_killed_reset_leaves_the_old_one() {
    let db = changed("insert into parent (name) select 'q' from generate_series(1, 20000); alter table parent alter name type text using name || '!', alter id type bigint").await;
    let reader = db.target_session().await;
    let mut random = Random::seeded();
    for _ in 0..8 {
        let running = db.sync().args(&["-ddl", "reset"]).start();
        tokio::time::sleep(Duration::from_millis(random.below(400))).await;
        running.signal("KILL");
        tokio::task::spawn_blocking(|| running.finish()).await.expect("the run ends");
        let rows = reader.value("select count(*) from parent").await;
        assert!(rows == "50" || rows == "20050", "{rows} rows");
    }
    settles(&db).await;
    assert_eq!(
        db.target_value("select count(*) from pg_namespace where nspname ~ 'reset'").await,
        "0"
    );
}

#[tokio::test]
async fn what_a_killed_reset_left_goes_also_when_the_next_run_does_not_reset() {
    let db = changed("alter table parent alter name type int using id").await;
    db.target("create schema pgsync_reset_public; comment on schema pgsync_reset_public is 'pgsync builds tables here; what is left of a run, the next one drops';
        create table pgsync_reset_public.parent (id int)").await;
    db.sync().await.expect_exit(1);
    assert_eq!(
        db.target_value("select count(*) from pg_namespace where nspname ~ 'reset'").await,
        "0"
    );
    // Somebody else's.
    db.target("create schema pgsync_reset_public").await;
    reset(&db).await.expect_exit(1).expect_failed("parent", &["already exists"]);
}

#[tokio::test]
async fn a_foreign_scratch_schema_is_named_to_a_role_that_may_create_none() {
    let db = changed("alter table parent alter name type int using id").await;
    let (owner, other) = (db.target_owner().await, db.target_reader().await);
    db.target(&format!(
        "do $$ begin execute format('alter database %I owner to postgres', current_database()); end $$;
         create schema pgsync_reset_public authorization {0};
         comment on schema pgsync_reset_public is 'pgsync builds tables here; what is left of a run, the next one drops'",
        other.name
    ))
    .await;
    let run = db.sync().target_role(&owner).args(&["-ddl", "reset"]).await.expect_exit(1);
    run.expect_failed("parent", &["schema pgsync_reset_public already exists", "does not trust"]);
}

#[tokio::test]
async fn a_dry_run_and_the_listing_show_what_a_reset_would_do() {
    let db = changed("alter table parent alter name type int using id").await;
    let run = db.sync().args(&["-ddl", "reset", "-dry-run"]).await.expect_ok();
    run.expect_note("would be rebuilt: column \"name\" is integer on the source")
        .expect_unsaid("would create")
        .expect_changes("parent", (50, 0, 0));
    let (source, target) = (db.source_url(), db.target_url());
    let listed = pgsync(&["schema", "-source", &source, "-target", &target, "-ddl", "reset"]).await;
    let printed = listed.expect_exit(1).stdout;
    assert!(printed.lines().all(|line| line.starts_with("-- ")), "{printed}");
    assert!(printed.contains("set schema \"public\""), "{printed}");
    let type_of = "select atttypid::regtype::text from pg_attribute where attrelid = 'parent'::regclass and attname = 'name'";
    assert_eq!(db.target_value(type_of).await, "character varying");
}

#[tokio::test]
async fn a_partitioned_table_is_rebuilt_with_its_partitions() {
    let db = Pair::fresh().await;
    db.source("create schema s; create table s.part (id int, at date, v int, primary key (id, at)) partition by range (at);
        create table s.p1 partition of s.part for values from ('2023-01-01') to ('2024-01-01'); create index on s.part (v);
        create statistics s.two on id, v from s.p1;
        insert into s.part select i, date '2023-01-01' + i, i from generate_series(1, 50) i; create table s.other (id int)").await;
    let run = || db.sync().args(&["-ddl", "reset", "-schema", "s,public"]);
    run().await.expect_ok();
    db.source("alter table s.part alter v type text").await;
    run().await.expect_ok();
    db.assert_all_same().await;
    assert_same_definitions(&db).await;
    run().await.expect_unchanged();
}

#[tokio::test]
async fn a_schema_of_another_name_is_followed_too() {
    let db = changed("alter table parent alter id type bigint, drop m; alter table child alter parent_id type bigint").await;
    db.target("drop table parent, child cascade; drop type mood").await;
    let run = || db.sync().args(&["-ddl", "reset", "-target-schema", "copy"]);
    run().await.expect_ok();
    db.source("alter table parent alter id type numeric, add a int[]").await;
    run().await.expect_ok();
    run().await.expect_unchanged();
    assert_eq!(
        db.target_value("select count(*) || pg_typeof(min(id))::text from copy.parent").await,
        "50numeric"
    );
}

#[tokio::test]
async fn types_collations_and_sequences_that_a_new_form_needs_outlive_the_swap() {
    let db = changed("create type size as enum ('small', 'large'); create collation plain (locale = 'C'); create sequence numbers;
        create domain short as text check (length(value) < 40);
        alter table parent alter name type size using 'small', alter m type short;
        alter table child drop constraint child_pkey; alter table child alter v type size using 'large', add primary key (id, v);
        create table leaf (id int default nextval('numbers') primary key, t size); insert into leaf values (1, 'small');
        alter table child add label text collate plain default 'x', drop parent_id").await;
    settles(&db).await;
}

#[tokio::test]
async fn a_partitioned_table_whose_new_key_is_of_a_new_type_keeps_its_rows() {
    let db = Pair::fresh().await;
    db.source("create table p (id int, k text) partition by list (k); create table p2 partition of p default; insert into p values (1, 'a')").await;
    db.settle().await;
    db.source("drop table p; create type kind as enum ('a'); create table p (id int, k kind) partition by list (k);
        create table p2 partition of p default; insert into p values (1, 'a'), (2, 'a')").await;
    settles(&db).await;
}

#[tokio::test]
async fn what_keeps_rows_or_constraints_keeps_the_old_table() {
    let db =
        changed("delete from child where id > 3; alter table child alter v type varchar(50)").await;
    let keeps: [(&[&str], &str); 3] = [
        (&["-no-deletes"], "-no-deletes keeps them"),
        (&["-max-delete", "20%"], "-max-delete limits them"),
        (&["-include", "child"], "child_parent_id_fkey refers to public.parent"),
    ];
    for (args, why) in keeps {
        let run = db.sync().args(&["-ddl", "reset"]).args(args).await.expect_exit(1);
        run.expect_failed("child", &["cannot be rebuilt", why]);
        assert_eq!(db.target_value("select count(*) from child").await, "50");
    }
    // All at once.
    db.target("create view shown as select v from child").await;
    let args = ["-ddl", "reset", "-include", "child", "-max-delete", "20%"];
    let told = "-ddl reset would rebuild it because column \"v\" is character varying(50) on the source and text on the target; it cannot \
                be rebuilt: 1. the rows that would go with the old table are not counted, and -max-delete limits them: for one run, add \
                -set public.child.maxDelete=off; 2. its foreign key child_parent_id_fkey refers to public.parent: select that table, too; 3. view \
                public.shown reads it: save it with its grants (pg_dump -s -t public.shown -f views-child.sql), run on the target: drop \
                view public.shown; run pgsync again, and then restore it: psql -f views-child.sql";
    drop(db.sync().args(&args).await.expect_exit(1).expect_failed("child", &[told]));
    db.target("drop view shown").await;
    settles(&db).await;
}

#[tokio::test]
async fn what_another_table_has_that_names_this_one_refuses_before_rows_are_copied() {
    let things = [
        (
            "create policy mine on other using (exists (select from parent where name = x))",
            "policy mine on table public.other",
        ),
        (
            "create rule mine as on insert to other do also delete from parent where name = 'x'",
            "rule mine on table public.other",
        ),
        (
            "alter table other add y bigint default nextval('parent_id_seq')",
            "default value for column y of table public.other",
        ),
        (
            "alter table other add z oid default 'parent'::regclass",
            "default value for column z of table public.other",
        ),
    ];
    let db = changed("alter table parent alter name type int using id").await;
    for (make, named) in things {
        db.target(&format!("create table other (x text); {make}")).await;
        let run = reset(&db).await.expect_exit(1);
        let run = run.expect_failed("parent", &["cannot be rebuilt", named]);
        assert_eq!(run.table("parent").strategy, None, "nothing was copied");
        db.target("drop table other").await;
    }
    settles(&db).await;
}

#[tokio::test]
async fn a_table_that_is_filled_and_not_swapped_is_no_success() {
    let db = changed("create table slow (id int); alter table parent alter name type int using id")
        .await;
    db.target("create table slow (id int)").await;
    db.source("insert into slow values (1)").await;
    let other = db.target_session().await;
    other.run("begin; lock table slow in exclusive mode").await;
    let running = db.sync().args(&["-ddl", "reset"]).start();
    db.target.until("select exists (select from sync_log where table_name = 'parent' and sync_type = 'copy' and end_time is not null)").await;
    db.until_blocked().await;
    running.signal("TERM");
    let run = running.end().await.expect_exit(143);
    assert_eq!(run.table("parent").status, "interrupted");
    let said =
        "select string_agg(status, ' ' order by id) from sync_log where table_name = 'parent'";
    assert_eq!(db.target_value(said).await, "success success success interrupted");
    other.run("rollback").await;
    settles(&db).await;
    let last = "select status from sync_log where table_name = 'parent' order by id desc limit 1";
    assert_eq!(db.target_value(last).await, "success");
}

#[tokio::test]
async fn tables_that_are_called_like_keywords_are_rebuilt() {
    let db = Pair::fresh().await;
    db.source(
        "create table \"user\" (id serial primary key, \"order\" int unique, \"time\" text check (\"time\" <> ''));
         create table \"real\" (id int primary key, \"user\" int references \"user\"); create index \"group\" on \"real\" (\"user\");
         insert into \"user\" (\"order\", \"time\") values (1, 'x'); insert into \"real\" values (1, 1)",
    )
    .await;
    db.settle().await;
    db.source("alter table \"user\" alter \"time\" type int using 1, drop constraint user_time_check; alter table \"real\" alter id type bigint").await;
    settles(&db).await;
}

#[tokio::test]
async fn what_the_role_may_not_do_is_named_with_its_grant_before_rows_are_copied() {
    let db = Pair::with("create table parent (id int primary key, v text); create table child (id int primary key, p int references parent)")
        .await;
    db.source("insert into parent select i, i::text from generate_series(1, 10) i").await;
    db.sync().await.expect_ok();
    db.source("alter table parent alter v type int using v::int").await;
    let (role, owner) = (db.target_owner().await, db.target_reader().await);
    db.hand_over_log(&role).await;
    let (name, owner) = (&role.name, &owner.name);
    db.target(&format!(
        "grant create on database {} to {name}; grant all on parent, child to {name}; revoke create on schema public from public",
        db.name
    ))
    .await;
    let marks = db.target_marks("parent").await;
    for (change, said) in [
        (
            "alter table parent owner to current_user",
            format!("alter table public.parent owner to {name}"),
        ),
        (
            "alter table child owner to current_user",
            format!("alter table public.child owner to {name}"),
        ),
        (
            &format!("alter table parent owner to {owner}; grant {owner} to {name}"),
            format!("grant create on schema public to {owner}"),
        ),
    ] {
        db.target(change).await;
        let run = db.sync().target_role(&role).args(&["-ddl", "reset"]).await.expect_exit(1);
        let run = run.expect_failed("parent", &["it cannot be rebuilt", &said]);
        assert_eq!(run.table("parent").processed, 0, "{change}");
        assert_eq!(db.target_marks("parent").await, marks);
        db.target(&said).await;
    }
    db.sync().target_role(&role).args(&["-ddl", "reset"]).await.expect_ok();
    db.assert_all_same().await;
    let owned = "select relowner::regrole::text from pg_class where relname = 'parent'";
    assert_eq!(&db.target_value(owned).await, owner);
}

const NAMING: &str = "create table named (id int primary key, n int);
    create table naming (id int primary key, c regclass, t regtype, updated_at timestamptz not null default '2024-01-01');
    insert into named values (1, 1); insert into naming values (1, 'named', 'named'), (2, 'pg_class', 'int')";

#[tokio::test]
async fn names_of_tables_that_the_run_creates_are_equal_at_once() {
    let db = Pair::fresh().await;
    db.source(NAMING).await;
    db.sync().await.expect_ok();
    db.assert_all_same().await;
    db.sync().await.expect_unchanged();
}

#[tokio::test]
async fn rows_that_name_a_rebuilt_table_are_not_called_equal_before_they_name_the_new_one() {
    let db = Pair::fresh().await;
    db.source(NAMING).await;
    db.settle().await;
    db.source("alter table named alter n type bigint").await;
    reset(&db).await.expect_exit(1).expect_failed("naming", &["regclass", "run again"]);
    db.sync().await.expect_ok();
    db.assert_all_same().await;
    db.sync().await.expect_unchanged();
}

/// Rows come before what is created again, so what they violate has to go first.
#[tokio::test]
async fn a_constraint_that_changed_keeps_no_row_out() {
    let db = Pair::fresh().await;
    db.source(
        "create table client (id int primary key); insert into client values (1);
        create table o (id int primary key, c int constraint ck check (c > 0), d int constraint fk references o, e int constraint un unique, f int,
            constraint ex exclude using btree (f with =)); create unique index o_ix on o (c, d)",
    )
    .await;
    db.settle().await;
    db.source(
        "alter table o drop constraint ck, add constraint ck check (c > -10), drop constraint fk,
            add constraint fk foreign key (d) references client, drop constraint un, add constraint un unique (e, id),
            drop constraint ex, add constraint ex exclude using btree (f with =, id with =);
        drop index o_ix; create unique index o_ix on o (c, d, id);
        insert into o values (5, -2, 1, 1, 1), (6, -2, 1, 1, 1)",
    )
    .await;
    let run = db.sync().await.expect_exit(1);
    run.expect_failed(
        "o",
        &[
            "is defined differently on the source",
            "run on the target: alter table \"public\".\"o\" drop constraint",
        ],
    );
    settles(&db).await;
}

#[tokio::test]
async fn a_foreign_key_to_a_table_that_was_renamed_is_the_sources_again() {
    let db = Pair::fresh().await;
    db.source(
        "create table customer (id serial primary key, x text); create table o (id int primary key, c int not null references customer);
        insert into customer (x) values ('x'); insert into o values (1, 1)",
    )
    .await;
    db.settle().await;
    db.source(
        "alter table customer rename to client; alter index customer_pkey rename to client_pkey;
        alter sequence customer_id_seq rename to client_id_seq; insert into client (x) values ('n'); insert into o values (11, 2)",
    )
    .await;
    let run = db.sync().await.expect_exit(1).expect_said("renamed to public.client?");
    run.expect_failed("o", &["is defined differently on the source", "references"]);
    reset(&db).await.expect_ok();
    db.assert_same("o").await;
    db.assert_same("client").await;
    reset(&db).await.expect_unchanged();
}

#[tokio::test]
async fn a_table_that_a_stop_keeps_from_its_place_says_so() {
    let db = Pair::with(
        "create table a (id int primary key, v int); create table b (id int primary key, v int)",
    )
    .await;
    db.source("insert into a values (1, 1); insert into b values (1, 1)").await;
    db.sync().await.expect_ok();
    db.source("alter table a alter v type text; update b set v = 2").await;
    let other = db.target_session().await;
    other.run("begin").await;
    other.run("update b set v = 9").await;
    let running = db.sync().args(&["-ddl", "reset"]).start();
    running.until_said("] a - 1 row", 1).await;
    running.signal("TERM");
    let run = running.end().await.expect_exit(143);
    let last = run.stderr.lines().rfind(|line| line.contains("] a - "));
    assert!(last.is_some_and(|line| line.contains("] a - interrupted")), "{run}");
    other.run("rollback").await;
    db.sync().args(&["-ddl", "reset"]).await.expect_ok();
    db.assert_all_same().await;
}

/// Each label is a step of its own, and a table's default may need any of them.
#[tokio::test]
async fn all_labels_that_an_enum_lacks_are_there_before_its_table_is_rebuilt() {
    let db = Pair::fresh().await;
    db.source(
        "create type mood as enum ('a'); create table item (id int primary key, m mood not null default 'a', x int);
         insert into item values (1, 'a', 1)",
    )
    .await;
    db.settle().await;
    for label in ["b", "c", "d"] {
        db.source(&format!("alter type mood add value '{label}'")).await;
    }
    db.source("alter table item drop x, alter m set default 'd'; insert into item values (2, 'c')")
        .await;
    reset(&db).await.expect_ok();
    db.assert_same("item").await;
    assert_same_definitions(&db).await;
    reset(&db).await.expect_unchanged();
}

/// A sequence that nothing owns yet stays where the creation of its table fails.
#[tokio::test]
async fn what_a_table_that_could_not_be_made_left_is_not_in_the_way_of_the_next_reset() {
    let db = Pair::fresh().await;
    db.source(
        "create table item (id serial primary key, x int, y int); insert into item (x) values (1)",
    )
    .await;
    db.settle().await;
    db.source("alter table item drop x").await;
    db.target(
        "create schema pgsync_reset_public; comment on schema pgsync_reset_public is 'pgsync builds tables here; what is left of a run, the next one drops';
         create sequence pgsync_reset_public.item_id_seq",
    )
    .await;
    reset(&db).await.expect_ok();
    assert_same_definitions(&db).await;
    assert_eq!(
        db.target_value("select count(*) from pg_namespace where nspname ~ 'pgsync'").await,
        "0"
    );
}

/// A key that cannot be compared any more hides no other.
#[tokio::test]
async fn a_table_to_whose_vanished_rows_others_refer_stays_as_it_was() {
    let db = Pair::fresh().await;
    db.source(
        "create table team (id int primary key, x int); create table setting (id int primary key, t int references team);
         create table gone (id int primary key, t int references team);
         insert into team values (1, 1), (2, 2); insert into setting values (1, 1), (2, 2); insert into gone values (1, 1), (2, 2)",
    )
    .await;
    db.settle().await;
    db.source(
        "drop table gone; alter table setting drop t; alter table team drop x, add s int references setting;
         update team set s = id; delete from team where id = 1",
    )
    .await;
    let run = reset(&db).await.expect_exit(1);
    run.expect_failed("team", &["it cannot take its place", "rows of public.gone", "gone_t_fkey"]);
    assert_eq!(db.target_value("select count(*) from team where x is not null").await, "2");
    let valid = "select convalidated from pg_constraint where conname = 'gone_t_fkey'";
    assert_eq!(db.target_value(valid).await, "t");
}

#[tokio::test]
async fn a_dry_run_of_a_reset_asks_for_no_drop_of_a_column_that_the_source_has() {
    let db = Pair::fresh().await;
    db.source(
        "create table review (id int primary key, body text); insert into review values (1, 'x')",
    )
    .await;
    db.settle().await;
    db.source("alter table review rename body to content").await;
    let foretold = db.sync().args(&["-ddl", "reset", "-dry-run"]).await.expect_ok();
    drop(foretold.expect_unsaid("only the target has").expect_unsaid("only in new columns"));
    reset(&db).await.expect_ok();
    assert_same_definitions(&db).await;
}

#[tokio::test]
async fn a_table_that_cannot_take_its_place_keeps_no_other_from_its_own() {
    let db = Pair::fresh().await;
    db.source(
        "create table f (id int primary key, z int); create table c (id int primary key, x int);
         create table u (id int primary key, y int, c int references c);
         insert into f values (1, 1), (2, 2); insert into c values (1, 1), (2, 2); insert into u values (1, 1, 1), (2, 2, 2)",
    )
    .await;
    db.settle().await;
    db.source(
        "alter table f drop column z; alter table c drop column x; alter table u drop column y;
         delete from f where id = 1; delete from u where id = 1; delete from c where id = 1",
    )
    .await;
    db.target(
        "create table gg (id int primary key, f int references f); insert into gg values (1, 1)",
    )
    .await;
    let run = reset(&db).await.expect_exit(1);
    let run = run.expect_failed("f", &["it cannot take its place: rows of public.gg"]);
    for table in ["c", "u"] {
        assert_eq!(run.table(table).status, "success", "{run}");
        db.assert_same(table).await;
    }
    let valid = "select bool_and(convalidated) from pg_constraint where contype = 'f'";
    assert_eq!(db.target_value(valid).await, "t");
}

#[tokio::test]
async fn a_parent_of_a_table_that_inherits_is_refused_before_anything_is_copied() {
    let db = Pair::fresh().await;
    db.source(
        "create table ev (id int, b int); create table ce () inherits (ev); insert into ev values (1, 1); insert into ce values (2, 2)",
    )
    .await;
    db.settle().await;
    db.source("alter table ev alter b type bigint").await;
    let run = reset(&db).await.expect_exit(1);
    run.expect_failed("ev", &["it cannot be rebuilt", "table public.ce, which inherits from it"])
        .expect_failed("ce", &["it cannot be rebuilt", "table public.ev, its parent"])
        .expect_unsaid("CASCADE");
}

#[tokio::test]
async fn a_foreign_key_that_the_source_dropped_does_not_guard_rows_while_its_table_is_rebuilt() {
    for way in ["cascade", "no action"] {
        let db = Pair::fresh().await;
        db.source(&format!(
            "create table j (id int primary key); create table r (id int primary key, j int references j on delete {way});
             insert into j values (1), (2); insert into r values (1, 1), (2, 2)"
        ))
        .await;
        db.settle().await;
        db.source("alter table r drop column j; delete from j where id = 1").await;
        reset(&db).await.expect_ok();
        db.assert_all_same().await;
        assert_same_definitions(&db).await;
    }
}

/// Until the new tables take their places, the server compares rows with those of the old ones.
#[tokio::test]
async fn tables_that_refer_to_a_rebuilt_one_and_the_other_way_round_are_in_sync_at_once() {
    for rights in [Rights::Superuser, Rights::Owner] {
        for deferrable in ["", "deferrable"] {
            let db = Pair::fresh().await;
            db.source(&format!(
                "create table b (id int primary key, j int, eng text);
                 create table j (id int primary key, b int references b on delete set null {deferrable});
                 alter table b add foreign key (j) references j on delete cascade {deferrable};
                 create table r (id int primary key, j int references j on delete cascade);
                 insert into b values (1, null, 'x'), (2, null, 'y'); insert into j values (1, 1), (2, 2);
                 update b set j = id; insert into r values (1, 1), (2, 2)"
            ))
            .await;
            settles_as(
                &db,
                rights,
                "alter table b drop column eng; alter table r drop column j; insert into b values (3);
                 insert into j values (3, 3); update b set j = 3 where id = 3; update j set b = null where id = 1;
                 delete from b where id = 1; delete from j where id = 1",
            )
            .await;
        }
    }
}

#[tokio::test]
async fn a_table_follows_its_parent_that_is_rebuilt_at_once() {
    for rights in [Rights::Superuser, Rights::Owner] {
        let db = Pair::fresh().await;
        db.source(
            "create table team (id int primary key, x int);
             create table folder (id int primary key, code int unique, t int references team);
             create table doc (id int primary key, f int references folder (code));
             insert into team values (1, 1), (2, 2); insert into folder values (1, 1, 1), (2, 2, 2); insert into doc values (1, 2)",
        )
        .await;
        settles_as(
            &db,
            rights,
            "drop table doc; alter table team drop x; insert into team values (3);
             insert into folder values (3, 3, 3); delete from folder where id = 1; delete from team where id = 1",
        )
        .await;
    }
}

/// What is away while rows are written is there again, and looked at, also if a new table cannot take its place.
#[tokio::test]
async fn a_foreign_key_of_a_table_that_stays_is_there_after_a_parent_that_could_not_be_rebuilt() {
    let db = Pair::fresh().await;
    db.source(
        "create table team (id int primary key, x int); create table folder (id int primary key, t int references team);
         insert into team values (1, 1), (2, 2); insert into folder values (1, 1), (2, 2)",
    )
    .await;
    db.sync().await.expect_ok();
    db.target("create table own (id int references team); insert into own values (1)").await;
    let owner = rebuilder(&db, Rights::Owner).await;
    db.source(
        "alter table team drop x; insert into team values (3); insert into folder values (3, 3);
         delete from folder where id = 1; delete from team where id = 1",
    )
    .await;
    let run = || db.sync().target_role(&owner).args(&["-ddl", "reset"]);
    let barred = run().await.expect_exit(1);
    barred
        .expect_failed("team", &["it cannot take its place: rows of public.own"])
        .expect_failed("folder", &["rows of public.team that are not there", "folder_t_fkey"]);
    db.target("drop table own").await;
    run().await.expect_ok();
    db.assert_same("folder").await;
    assert_same_definitions(&db).await;
}

#[tokio::test]
async fn a_foreign_key_that_rows_keep_is_there_also_while_its_parent_cannot_be_rebuilt() {
    let db = Pair::fresh().await;
    db.source(
        "create table team (id int primary key, x int); create table folder (id int primary key, t int references team);
         insert into team values (1, 1), (2, 2); insert into folder values (1, 2)",
    )
    .await;
    db.sync().await.expect_ok();
    db.target("create table own (id int references team); insert into own values (1)").await;
    let owner = rebuilder(&db, Rights::Owner).await;
    db.source(
        "alter table team drop x; delete from team where id = 1; insert into folder values (2, 2)",
    )
    .await;
    let key = "select convalidated from pg_constraint where conname = 'folder_t_fkey'";
    for _ in 0..2 {
        let run = db.sync().target_role(&owner).args(&["-ddl", "reset"]).await.expect_exit(1);
        run.expect_failed("team", &["it cannot take its place: rows of public.own"]);
        assert_eq!(db.target_value(key).await, "t");
        db.assert_same("folder").await;
    }
}

/// As [`settles`], with a role of these rights on the target.
async fn settles_as(db: &Pair, rights: Rights, change: &str) {
    db.settle().await;
    let role = rebuilder(db, rights).await;
    db.source(change).await;
    let run = || db.sync().target_role(&role).args(&["-ddl", "reset"]);
    run().await.expect_ok();
    db.assert_all_same().await;
    run().await.expect_unchanged();
}

/// A role of these rights that may make the schema in which tables are built.
async fn rebuilder(db: &Pair, rights: Rights) -> Role {
    let role = db.target_role(rights).await;
    db.target(&format!("grant create on database {} to {}", db.name, role.name)).await;
    db.hand_over_log(&role).await;
    role
}

/// One run rebuilds, and leaves nothing to the next one.
async fn rebuild_with_its_foreign_key(db: &Pair) {
    reset(db).await.expect_ok().expect_note("is rebuilt: ");
    let keys = "select count(*) from pg_constraint where contype = 'f' and convalidated";
    assert_eq!(db.target_value(keys).await, "1");
    db.assert_all_same().await;
    reset(db).await.expect_unchanged().expect_unsaid("created");
}

#[tokio::test]
async fn a_new_table_gets_its_foreign_key_to_a_table_that_is_rebuilt_in_the_same_run() {
    let db = Pair::fresh().await;
    db.source("create table c (id serial primary key, notes text, b int); insert into c (notes) values ('x'), ('y')").await;
    reset(&db).await.expect_ok();
    db.source(
        "create table cp (customer_id int primary key references c (id), n text); insert into cp select id, notes from c;
         alter table c drop column notes",
    )
    .await;
    rebuild_with_its_foreign_key(&db).await;
}

#[tokio::test]
async fn tables_that_are_rebuilt_together_have_their_new_foreign_key() {
    let db = Pair::fresh().await;
    db.source("create table c (id int primary key, notes text); create table d (id int primary key, v text); insert into c values (1), (2); insert into d values (1)").await;
    reset(&db).await.expect_ok();
    db.source("alter table c drop column notes; alter table d drop column v, add column c int default 1 references c").await;
    rebuild_with_its_foreign_key(&db).await;
}

#[tokio::test]
async fn a_partitioned_table_that_was_renamed_has_the_statement_that_renames_it() {
    for child in [
        "",
        "create table i (id int primary key, o bigint, d date, foreign key (o, d) references o)",
    ] {
        let db = Pair::fresh().await;
        db.source(&format!(
            "create table o (id bigserial, d date, primary key (id, d)) partition by range (d);
             create table o1 partition of o for values from ('2024-01-01') to ('2025-01-01');
             insert into o (d) values ('2024-05-05'); {child}"
        ))
        .await;
        reset(&db).await.expect_ok();
        db.source("alter table o rename to so").await;
        for _ in 0..2 {
            let run = reset(&db).await.expect_exit(1).expect_unsaid("it has just gone");
            assert_eq!(run.table("so").status, "failed", "{run}");
            run.expect_said("renamed to public.so? Then run on the target: alter ");
        }
        let drops = if child.is_empty() {
            ""
        } else {
            "alter table if exists public.i drop constraint if exists i_o_d_fkey; "
        };
        db.target(&format!(
            "{drops}alter sequence public.o_id_seq owned by public.o.id; drop table if exists public.so; alter table public.o rename to so"
        ))
        .await;
        db.sync().args(&["-ddl", "reset", "-reconcile"]).await.expect_ok();
        db.assert_all_same().await;
    }
}

#[tokio::test]
async fn nothing_is_asked_for_in_a_partitioned_table_that_is_rebuilt() {
    let db = Pair::fresh().await;
    if !db.has(11, "keys of partitioned tables").await {
        return;
    }
    db.source(
        "create table part (id int, d int, primary key (id, d)) partition by range (d);
         create table part_1 partition of part for values from (0) to (10); insert into part values (1, 2)",
    )
    .await;
    db.sync().args(&["-ddl", "reset"]).await.expect_ok();
    db.source("alter table part rename column id to pid").await;
    let run = db.sync().args(&["-ddl", "reset"]).await.expect_ok().expect_note("is rebuilt");
    run.expect_unsaid("drop constraint");
    db.sync().args(&["-ddl", "reset"]).await.expect_unchanged();
    db.assert_all_same().await;
}

#[tokio::test]
async fn a_new_foreign_key_to_a_table_that_is_rebuilt_is_made_once() {
    let db = Pair::fresh().await;
    db.source(
        "create table c (id int primary key, x text); create table k (id int primary key, c int);
         insert into c values (1, '1'); insert into k values (1, 1)",
    )
    .await;
    db.settle().await;
    db.source("alter table k add constraint fkc foreign key (c) references c (id); alter table c alter x type int using x::int").await;
    db.sync().args(&["-ddl", "reset"]).await.expect_ok();
    db.settle().await;
    assert_same_definitions(&db).await;
}

#[tokio::test]
async fn a_table_that_rows_bar_from_its_place_is_told_that_the_other_one_comes_first() {
    let db = Pair::fresh().await;
    db.source(
        "create table community (id int primary key, x text);
         create table post (id int primary key, community int constraint of_c references community on delete cascade);
         create table orphan (id int primary key, post int references post);
         insert into community values (1, 1), (2, 2); insert into post values (1, 1), (2, 2); insert into orphan values (1, 2)",
    )
    .await;
    db.settle().await;
    db.source(
        "drop table orphan; delete from post where id = 2; delete from community where id = 2;
         alter table community alter x type int using x::int",
    )
    .await;
    let run = db.sync().args(&["-ddl", "reset"]).await.expect_exit(1);
    let run =
        run.expect_failed("community", &["foreign key \"of_c\"", "bring that table in sync first"]);
    drop(run.expect_unsaid("the source does not have this key"));
}

#[tokio::test]
async fn a_view_in_the_way_of_a_renamed_column_is_told_after_the_rename() {
    let db = Pair::fresh().await;
    db.source(
        "create table c (id int primary key, mail text, z int); insert into c values (1, 'a', 1)",
    )
    .await;
    let reset = || db.sync().args(&["-ddl", "reset"]);
    reset().await.expect_ok();
    db.target("create view vc as select id, mail from c").await;
    db.source("alter table c rename mail to email").await;
    let rename = "alter table public.c rename column mail to email";
    let told = format!(
        "if the source has renamed the column \"mail\" to \"email\", run on the target: {rename}; otherwise: -ddl reset would rebuild it"
    );
    let view =
        "run pgsync again, and then create it again, where need be without what is gone (mail)";
    drop(reset().await.expect_exit(1).expect_failed("c", &[&told, view]));
    db.target(rename).await;
    reset().await.expect_ok().expect_unsaid("rebuilt");
    db.settle().await;
}
