//! A clock that somebody sets does not stop runs that follow each other, and makes none of them early.

use crate::support::Pair;

const LIBRARIES: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
];

#[tokio::test]
async fn the_interval_is_kept_while_the_clock_jumps() {
    let library = LIBRARIES.iter().find(|path| std::path::Path::new(path).exists());
    let library = *library.expect("faketime is installed");
    let db = Pair::with("create table item (id int primary key)").await;
    let clock = db.file("clock", "+0");
    let run = db.sync().while_writing().args(&["-every", "1s"]).env("LD_PRELOAD", library);
    let run = run.env("FAKETIME_TIMESTAMP_FILE", &clock).env("FAKETIME_NO_CACHE", "1");
    // As for a real clock that is set: the one that only counts goes on.
    let run = run.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1").start();
    let mut lines = 2;
    for jump in ["+1h", "-1h", "+400d", "-30d"] {
        run.until_lines(lines).await;
        std::fs::write(&clock, jump).expect("the file can be written");
        lines += 2;
    }
    let told = run.until_lines(lines).await;
    run.signal("TERM");
    run.end().await;
    assert!(told.iter().any(|line| line.contains("\"started\":\"2")), "{told:?}");
    let started: std::collections::BTreeSet<&str> =
        told.iter().filter_map(|line| line.split_once("\"started\":\"")?.1.get(..10)).collect();
    assert!(started.len() >= 3, "the clock was set: {started:?}");
    // By the server's clock, which nobody set.
    let intervals = "select coalesce(min(extract(epoch from gap)), 0) >= 0.5 and max(extract(epoch from gap)) < 20 from
        (select start_time - lag(start_time) over (order by id) as gap from sync_log where sync_type <> 'create') g";
    assert_eq!(db.target_value(intervals).await, "t");
}
