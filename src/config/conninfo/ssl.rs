//! The TLS parameters, and which of them exclude each other.

use super::super::surroundings::Surroundings;
use super::resolve::Reader;
use super::{ChannelBinding, Ssl, SslMode};

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

pub fn read(reader: &mut Reader, surroundings: &Surroundings) -> Ssl {
    let text = |reader: &Reader, name| reader.parameters.get(name).map(str::to_owned);
    let given = reader.choice("sslmode", MODES);
    let mut ssl = Ssl {
        mode: given.unwrap_or_default(),
        root_cert: text(reader, "sslrootcert"),
        cert: text(reader, "sslcert"),
        key: text(reader, "sslkey"),
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
        add_default_files(&mut ssl, is_required, surroundings);
    }
    refuse_weaker(reader);
    ssl
}

/// The files that libpq takes from `~/.postgresql` when they exist.
fn add_default_files(ssl: &mut Ssl, is_required: bool, surroundings: &Surroundings) {
    let existing = |name: &str| {
        let file = surroundings.in_home(&format!(".postgresql/{name}"))?;
        matches!((surroundings.read)(&file), Ok(Some(_))).then_some(file)
    };
    if ssl.root_cert.is_none() && is_required {
        ssl.root_cert = existing("root.crt");
    }
    if ssl.cert.is_none() {
        ssl.cert = existing("postgresql.crt");
    }
    if ssl.cert.is_some() && ssl.key.is_none() {
        ssl.key = existing("postgresql.key");
    }
}

/// What would make the connection safer than pgsync can make it.
fn refuse_weaker(reader: &mut Reader) {
    if reader.parameters.get("gssencmode") == Some("require") {
        reader.problem("gssencmode", "require is not supported: pgsync encrypts with TLS only");
    }
    if reader.parameters.get("ssl_min_protocol_version") == Some("TLSv1.3") {
        let why = "TLSv1.3 is not supported: pgsync speaks TLS 1.2 and 1.3";
        reader.problem("ssl_min_protocol_version", why);
    }
}
