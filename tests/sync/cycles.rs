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
                run.expect_said("DEFERRABLE").expect_said("session_replication_role");
            }
        }
    }
}
