//! Making one connection: which host, which way (plain or TLS), within which time.
//!
//! Follows libpq: hosts in order, each by every address it has; the next is tried when one cannot be
//! reached, not when it answers and says no. Retrying later is for those above.

use std::future::poll_fn;
use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::config::{SslMode as TlsAttempt, SslNegotiation, TargetSessionAttrs};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::conninfo::{Address, ChannelBinding, ConnInfo, Host, SslMode};
use crate::error::{Cause, DbError, Error, Result, Side};
use crate::ident::Ident;

use super::cancel::{Canceller, ServerAddress};
use super::failure::{CUT_SHORT, NO_PASSWORD, Reason, db_error, io_reason, to_role};
use super::keepalive;
use super::tls;
use super::warnings::Warnings;

/// A session, as the server starts it.
pub struct Connected {
    pub client: Client,
    /// Moves the bytes; ends when the client is dropped (true) or the connection is lost (false).
    pub task: JoinHandle<bool>,
    pub canceller: Canceller,
    pub warnings: Warnings,
}

/// One side's way in. Certificate files are read when it is made, not for each connection.
pub struct Connector {
    info: ConnInfo,
    side: Side,
    tls: Option<MakeRustlsConnect>,
    lock_timeout: Duration,
    /// Whether a server has ever let us in.
    reached: AtomicBool,
}

const UNREPLACED: &str = "the connection string has a ${NAME} or $NAME in it: only the config file replaces ${NAME}; \
                          on a command line, write the string in double quotes, so that the shell replaces it, \
                          or give env:NAME";

const INVALID_PASSWORD: &str = "28P01";

const UNNAMED: &str = "the connection string names no role, so it is that of the operating system's user; name another one: \
                       postgres://ROLE@HOST/DATABASE";

/// A [`Connector`] for one connection only.
pub async fn connect(info: &ConnInfo, side: Side) -> Result<Connected> {
    Connector::new(info.clone(), side)?.connect().await
}

impl Connector {
    /// Errors: [`Error::Config`] when TLS settings or their files cannot be used.
    pub fn new(info: ConnInfo, side: Side) -> Result<Self> {
        let by_tcp = info.hosts.iter().any(|host| matches!(host.address, Address::Tcp(_)));
        let tls = if by_tcp && info.ssl.mode != SslMode::Disable {
            let connector = tls::connector(&info.ssl, std::env::home_dir().as_deref());
            Some(connector.map_err(|why| Error::Config(vec![format!("{side}: {why}")]))?)
        } else {
            None
        };
        let (lock_timeout, reached) = (Duration::ZERO, AtomicBool::new(false));
        Ok(Self { info, side, tls, lock_timeout, reached })
    }

    /// For sessions that may wait for a lock as long as this, taking no data.
    pub fn waiting(self, lock_timeout: Duration) -> Self {
        Self { lock_timeout, ..self }
    }

    /// The side that the server is on.
    pub fn side(&self) -> Side {
        self.side
    }

    /// Whether a server has let us in, though the session may have ended at once.
    pub fn was_reached(&self) -> bool {
        self.reached.load(Ordering::Relaxed)
    }

    /// How the server is reached.
    pub fn info(&self) -> &ConnInfo {
        &self.info
    }

    /// Errors: of the host that answered and refused, else of all that could not be reached, in one.
    pub async fn connect(&self) -> Result<Connected> {
        self.connect_any().await.map_err(|error| match error {
            Error::Database(mut said) if self.info.has_unreplaced() => {
                said.hint.get_or_insert_with(|| UNREPLACED.to_owned());
                Error::Database(said)
            }
            error => error,
        })
    }

    async fn connect_any(&self) -> Result<Connected> {
        let mut unreached = Vec::new();
        for host in &self.info.hosts {
            match self.connect_host(host).await {
                Ok(connected) => return Ok(connected),
                Err(err) if may_try_elsewhere(&err) => {
                    unreached.push(Unreached { at: host.describe(), why: err })
                }
                Err(err) => return Err(err),
            }
        }
        Err(self.all_of(unreached, self.info.describe()))
    }

    async fn connect_host(&self, host: &Host) -> Result<Connected> {
        let name = match &host.address {
            Address::Tcp(name) => name,
            Address::Socket(folder) => {
                let path = Path::new(folder).join(format!(".s.PGSQL.{}", host.port));
                if !path.exists() {
                    let why = format!("no server listens on {}", path.display());
                    return Err(Reason::connection(why).error(self.side, self.action(host)));
                }
                let place = ServerAddress::Socket(path);
                return self.in_time(host, self.connect_place(host, &place)).await;
            }
        };
        let addresses = self.in_time(host, self.resolve(host, name)).await?;
        let mut unreached = Vec::new();
        for address in addresses {
            let place = ServerAddress::Tcp { address, port: host.port, name: name.clone() };
            match self.in_time(host, self.connect_place(host, &place)).await {
                Ok(connected) => return Ok(connected),
                Err(err) if may_try_elsewhere(&err) => {
                    unreached.push(Unreached { at: address.to_string(), why: err })
                }
                Err(err) => return Err(err),
            }
        }
        Err(self.all_of(unreached, self.at(host)))
    }

    async fn resolve(&self, host: &Host, name: &str) -> Result<Vec<IpAddr>> {
        if let Ok(address) = name.parse() {
            return Ok(vec![address]);
        }
        let unknown = |why: &str| {
            Reason::connection(format!("the name \"{name}\" cannot be resolved: {why}"))
                .error(self.side, self.action(host))
        };
        let found = tokio::net::lookup_host((name, host.port)).await;
        let mut addresses: Vec<IpAddr> = Vec::new();
        for address in found.map_err(|fault| unknown(&io_reason(&fault, &fault).message))? {
            if !addresses.contains(&address.ip()) {
                addresses.push(address.ip());
            }
        }
        if addresses.is_empty() { Err(unknown("it has no address")) } else { Ok(addresses) }
    }

    /// Tries the ways that `sslmode` allows, the second one where the first may be at fault.
    async fn connect_place(&self, host: &Host, place: &ServerAddress) -> Result<Connected> {
        let TlsAttempts { first, second } = attempts(tls::effective_mode(&self.info.ssl), place);
        let refusal = match (self.open(host, place, first).await, second) {
            (Err(err), Some(_)) if may_be_the_way(&err) => err,
            (result, _) => return result,
        };
        match self.open(host, place, second.unwrap_or(first)).await {
            // Of two refusals the one that got further tells more.
            Err(err) if may_be_the_way(&err) => Err(refusal),
            result => result,
        }
    }

    async fn open(&self, host: &Host, place: &ServerAddress, way: TlsAttempt) -> Result<Connected> {
        let config = self.config(host, place, way);
        let tls = self.tls.clone().filter(|_| way != TlsAttempt::Disable);
        let opened = match tls.clone() {
            Some(tls) => start(&config, tls).await,
            None => start(&config, NoTls).await,
        };
        let Started { client, driver, warnings } =
            opened.map_err(|err| self.refused(db_error(self.side, self.action(host), err)))?;
        let token = client.cancel_token();
        let canceller = Canceller { token, tls, place: place.clone(), side: self.side };
        self.reached.store(true, Ordering::Relaxed);
        Ok(Connected { client, task: driver, canceller, warnings })
    }

    /// The error of a server that lets nobody in, with what to try.
    fn refused(&self, error: Error) -> Error {
        let error = to_role(error, Some(&Ident::new(&self.info.user)));
        let Error::Database(mut said) = error else { return error };
        if said.sqlstate.as_deref() == Some("53300") {
            let hint = "a run needs 2 connections to this server, and one more for each further table at a time (-parallel)";
            said.hint.get_or_insert_with(|| hint.to_owned());
        }
        let is_of_role = matches!(said.sqlstate.as_deref(), Some("28P01" | "28000"));
        if self.info.is_users_own && (is_of_role || said.message == NO_PASSWORD) {
            said.hint = Some(UNNAMED.to_owned());
        } else if (said.message == NO_PASSWORD
            || said.sqlstate.as_deref() == Some(INVALID_PASSWORD))
            && self.info.password_hint.is_some()
        {
            said.hint.clone_from(&self.info.password_hint);
        }
        if said.message == NO_PASSWORD {
            let role = Ident::new(&self.info.user);
            said.message = format!(
                "the server asks for the password of role {}, and none is given",
                role.typed()
            );
        }
        // Another program's first words are no whole message of the protocol.
        if said.message == CUT_SHORT {
            said.message = format!("what answers there is no PostgreSQL server, or {CUT_SHORT}");
        }
        Error::Database(said)
    }

    /// Startup parameters are kept to what pgbouncer knows; the session's settings are set afterwards.
    fn config(&self, host: &Host, place: &ServerAddress, way: TlsAttempt) -> Config {
        let mut config = Config::new();
        config
            .user(&self.info.user)
            .dbname(&self.info.database)
            .application_name(&self.info.application_name)
            .port(host.port)
            .ssl_mode(way)
            .channel_binding(binding(self.info.ssl.channel_binding));
        keepalive::limit(&mut config, &self.info.keepalive, self.lock_timeout);
        match place {
            ServerAddress::Tcp { address, name, .. } => config.host(name).hostaddr(*address),
            ServerAddress::Socket(path) => config.host_path(path.parent().unwrap_or(path)),
        };
        if let Some(password) = self.info.password.as_ref().or(host.password.as_ref()) {
            config.password(password.expose());
        }
        if let Some(options) = &self.info.options {
            config.options(options);
        }
        if self.info.ssl.direct && way == TlsAttempt::Require {
            config.ssl_negotiation(SslNegotiation::Direct);
        }
        if self.info.read_write {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        config
    }

    async fn in_time<T>(&self, host: &Host, work: impl Future<Output = Result<T>>) -> Result<T> {
        let Some(limit) = self.info.connect_timeout else { return work.await };
        tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
            let why = format!("no answer within {} s", limit.as_secs_f64());
            Err(Reason::connection(why).error(self.side, self.action(host)))
        })
    }

    fn at(&self, host: &Host) -> String {
        format!("{}/{}", host.describe(), self.info.database)
    }

    fn action(&self, host: &Host) -> String {
        format!("connecting to {}", self.at(host))
    }

    /// One error for places that could not be reached: a common reason is said once, others each with
    /// their place.
    fn all_of(&self, unreached: Vec<Unreached>, place: String) -> Error {
        let reasons: Vec<String> = unreached.iter().map(|one| message(&one.why)).collect();
        let same = reasons.windows(2).all(|pair| pair[0] == pair[1]);
        let each = unreached.iter().zip(&reasons).map(|(one, why)| format!("{}: {why}", one.at));
        let message = match reasons.first() {
            Some(common) if same => common.clone(),
            _ => each.collect::<Vec<_>>().join("; "),
        };
        match unreached.into_iter().next_back().map(|one| one.why) {
            Some(Error::Database(last)) => Error::Database(Box::new(DbError {
                action: format!("connecting to {place}"),
                message,
                ..*last
            })),
            Some(other) => other,
            None => Reason::refused("no host is named").error(self.side, "connecting"),
        }
    }
}

/// A host or an address that could not be reached.
struct Unreached {
    at: String,
    why: Error,
}

/// A client, and the task that moves its bytes.
struct Started {
    client: Client,
    driver: JoinHandle<bool>,
    warnings: Warnings,
}

async fn start<T>(config: &Config, tls: T) -> Result<Started, tokio_postgres::Error>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
{
    let (client, mut connection) = config.connect(tls).await?;
    let warnings = Warnings::default();
    let noted = warnings.clone();
    // Whoever uses the client hears of a lost connection there, with side and deed.
    let driver = tokio::spawn(async move {
        loop {
            match poll_fn(|context| connection.poll_message(context)).await {
                Some(Ok(AsyncMessage::Notice(said))) => noted.note(&said),
                Some(Ok(_)) => {}
                Some(Err(_)) => break false,
                None => break true,
            }
        }
    });
    Ok(Started { client, driver, warnings })
}

/// How to talk to the server, and how else if that is refused.
struct TlsAttempts {
    first: TlsAttempt,
    second: Option<TlsAttempt>,
}

/// There is no TLS on Unix sockets.
fn attempts(mode: SslMode, place: &ServerAddress) -> TlsAttempts {
    let one = |first| TlsAttempts { first, second: None };
    let both = |first, second| TlsAttempts { first, second: Some(second) };
    match mode {
        _ if matches!(place, ServerAddress::Socket(_)) => one(TlsAttempt::Disable),
        SslMode::Disable => one(TlsAttempt::Disable),
        SslMode::Allow => both(TlsAttempt::Disable, TlsAttempt::Require),
        SslMode::Prefer => both(TlsAttempt::Prefer, TlsAttempt::Disable),
        SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => one(TlsAttempt::Require),
    }
}

fn binding(wanted: ChannelBinding) -> tokio_postgres::config::ChannelBinding {
    match wanted {
        ChannelBinding::Disable => tokio_postgres::config::ChannelBinding::Disable,
        ChannelBinding::Prefer => tokio_postgres::config::ChannelBinding::Prefer,
        ChannelBinding::Require => tokio_postgres::config::ChannelBinding::Require,
    }
}

/// `pg_hba.conf` has a line for the one way and not for the other, or TLS itself failed.
fn may_be_the_way(err: &Error) -> bool {
    match err {
        Error::Database(db) => match db.sqlstate.as_deref() {
            Some(state) => state == "28000",
            None => db.cause == Cause::Refused,
        },
        _ => false,
    }
}

/// Not reached, or still starting up: another host may do better. One that answered "no" is believed.
fn may_try_elsewhere(err: &Error) -> bool {
    match err {
        Error::Database(db) => match db.sqlstate.as_deref() {
            Some(state) => state == "57P03",
            None => db.cause == Cause::Connection,
        },
        _ => false,
    }
}

fn message(err: &Error) -> String {
    match err {
        Error::Database(db) => db.message.clone(),
        other => other.to_string(),
    }
}
