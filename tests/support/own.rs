//! A server of one test's own, which may be stopped, filled up or made a standby of another. As for the
//! shared ones, a server that refuses root runs as another user.

use std::path::PathBuf;
use std::process::Command;

use super::pair::unique;
use super::server::{self, ServerUser};

pub struct OwnServer {
    folder: PathBuf,
    port: u16,
}

impl OwnServer {
    /// A new cluster with these settings.
    pub fn start(settings: &str) -> Self {
        let folder = std::env::temp_dir().join(unique("pgsync_own"));
        let bin = server::bin_folder("TARGET");
        let url = server::start(&folder, &bin);
        let port = url.rsplit(':').next().and_then(|port| port.parse().ok());
        let own = Self { folder, port: port.expect("a URL ends in its port") };
        server::append(
            &own.folder.join("data/pg_hba.conf"),
            "host replication all 127.0.0.1/32 trust\n",
        );
        own.settings(settings);
        if !settings.is_empty() {
            own.restart("fast");
        }
        own
    }

    /// A copy of this server that follows it.
    pub fn standby(&self, settings: &str) -> Self {
        self.copied(&["-R"], settings)
    }

    /// A copy of this server that goes its own way, on the same timeline.
    pub fn twin(&self) -> Self {
        self.copied(&[], "")
    }

    fn copied(&self, options: &[&str], settings: &str) -> Self {
        let folder = std::env::temp_dir().join(unique("pgsync_own"));
        let user = ServerUser::find();
        std::fs::create_dir_all(&folder).expect("the temporary folder can be written");
        user.own(&folder);
        let mut copy = user.command(&server::bin_folder("TARGET").join("pg_basebackup"));
        copy.args(options).args(["-h", "127.0.0.1", "-U", "postgres", "-c", "fast", "-p"]);
        server::run(copy.arg(self.port.to_string()).arg("-D").arg(folder.join("data")));
        let standby = Self { port: self.port, folder };
        let socket =
            format!("unix_socket_directories = '{}'\n{settings}", standby.folder.display());
        standby.settings(&socket);
        let port = server::launch(&user, &standby.folder, &server::bin_folder("TARGET"));
        Self { port, folder: standby.into_folder() }
    }

    fn into_folder(self) -> PathBuf {
        let folder = self.folder.clone();
        std::mem::forget(self); // it was never started
        folder
    }

    fn settings(&self, settings: &str) {
        server::append(&self.folder.join("data/postgresql.conf"), &format!("{settings}\n"));
    }

    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// What the server has written about itself and its clients.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).expect("a server has a log")
    }

    pub fn restart(&self, mode: &str) {
        self.control(&["-m", mode, "restart", "-o", &format!("-p {}", self.port)]);
    }

    pub fn promote(&self) {
        self.control(&["promote"]);
    }

    fn control(&self, args: &[&str]) {
        let mut control = ServerUser::find().command(&server::bin_folder("TARGET").join("pg_ctl"));
        control.arg("-D").arg(self.folder.join("data")).arg("-l").arg(self.folder.join("log"));
        server::run(control.args(["-w", "-t", "60"]).args(args));
    }
}

/// A small file system that the servers' user owns, unmounted with the value. Needs root, or sudo
/// without a password.
pub struct SmallDisk(pub PathBuf);

impl SmallDisk {
    pub fn mounted(size: &str) -> Self {
        let folder = std::env::temp_dir().join(unique("pgsync_small"));
        std::fs::create_dir_all(&folder).expect("the temporary folder can be written");
        let small = Self(folder);
        let options = format!("size={size},mode=0777");
        let done = small.as_root("mount", &["-t", "tmpfs", "-o", &options, "tmpfs"]);
        assert!(done, "a small tmpfs can be mounted, by root or sudo");
        ServerUser::find().own(&small.0);
        small
    }

    fn as_root(&self, program: &str, args: &[&str]) -> bool {
        let ways = [&[program][..], &["sudo", "-n", program]];
        ways.iter().any(|way| {
            let mut command = Command::new(way[0]);
            command.args(&way[1..]).args(args).arg(&self.0);
            command.output().is_ok_and(|output| output.status.success())
        })
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        self.as_root("umount", &["-l"]);
        let _ = std::fs::remove_dir(&self.0);
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        let pid = std::fs::read_to_string(self.folder.join("data/postmaster.pid"));
        if let Some(pid) = pid.unwrap_or_default().lines().next() {
            let _ = Command::new("kill").args(["-QUIT", pid]).status();
            while std::path::Path::new("/proc").join(pid).exists() {
                std::thread::yield_now();
            }
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
