//! `-metrics` and `-listen`: figures for Prometheus.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::Pair;

async fn filled() -> Pair {
    let db =
        Pair::with("create table item (id int primary key, n int, updated_at timestamptz)").await;
    db.source("insert into item select i, i, now() from generate_series(1, 10) i").await;
    db
}

/// A file in a folder of its own, so that what is left beside it can be seen.
fn place(db: &Pair) -> String {
    let folder = db.file("metrics", "");
    std::fs::remove_file(&folder).expect("it was made");
    std::fs::create_dir(&folder).expect("a folder can be made");
    format!("{folder}/pgsync.prom")
}

fn value(text: &str, sample: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '))?;
    line.parse().ok()
}

#[tokio::test]
async fn the_file_is_readable_by_all_and_counts_on_and_remembers_the_last_success() {
    let db = filled().await;
    let file = place(&db);
    let sync = || db.sync().args(&["-metrics", &file]);
    sync().await.expect_ok();
    let first = std::fs::read_to_string(&file).expect("a file");
    let item = "{table=\"public.item\"";
    assert_eq!(
        value(&first, &format!("pgsync_rows_total{item},op=\"inserted\"}}")),
        Some(10.0),
        "{first}"
    );
    assert_eq!(value(&first, "pgsync_last_run_status"), Some(0.0), "{first}");
    let mode = std::fs::metadata(&file).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
    db.source("insert into item values (11, 1, now())").await;
    db.target("alter table item add constraint none check (id < 11)").await;
    sync().await.expect_exit(1);
    let second = std::fs::read_to_string(&file).expect("a file");
    let success = "pgsync_last_success_timestamp_seconds";
    assert_eq!(value(&first, success), value(&second, success), "{second}");
    assert_eq!(value(&second, "pgsync_last_run_status"), Some(1.0), "{second}");
    assert_eq!(value(&second, "pgsync_consecutive_failures"), Some(1.0), "{second}");
    assert_eq!(value(&second, &format!("pgsync_table_failed{item}}}")), Some(1.0), "{second}");
    db.target("alter table item drop constraint none").await;
    sync().await.expect_ok();
    let third = std::fs::read_to_string(&file).expect("a file");
    assert_eq!(
        value(&third, &format!("pgsync_rows_total{item},op=\"inserted\"}}")),
        Some(11.0),
        "{third}"
    );
    assert!(value(&third, &format!("pgsync_watermark_lag_seconds{item}}}")).is_some(), "{third}");
    let folder = Path::new(&file).parent().expect("a folder");
    assert_eq!(
        std::fs::read_dir(folder).expect("a folder").count(),
        1,
        "nothing is left beside it"
    );
}

#[tokio::test]
async fn a_reader_never_sees_a_part_of_the_file() {
    let db = filled().await;
    let file = place(&db);
    let over = Arc::new(AtomicBool::new(false));
    let reader = std::thread::spawn({
        let (file, over) = (file.clone(), Arc::clone(&over));
        move || {
            let mut seen = BTreeSet::new();
            while !over.load(Ordering::Relaxed) {
                if let Ok(text) = std::fs::read_to_string(&file) {
                    seen.insert(text);
                }
            }
            seen
        }
    });
    let run = db.sync().args(&["-every", "0s", "-metrics", &file]).start();
    run.until_lines(25).await;
    run.signal("TERM");
    run.end().await;
    over.store(true, Ordering::Relaxed);
    let seen = reader.join().expect("the reader does not panic");
    assert!(seen.len() > 5, "{} texts were seen", seen.len());
    for text in seen {
        let is_whole = text.starts_with("# HELP pgsync_build_info") && text.ends_with('\n');
        assert!(is_whole && value(&text, "pgsync_retries_total").is_some(), "{text}");
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_a_warning() {
    let db = filled().await;
    let run = db.sync().args(&["-metrics", "/nowhere/pgsync.prom"]).await.expect_ok();
    run.expect_note("-metrics /nowhere/pgsync.prom: no such file or directory");
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("a bound socket has one").to_string()
}

/// The whole answer to a request.
fn ask(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    write!(stream, "{request}\r\nhost: x\r\nconnection: close\r\n\r\n").expect("it is read");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[tokio::test]
async fn figures_and_health_are_served_between_runs() {
    let db = filled().await;
    let address = free_address();
    let run = db.sync().args(&["-every", "1h", "-listen", &address]).start();
    run.until_lines(1).await;
    let metrics = ask(&address, "GET /metrics HTTP/1.1");
    assert!(metrics.starts_with("HTTP/1.1 200 OK\r\n"), "{metrics}");
    assert!(metrics.contains("content-type: text/plain; version=0.0.4"), "{metrics}");
    assert_eq!(value(&metrics, "pgsync_last_run_status"), Some(0.0), "{metrics}");
    let health = ask(&address, "GET /healthz HTTP/1.1");
    assert!(health.starts_with("HTTP/1.1 200 OK\r\n"), "{health}");
    assert!(health.contains("the last success was 0s ago"), "{health}");
    for other in ["GET / HTTP/1.1", "POST /metrics HTTP/1.1"] {
        let answer = ask(&address, other);
        assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n"), "{answer}");
    }
    let mut rude = TcpStream::connect(&address).expect("somebody listens");
    rude.write_all(b"\x16\x03\x01 no http\r\n\r\n").expect("it is read");
    assert!(ask(&address, "HEAD /healthz HTTP/1.1").starts_with("HTTP/1.1 200 OK"));
    let other = db.sync().args(&["-every", "1h", "-listen", &address]).await.expect_exit(1);
    other.expect_said(&format!("-listen {address}: address already in use"));
    run.signal("TERM");
    run.end().await.expect_exit(0);
}

#[tokio::test]
async fn health_is_bad_before_the_first_success() {
    let db = filled().await;
    let address = free_address();
    db.target("alter table item add constraint none check (id < 1)").await;
    let run = db.sync().args(&["-every", "1h", "-listen", &address]).start();
    run.until_lines(1).await;
    let health = ask(&address, "GET /healthz HTTP/1.1");
    assert!(health.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{health}");
    run.signal("TERM");
    run.end().await.expect_exit(0);
}

#[tokio::test]
async fn one_run_has_no_address_to_be_asked_at() {
    let db = filled().await;
    let run = db.sync().args(&["-listen", "127.0.0.1:9187"]).await.expect_exit(2);
    run.expect_said("needs -every");
    let run = db.sync().args(&["-every", "1h", "-listen", "localhost"]).await.expect_exit(2);
    run.expect_said("is no address such as 127.0.0.1:9187");
}

#[tokio::test]
async fn promtool_finds_nothing_wrong_with_the_figures() {
    let db = filled().await;
    let file = place(&db);
    db.sync().args(&["-metrics", &file, "-reconcile"]).await.expect_ok();
    let text = std::fs::read_to_string(&file).expect("a file");
    assert!(text.contains("pgsync_proven_age_seconds"), "{text}");
    let mut promtool = Command::new("promtool");
    let promtool = promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = promtool.stderr(Stdio::piped()).spawn().expect("promtool is installed");
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("it is read");
    let output = child.wait_with_output().expect("it ends");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
}

#[tokio::test]
async fn a_file_that_no_collector_reads_is_wrong_usage() {
    let db = Pair::fresh().await;
    let run = db.sync().plain().args(&["-metrics", "/tmp/m.txt"]).await.expect_exit(2);
    drop(run.expect_said(": must end in .prom: node_exporter reads no other file"));
}
