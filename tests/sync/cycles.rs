//! Tables that refer to each other.

use crate::support::Rights::{Owner, Superuser, Writer};
use crate::support::{Pair, Rights};

fn team(deferrable: &str, action: &str) -> String {
    format!("create table boss (id int primary key, team_id int not null, updated_at timestamptz not null default now());
        create table team (id int primary key, boss_id int not null references boss on delete {action}, name text unique, updated_at timestamptz not null default now());
        create table mate (id int primary key, team_id int not null references team);
        alter table boss add constraint boss_team foreign key (team_id) references team {deferrable} initially deferred")
}

const ROWS: &str = "begin; insert into boss select i, i, '2024-01-01' from generate_series(1, 50) i; insert into team select i, i, 'n' || i, '2024-01-01' from generate_series(1, 50) i;
    insert into mate select i, i from generate_series(1, 50) i; commit";
const CHANGES: &str = "begin; insert into boss select i, i from generate_series(101, 120) i; insert into team select i, i, 'n' || i from generate_series(101, 120) i;
    delete from mate where id < 9; update boss set team_id = 20, updated_at = now() where id = 8; commit;
    begin; delete from team where id < 8; delete from boss where id < 8; commit;
    update team set name = name || '?', updated_at = now() where id in (30, 31); update team set name = 'n' || 61 - id where id in (30, 31)";

#[tokio::test]
async fn two_tables_that_refer_to_each_other_are_followed_in_one_transaction() {
    for (rights, action) in [(Superuser, "cascade"), (Owner, "no action"), (Writer, "cascade")] {
        let db = Pair::with(&team("deferrable", action)).await;
        let role = db.target_role(rights).await;
        db.source(ROWS).await;
        db.sync().target_role(&role).batch_size(10).await.expect_ok();
        db.assert_all_same().await;
        db.source(CHANGES).await;
        db.sync().target_role(&role).batch_size(10).await.expect_ok();
        db.assert_all_same().await;
        db.sync().target_role(&role).await.expect_unchanged();
    }
}

#[tokio::test]
async fn triggers_stay_quiet_while_two_tables_share_a_transaction() {
    let db = Pair::with(&team("deferrable", "no action")).await;
    db.target("create function refuse() returns trigger language plpgsql as $$ begin raise 'refused'; end $$;
        create trigger refuse before insert or update or delete on boss for each row execute procedure refuse();
        create trigger refuse after insert or update or delete on team for each row execute procedure refuse()").await;
    let owner = db.target_owner().await;
    db.source(ROWS).await;
    db.follow_as(&owner, CHANGES).await;
    assert_eq!(
        db.target_value(
            "select count(*) from pg_trigger where tgname = 'refuse' and tgenabled = 'O'"
        )
        .await,
        "2"
    );
}

#[tokio::test]
async fn tables_in_a_circle_fail_together_and_are_put_right_together() {
    let db = Pair::with(&team("deferrable", "no action")).await;
    let writer = db.target_writer().await;
    db.target("alter table team add constraint few check (id < 40)").await;
    db.source(ROWS).await;
    let run = db.sync().target_role(&writer).await.expect_exit(1);
    run.expect_failed("team", &["few"])
        .expect_failed("boss", &["shares a transaction with public.team"]);
    assert_eq!(db.target_value("select count(*) from boss").await, "0");
    db.target("alter table team drop constraint few").await;
    db.settle_as(&writer).await;
}

#[tokio::test]
async fn a_circle_that_cannot_be_deferred_is_told_what_would_help() {
    let schema = team("deferrable", "no action").replace("deferrable initially deferred", "");
    for rights in Rights::ALL {
        let db = Pair::with(&schema).await;
        let role = db.target_role(rights).await;
        db.source(&format!(
            "alter table boss alter constraint boss_team deferrable initially deferred; {ROWS}"
        ))
        .await;
        match rights {
            Superuser => drop(db.settle_as(&role).await),
            Owner | Writer => {
                let run = db.sync().target_role(&role).await.expect_exit(1);
                run.expect_said("DEFERRABLE").expect_said(db.replica_right().await);
            }
        }
    }
}

/// Rows of a table that is left out refer to one of the circle: only its deletes have to be checked.
/// Rows leave the row that goes before it goes, also where no transaction writes both tables.
#[tokio::test]
async fn in_a_circle_that_cannot_be_deferred_rows_go_when_all_are_written() {
    let db = Pair::with(
        "create table p (id int primary key, c int); create table c (id int primary key, p int references p on delete cascade);
         alter table p add foreign key (c) references c on delete set null",
    )
    .await;
    let owner = db.target_owner().await;
    for side in [&db.source, &db.target] {
        side.run("insert into p values (1), (2), (3); insert into c values (1, 1), (2, 2), (3, 3)").await;
    }
    db.sync().target_role(&owner).await.expect_ok();
    db.source("update c set p = null where id = 2; delete from c where id = 3; delete from p where id > 1").await;
    let blocker = db.target_session().await;
    blocker.run("begin; select from c where id = 2 for update").await;
    let run = db.sync().target_role(&owner).while_writing().parallel(2).start();
    db.until_blocked().await;
    // The other table has time to go on.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    blocker.run("rollback").await;
    run.end().await.expect_ok();
    db.assert_all_same().await;
    db.sync().target_role(&owner).await.expect_unchanged();
}

#[tokio::test]
async fn a_circle_to_which_a_table_that_is_left_out_refers_is_written() {
    let db = Pair::fresh().await;
    db.source(
        "create table b (id int primary key, j int); create table j (id int primary key, b int references b);
         alter table b add foreign key (j) references j; insert into b values (1, null), (2, null);
         insert into j values (1, 1), (2, 2); update b set j = id;
         create table r (id int primary key, j int references j on delete cascade); insert into r values (1, 1)",
    )
    .await;
    db.settle().await;
    for id in 3..8 {
        db.source(&format!(
            "insert into b values ({id}, null); insert into j values ({id}, {id}); update b set j = {id} where id = {id}"
        ))
        .await;
        db.sync().args(&["-exclude", "r"]).await.expect_ok();
    }
    db.source("delete from r; update b set j = null where id = 1; delete from j where id = 1").await;
    let run = db.sync().args(&["-exclude", "r"]).await.expect_exit(1);
    run.expect_failed("j", &["1 row of public.r still refers", "drop table public.r"]);
    db.settle().await;
}

#[tokio::test]
async fn what_stands_behind_a_refusal_in_a_circle_is_skipped() {
    let db = Pair::fresh().await;
    db.source(
        "create table a (id int primary key, b_id int); create table b (id int primary key, a_id int references a);
         alter table a add foreign key (b_id) references b deferrable initially deferred;
         insert into a select i from generate_series(1, 4) i; insert into b values (1, 1)",
    )
    .await;
    let owner = db.target_owner().await;
    let run = || db.sync().target_role(&owner).args(&["-max-delete", "20%"]);
    run().await.expect_ok();
    db.source("delete from a where id = 4; insert into b values (2, 2)").await;
    run().arg("-dry-run").await.expect_exit(5);
    let refused = run().await.expect_exit(5);
    assert_eq!(refused.table("a").status, "refused", "{refused}");
    assert_eq!(refused.table("b").status, "skipped", "{refused}");
    drop(refused.expect_said("because it shares a transaction with public.a, which was refused: settle that one first"));
    db.sync().target_role(&owner).await.expect_ok();
    db.assert_all_same().await;
    run().await.expect_unchanged();
}
