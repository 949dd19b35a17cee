//! The TLS parameters, and which of them cannot be used together.

use super::resolve::Reader;
use crate::config::conninfo::{ChannelBinding, Ssl, SslMode, TlsVersions};
use crate::config::environment::Environment;

const MODES: &[(&str, SslMode)] = &[
    ("disable", SslMode::Disable),
    ("allow", SslMode::Allow),
    ("prefer", SslMode::Prefer),
    ("require", SslMode::Require),
    ("verify-ca", SslMode::VerifyCa),
    ("verify-full", SslMode::VerifyFull),
];

const BINDINGS: &[(&str, ChannelBinding)] = &[
    ("disable", ChannelBinding::Disable),
    ("prefer", ChannelBinding::Prefer),
    ("require", ChannelBinding::Require),
];

const NEGOTIATIONS: &[(&str, bool)] = &[("postgres", false), ("direct", true)];

const CERT_MODES: &[(&str, bool)] = &[("disable", true), ("allow", false)];

const SNI: &[(&str, bool)] = &[("0", true), ("1", false)];

/// In the order of strength.
const VERSIONS: &[(&str, u8)] = &[("TLSv1", 0), ("TLSv1.1", 1), ("TLSv1.2", 2), ("TLSv1.3", 3)];

/// Reads the parameters of TLS; what is wrong is added to the reader's problems.
pub fn read(reader: &mut Reader, environment: &Environment) -> Ssl {
    let text = |reader: &Reader, name| reader.parameters.get(name).map(str::to_owned);
    let given = reader.choice("sslmode", MODES);
    let mut ssl = Ssl {
        mode: given.unwrap_or_default(),
        root_cert: text(reader, "sslrootcert"),
        cert: text(reader, "sslcert"),
        key: text(reader, "sslkey"),
        no_cert: reader.choice("sslcertmode", CERT_MODES).unwrap_or_default(),
        hide_name: reader.choice("sslsni", SNI).unwrap_or_default(),
        versions: versions(reader),
        direct: reader.choice("sslnegotiation", NEGOTIATIONS).unwrap_or_default(),
        channel_binding: reader.choice("channel_binding", BINDINGS).unwrap_or_default(),
    };
    if ssl.root_cert.as_deref() == Some("system") {
        match given {
            // Anyone can have a certificate of a public authority, so only the name proves anything.
            None | Some(SslMode::VerifyFull) => ssl.mode = SslMode::VerifyFull,
            Some(_) => reader.problems.push("sslrootcert=system needs sslmode=verify-full".into()),
        }
    }
    let is_required = ssl.mode >= SslMode::Require;
    if ssl.direct && !is_required {
        reader.problems.push("sslnegotiation=direct needs sslmode=require or stronger".into());
    }
    if ssl.mode == SslMode::Disable && ssl.channel_binding == ChannelBinding::Require {
        reader.problems.push("channel_binding=require needs TLS, not sslmode=disable".into());
    }
    if ssl.mode != SslMode::Disable {
        add_default_files(&mut ssl, is_required, environment);
    }
    ssl
}

/// The files that libpq takes from `~/.postgresql` when they exist.
fn add_default_files(ssl: &mut Ssl, is_required: bool, environment: &Environment) {
    let existing = |name: &str| {
        let file = environment.in_home(&format!(".postgresql/{name}"))?;
        matches!((environment.read)(&file), Ok(Some(_))).then_some(file)
    };
    if ssl.root_cert.is_none() && is_required {
        ssl.root_cert = existing("root.crt");
    }
    if ssl.no_cert {
        (ssl.cert, ssl.key) = (None, None);
        return;
    }
    if ssl.cert.is_none() {
        ssl.cert = existing("postgresql.crt");
    }
    if ssl.cert.is_some() && ssl.key.is_none() {
        ssl.key = existing("postgresql.key");
    }
}

/// The versions that are allowed and that pgsync speaks: 1.2 and 1.3.
fn versions(reader: &mut Reader) -> TlsVersions {
    let least = reader.choice("ssl_min_protocol_version", VERSIONS).unwrap_or(0);
    let greatest = reader.choice("ssl_max_protocol_version", VERSIONS).unwrap_or(3);
    if greatest < 2 {
        let why = "is below TLSv1.2, which is the oldest that pgsync speaks";
        reader.problem("ssl_max_protocol_version", why);
    } else if greatest < least {
        reader.problem("ssl_max_protocol_version", "is below ssl_min_protocol_version");
    }
    match (least, greatest) {
        (3, _) => TlsVersions::Only13,
        (_, 2) => TlsVersions::Only12,
        _ => TlsVersions::Both,
    }
}
