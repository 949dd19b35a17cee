//! libpq's connection parameters by name: which exist, what pgsync does with each, and the values
//! that one connection has. Nothing here knows a notation.

use std::collections::BTreeMap;

use crate::suggest;

/// What pgsync does with a parameter that libpq knows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Used,
    /// Without it the connection is the same in all that matters here.
    Ignored,
    /// Ignoring it would be less safe than the user asked for; says why not.
    Refused(&'static str),
}

const KNOWN: &[(&str, Use)] = &[
    ("application_name", Use::Ignored),
    ("channel_binding", Use::Used),
    ("client_encoding", Use::Ignored),
    ("connect_timeout", Use::Used),
    ("dbname", Use::Used),
    ("fallback_application_name", Use::Ignored),
    ("gssdelegation", Use::Ignored),
    ("gssencmode", Use::Used),
    ("gsslib", Use::Ignored),
    ("host", Use::Used),
    ("hostaddr", Use::Used),
    ("keepalives", Use::Used),
    ("keepalives_count", Use::Used),
    ("keepalives_idle", Use::Used),
    ("keepalives_interval", Use::Used),
    ("krbsrvname", Use::Ignored),
    ("load_balance_hosts", Use::Ignored),
    ("max_protocol_version", Use::Ignored),
    ("min_protocol_version", Use::Ignored),
    ("options", Use::Used),
    ("passfile", Use::Used),
    ("password", Use::Used),
    ("port", Use::Used),
    ("replication", Use::Refused("pgsync reads tables, not the replication protocol")),
    ("require_auth", Use::Refused("pgsync cannot restrict it; use channel_binding=require")),
    ("requirepeer", Use::Refused("pgsync cannot check the owner of a socket")),
    ("service", Use::Used),
    ("servicefile", Use::Used),
    ("sslcert", Use::Used),
    ("sslcertmode", Use::Ignored),
    ("sslcompression", Use::Ignored),
    ("sslcrl", Use::Refused("pgsync does not read revocation lists")),
    ("sslcrldir", Use::Refused("pgsync does not read revocation lists")),
    ("sslkey", Use::Used),
    ("sslmode", Use::Used),
    ("ssl_max_protocol_version", Use::Ignored),
    ("ssl_min_protocol_version", Use::Used),
    ("sslnegotiation", Use::Used),
    ("sslpassword", Use::Refused("pgsync needs a key file without a passphrase")),
    ("sslrootcert", Use::Used),
    ("sslsni", Use::Ignored),
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

    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The parameter as a problem names it: `port`, or `port (from PGPORT)`.
    pub fn label(&self, name: &str) -> String {
        match self.0.get(name).and_then(|value| value.origin.as_ref()) {
            Some(origin) => format!("{name} (from {origin})"),
            None => name.to_owned(),
        }
    }

    /// What was asked for and cannot be given.
    pub fn refused(&self) -> Vec<String> {
        let refusal = |(name, what): &(&str, Use)| match what {
            Use::Refused(why) if self.get(name).is_some() => {
                Some(format!("{} is not supported: {why}", self.label(name)))
            }
            _ => None,
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
    match is_plain && !may_be_secret {
        true => format!("unknown parameter \"{name}\"{near}"),
        false => format!("unknown parameter (not shown, it may be part of a password){near}"),
    }
}
