//! Unique values that move between rows, with each kind of target role.

use crate::support::{Pair, Rights};

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
            "the source does not have this constraint, and its rows do not keep it: fix them, or run on the target: {drop}"
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
    let run = db.sync().await.expect_exit(1);
    run.expect_failed("p", &["could not be put aside: foreign keys that only the target has"])
        .expect_unsaid("grant set on parameter");
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
    db.source("delete from p where id = 5; update p set u = 'u5' where id = 6").await;
    let kept =
        db.sync().target_role(&owner).args(&["-set", "c.deletes=false"]).await.expect_exit(1);
    let said =
        "until they are deleted, rows that vanished from the source have a placeholder in \"u\"";
    kept.expect_failed("p", &["rows that vanished from the source cannot be deleted", said]);
    db.sync().target_role(&owner).await.expect_ok().expect_unsaid("placeholder");
    db.assert_all_same().await;
}
