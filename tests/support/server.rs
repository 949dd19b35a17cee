//! Makes and starts one throw-away PostgreSQL server, of any version from 10. The servers refuse
//! to run as root, so the harness drops to the user `postgres` or `nobody` by itself.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

const SETTINGS: &str = "\
fsync = off
full_page_writes = off
synchronous_commit = off
max_connections = 200
max_prepared_transactions = 10
wal_level = replica
max_wal_size = 4GB
shared_buffers = 128MB
listen_addresses = '127.0.0.1'
password_encryption = 'scram-sha-256'
log_line_prefix = '%m [%p] %u@%d %a '
timezone = 'Europe/Zurich'
";

/// Members of `with_password` must show theirs; everybody else is let in.
const ACCESS: &str = "\
local all all trust
host all +with_password 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
";

/// The folder of server programs for a side (`SOURCE` or `TARGET`).
pub fn bin_folder(side: &str) -> PathBuf {
    if let Some(folder) = std::env::var_os(format!("PGSYNC_TEST_{side}_BIN")) {
        return folder.into();
    }
    installed().unwrap_or_else(|| {
        panic!("no PostgreSQL server programs found: run scripts/test.sh, or set PGSYNC_TEST_SOURCE and PGSYNC_TEST_TARGET")
    })
}

/// The newest of those that Debian installs side by side, else what `pg_config` says.
fn installed() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions
        .map(|version| version.path().join("bin"))
        .filter(|bin| bin.join("initdb").exists())
        .max_by_key(|bin| {
            bin.components().nth(4).and_then(|v| v.as_os_str().to_str()?.parse::<u32>().ok())
        });
    newest.or_else(|| {
        let output = Command::new("pg_config").arg("--bindir").output().ok()?;
        let bin = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
        bin.join("initdb").exists().then_some(bin)
    })
}

/// Makes a cluster in `folder`, starts it, and returns the superuser's URL without a database.
pub fn start(folder: &Path, bin: &Path) -> String {
    fs::create_dir_all(folder).expect("the temporary folder can be written");
    let user = ServerUser::find();
    user.own(folder);
    let data = folder.join("data");
    run(user.command(&bin.join("initdb")).arg("-D").arg(&data).args([
        "-N",
        "-A",
        "trust",
        "-U",
        "postgres",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
    ]));
    let settings = format!("{SETTINGS}unix_socket_directories = '{}'\n", folder.display());
    append(&data.join("postgresql.conf"), &settings);
    fs::write(data.join("pg_hba.conf"), ACCESS).expect("pg_hba.conf can be written");

    let port = launch(&user, folder, bin);
    format!("postgres://postgres@127.0.0.1:{port}")
}

/// Starts the server on a free port; another process may take the port first, so tries thrice.
pub fn launch(user: &ServerUser, folder: &Path, bin: &Path) -> u16 {
    for last in [false, false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        drop(listener);
        let mut start = user.command(&bin.join("pg_ctl"));
        start.arg("-D").arg(folder.join("data")).arg("-l").arg(folder.join("log"));
        start.args(["-w", "-t", "60", "-o", &format!("-p {port}"), "start"]);
        if last {
            run(&mut start);
            return port;
        }
        if start.output().is_ok_and(|output| output.status.success()) {
            return port;
        }
    }
    unreachable!("the last attempt returns or panics")
}

/// Who runs the servers: this user, unless it is root.
pub enum ServerUser {
    Myself,
    Other { uid: u32, gid: u32 },
}

impl ServerUser {
    pub fn find() -> Self {
        if id(&["-u"]) != Some(0) {
            return Self::Myself;
        }
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| Some(Self::Other { uid: id(&["-u", name])?, gid: id(&["-g", name])? }))
            .expect("root has a user postgres or nobody to drop to")
    }

    pub fn own(&self, folder: &Path) {
        if let Self::Other { uid, gid } = self {
            std::os::unix::fs::chown(folder, Some(*uid), Some(*gid)).expect("root can chown");
        }
    }

    /// What `setpriv` needs to become this user.
    pub fn options(&self) -> Vec<String> {
        match self {
            Self::Myself => Vec::new(),
            Self::Other { uid, gid } => {
                vec![format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".into()]
            }
        }
    }

    /// In a session of its own: a Ctrl-C in the terminal is not meant for the servers.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("setsid");
        command.arg("--wait");
        if let Self::Other { .. } = self {
            command.arg("setpriv").args(self.options());
        }
        command.arg(program).current_dir("/").env("LC_ALL", "C.UTF-8");
        command
    }
}

fn id(args: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(args).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

pub fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = || format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?} failed:\n{}", said());
}

pub fn append(path: &Path, text: &str) {
    let old = fs::read_to_string(path).expect("postgresql.conf can be read");
    fs::write(path, old + text).expect("postgresql.conf can be written");
}
