//! Requests to web servers. ureq is used in this module only. What it says is put in own words, because
//! its errors can hold a URL.

use std::time::Duration;

use tokio::time::Instant;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Error, Timeout};

use crate::pg::tls;

/// To connect, for one try, and for all tries with their pauses.
const CONNECT: Duration = Duration::from_secs(5);
const ONE_TRY: Duration = Duration::from_secs(10);
const ALL_TRIES: Duration = Duration::from_secs(29);
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(500);

/// Who we say we are.
const USER_AGENT: &str = concat!("pgsync/", env!("CARGO_PKG_VERSION"));

/// One request.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// Holds secrets.
    pub url: String,
    /// A POST; a GET without one.
    pub body: Option<Body>,
}

/// What is sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Body {
    pub content_type: &'static str,
    pub text: String,
    /// The value of `X-Pgsync-Signature`.
    pub signature: Option<String>,
}

/// Why a try did not succeed.
struct Fault {
    text: String,
    /// Whether another try may.
    may_pass: bool,
}

/// Sends requests. Keeps no connection open.
#[derive(Clone)]
pub struct Client {
    agent: Agent,
}

impl Client {
    /// Trusts the authorities of the system, if there is anybody to be trusted.
    pub fn new(is_encrypted: bool) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // What is sent is for the server that was named, and for no other.
            .max_redirects(0)
            .timeout_connect(Some(CONNECT))
            .max_idle_connections(0)
            .user_agent(USER_AGENT);
        let config = if is_encrypted { config.tls_config(encryption()) } else { config };
        Self { agent: config.build().new_agent() }
    }

    /// Tries until the server accepts the request.
    ///
    /// # Errors
    /// Why the last try did not succeed.
    pub async fn deliver(self, request: Request) -> Result<(), String> {
        let begun = Instant::now();
        let mut tries = 0;
        loop {
            tries += 1;
            let limit = ONE_TRY.min(ALL_TRIES.saturating_sub(begun.elapsed()));
            let Err(fault) = self.one_try(&request, limit).await else { return Ok(()) };
            let is_over = tries == TRIES || begun.elapsed() + PAUSE >= ALL_TRIES;
            if !fault.may_pass || is_over {
                let times =
                    if tries == 1 { String::new() } else { format!(", tried {tries} times") };
                return Err(format!("{}{times}", fault.text));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The thread that waits for the server may outlive this: nobody waits for it.
    async fn one_try(&self, request: &Request, limit: Duration) -> Result<(), Fault> {
        let (agent, request) = (self.agent.clone(), request.clone());
        let sent = tokio::task::spawn_blocking(move || send(&agent, request, limit));
        match tokio::time::timeout(limit + PAUSE, sent).await {
            Ok(Ok(sent)) => sent,
            Ok(Err(_)) => Err(Fault { text: "internal error: panic".into(), may_pass: false }),
            Err(_) => Err(too_late(limit)),
        }
    }
}

fn encryption() -> TlsConfig {
    let certificates = tls::system_authorities();
    let roots = certificates.iter().map(|der| Certificate::from_der(der).to_owned());
    TlsConfig::builder()
        .root_certs(RootCerts::from(roots))
        .unversioned_rustls_crypto_provider(tls::provider())
        .build()
}

fn send(agent: &Agent, request: Request, limit: Duration) -> Result<(), Fault> {
    let answer = match request.body {
        None => agent.get(&request.url).config().timeout_global(Some(limit)).build().call(),
        Some(body) => {
            let post = agent.post(&request.url).config().timeout_global(Some(limit)).build();
            let post = post.content_type(body.content_type);
            let post = match &body.signature {
                Some(signature) => post.header("X-Pgsync-Signature", signature),
                None => post,
            };
            post.send(body.text)
        }
    };
    match answer {
        Ok(answer) => judge(answer.status().as_u16()),
        Err(error) => Err(fault(&error, limit)),
    }
}

fn judge(status: u16) -> Result<(), Fault> {
    let fault = |text, may_pass| Err(Fault { text, may_pass });
    match status {
        200..300 => Ok(()),
        300..400 => {
            fault(format!("the server redirects (status {status}), which is not followed"), false)
        }
        408 | 429 | 500.. => fault(format!("the server answered with status {status}"), true),
        _ => fault(format!("the server answered with status {status}"), false),
    }
}

fn fault(error: &Error, limit: Duration) -> Fault {
    let text = match error {
        Error::Timeout(Timeout::Connect | Timeout::Resolve) => {
            format!("no connection within {}s", CONNECT.as_secs())
        }
        Error::Timeout(_) => return too_late(limit),
        Error::HostNotFound => "the host name is not known".into(),
        Error::ConnectionFailed => "the connection failed".into(),
        Error::Io(error) => io_words(error),
        Error::Rustls(error) => format!("TLS: {error}"),
        Error::Tls(text) => format!("TLS: {text}"),
        _ => "the request failed".into(),
    };
    Fault { text, may_pass: true }
}

fn too_late(limit: Duration) -> Fault {
    Fault { text: format!("no answer within {}s", limit.as_secs()), may_pass: true }
}

/// `connection refused`, without the `(os error 111)` that Rust adds.
fn io_words(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}
