//! Connections to real servers by every way there is, and what is said when there is none.

mod authority;
mod server;

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use authority::{Authority, self_signed};
use pgsync::config::conninfo::{
    Address, ChannelBinding, ConnInfo, Host, Secret, SslMode, TlsVersions,
};
use pgsync::error::{Cause, DbError, Error, Side};
use pgsync::pg::connect::connect;
use pgsync::pg::failure::db_error;
use server::{PASSWORD, Server, Setup, USER};

const SCRAM: &str = "host all all samehost scram-sha-256";
const ALL: [SslMode; 6] = [
    SslMode::Disable,
    SslMode::Allow,
    SslMode::Prefer,
    SslMode::Require,
    SslMode::VerifyCa,
    SslMode::VerifyFull,
];

/// Connects and says whether the session is encrypted.
async fn encrypted(info: &ConnInfo) -> bool {
    let connected = connect(info, Side::Source).await;
    let connected = connected.unwrap_or_else(|err| panic!("{:?}: {err}", info.ssl));
    let sql = "select ssl from pg_catalog.pg_stat_ssl where pid = pg_catalog.pg_backend_pid()";
    connected.client.query_one(sql, &[]).await.expect("a session can ask about itself").get(0)
}

/// The failure to connect: one line, with side and place and without the password.
async fn refused(info: &ConnInfo) -> DbError {
    let err = connect(info, Side::Target).await.map(|_| ()).expect_err("no connection");
    let (shown, debugged) = (err.to_string(), format!("{err:?} {info:?}"));
    assert!(!shown.contains(PASSWORD) && !debugged.contains(PASSWORD), "{shown} {debugged}");
    assert!(!shown.contains('\n'), "{shown}");
    let start = format!("target while connecting to {}: ", info.describe());
    assert!(shown.starts_with(&start), "{shown} starts with {start}");
    match err {
        Error::Database(db) => *db,
        other => panic!("{other:?}"),
    }
}

fn at(info: &mut ConnInfo, name: &str) {
    info.hosts[0].address = Address::Tcp(name.into());
}

#[tokio::test]
async fn every_sslmode_reaches_a_server_with_tls() {
    let authority = Authority::new("ours");
    let identity = authority.server("db", &["localhost", "127.0.0.1"]);
    let setup = Setup { identity: Some(&identity), hba: SCRAM, ..Setup::default() };
    let server = Server::start(setup).await;
    let root = server.file("root.crt", &authority.pem());
    for mode in ALL {
        let mut info = server.info(mode);
        info.ssl.root_cert = root.clone().filter(|_| mode >= SslMode::VerifyCa);
        assert_eq!(encrypted(&info).await, mode >= SslMode::Prefer, "{mode:?}");
    }
    let mut by_address = server.info(SslMode::VerifyFull);
    by_address.ssl.root_cert = root;
    at(&mut by_address, "127.0.0.1");
    assert!(encrypted(&by_address).await);
}

#[tokio::test]
async fn the_version_of_tls_is_one_that_the_user_allows() {
    let identity = self_signed("localhost");
    let setup = Setup { identity: Some(&identity), hba: SCRAM, ..Setup::default() };
    let server = Server::start(setup).await;
    for (versions, spoken) in [(TlsVersions::Only12, "TLSv1.2"), (TlsVersions::Only13, "TLSv1.3")] {
        let mut info = server.info(SslMode::Require);
        info.ssl.versions = versions;
        info.ssl.hide_name = true;
        let connected = connect(&info, Side::Source).await.expect("a connection");
        let sql =
            "select version from pg_catalog.pg_stat_ssl where pid = pg_catalog.pg_backend_pid()";
        let row =
            connected.client.query_one(sql, &[]).await.expect("a session can ask about itself");
        assert_eq!(row.get::<_, String>(0), spoken);
    }
}

#[tokio::test]
async fn a_server_without_tls_is_reached_unless_tls_is_asked_for() {
    let server = Server::start(Setup { hba: SCRAM, ..Setup::default() }).await;
    let root = server.file("root.crt", &Authority::new("ours").pem());
    for mode in ALL {
        let mut info = server.info(mode);
        info.ssl.root_cert = root.clone().filter(|_| mode >= SslMode::VerifyCa);
        if mode <= SslMode::Prefer {
            assert!(!encrypted(&info).await, "{mode:?}");
            continue;
        }
        let err = refused(&info).await;
        assert_eq!(err.message, "the server does not offer TLS, which sslmode asks for");
        assert_eq!(err.cause, Cause::Refused);
    }
}

#[tokio::test]
async fn allow_and_prefer_take_the_way_that_pg_hba_leaves_open() {
    let identity = Authority::new("ours").server("localhost", &["localhost"]);
    let hba = format!("hostssl {USER} all samehost trust\nhostnossl postgres all samehost trust");
    let server =
        Server::start(Setup { identity: Some(&identity), hba: &hba, ..Setup::default() }).await;
    let tls_only = |mode| server.info(mode);
    let plain_only = |mode| ConnInfo { database: "postgres".into(), ..server.info(mode) };
    for mode in [SslMode::Allow, SslMode::Prefer] {
        assert!(encrypted(&tls_only(mode)).await, "{mode:?}");
        assert!(!encrypted(&plain_only(mode)).await, "{mode:?}");
    }
    for info in [tls_only(SslMode::Disable), plain_only(SslMode::Require)] {
        let err = refused(&info).await;
        assert_eq!(err.sqlstate.as_deref(), Some("28000"));
        assert!(err.message.starts_with("no pg_hba.conf entry for host"), "{}", err.message);
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused_by_verify_full_only() {
    let authority = Authority::new("ours");
    let identity = authority.server("localhost", &["db.example", "10.1.2.3"]);
    let setup = Setup { identity: Some(&identity), hba: SCRAM, ..Setup::default() };
    let server = Server::start(setup).await;
    let mut info = server.info(SslMode::VerifyFull);
    info.ssl.root_cert = server.file("root.crt", &authority.pem());
    for name in ["localhost", "127.0.0.1"] {
        at(&mut info, name);
        let err = refused(&info).await;
        let expected = format!(
            "the server's certificate is not valid for the name {name} \
             (it names db.example, 10.1.2.3)"
        );
        assert_eq!(err.message, expected);
        assert_eq!(err.cause, Cause::Refused);
    }
    info.ssl.mode = SslMode::VerifyCa;
    assert!(encrypted(&info).await);
}

#[tokio::test]
async fn a_certificate_that_is_its_own_root_and_names_the_host_as_common_name_is_good() {
    let identity = self_signed("localhost");
    let setup = Setup { identity: Some(&identity), hba: SCRAM, ..Setup::default() };
    let server = Server::start(setup).await;
    let mut info = server.info(SslMode::VerifyFull);
    info.ssl.root_cert = server.file("root.crt", &identity.certificate);
    assert!(encrypted(&info).await);
    at(&mut info, "127.0.0.1");
    let err = refused(&info).await;
    assert!(err.message.ends_with("(it names localhost)"), "{}", err.message);
}

#[tokio::test]
async fn an_expired_certificate_is_refused() {
    let authority = Authority::new("ours");
    let identity = authority.expired_server("localhost");
    let setup = Setup { identity: Some(&identity), hba: SCRAM, ..Setup::default() };
    let server = Server::start(setup).await;
    let mut info = server.info(SslMode::VerifyCa);
    info.ssl.root_cert = server.file("root.crt", &authority.pem());
    let err = refused(&info).await;
    assert_eq!(err.message, "the server's certificate expired on 2021-02-03");
    assert_eq!(err.cause, Cause::Refused);
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused_in_every_mode_that_insists_on_tls() {
    let identity = Authority::new("theirs").server("localhost", &["localhost"]);
    let setup = Setup { identity: Some(&identity), hba: SCRAM, ..Setup::default() };
    let server = Server::start(setup).await;
    let root = server.file("root.crt", &Authority::new("ours").pem());
    for mode in [SslMode::Require, SslMode::VerifyCa, SslMode::VerifyFull] {
        let mut info = server.info(mode);
        info.ssl.root_cert = root.clone();
        let err = refused(&info).await;
        assert_eq!(err.message, "the server's certificate comes from an unknown authority");
        assert_eq!(err.cause, Cause::Refused);
    }
    let mut system = server.info(SslMode::Require);
    system.ssl.root_cert = Some("system".into());
    let system = connect(&system, Side::Source).await.map(|_| ()).expect_err("not a public one");
    assert!(system.to_string().contains("authority") || system.to_string().contains("sslrootcert"));
    assert!(encrypted(&server.info(SslMode::Require)).await);
}

#[tokio::test]
async fn a_client_certificate_opens_the_door_that_asks_for_one() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let identity = ours.server("localhost", &["localhost"]);
    let setup = Setup {
        identity: Some(&identity),
        client_authority: Some(ours.pem()),
        hba: "hostssl all all samehost scram-sha-256 clientcert=verify-full",
    };
    let server = Server::start(setup).await;
    let with = |identity: &authority::Identity| {
        let mut info = server.info(SslMode::Require);
        info.ssl.cert = server.file("client.crt", &identity.certificate);
        info.ssl.key = server.file("client.key", &identity.key);
        info
    };
    assert!(encrypted(&with(&ours.client(USER))).await);

    let none = refused(&server.info(SslMode::Require)).await;
    assert_eq!(none.message, "connection requires a valid client certificate");
    let mut withheld = with(&ours.client(USER));
    withheld.ssl.no_cert = true;
    assert_eq!(refused(&withheld).await.message, none.message);
    let other = refused(&with(&ours.client("bob"))).await;
    assert!(other.message.contains("authentication failed"), "{}", other.message);
    let unknown = refused(&with(&theirs.client(USER))).await;
    assert_eq!(unknown.sqlstate, None, "{}", unknown.message);

    let mut mismatched = with(&ours.client(USER));
    mismatched.ssl.key = server.file("other.key", &ours.client(USER).key);
    let err = connect(&mismatched, Side::Source).await.map(|_| ()).expect_err("two pairs");
    let text = "the key of sslkey is not that of the certificate of sslcert";
    assert!(matches!(&err, Error::Config(lines) if lines[0].contains(text)), "{err}");

    let open = with(&ours.client(USER));
    let path = open.ssl.key.clone().expect("it is named");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("it is ours");
    let err = connect(&open, Side::Source).await.map(|_| ()).expect_err("others may read the key");
    assert!(
        err.to_string().ends_with("may be read by others: chmod 600 it (640 if root owns it)"),
        "{err}"
    );
}

#[tokio::test]
async fn channel_binding_is_used_over_tls_and_insisted_on_when_required() {
    let identity = Authority::new("ours").server("localhost", &["localhost"]);
    let setup = Setup { identity: Some(&identity), hba: SCRAM, ..Setup::default() };
    let server = Server::start(setup).await;
    for binding in [ChannelBinding::Disable, ChannelBinding::Prefer, ChannelBinding::Require] {
        let mut info = server.info(SslMode::Require);
        info.ssl.channel_binding = binding;
        assert!(encrypted(&info).await, "{binding:?}");
    }
    let mut plain = server.info(SslMode::Disable);
    plain.ssl.channel_binding = ChannelBinding::Require;
    let err = refused(&plain).await;
    assert!(err.message.contains("channel binding"), "{}", err.message);
    assert_eq!(err.cause, Cause::Refused);
}

#[tokio::test]
async fn what_cannot_be_reached_is_said_in_one_line() {
    let server = Server::start(Setup { hba: SCRAM, ..Setup::default() }).await;
    let good = server.info(SslMode::Prefer);

    let err = refused(&ConnInfo { password: Some(Secret::new("wrong")), ..good.clone() }).await;
    assert_eq!(err.sqlstate.as_deref(), Some("28P01"));
    assert_eq!(err.message, "password authentication failed for user \"alice\"");
    let err = refused(&ConnInfo { password: None, ..good.clone() }).await;
    assert_eq!(err.message, "the server asks for the password of role alice, and none is given");
    let hint = "put it into ~/.pgpass, in a line that fits host, port, database and role, or into the variable PGPASSWORD";
    assert_eq!(err.hint.as_deref(), Some(hint));
    let err = refused(&ConnInfo { password: None, is_users_own: true, ..good.clone() }).await;
    let hint = "the connection string names no role, so it is that of the operating system's user; name another one: \
                postgres://ROLE@HOST/DATABASE";
    assert_eq!(err.hint.as_deref(), Some(hint));
    let err = refused(&ConnInfo { database: "nowhere".into(), ..good.clone() }).await;
    assert_eq!(err.sqlstate.as_deref(), Some("3D000"));
    assert_eq!(err.message, "database \"nowhere\" does not exist");

    let mut nobody = good.clone();
    nobody.hosts[0].port = 1;
    let err = refused(&nobody).await;
    assert_eq!((err.message.as_str(), err.cause), ("connection refused", Cause::Connection));
    let mut nameless = good.clone();
    at(&mut nameless, "no-such-host.invalid");
    let err = refused(&nameless).await;
    let start = "the name \"no-such-host.invalid\" cannot be resolved: ";
    assert!(err.message.starts_with(start) && err.is_transient(), "{}", err.message);

    let mut socket = server.by_socket();
    socket.hosts[0].port = 1;
    assert!(refused(&socket).await.message.contains("no server listens on"));
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_after_connect_timeout() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port is found");
    let info = ConnInfo {
        is_users_own: false,
        password_hint: None,
        hosts: vec![Host {
            address: Address::Tcp("127.0.0.1".into()),
            port: silent.local_addr().expect("a listener has an address").port(),
            password: None,
        }],
        user: USER.into(),
        password: Some(Secret::new(PASSWORD)),
        database: USER.into(),
        ssl: Default::default(),
        connect_timeout: Some(Duration::from_millis(200)),
        keepalive: Default::default(),
        options: None,
        read_write: false,
        application_name: "pgsync".into(),
    };
    let err = refused(&info).await;
    assert_eq!((err.message.as_str(), err.cause), ("no answer within 0.2 s", Cause::Connection));
}

#[tokio::test]
async fn hosts_are_tried_in_order_each_with_its_password() {
    let server = Server::start(Setup { hba: SCRAM, ..Setup::default() }).await;
    let mut info = ConnInfo { password: None, ..server.info(SslMode::Prefer) };
    info.hosts[0].password = Some(Secret::new(PASSWORD));
    let nobody = Host {
        address: Address::Tcp("127.0.0.1".into()),
        port: 1,
        password: Some(Secret::new("another")),
    };
    info.hosts.insert(0, nobody.clone());
    assert!(!encrypted(&info).await);

    info.read_write = true;
    assert!(!encrypted(&info).await);
    info.options = Some("-c default_transaction_read_only=on".into());
    let err = refused(&info).await;
    let read_only = "the session is read-only, and target_session_attrs asks for read-write";
    let port = server.port;
    let expected = format!("127.0.0.1:1: connection refused; localhost:{port}: {read_only}");
    assert_eq!(err.message, expected);

    info.hosts[1] = nobody;
    assert_eq!(refused(&info).await.message, "connection refused");
}

#[tokio::test]
async fn a_running_statement_is_cancelled_from_another_task_over_tls_and_by_socket() {
    let identity = Authority::new("ours").server("localhost", &["localhost"]);
    let hba = "hostssl all all samehost scram-sha-256";
    let server = Server::start(Setup { identity: Some(&identity), hba, ..Setup::default() }).await;
    for info in [server.info(SslMode::Require), server.info(SslMode::Allow), server.by_socket()] {
        let connected = connect(&info, Side::Source).await.expect("the server is up");
        let canceller = connected.canceller.clone();
        let task = tokio::spawn(async move {
            // A cancel that comes before the statement does has no effect, so it is asked for again.
            loop {
                canceller.cancel().await.expect("a cancel request is accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        let started = Instant::now();
        let err =
            connected.client.batch_execute("select pg_sleep(60)").await.expect_err("cancelled");
        task.abort();
        let err = db_error(Side::Source, "sleeping", err);
        assert_eq!(err.sqlstate(), Some("57014"));
        assert!(started.elapsed() < Duration::from_secs(10));
    }
}

#[tokio::test]
async fn a_statement_keeps_the_servers_words_and_a_lost_connection_is_one() {
    let server = Server::start(Setup { hba: SCRAM, ..Setup::default() }).await;
    let info = server.info(SslMode::Prefer);
    let connected = connect(&info, Side::Target).await.expect("the server is up");
    let err = connected.client.batch_execute("select nothing").await.expect_err("no such column");
    assert_eq!(
        db_error(Side::Target, "reading", err).to_string(),
        "target while reading: column \"nothing\" does not exist (SQLSTATE 42703)"
    );
    let sql =
        "create temp table t (k int constraint k_is_small check (k < 9)); insert into t values (9)";
    let err = connected.client.batch_execute(sql).await.expect_err("too large");
    let Error::Database(db) = db_error(Side::Target, "writing", err) else { panic!("a server's") };
    assert_eq!(db.constraint.as_deref(), Some("k_is_small"));
    assert_eq!(db.detail.as_deref(), Some("Failing row contains (9)."));

    let suicide = "select pg_terminate_backend(pg_backend_pid())";
    let err = connected.client.batch_execute(suicide).await.expect_err("terminated");
    assert!(db_error(Side::Target, "reading", err).is_transient());
    connected.task.await.expect("the connection's task ends by itself");
    let err = connected.client.batch_execute("select 1").await.expect_err("gone");
    let err = db_error(Side::Target, "reading", err);
    assert!(err.is_transient());
    assert_eq!(err.to_string(), "target while reading: the connection was closed");
}
