//! Unique values that move between rows, with each kind of target role.

use crate::support::{Outcome, Pair, Rights};

/// `item` has a child whose foreign key cascades, so that no row of it can be deleted and inserted
/// again where foreign keys are checked.
const ITEM: &str = "create table item (id int primary key, code text not null, n int, updated_at timestamptz not null default now(), unique (code));
    create table part (id int primary key, item_id int not null references item on delete cascade)";
const ROWS: &str =
    "insert into item select i, 'c' || i, i, '2024-01-01' from generate_series(1, 100) i;
    insert into part select i, i from generate_series(2, 90) i";

/// Each kind of role follows the changes between two tables made by `schema` and filled with `rows`.
async fn each_role_follows(schema: &str, rows: &str, changes: &str) {
    for rights in Rights::ALL {
        let db = Pair::with(schema).await;
        let role = db.target_role(rights).await;
        db.source(rows).await;
        db.follow_as(&role, changes).await;
    }
}

async fn items_follow(changes: &str) {
    each_role_follows(ITEM, ROWS, changes).await;
}

const SWAP: &str = "update item set code = code || '?', updated_at = now() where id in (3, 4);
    update item set code = case id when 3 then 'c4' else 'c3' end where id in (3, 4)";

#[tokio::test]
async fn two_rows_swap_their_values() {
    items_follow(SWAP).await;
}

#[tokio::test]
async fn two_rows_swap_their_values_under_a_single_worker() {
    let db = Pair::with(ITEM).await;
    let owner = db.target_owner().await;
    db.source(ROWS).await;
    db.sync().target_role(&owner).parallel(1).await.expect_ok();
    db.source(SWAP).await;
    db.sync().target_role(&owner).parallel(1).await.expect_ok();
    db.assert_all_same().await;
}

#[tokio::test]
async fn a_value_moves_from_a_deleted_row_to_a_new_one_and_to_an_existing_one() {
    items_follow(
        "delete from item where id in (5, 6); insert into item values (101, 'c5', 0);
        update item set code = 'c6', updated_at = now() where id = 7",
    )
    .await;
}

#[tokio::test]
async fn three_values_rotate_across_batches() {
    for rights in Rights::ALL {
        let db = Pair::with(ITEM).await;
        let role = db.target_role(rights).await;
        db.source(ROWS).await;
        db.sync().target_role(&role).no_overlap().await.expect_ok();
        db.source("update item set code = code || '?', updated_at = '2024-02-01'::timestamptz + id * interval '1 h' where id in (1, 50, 99);
            update item set code = case id when 1 then 'c50' when 50 then 'c99' else 'c1' end where id in (1, 50, 99)").await;
        db.sync().target_role(&role).no_overlap().batch_size(1).await.expect_ok();
        db.assert_all_same().await;
        db.sync().target_role(&role).await.expect_unchanged();
    }
}

#[tokio::test]
async fn a_value_is_held_by_a_row_that_only_the_target_has() {
    for rights in Rights::ALL {
        let db = Pair::with(ITEM).await;
        let role = db.target_role(rights).await;
        db.source(ROWS).await;
        db.sync().target_role(&role).await.expect_ok();
        db.target("insert into item values (-1, 'local', 0); update item set code = 'stray' where id = 60").await;
        db.source("insert into item values (102, 'local', 1), (103, 'stray', 2)").await;
        db.settle_as(&role).await;
    }
}

#[tokio::test]
async fn values_swap_in_a_table_without_a_timestamp() {
    let schema = "create table item (id int primary key, code int not null unique);
        create table part (id int primary key, item_id int not null references item on delete restrict)";
    let rows = "insert into item select i, i * 10 from generate_series(1, 50) i; insert into part select i, i from generate_series(1, 50) i";
    each_role_follows(schema, rows, "update item set code = code + 5; update item set code = 515 - code where id in (3, 48); update item set code = code - 5 where id not in (3, 48)").await;
}

#[tokio::test]
async fn values_of_expressions_partial_indexes_and_nulls_not_distinct_swap() {
    let schema = "create table item (id int primary key, email varchar(20) not null, slug text not null, active bool not null, code int, at date not null,
            updated_at timestamptz not null default now());
        create unique index on item (lower(email)); create unique index on item (slug) where active; create unique index on item (at);
        create table part (id int primary key, item_id int not null references item on delete cascade)";
    let rows = "insert into item select i, 'E' || i, 's' || i, true, i, '2024-01-01'::date + i, '2024-01-01' from generate_series(1, 20) i;
        insert into part select i, i from generate_series(1, 20) i";
    let changes = "update item set email = '?' || id, slug = '?' || id, at = at + 1000, code = code + 1000, updated_at = now() where id in (1, 2, 3);
        update item set email = 'e' || 4 - id, slug = 's' || 4 - id, at = '2024-01-01'::date + 4 - id, code = 4 - id where id in (1, 2, 3)";
    each_role_follows(schema, rows, changes).await;
    let db = Pair::fresh().await;
    if db.has(15, "unique indexes in which nulls are alike").await {
        let schema = format!("{schema}; create unique index on item (code) nulls not distinct");
        let changes = format!(
            "{changes}; update item set code = null where id = 5; update item set code = 5 where id = 6"
        );
        each_role_follows(&schema, rows, &changes).await;
    }
}

#[tokio::test]
async fn deferrable_unique_values_swap() {
    let schema = ITEM.replace("unique (code)", "unique (code) deferrable initially deferred");
    each_role_follows(&schema, ROWS, SWAP).await;
}

#[tokio::test]
async fn excluded_ranges_swap() {
    let schema = "create table booking (id int primary key, during int4range not null, updated_at timestamptz not null default now(),
            exclude using gist (during with &&));
        create table part (id int primary key, booking_id int not null references booking on delete cascade)";
    let rows = "insert into booking select i, int4range(i * 10, i * 10 + 10), '2024-01-01' from generate_series(1, 20) i;
        insert into part select i, i from generate_series(1, 20) i";
    let changes = "update booking set during = 'empty', updated_at = now() where id in (1, 2);
        update booking set during = int4range(30 - id * 10, 40 - id * 10) where id in (1, 2);
        delete from booking where id = 9; insert into booking values (30, '[95,97)')";
    each_role_follows(schema, rows, &format!("delete from part where booking_id = 9; {changes}"))
        .await;
}

#[tokio::test]
async fn values_that_cannot_be_put_aside_are_named_with_the_right_that_would_help() {
    let cases = [
        ("bool", "true", "false", &["item_value_key", "23505"]),
        ("text check (value like 'c%')", "'c1'", "'c2'", &["item_value_check", "23514"]),
        ("int", "2147483647", "2147483646", &["number out of range", "22003"]),
    ];
    for (kind, one, other, texts) in cases {
        let db = Pair::with(&format!("create table item (id int primary key, value {kind} not null unique);
            create table part (id int primary key, item_id int not null references item on delete cascade)")).await;
        let owner = db.target_owner().await;
        let rows = |one, other| {
            format!(
                "insert into item values (1, {one}), (2, {other}); insert into part values (1, 1)"
            )
        };
        db.target(&rows(one, other)).await;
        db.source(&rows(other, one)).await;
        let run = db.sync().target_role(&owner).await.expect_exit(1);
        run.expect_failed("item", texts)
            .expect_failed("item", &["put aside", db.replica_right().await]);
        db.hand_over_log(&owner).await;
        db.settle().await;
    }
}

#[tokio::test]
async fn a_vanished_row_that_may_not_be_deleted_keeps_its_value() {
    let db = Pair::with(ITEM).await;
    db.source(ROWS).await;
    db.sync().await.expect_ok();
    db.source("delete from item where id = 5; insert into item values (101, 'c5', 0)").await;
    let run = db.sync().arg("-no-deletes").await.expect_exit(1);
    run.expect_failed("item", &["item_code_key", "-no-deletes"]);
    db.settle().await;
}

/// What refers to the rows refers to their key, which stays.
#[tokio::test]
async fn values_swap_in_a_table_to_which_one_that_is_left_out_refers() {
    for way in ["cascade", "set null", "no action"] {
        let db = Pair::fresh().await;
        db.source(&format!(
            "create table o (id int primary key); create table l (id int primary key, sid int not null references o on delete cascade,
                constraint one unique (sid));
             insert into o values (1), (2); insert into l values (1, 1), (2, 2);
             create table ch (id int primary key, l int references l on delete {way}); insert into ch values (1, 1)"
        ))
        .await;
        db.settle().await;
        let swap = "alter table l drop constraint one; update l set sid = 3 - sid; alter table l add constraint one unique (sid)";
        db.source(swap).await;
        db.sync().args(&["-exclude", "ch"]).await.expect_ok().expect_changes("l", (0, 2, 0));
        db.assert_all_same().await;
        db.target("alter table ch drop constraint ch_l_fkey, add foreign key (l) references l on delete cascade").await;
        db.source(&format!("alter table ch drop constraint ch_l_fkey; {swap}")).await;
        db.sync().await.expect_ok().expect_changes("l", (0, 2, 0));
        db.assert_all_same().await;
        db.source("delete from ch; delete from l where id = 1").await;
        db.sync().await.expect_ok();
        db.assert_all_same().await;
    }
}

#[tokio::test]
async fn what_only_the_target_keeps_unique_is_told_with_the_statement_that_drops_it() {
    for (made, drop) in [
        (
            "alter table item add constraint once unique (n)",
            "alter table public.item drop constraint once",
        ),
        ("create unique index once on item (n)", "drop index public.once"),
    ] {
        let db = Pair::with("create table item (id int primary key, n int)").await;
        db.target(made).await;
        db.source("insert into item values (1, 1), (2, 1)").await;
        let told = format!(
            "only the target has this constraint, and rows of the source break it: leave them out with a where, or run on the target: {drop}"
        );
        db.sync().await.expect_exit(1).expect_failed("item", &[&told]);
        db.target(drop).await;
        db.settle().await;
    }
}

#[tokio::test]
async fn a_superuser_is_told_of_the_keys_that_keep_values_from_moving() {
    let db = Pair::fresh().await;
    db.source("create table look (id int primary key); create table p (id int primary key, u int not null unique); insert into look values (1), (2); insert into p values (1, 1), (2, 2)").await;
    db.target(
        "create table look (id int primary key); create table p (id int primary key, u int not null unique references look);
         create table c (id int primary key, p int references p on delete cascade)",
    )
    .await;
    db.settle().await;
    db.source("delete from p; insert into p values (1, 2), (2, 1)").await;
    let keys = "could not be put aside: foreign keys that only the target has";
    let drop =
        "run on the target: alter table if exists public.p drop constraint if exists p_u_fkey";
    let told = |run: Outcome| {
        std::mem::drop(
            run.expect_failed("p", &[keys, drop]).expect_unsaid("grant set on parameter"),
        );
    };
    told(db.sync().await.expect_exit(1));
    // Nor does an ordinary role get on by the right to be a replica.
    let owner = db.target_owner().await;
    told(db.sync().target_role(&owner).await.expect_exit(1));
    db.target("alter table if exists public.p drop constraint if exists p_u_fkey").await;
    db.sync().target_role(&owner).await.expect_ok();
    db.assert_all_same().await;
}

#[tokio::test]
async fn a_value_that_a_kept_row_holds_is_told_with_what_keeps_the_row() {
    let rules = [
        (
            "p.deletes=false",
            "a row that only the target has, which \"deletes\": false or -no-deletes keeps, may hold the value (-verbose shows it): change or \
             delete that row on the target, or let runs delete such rows",
        ),
        (
            "p.mode=upsert",
            "a row that only the target has, which \"mode\": \"upsert\" keeps, may hold the value (-verbose shows it): change or delete that row \
             on the target, or let runs delete such rows",
        ),
        (
            "p.mode=append",
            "a row of the target, which \"mode\": \"append\" leaves as it is, may hold the value (-verbose shows it): change or delete that row on \
             the target",
        ),
    ];
    for (constraint, rest) in [("unique", ""), ("", "alter table public.p drop constraint p_u_key")]
    {
        let db = Pair::fresh().await;
        db.source(&format!("create table p (id int primary key, u text {constraint}); insert into p values (1, 'a'), (2, 'b')")).await;
        db.target("create table p (id int primary key, u text unique)").await;
        db.settle().await;
        db.source("delete from p where id = 1; insert into p values (3, 'a')").await;
        for (rule, kept) in rules {
            let run = db.sync().args(&["-set", rule]).await.expect_exit(1);
            run.expect_failed("p", &["p_u_key", kept, rest]);
        }
    }
}

/// The source may keep what it does not declare.
#[tokio::test]
async fn values_that_move_under_a_constraint_of_the_target_alone_are_told_so() {
    let db = Pair::fresh().await;
    db.source(
        "create table p (id int primary key, u text not null); create table c (id int primary key, p int references p on delete cascade);
         insert into p values (1, 'a'), (2, 'b'), (3, 'c')",
    )
    .await;
    db.target("create table p (id int primary key, u text not null, g text generated always as (lower(u)) stored unique); create table c (id int primary key, p int references p on delete cascade)").await;
    db.settle().await;
    db.source("update p set u = case id when 1 then 'B' when 2 then 'A' else u end").await;
    let owner = db.target_owner().await;
    let run = db.sync().target_role(&owner).await.expect_exit(1);
    let told = "only the target has this constraint: another row of the target has the value";
    let drop = "if rows of the source break it: leave them out with a where, or run on the target: alter table public.p drop constraint p_g_key";
    run.expect_failed("p", &[told, db.replica_right().await, drop]);
    db.hand_over_log(&owner).await;
    db.settle().await;
}

#[tokio::test]
async fn values_of_a_key_by_which_no_rows_are_found_move_as_others_do() {
    let db = Pair::fresh().await;
    db.source(
        "create table p (id int primary key, u text not null unique); create table c (id int primary key, p int references p on delete cascade);
         insert into p values (1, 'a'), (2, 'b'); insert into c values (1, 1), (2, 2)",
    )
    .await;
    let owner = db.target_owner().await;
    db.sync().target_role(&owner).await.expect_ok();
    db.source("delete from c; delete from p; insert into p values (2, 'a'), (1, 'b')").await;
    let by_u = ["-set", "p.key=u"];
    let run = db.sync().target_role(&owner).args(&by_u).await.expect_exit(1);
    run.expect_failed("p", &["p_pkey", "could not be put aside", db.replica_right().await]);
    db.hand_over_log(&owner).await;
    db.sync().args(&by_u).await.expect_ok();
    db.assert_all_same().await;
}

#[tokio::test]
async fn a_placeholder_in_a_row_that_cannot_be_deleted_is_named() {
    let db = Pair::fresh().await;
    db.source(
        "create table p (id int primary key, u text unique not null); create table c (id int primary key, p int references p on delete cascade);
         insert into p select i, 'u' || i from generate_series(1, 9) i; insert into c select i, i from generate_series(1, 9) i",
    )
    .await;
    let owner = db.target_owner().await;
    db.sync().target_role(&owner).await.expect_ok();
    // Nothing foretells what a trigger does.
    db.target(
        "create function no() returns trigger language plpgsql as $$ begin raise exception 'never'; end $$;
         create trigger no before delete on c for each row execute function no(); alter table c enable always trigger no",
    )
    .await;
    db.source("delete from p where id = 5; update p set u = 'u5' where id = 6").await;
    let kept = db.sync().target_role(&owner).arg("-fire-triggers").await.expect_exit(1);
    let said =
        "until they are deleted, rows that vanished from the source have a placeholder in \"u\"";
    kept.expect_failed("p", &["rows that vanished from the source cannot be deleted", said]);
    db.target("drop trigger no on c").await;
    db.sync().target_role(&owner).await.expect_ok().expect_unsaid("placeholder");
    db.assert_all_same().await;
}

/// What tables of a circle write is committed before what they delete.
#[tokio::test]
async fn a_placeholder_in_a_table_of_a_circle_is_named_if_it_was_committed() {
    let db = Pair::fresh().await;
    db.source(
        "create table p (id int primary key, u text unique not null, c int); create table c (id int primary key, p int references p on delete cascade);
         alter table p add foreign key (c) references c deferrable initially deferred;
         insert into p select i, 'u' || i from generate_series(1, 9) i; insert into c select i, i from generate_series(1, 9) i; update p set c = id",
    )
    .await;
    let owner = db.target_owner().await;
    db.sync().target_role(&owner).await.expect_ok();
    db.target(
        "create function no() returns trigger language plpgsql as $$ begin raise exception 'never'; end $$;
         create trigger no before delete on c for each row execute function no(); alter table c enable always trigger no",
    )
    .await;
    let swap = "set constraints all deferred; delete from c where id = 5; delete from p where id = 5; update p set u = 'u5' where id = 6";
    db.source(&format!("begin; {swap}; commit")).await;
    let run = db.sync().target_role(&owner).arg("-fire-triggers").await.expect_exit(1);
    run.expect_failed("p", &["public.c", "have a placeholder in \"u\""]);
    assert_ne!(db.target_value("select u from p where id = 5").await, "u5");
    // Nothing is committed where the writes fail.
    db.target("drop trigger no on c; update p set u = 'old' where id = 5; create trigger no before insert on c for each row execute function no(); alter table c enable always trigger no").await;
    db.source("update p set u = 'old' where id = 7; insert into c values (10, 1)").await;
    let run = db.sync().target_role(&owner).arg("-fire-triggers").await.expect_exit(1);
    run.expect_failed("p", &["public.c"]).expect_unsaid("placeholder");
    assert_eq!(db.target_value("select u from p where id = 5").await, "old");
}

/// A row that cannot be deleted is no place for a value that nobody wrote.
#[tokio::test]
async fn a_vanished_row_that_others_keep_keeps_its_value_too() {
    let way_out = "choose another mode than append for public.c, or delete";
    let rule = "c.mode=append";
    for action in ["cascade", "no action", "set null"] {
        let db = Pair::fresh().await;
        db.source(&format!(
            "create table p (id int primary key, u text unique not null);
             create table c (id int primary key, p int references p on delete {action});
             insert into p select i, 'u' || i from generate_series(1, 6) i; insert into c select i, i from generate_series(1, 6) i"
        ))
        .await;
        let owner = db.target_owner().await;
        db.sync().target_role(&owner).await.expect_ok();
        // Values that move between rows that stay are in nobody's way.
        let swap = "update p set u = 'x' where id = 1; update p set u = 'u1' where id = 2; update p set u = 'u2' where id = 1";
        db.source(&format!("{swap}; delete from c where id = 5; delete from p where id = 5")).await;
        let run = db.sync().target_role(&owner).args(&["-set", rule]).await.expect_exit(1);
        let run = run.expect_failed("p", &[]).expect_unsaid("placeholder");
        let values = db.target_value("select string_agg(u, ',' order by id) from p").await;
        assert_eq!(values, "u2,u1,u3,u4,u5,u6", "{run}");
        db.source("update p set u = 'u5' where id = 6").await;
        let run = db.sync().target_role(&owner).args(&["-set", rule]).await.expect_exit(1);
        let held = "rows that vanished from the source hold unique values that other rows have now: 1 row of public.c still refers";
        run.expect_failed("p", &[held, way_out]).expect_unsaid("placeholder");
        assert_eq!(db.target_value("select u from p where id = 5").await, "u5");
        db.sync().target_role(&owner).await.expect_ok();
        db.assert_all_same().await;
    }
}

/// Rows that a rule keeps follow the source as long as it has them.
#[tokio::test]
async fn values_of_a_vanished_row_pass_on_where_its_children_go_elsewhere() {
    for rules in [["-set", "c.deletes=false"], ["-set", "c.mode=upsert"], ["-set", "c.maxDelete=0"]]
    {
        let db = Pair::fresh().await;
        db.source(
            "create table p (id int primary key, u text unique not null); create table c (id int primary key, p int references p on delete cascade);
             insert into p select i, 'u' || i from generate_series(1, 6) i; insert into c select i, i from generate_series(1, 6) i",
        )
        .await;
        let owner = db.target_owner().await;
        db.sync().target_role(&owner).await.expect_ok();
        db.source("update c set p = 6 where id = 5; delete from p where id = 5; update p set u = 'u5' where id = 6").await;
        db.sync().target_role(&owner).args(&rules).await.expect_ok();
        db.assert_all_same().await;
        // What a rule keeps for certain is known only once its table was read: the placeholder is named then.
        db.source("delete from c where id = 4; delete from p where id = 4; update p set u = 'u4' where id = 3").await;
        let run = db.sync().target_role(&owner).args(&rules).await.expect_exit(1);
        run.expect_failed("p", &["1 row of public.c still refers", "have a placeholder in \"u\""]);
        db.sync().target_role(&owner).await.expect_ok();
        db.assert_all_same().await;
    }
}

/// A key that only the target declares says nothing of what the source does with the rows.
#[tokio::test]
async fn values_pass_on_where_the_target_alone_has_the_key_of_the_children() {
    let db = Pair::fresh().await;
    db.source(
        "create table p (id int primary key, u text not null); create table c (id int primary key, p int);
         insert into p values (1, 'a'), (2, 'b'); insert into c values (1, 1), (2, 2)",
    )
    .await;
    db.target("create table p (id int primary key, u text not null unique); create table c (id int primary key, p int references p on delete set null)").await;
    db.settle().await;
    db.source("update c set p = 2; delete from p where id = 1; update p set u = 'a' where id = 2")
        .await;
    db.sync().await.expect_ok();
    db.assert_all_same().await;
}

#[tokio::test]
async fn rows_that_a_rule_keeps_break_no_foreign_key() {
    for action in ["cascade", "no action", "set null"] {
        let db = Pair::fresh().await;
        db.source(&format!(
            "create table p (id int primary key, n int); create table c (id int primary key, p int references p on delete {action});
             insert into p select i, i from generate_series(1, 9) i; insert into c select i, i from generate_series(1, 9) i"
        ))
        .await;
        db.settle().await;
        db.source("delete from c where id = 5; delete from p where id = 5; update p set n = 0 where id = 1").await;
        let run = db.sync().args(&["-set", "c.deletes=false"]).await.expect_exit(1);
        run.expect_failed("p", &["a rule keeps rows of public.c"]);
        assert_eq!(db.target_value("select count(*) from c join p on p.id = c.p").await, "9");
        assert_eq!(db.target_value("select n from p where id = 1").await, "0");
        // A parent that keeps its rows as well has them all.
        db.sync().args(&["-set", "c.deletes=false", "-set", "p.deletes=false"]).await.expect_ok();
        db.settle().await;
    }
}

/// SQLite files often declare neither.
#[tokio::test]
async fn what_the_target_alone_declares_is_dropped_in_an_order_that_the_server_takes() {
    let db = Pair::fresh().await;
    db.source(
        "create table p (id int primary key, u text not null); create table d (id int primary key, pu text);
         insert into p values (1, 'a'), (2, 'b'), (3, 'c'); insert into d values (1, 'a'), (2, 'b')",
    )
    .await;
    db.target("create table p (id int primary key, u text not null unique); create table d (id int primary key, pu text references p (u))").await;
    db.settle().await;
    db.source("delete from p where id = 1; insert into p values (4, 'a')").await;
    let drop_key = "alter table if exists public.d drop constraint if exists d_pu_fkey";
    let drop = format!("{drop_key}; alter table public.p drop constraint p_u_key");
    let aside = format!(
        "only the target has this constraint: another row of the target has the value, and it could not be put aside: foreign keys that only the target has, or whose other table is not in this run, keep rows from being taken out: run on the target: {drop_key}"
    );
    let run = db.sync().await.expect_exit(1);
    run.expect_failed("p", &[&drop, &aside]);
    db.target(drop_key).await;
    db.settle().await;
}

/// Tables of a circle share a transaction, at whose end it is too late to put a value aside.
#[tokio::test]
async fn values_move_in_a_circle_under_a_constraint_that_can_wait() {
    for when in ["", "deferrable", "deferrable initially deferred"] {
        let db = Pair::fresh().await;
        db.source(&format!(
            "create table p (id int primary key, q int, u text unique {when}); create table q (id int primary key, u text unique {when}, p int references p);
             alter table p add foreign key (q) references q on delete cascade deferrable;
             create table c (id int primary key, q int references q on delete set null);
             insert into p values (1, null, 'x'), (2, null, 'y'); insert into q values (1, 'a', 1), (2, 'b', 2), (3, 'c', 1); insert into c values (1, 1), (2, 2)"
        ))
        .await;
        let owner = db.target_owner().await;
        db.sync().target_role(&owner).await.expect_ok();
        db.source(
            "update c set q = 2; delete from q; update p set u = u || id; update p set u = case id when 1 then 'y' else 'x' end;
             insert into q values (2, 'a', 2), (3, 'b', 1), (9, 'c', 1); insert into c values (3, 2); update c set q = 2; update p set q = 2",
        )
        .await;
        db.sync().target_role(&owner).await.expect_ok();
        db.assert_all_same().await;
        db.sync().target_role(&owner).await.expect_unchanged();
    }
}

#[tokio::test]
async fn a_placeholder_is_in_no_new_row_s_way() {
    for (kind, value) in [
        ("int", "i"),
        ("numeric(9, 2)", "i"),
        ("date", "date '2024-01-01' + i"),
        ("timestamptz", "timestamptz '2024-01-01' + i * interval '1 second'"),
    ] {
        let db = Pair::fresh().await;
        let value = |i: &str| format!("(select {value} from (values ({i})) x(i))");
        db.source(&format!(
            "create table p (id int primary key, u {kind} not null unique, parent int references p on delete set null);
             insert into p select i, {} from generate_series(1, 9) n(i)",
            value("n.i")
        ))
        .await;
        let owner = db.target_owner().await;
        db.sync().target_role(&owner).await.expect_ok();
        db.source(&format!(
            "update p set u = {} where id = 1; update p set u = {} where id = 2; update p set u = {} where id = 1;
             insert into p select i, {} from generate_series(10, 40) n(i)",
            value("99"), value("1"), value("2"), value("n.i")
        ))
        .await;
        db.sync().target_role(&owner).await.expect_ok().expect_changes("p", (31, 2, 0));
        db.assert_all_same().await;
    }
}

/// The replica role switches off the check of deferrable constraints.
#[tokio::test]
async fn a_deferrable_constraint_that_only_the_target_has_is_kept() {
    let db = Pair::with("create table u (id int primary key, pos int, at int4range)").await;
    db.source("insert into u select i, i, int4range(i, i + 1) from generate_series(1, 10) i").await;
    db.target("alter table u add constraint own unique (pos) deferrable initially deferred").await;
    db.settle().await;
    db.source("update u set pos = 1").await;
    let drop = "alter table public.u drop constraint own";
    for _ in 0..2 {
        let run = db.sync().await.expect_exit(1);
        run.expect_failed("u", &["duplicate key value violates unique constraint \"own\"", drop]);
        assert_eq!(db.target_value("select count(distinct pos) from u").await, "10");
    }
    db.target(drop).await;
    db.settle().await;
    db.target("alter table u add constraint apart exclude using gist (at with &&) deferrable")
        .await;
    db.source("update u set at = '[1, 9)'").await;
    db.sync().await.expect_exit(1).expect_failed("u", &["exclusion constraint \"apart\""]);
    db.target("alter table u drop constraint apart").await;
    db.settle().await;
}

#[tokio::test]
async fn only_a_table_that_the_source_has_is_told_to_be_included_and_by_its_name_there() {
    let db = Pair::fresh().await;
    db.source("create schema h; create table h.f (id int primary key, flag boolean unique); create table h.g (id int primary key, fl boolean);
        insert into h.f values (1, true), (2, false)").await;
    db.target("create schema st; create table st.f (id int primary key, flag boolean unique);
        create table st.fr (id int references st.f on delete cascade, fl boolean references st.f (flag) on update cascade);
        create table st.g (id int primary key, fl boolean)").await;
    let role = db.target_writer().await;
    let sync = || {
        let sync = db.sync().schema("h").args(&["-target-schema", "st", "-exclude", "g"]);
        sync.target_role(&role)
    };
    sync().await.expect_ok();
    db.source("begin; delete from h.f; insert into h.f values (1, false), (2, true); commit").await;
    let drop = "alter table if exists st.fr drop constraint if exists fr_fl_fkey";
    let told = format!("keep rows from being taken out: run on the target: {drop}");
    sync().await.expect_exit(1).expect_failed("h.f", &[&told]);
    db.target(drop).await;
    let key = "alter table %.g add constraint g_fl foreign key (fl) references %.f (flag) on update cascade";
    db.source(&key.replace('%', "h")).await;
    db.target(&key.replace('%', "st")).await;
    let drop = "alter table if exists st.g drop constraint if exists g_fl";
    let told = format!("keep rows from being taken out: include h.g, or run on the target: {drop}");
    sync().await.expect_exit(1).expect_failed("h.f", &[&told]);
}
