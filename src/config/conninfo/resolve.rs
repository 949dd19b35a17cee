//! From parameters to a connection: defaults, lists of hosts, choices and numbers. Finds every
//! problem, not only the first.

use std::net::IpAddr;
use std::time::Duration;

use super::keepalive;
use super::parameters::Parameters;
use super::passfile;
use super::ssl;
use crate::config::conninfo::{Address, ConnInfo, Host, PROGRAM, Parsed, Secret};
use crate::config::environment::Environment;

/// Seconds after which a server that does not answer is given up; libpq waits for ever.
const CONNECT_TIMEOUT: u32 = 30;

const DEFAULT_PORT: u16 = 5432;

/// Reads parameters and collects what is wrong with them.
pub struct Reader<'a> {
    pub parameters: &'a Parameters,
    pub problems: Vec<String>,
}

/// Fills in every default, and gives the connection or all problems, those handed in included.
pub fn resolve(
    parameters: &Parameters,
    environment: &Environment,
    mut problems: Vec<String>,
) -> Result<Parsed, Vec<String>> {
    problems.extend(parameters.refused());
    let mut reader = Reader { parameters, problems };
    let mut warnings = Vec::new();
    let user = user(&mut reader, environment);
    let mut info = ConnInfo {
        hosts: reader.hosts(),
        password: parameters.get("password").map(Secret::new),
        database: parameters.get("dbname").unwrap_or(&user).to_owned(),
        ssl: ssl::read(&mut reader, environment),
        connect_timeout: reader.connect_timeout(),
        keepalive: keepalive::read(&mut reader),
        options: parameters.get("options").map(str::to_owned),
        read_write: reader
            .choice("target_session_attrs", &[("any", false), ("read-write", true)])
            .unwrap_or_default(),
        application_name: parameters
            .get("application_name")
            .or_else(|| parameters.get("fallback_application_name"))
            .unwrap_or(PROGRAM)
            .to_owned(),
        is_users_own: parameters.get("user").is_none(),
        password_hint: None,
        user,
    };
    if info.password.is_none() {
        warnings.extend(add_passwords(&mut info, parameters, environment));
    } else {
        info.password_hint = parameters.origin("password").map(comes_from);
    }
    reader.check_text();
    if reader.problems.is_empty() { Ok(Parsed { info, warnings }) } else { Err(reader.problems) }
}

fn user(reader: &mut Reader, environment: &Environment) -> String {
    let system = || environment.variable("USER").or_else(|| environment.variable("LOGNAME"));
    reader.parameters.get("user").or_else(system).map(str::to_owned).unwrap_or_else(|| {
        reader.problems.push("names no user, and USER is not set; add user=…".into());
        String::new()
    })
}

/// Looks up each host in the password file; answers with a warning when the file is not used.
fn add_passwords(
    info: &mut ConnInfo,
    parameters: &Parameters,
    environment: &Environment,
) -> Option<String> {
    let named = parameters.get("passfile").map(str::to_owned);
    let is_named = named.is_some();
    let file = named.or_else(|| environment.in_home(".pgpass"))?;
    let ignored = |why: String| format!("password file {file} is ignored: {why}");
    // The warning has the reason; the hint does not repeat it.
    let content = match (environment.read)(&file) {
        Ok(Some(content)) if content.is_open_to_others() => {
            info.password_hint = Some(format!("chmod 600 {file}, or set PGPASSWORD"));
            return Some(ignored(format!("others can open it; chmod 600 {file}")));
        }
        Ok(Some(content)) => content,
        Ok(None) => {
            info.password_hint = is_named.then(|| no_file(&file));
            return None;
        }
        Err(why) => {
            info.password_hint = Some("set PGPASSWORD, or name another passfile".to_owned());
            return Some(ignored(why));
        }
    };
    for host in &mut info.hosts {
        host.password = passfile::password(&content.text, host, &info.database, &info.user);
    }
    let is_found = info.hosts.iter().all(|host| host.password.is_some());
    info.password_hint = Some(if is_found {
        comes_from(&format!("the password file {file}"))
    } else {
        no_line_of(&file, info)
    });
    None
}

fn comes_from(origin: &str) -> String {
    format!("the password comes from {origin}")
}

fn no_line_of(file: &str, info: &ConnInfo) -> String {
    format!(
        "no line of the password file {file} fits the host, the port, the database \"{}\" and the role \"{}\": add one \
         (host:port:database:role:password), or set PGPASSWORD",
        info.database, info.user
    )
}

fn no_file(file: &str) -> String {
    format!(
        "the password file {file} does not exist: create it, with a line host:port:database:role:password, or set PGPASSWORD"
    )
}

impl Reader<'_> {
    /// Adds a problem of the parameter, worded as what follows its label.
    pub fn problem(&mut self, name: &str, what: &str) {
        self.problems.push(format!("{} {what}", self.parameters.label(name)));
    }

    /// One of the listed words; `None` when the parameter is not given or is wrong.
    pub fn choice<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Option<T> {
        let given = self.parameters.get(name)?;
        let chosen = words.iter().find(|(word, _)| *word == given).map(|(_, value)| *value);
        if chosen.is_none() {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.problem(name, &format!("\"{given}\" must be one of: {}", words.join(", ")));
        }
        chosen
    }

    /// What would break the protocol, or put a password where names are printed.
    fn check_text(&mut self) {
        for name in ["host", "user", "password", "dbname", "options", "application_name"] {
            if self.parameters.get(name).is_some_and(|text| text.contains('\0')) {
                self.problem(name, "contains a zero byte");
            }
        }
        if self.parameters.get("dbname").is_some_and(|text| text.contains("://")) {
            self.problem("dbname", "is a URL, not the name of a database");
        }
    }

    fn connect_timeout(&mut self) -> Option<Duration> {
        let given = self.number("connect_timeout", keepalive::SECONDS);
        let seconds = given.unwrap_or(CONNECT_TIMEOUT);
        Some(seconds).filter(|seconds| *seconds > 0).map(|n| Duration::from_secs(n.into()))
    }

    /// As in libpq, less than nothing is nothing.
    pub fn number(&mut self, name: &str, what: &str) -> Option<u32> {
        let given = self.parameters.get(name)?;
        match given.trim().parse::<i32>() {
            Ok(number) => Some(u32::try_from(number).unwrap_or(0)),
            Err(_) => {
                self.problem(name, &format!("\"{given}\" {what}"));
                None
            }
        }
    }

    fn hosts(&mut self) -> Vec<Host> {
        let list = |name| self.parameters.get(name).map(|text| text.split(',').collect::<Vec<_>>());
        let (names, addresses) = (list("host"), list("hostaddr"));
        let ports = list("port").unwrap_or_default();
        if names.is_some() && addresses.is_some() {
            let why = "beside host is not supported: name one of the two";
            self.problem("hostaddr", why);
        }
        let is_address = addresses.is_some();
        let places = addresses.or(names).unwrap_or_else(|| vec![""]);
        if ports.len() > 1 && ports.len() != places.len() {
            let counts = format!("lists {} ports for {} hosts", ports.len(), places.len());
            self.problem("port", &counts);
        }
        let mut hosts = Vec::new();
        for (index, place) in places.into_iter().enumerate() {
            let port = if ports.len() == 1 { ports.first() } else { ports.get(index) };
            let port = self.port(port.copied().unwrap_or_default());
            let address = self.address(place.trim(), is_address);
            hosts.push(Host { address, port, password: None });
        }
        hosts
    }

    fn port(&mut self, text: &str) -> u16 {
        match text.trim() {
            "" => DEFAULT_PORT,
            text => text.parse().ok().filter(|port| *port > 0).unwrap_or_else(|| {
                self.problem("port", &format!("\"{text}\" is no number from 1 to 65535"));
                DEFAULT_PORT
            }),
        }
    }

    fn address(&mut self, text: &str, is_address: bool) -> Address {
        if is_address && !text.is_empty() && text.parse::<IpAddr>().is_err() {
            self.problem("hostaddr", &format!("\"{text}\" is no IP address"));
        }
        match text {
            "" if cfg!(unix) => Address::Socket(passfile::DEFAULT_SOCKET.into()),
            "" => Address::Tcp("localhost".into()),
            text if text.starts_with('/') => Address::Socket(text.into()),
            text => {
                if text.starts_with('@') {
                    self.problem("host", "names an abstract socket, which is not supported");
                } else if !is_address && !is_host(text) {
                    let why =
                        "is no host name (not shown); port and user are parameters of their own";
                    self.problem("host", why);
                }
                Address::Tcp(text.into())
            }
        }
    }
}

/// Tells a name or an address from `user:password@host` and `host:port`.
fn is_host(text: &str) -> bool {
    let without_zone = text.split('%').next().unwrap_or_default();
    without_zone.parse::<IpAddr>().is_ok()
        || !text.contains(|c: char| c.is_whitespace() || ":@/?=".contains(c))
}
