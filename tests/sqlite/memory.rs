//! Memory does not grow with the table.

use crate::app::App;
use crate::support::{PROMISED, Pair, peak};

const ROWS: &str =
    "with recursive n(i) as (select 1 union all select i + 1 from n where i < 300000) insert into";

#[tokio::test]
async fn memory_stays_small_for_every_kind_of_key() {
    let app = App::with(&format!(
        "create table one (id integer primary key, v text); create table two (id text primary key not null, v text); \
         create table three (a integer not null, b text not null, v text, primary key (a, b)) without rowid; \
         {ROWS} one select i, hex(randomblob(50)) from n; \
         {ROWS} two select hex(randomblob(16)), hex(randomblob(50)) from n; \
         {ROWS} three select i % 1000, i, hex(randomblob(50)) from n;"
    ));
    let db = Pair::fresh().await;
    for change in [
        "",
        "update one set v = 'x' where id % 100 = 0; update two set v = 'x' where id < '05'; delete from three where a = 7",
    ] {
        app.run(change);
        let (run, most) = peak(app.sync(&db).start()).await;
        run.expect_ok();
        assert!((1..=PROMISED).contains(&most), "{most} KiB");
    }
}
