//! What a connection string says. Parsing is pure; `pg` connects.

use std::fmt;
use std::time::Duration;

/// How to reach and enter one database, with every default resolved.
#[derive(Clone, Debug)]
pub struct ConnInfo {
    /// Tried in order; at least one.
    pub hosts: Vec<Host>,
    pub user: String,
    pub password: Option<Secret>,
    pub database: String,
    pub ssl: Ssl,
    /// `None` waits for as long as the operating system does.
    pub connect_timeout: Option<Duration>,
    /// libpq's `options`, sent as a startup parameter.
    pub options: Option<String>,
    /// `target_session_attrs=read-write`, else any.
    pub read_write: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    pub address: Address,
    pub port: u16,
    /// The password that `~/.pgpass` has for this host, when the string itself names none.
    pub password: Option<Secret>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A name or an IP address.
    Tcp(String),
    /// The directory of a Unix socket.
    Socket(String),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ssl {
    pub mode: SslMode,
    /// A file of PEM certificates, or `system`.
    pub root_cert: Option<String>,
    pub cert: Option<String>,
    pub key: Option<String>,
    /// `sslnegotiation=direct`.
    pub direct: bool,
    pub channel_binding: ChannelBinding,
}

/// From weakest to strongest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum SslMode {
    Disable,
    Allow,
    #[default]
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChannelBinding {
    Disable,
    #[default]
    Prefer,
    Require,
}

/// A password: no `Debug` or `Display` shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The password itself, for the connection only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl ConnInfo {
    /// `host:port/database`, as logs and `sync_log.source` have it.
    pub fn describe(&self) -> String {
        let hosts: Vec<String> = self.hosts.iter().map(Host::describe).collect();
        format!("{}/{}", hosts.join(","), self.database)
    }
}

impl Host {
    /// `host:port`, or `folder:port` for a socket.
    pub fn describe(&self) -> String {
        match &self.address {
            Address::Tcp(name) => format!("{name}:{}", self.port),
            Address::Socket(folder) => format!("{folder}:{}", self.port),
        }
    }
}
