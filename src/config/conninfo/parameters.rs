//! libpq's connection parameters by name: which exist, what pgsync does with each, and the values
//! that one connection has. Nothing here knows a notation.

use std::collections::BTreeMap;

use crate::suggest;

/// What pgsync does with a parameter that libpq knows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Used,
    /// The listed values are what pgsync does anyway; any other is refused, with this reason.
    Only(&'static [&'static str], &'static str),
    /// The connection is the same without it, in all that a user can notice; says why.
    Harmless(&'static str),
}

/// Any value is refused.
const fn refused(why: &'static str) -> Use {
    Use::Only(&[], why)
}

const KERBEROS: Use = Use::Harmless("only for GSSAPI, which pgsync never uses: gssencmode");
const NO_GSS: &str = "pgsync encrypts with TLS only";
const NO_OAUTH: Use = refused("pgsync cannot log in by OAuth");
const NO_REVOCATION: Use = refused("pgsync does not read revocation lists");
const NO_KEYS: Use = refused("pgsync logs in with a password, not with the keys made of it");
const OLD: &[&str] = &["3.0"];
const ANY: &[&str] = &["3.0", "3.2", "latest"];

/// Every parameter of libpq 10 to 18: what is not used changes nothing, or is an error. None is
/// dropped in silence.
const KNOWN: &[(&str, Use)] = &[
    ("application_name", Use::Used),
    ("channel_binding", Use::Used),
    ("client_encoding", Use::Harmless("rows cross in UTF-8, whatever a client would show")),
    ("connect_timeout", Use::Used),
    ("dbname", Use::Used),
    ("fallback_application_name", Use::Used),
    ("gssdelegation", KERBEROS),
    ("gssencmode", Use::Only(&["disable", "prefer"], NO_GSS)),
    ("gsslib", KERBEROS),
    ("host", Use::Used),
    ("hostaddr", Use::Used),
    ("keepalives", Use::Used),
    ("keepalives_count", Use::Used),
    ("keepalives_idle", Use::Used),
    ("keepalives_interval", Use::Used),
    ("krbsrvname", KERBEROS),
    (
        "load_balance_hosts",
        Use::Only(&["disable"], "all sessions of a run have to reach the same server"),
    ),
    ("max_protocol_version", Use::Only(ANY, "pgsync speaks version 3.0")),
    ("min_protocol_version", Use::Only(OLD, "pgsync speaks version 3.0")),
    ("oauth_client_id", NO_OAUTH),
    ("oauth_client_secret", NO_OAUTH),
    ("oauth_issuer", NO_OAUTH),
    ("oauth_scope", NO_OAUTH),
    ("options", Use::Used),
    ("passfile", Use::Used),
    ("password", Use::Used),
    ("port", Use::Used),
    (
        "replication",
        Use::Only(
            &["false", "off", "no", "0"],
            "pgsync reads tables, not the replication protocol",
        ),
    ),
    ("require_auth", refused("pgsync cannot restrict it; use channel_binding=require")),
    ("requirepeer", refused("pgsync cannot check the owner of a socket")),
    ("scram_client_key", NO_KEYS),
    ("scram_server_key", NO_KEYS),
    ("service", Use::Used),
    ("servicefile", Use::Used),
    ("ssl_max_protocol_version", Use::Used),
    ("ssl_min_protocol_version", Use::Used),
    ("sslcert", Use::Used),
    ("sslcertmode", Use::Used),
    ("sslcompression", Use::Harmless("no TLS library of today compresses")),
    ("sslcrl", NO_REVOCATION),
    ("sslcrldir", NO_REVOCATION),
    ("sslkey", Use::Used),
    ("sslkeylogfile", refused("pgsync writes no secrets of a connection to a file")),
    ("sslmode", Use::Used),
    ("sslnegotiation", Use::Used),
    ("sslpassword", refused("pgsync needs a key file without a passphrase")),
    ("sslrootcert", Use::Used),
    ("sslsni", Use::Used),
    ("target_session_attrs", Use::Used),
    ("tcp_user_timeout", Use::Used),
    ("user", Use::Used),
];

/// The parameters of one connection. No `Debug`: one of them is the password.
#[derive(Default)]
pub struct Parameters(BTreeMap<&'static str, Value>);

struct Value {
    text: String,
    /// Where it comes from, unless from the connection string: `PGPORT`.
    origin: Option<String>,
}

impl Parameters {
    /// A later value of the same name wins, as in libpq.
    pub fn set(&mut self, name: &'static str, text: String) {
        self.0.insert(name, Value { text, origin: None });
    }

    /// For what the connection string left open. An empty value there is not open: `password=`
    /// means no password although `PGPASSWORD` is set.
    pub fn set_default(&mut self, name: &'static str, text: &str, origin: &str) {
        let value = || Value { text: text.to_owned(), origin: Some(origin.to_owned()) };
        self.0.entry(name).or_insert_with(value);
    }

    /// The value, unless it is empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.text.as_str()).filter(|text| !text.is_empty())
    }

    /// Whether the parameter is given, even if it is empty.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Where the value comes from, unless from the connection string.
    pub fn origin(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.origin.as_deref()
    }

    /// The parameter as a problem names it: `port`, or `port (from PGPORT)`.
    pub fn label(&self, name: &str) -> String {
        match self.origin(name) {
            Some(origin) => format!("{name} (from {origin})"),
            None => name.to_owned(),
        }
    }

    /// What was asked for and cannot be given.
    pub fn refused(&self) -> Vec<String> {
        let refusal = |(name, what): &(&str, Use)| {
            let given = self.get(name)?;
            match what {
                Use::Only([], why) => Some(format!("{} is not supported: {why}", self.label(name))),
                Use::Only(can, why) if !can.contains(&given) => {
                    Some(format!("{}={given} is not supported: {why}", self.label(name)))
                }
                _ => None,
            }
        };
        KNOWN.iter().filter_map(refusal).collect()
    }
}

/// The parameter of this name, if libpq has it.
pub fn known(name: &str) -> Option<&'static str> {
    KNOWN.iter().map(|(known, _)| *known).find(|known| *known == name)
}

/// The problem of a name that libpq does not have. It is only shown if it cannot be a piece of a
/// password: the caller says whether one could have been cut here.
pub fn unknown(name: &str, may_be_secret: bool) -> String {
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let near = suggest::did_you_mean(name, KNOWN.iter().map(|(known, _)| *known));
    if is_plain && !may_be_secret {
        format!("unknown parameter \"{name}\"{near}")
    } else {
        format!("unknown parameter (not shown, it may be part of a password){near}")
    }
}

/// Every name that libpq knows, in order.
#[cfg(test)]
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = KNOWN.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names
}
