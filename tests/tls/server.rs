//! A PostgreSQL server of its own per test: a free port, a temporary folder, gone with the value.
//!
//! `initdb` and the server refuse root, so as root they run as the user `postgres`.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use pgsync::config::conninfo::{Address, ConnInfo, Host, Secret, Ssl, SslMode};
use pgsync::error::Side;
use pgsync::pg::connect::connect;

use crate::authority::Identity;

pub const USER: &str = "alice";
pub const PASSWORD: &str = "correct-horse-battery";

/// What a server is started with.
#[derive(Default)]
pub struct Setup<'a> {
    pub identity: Option<&'a Identity>,
    /// PEM of the authority whose client certificates count.
    pub client_authority: Option<String>,
    /// Lines of `pg_hba.conf`; local sockets are always open.
    pub hba: &'a str,
}

pub struct Server {
    process: Child,
    folder: PathBuf,
    pub port: u16,
}

impl Server {
    /// A running server with the role [`USER`] and its database of that name.
    pub async fn start(setup: Setup<'_>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("pgsync-tls-{}-{count}", std::process::id()));
        fs::create_dir_all(&folder).expect("a temporary folder can be made");
        hand_over(&folder);
        let initdb = as_server_user("initdb")
            .args(["--no-sync", "--auth=trust", "--username=postgres", "--no-locale", "--pgdata"])
            .arg(folder.join("data"))
            .output()
            .expect("initdb can be run");
        assert!(initdb.status.success(), "{}", String::from_utf8_lossy(&initdb.stderr));
        configure(&folder, &setup);
        let (process, port) = (0..5)
            .find_map(|_| run(&folder))
            .unwrap_or_else(|| panic!("{}", text(&folder.join("log"))));
        let server = Self { process, folder, port };
        server.create_role().await;
        server
    }

    /// How [`USER`] reaches it by `localhost`.
    pub fn info(&self, mode: SslMode) -> ConnInfo {
        ConnInfo {
            is_users_own: false,
            password_hint: None,
            hosts: vec![Host {
                address: Address::Tcp("localhost".into()),
                port: self.port,
                password: None,
            }],
            user: USER.into(),
            password: Some(Secret::new(PASSWORD)),
            database: USER.into(),
            ssl: Ssl { mode, ..Ssl::default() },
            connect_timeout: Some(Duration::from_secs(10)),
            keepalive: Default::default(),
            options: None,
            read_write: false,
            application_name: "pgsync".into(),
        }
    }

    /// How the superuser reaches it by its socket.
    pub fn by_socket(&self) -> ConnInfo {
        let address = Address::Socket(self.folder.display().to_string());
        ConnInfo {
            is_users_own: false,
            password_hint: None,
            hosts: vec![Host { address, port: self.port, password: None }],
            user: "postgres".into(),
            password: None,
            database: "postgres".into(),
            ..self.info(SslMode::Prefer)
        }
    }

    /// A file beside the server's, for certificates that the client uses.
    pub fn file(&self, name: &str, content: &str) -> Option<String> {
        let path = self.folder.join(name);
        fs::write(&path, content).expect("a file can be written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a file of ours");
        Some(path.display().to_string())
    }

    async fn create_role(&self) {
        let admin = connect(&self.by_socket(), Side::Source).await.expect("the socket is open");
        for statement in [
            format!("create role {USER} login password '{PASSWORD}'"),
            format!("create database {USER} owner {USER}"),
        ] {
            admin.client.batch_execute(&statement).await.expect("the role can be made");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = self.process.id().to_string();
        // SIGQUIT is the server's immediate shutdown, which ends its children too.
        let _ = Command::new("kill").args(["-QUIT", &pid]).status();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn configure(folder: &Path, setup: &Setup<'_>) {
    let data = folder.join("data");
    let write = |name: &str, content: &str| {
        let path = data.join(name);
        fs::write(&path, content).expect("the server's folder can be written");
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(&path, private).expect("a mode can be set");
        hand_over(&path);
    };
    let mut settings = format!(
        "listen_addresses = 'localhost'\nunix_socket_directories = '{}'\nfsync = off\n\
         shared_buffers = 16MB\n",
        folder.display()
    );
    if let Some(identity) = setup.identity {
        write("server.crt", &identity.certificate);
        write("server.key", &identity.key);
        settings += "ssl = on\n";
    }
    if let Some(authority) = &setup.client_authority {
        write("clients.crt", authority);
        settings += "ssl_ca_file = 'clients.crt'\n";
    }
    write("postgresql.conf", &settings);
    write("pg_hba.conf", &format!("local all all trust\n{}\n", setup.hba));
}

/// None when the port was taken meanwhile or the server did not come up; `log` says why.
fn run(folder: &Path) -> Option<(Child, u16)> {
    let probe = TcpListener::bind(("localhost", 0)).expect("a free port is found");
    let port = probe.local_addr().expect("a listener has an address").port();
    drop(probe);
    let log = fs::File::create(folder.join("log")).expect("a log can be made");
    let mut process = as_server_user("postgres")
        .arg("-D")
        .arg(folder.join("data"))
        .args(["-p", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("the server can be run");
    let deadline = Instant::now() + Duration::from_secs(30);
    while Instant::now() < deadline {
        if text(&folder.join("data/postmaster.pid")).contains("ready") {
            return Some((process, port));
        }
        if process.try_wait().expect("a child can be asked").is_some() {
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = process.kill();
    let _ = process.wait();
    None
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// A server program, run by the user it accepts. It dies with the test, even one that is killed.
fn as_server_user(program: &str) -> Command {
    let program = programs().join(program);
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=QUIT", "--"])
        .arg(program);
    command
}

fn hand_over(path: &Path) {
    if is_root() {
        let done = Command::new("chown").arg("postgres:").arg(path).status();
        assert!(done.is_ok_and(|status| status.success()), "chown {}", path.display());
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id can be run");
    id.stdout == b"0\n"
}

/// `PGSYNC_TEST_BIN`, else where `initdb` is on the path, else the newest that Debian installed.
fn programs() -> PathBuf {
    if let Some(folder) = std::env::var_os("PGSYNC_TEST_BIN") {
        return folder.into();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).find(|folder| folder.join("initdb").exists());
    let installed = || {
        let versions = fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
        let newest = versions.max_by_key(|entry| {
            entry.file_name().to_string_lossy().parse::<u32>().unwrap_or_default()
        })?;
        Some(newest.path().join("bin"))
    };
    on_path.or_else(installed).expect("no PostgreSQL server programs: name them in PGSYNC_TEST_BIN")
}
