//! What systemd hears of runs that follow each other.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use crate::support::Pair;

#[tokio::test]
async fn systemd_hears_that_it_is_ready_what_it_does_that_it_lives_and_that_it_stops() {
    let db = Pair::with("create table item (id int primary key)").await;
    let path = db.file("notify", "");
    std::fs::remove_file(&path).expect("the file was made");
    let socket = UnixDatagram::bind(&path).expect("a socket can be made");
    socket.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket has timeouts");
    let run = db.sync().args(&["-every", "1h"]).env("NOTIFY_SOCKET", &path);
    let run = run.env("WATCHDOG_USEC", "20000").start();
    let hear = || {
        let mut bytes = [0; 1000];
        let length = socket.recv(&mut bytes).expect("something is told");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    assert_eq!(hear(), "READY=1\nSTATUS=the first run is under way\n");
    let mut heard = Vec::new();
    while !heard.iter().any(|text: &String| text.starts_with("STATUS=in sync: 1 table, 0 rows")) {
        heard.push(hear());
    }
    assert!(heard.contains(&"WATCHDOG=1\n".to_owned()), "{heard:?}");
    run.until_lines(1).await;
    run.signal("HUP");
    let mut last = hear();
    while !last.starts_with("RELOADING=1\nMONOTONIC_USEC=") {
        last = hear();
    }
    while last != "READY=1\n" {
        last = hear();
    }
    run.signal("TERM");
    while last != "STOPPING=1\n" {
        last = hear();
    }
    run.end().await.expect_exit(0);
}
