//! The two clusters of a test run, shared by all its processes: cargo-nextest runs every test in a
//! process of its own. The first process starts them under a lock; a detached watchdog stops them
//! once no process holds the users' lock any more, also when the tests were killed.

use std::fs::{self, File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;

use super::server;

/// One server that the tests may use as a superuser.
#[derive(Clone, Debug)]
pub struct Server {
    /// `postgres://user[:password]@host:port`, without a database.
    pub base: String,
}

pub struct Clusters {
    pub source: Server,
    pub target: Server,
    /// Held until the process ends; see the watchdog.
    _users: Option<File>,
}

impl Server {
    /// The superuser's URL of a database.
    pub fn url(&self, database: &str) -> String {
        format!("{}/{database}", self.base)
    }

    /// The same for another role.
    pub fn url_as(&self, role: &str, password: &str, database: &str) -> String {
        format!("postgres://{role}:{password}@{}/{database}", self.address())
    }

    /// `host:port`.
    pub fn address(&self) -> &str {
        let rest = self.base.trim_start_matches("postgres://").trim_start_matches("postgresql://");
        rest.rsplit_once('@').map_or(rest, |(_, address)| address)
    }

    fn answers(&self) -> bool {
        TcpStream::connect(self.address()).is_ok()
    }
}

/// The clusters of this run, started on first use.
pub fn clusters() -> &'static Clusters {
    static CLUSTERS: OnceLock<Clusters> = OnceLock::new();
    CLUSTERS.get_or_init(|| {
        let given = |name| std::env::var(name).ok().filter(|url: &String| !url.is_empty());
        match (given("PGSYNC_TEST_SOURCE"), given("PGSYNC_TEST_TARGET")) {
            (Some(source), Some(target)) => {
                Clusters { source: named(&source), target: named(&target), _users: None }
            }
            (None, None) => Shared::new().join(),
            _ => panic!("set both PGSYNC_TEST_SOURCE and PGSYNC_TEST_TARGET, or neither"),
        }
    })
}

/// A server given by URL; a database in it is ignored.
fn named(url: &str) -> Server {
    let authority = url.find("://").map_or(0, |at| at + 3);
    let end = url[authority..].find(['/', '?']).map_or(url.len(), |at| authority + at);
    Server { base: url[..end].to_string() }
}

/// Where the processes of a run find each other. Worktrees and server versions do not share.
struct Shared {
    folder: PathBuf,
    users: PathBuf,
    start: PathBuf,
    alive: PathBuf,
}

impl Shared {
    fn new() -> Self {
        let locks = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        fs::create_dir_all(&locks).expect("the target folder can be written");
        let mut hasher = DefaultHasher::new();
        (&locks, server::bin_folder("SOURCE"), server::bin_folder("TARGET")).hash(&mut hasher);
        let key = format!("{:08x}", hasher.finish() & 0xffff_ffff);
        // A socket's path has at most 107 bytes, and the servers' user must be able to enter.
        let temp = Some(std::env::temp_dir()).filter(|path| path.as_os_str().len() < 40);
        Self {
            folder: temp.unwrap_or_else(|| "/tmp".into()).join(format!("pgsync-test-{key}")),
            users: locks.join(format!("{key}.users")),
            start: locks.join(format!("{key}.start")),
            alive: locks.join(format!("{key}.watchdog")),
        }
    }

    fn join(&self) -> Clusters {
        let users = open(&self.users);
        users.lock_shared().expect("a shared lock can be taken");
        let start = open(&self.start);
        start.lock().expect("an exclusive lock can be taken");
        let [source, target] = self.running().unwrap_or_else(|| self.start());
        if open(&self.alive).try_lock().is_ok() {
            self.watch();
        }
        Clusters { source, target, _users: Some(users) }
    }

    /// The servers that another process has started.
    fn running(&self) -> Option<[Server; 2]> {
        let state = fs::read_to_string(self.folder.join("urls")).ok()?;
        let (source, target) = state.split_once('\n')?;
        let servers = [Server { base: source.into() }, Server { base: target.into() }];
        servers.iter().all(Server::answers).then_some(servers)
    }

    fn start(&self) -> [Server; 2] {
        let _ = fs::remove_dir_all(&self.folder);
        fs::create_dir_all(&self.folder).expect("the temporary folder can be written");
        let all_may_enter = fs::Permissions::from_mode(0o755);
        fs::set_permissions(&self.folder, all_may_enter).expect("the folder is ours");
        self.watch(); // before anything that it would have to clean up
        let start = |side: &'static str| {
            let folder = self.folder.join(side.to_lowercase());
            thread::spawn(move || server::start(&folder, &server::bin_folder(side)))
        };
        let servers = [start("SOURCE"), start("TARGET")]
            .map(|started| started.join().expect("the server starts"))
            .map(|base| Server { base });
        let state = format!("{}\n{}", servers[0].base, servers[1].base);
        fs::write(self.folder.join("urls"), state).expect("the temporary folder can be written");
        servers
    }

    fn watch(&self) {
        Command::new("setsid")
            .args(["--fork", "sh", "-c", include_str!("watchdog.sh"), "pgsync-test-watchdog"])
            .args([&self.folder, &self.users, &self.alive])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("setsid and sh are installed");
    }
}

fn open(path: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(path).expect("the lock file can be written")
}
