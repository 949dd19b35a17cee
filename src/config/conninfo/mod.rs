//! What a connection string says, read as libpq reads it. Parsing is pure; `pg` connects.
//!
//! A problem never repeats any part of the string that could be a password, also not one that is
//! there by mistake: what a stray `/` or blank makes of it is described, not shown.

mod environment;
mod keepalive;
mod keyword;
mod parameters;
mod passfile;
mod resolve;
mod service;
mod ssl;
mod url;

use std::fmt;
use std::time::Duration;

use super::environment::Environment;
use super::interpolation;
pub use keepalive::Keepalive;
use parameters::Parameters;

/// How to reach and enter one database, with every default resolved.
#[derive(Clone, Debug)]
pub struct ConnInfo {
    /// Tried in order; at least one.
    pub hosts: Vec<Host>,
    pub user: String,
    /// Whether nobody has named a role: then it has the name of the operating system's user.
    pub is_users_own: bool,
    pub password: Option<Secret>,
    /// Where the password comes from, unless from the connection string; or why the password file gave none, and what to do
    /// about it.
    pub password_hint: Option<String>,
    pub database: String,
    pub ssl: Ssl,
    /// `None` waits for as long as the operating system does.
    pub connect_timeout: Option<Duration>,
    pub keepalive: Keepalive,
    /// libpq's `options`, sent as a startup parameter.
    pub options: Option<String>,
    /// `target_session_attrs=read-write`, else any.
    pub read_write: bool,
    /// What the server shows of the connection in `pg_stat_activity` and its log.
    pub application_name: String,
}

const PROGRAM: &str = "pgsync";

/// What a string may be that is none of this.
pub const FORMS: &str =
    "must be one of: postgresql://user@host/database, host=… dbname=…, or a database name";

/// One server that may be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    pub address: Address,
    pub port: u16,
    /// The password that `~/.pgpass` has for this host, when the string itself names none.
    pub password: Option<Secret>,
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A name or an IP address.
    Tcp(String),
    /// The directory of a Unix socket.
    Socket(String),
}

/// How a connection is encrypted, and how server and client prove who they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ssl {
    pub mode: SslMode,
    /// A file of PEM certificates, or `system`.
    pub root_cert: Option<String>,
    pub cert: Option<String>,
    pub key: Option<String>,
    /// `sslcertmode=disable`: no certificate is shown to the server, also not the usual one.
    pub no_cert: bool,
    /// `sslsni=0`: the host's name is not sent in the clear.
    pub hide_name: bool,
    pub versions: TlsVersions,
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

/// Which versions of TLS may be spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsVersions {
    #[default]
    Both,
    Only12,
    Only13,
}

/// Whether the password's exchange is bound to the TLS connection: `channel_binding`.
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
    /// Wraps a password.
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
    /// Stands in while further problems are looked for; never connected to.
    pub(super) fn placeholder() -> Self {
        Self {
            hosts: Vec::new(),
            is_users_own: false,
            user: String::new(),
            password: None,
            password_hint: None,
            database: String::new(),
            ssl: Ssl::default(),
            connect_timeout: None,
            keepalive: Keepalive::default(),
            options: None,
            read_write: false,
            application_name: PROGRAM.to_owned(),
        }
    }

    /// Whether a part of it has a `${NAME}` in it or is `$NAME`: a password can be so, but most likely nobody has
    /// replaced it.
    pub fn has_unreplaced(&self) -> bool {
        let password = self.password.as_ref().map_or("", Secret::expose);
        let names = self.hosts.iter().map(|host| match &host.address {
            Address::Tcp(name) | Address::Socket(name) => name.as_str(),
        });
        let mut parts = [self.user.as_str(), password, &self.database].into_iter().chain(names);
        parts.any(interpolation::has_unreplaced)
    }

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
            Address::Tcp(name) if name.contains(':') => format!("[{name}]:{}", self.port),
            Address::Tcp(name) => format!("{name}:{}", self.port),
            Address::Socket(folder) => format!("{folder}:{}", self.port),
        }
    }
}

/// A resolved connection and what the user should know about how it came to be.
#[derive(Debug)]
pub struct Parsed {
    pub info: ConnInfo,
    pub warnings: Vec<String>,
}

/// Reads a connection string: what it leaves open comes from its service, the `PG*` variables, the
/// password file and libpq's defaults, in this order. Returns every problem found.
pub fn parse(text: &str, environment: &Environment) -> Result<Parsed, Vec<String>> {
    let mut parameters = read(text)?;
    let mut problems = Vec::new();
    if let Err(problem) = service::fill(&mut parameters, environment) {
        problems.push(problem);
    }
    environment::fill(&mut parameters, environment);
    resolve::resolve(&parameters, environment, problems)
}

/// Whether the string itself spells a password, rather than naming where it is.
pub fn holds_password(text: &str) -> bool {
    let mut spelled = String::new();
    let mut rest = text;
    // What `${PGPW}` in a config file stands for is not in the file.
    while let Some((before, after)) = rest.split_once("${") {
        spelled.push_str(before);
        // Nothing, and not the next word: `password=${PGPW} dbname=shop`.
        if before.trim_end().ends_with('=') {
            spelled.push_str("''");
        }
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    spelled.push_str(rest);
    read(&spelled).is_ok_and(|parameters| parameters.get("password").is_some())
}

/// The parameters that the string itself names.
fn read(text: &str) -> Result<Parameters, Vec<String>> {
    let text = text.trim();
    if let Some(rest) =
        text.strip_prefix("postgresql://").or_else(|| text.strip_prefix("postgres://"))
    {
        return url::read(rest);
    }
    let before_value = text.split('=').next().unwrap_or_default();
    if before_value.contains("://") {
        let quoted = text.starts_with(['"', '\'']);
        let quoted = if quoted { ", and this one begins with a quotation mark" } else { "" };
        return Err(vec![format!("a URL must begin with postgresql:// or postgres://{quoted}")]);
    }
    if text.contains('=') {
        return keyword::read(text);
    }
    // `postgres:/u:pw@h/db` and the like must not become a database name that is then printed.
    // Nor must a `${NAME}` that no shell has expanded.
    if text.contains("${") || text.contains(|c: char| c.is_whitespace() || "/:@?".contains(c)) {
        return Err(vec![FORMS.to_owned()]);
    }
    let mut parameters = Parameters::default();
    parameters.set("dbname", text.to_owned());
    Ok(parameters)
}

#[cfg(test)]
mod tests;
