//! pgbouncer: whole sessions will do, shared ones are refused.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use crate::support::{Pair, Server, ServerUser};

struct Pooler {
    child: Child,
    port: u16,
}

impl Pooler {
    /// In front of a server, with as many server sessions as asked for.
    fn start(db: &Pair, server: &Server, settings: &str) -> Self {
        let probe = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = probe.local_addr().expect("a bound socket has an address").port();
        drop(probe);
        let (host, server_port) = server.address().rsplit_once(':').expect("host:port");
        let config = format!(
            "[databases]\n* = host={host} port={server_port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nauth_type = any\nunix_socket_dir =\nadmin_users = postgres\n\
             default_pool_size = 20\n{settings}\n"
        );
        let config = config.replace("* = host", "* = user=postgres host");
        let file = db.file(&format!("pgbouncer-{port}.ini"), &config);
        let mut command = Command::new("setpriv");
        command.args(ServerUser::find().options()).args(["--pdeathsig=KILL", "pgbouncer", &file]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let pooler = Self { child: child.expect("setpriv and pgbouncer are installed"), port };
        let begun = std::time::Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < std::time::Duration::from_secs(10), "pgbouncer starts");
            std::thread::yield_now();
        }
        pooler
    }

    fn url(&self, url: &str, server: &Server) -> String {
        url.replace(server.address(), &format!("127.0.0.1:{}", self.port))
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const TABLES: &str = "create table item (id int primary key, n int, updated_at timestamptz);
    create table bag (n int)";
const ROWS: &str = "insert into item select i, i, '2024-01-01' from generate_series(1, 300) i;
    insert into bag values (1), (1)";

async fn pair() -> Pair {
    let db = Pair::with(TABLES).await;
    db.source(ROWS).await;
    db
}

#[tokio::test]
async fn whole_sessions_of_a_pooler_work_on_both_sides() {
    let db = pair().await;
    let source = Pooler::start(&db, db.source_server(), "pool_mode = session");
    let target = Pooler::start(&db, db.target_server(), "pool_mode = session");
    for _ in 0..2 {
        let sync = db.sync().source_url(source.url(&db.source_url(), db.source_server()));
        sync.target_url(target.url(&db.target_url(), db.target_server())).await.expect_ok();
        db.assert_all_same().await;
        db.source("update item set n = -n, updated_at = now()").await;
    }
}

#[tokio::test]
async fn sessions_that_change_between_transactions_are_refused() {
    let db = pair().await;
    for settings in ["pool_mode = transaction", "pool_mode = transaction\nserver_round_robin = 1"] {
        for source_side in [true, false] {
            let server = if source_side { db.source_server() } else { db.target_server() };
            let pooler = Pooler::start(&db, server, settings);
            let run = match source_side {
                true => db.sync().source_url(pooler.url(&db.source_url(), server)).await,
                false => db.sync().target_url(pooler.url(&db.target_url(), server)).await,
            };
            let run = run.expect_exit(1).expect_said("pool_mode = transaction");
            run.expect_said(if source_side { "source while" } else { "target while" });
            assert_eq!(db.target_value("select to_regclass('sync_log') is null").await, "t");
        }
    }
}
