//! The URL notation: `postgresql://user:password@host:port,host2/dbname?parameter=value`.
//!
//! Stricter than libpq in one point: a raw `@` after the host part is refused, because it is the
//! rest of a password with an unencoded `/`, which would end up as a host or database name in logs.

use super::parameters;
use super::parameters::Parameters;

const ENCODE: &str =
    "in a password, write % as %25, / as %2F, @ as %40, : as %3A, ? as %3F and # as %23";

/// Reads what follows `postgresql://`.
pub fn read(rest: &str) -> Result<Parameters, Vec<String>> {
    if rest.trim_end().contains('\n') {
        return Err(vec!["the text has more than one line: it must be the URL alone".to_owned()]);
    }
    if rest.contains(char::is_whitespace) {
        return Err(vec![format!("the URL contains a blank, written %20; {ENCODE}")]);
    }
    let mut found = Parameters::default();
    let mut problems = Vec::new();
    // As libpq: an `@` before the first `/` ends the credentials, whatever they contain.
    let slash = rest.find('/').unwrap_or(rest.len());
    let after_user = match rest[..slash].rfind('@') {
        Some(at) => {
            credentials(&rest[..at], &mut found, &mut problems);
            &rest[at + 1..]
        }
        None => rest,
    };
    let (location, query) = match after_user.split_once('?') {
        Some((location, query)) => (location, Some(query)),
        None => (after_user, None),
    };
    let (hosts, path) = match location.split_once('/') {
        Some((hosts, path)) => (hosts, path),
        None => (location, ""),
    };
    // Without credentials, `user:pa?ss@host` has left its `@` in the query.
    let split_password =
        path.contains('@') || query.is_some_and(|query| query.contains('@')) && hosts.contains(':');
    if split_password {
        return Err(vec![format!("the URL has an @ after its host part; {ENCODE}")]);
    }
    read_hosts(hosts, &mut found, &mut problems);
    put("dbname", path, &mut found, &mut problems);
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        parameter(pair, &mut found, &mut problems);
    }
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

fn credentials(text: &str, found: &mut Parameters, problems: &mut Vec<String>) {
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    put("user", user, found, problems);
    put("password", password, found, problems);
}

/// `host:port` pairs, joined with commas into the lists that the key=value notation has.
fn read_hosts(text: &str, found: &mut Parameters, problems: &mut Vec<String>) {
    let (mut names, mut ports) = (Vec::new(), Vec::new());
    for host in text.split(',') {
        let (name, port) = match host.strip_prefix('[') {
            Some(rest) => match rest.split_once(']') {
                Some((name, "")) => (name, ""),
                Some((name, port)) if port.starts_with(':') => (name, &port[1..]),
                _ => return problems.push("an IPv6 address is written [::1] or [::1]:5432".into()),
            },
            None => host.split_once(':').unwrap_or((host, "")),
        };
        if !port.chars().all(|c| c.is_ascii_digit()) {
            // What stands here can be a password whose `/` is not encoded.
            problems.push(format!(
                "the port in the URL is not a number; if a part of the password stands there: {ENCODE}"
            ));
        }
        names.push(name);
        ports.push(port);
    }
    if names.iter().any(|name| !name.is_empty()) {
        put("host", &names.join(","), found, problems);
    }
    if ports.iter().any(|port| !port.is_empty()) {
        put("port", &ports.join(","), found, problems);
    }
}

fn parameter(pair: &str, found: &mut Parameters, problems: &mut Vec<String>) {
    let Some((name, value)) = pair.split_once('=') else {
        return problems.push(format!("a parameter after ? in the URL has no =; {ENCODE}"));
    };
    match (decode(name), decode(value)) {
        (Ok(name), Ok(value)) if name == "ssl" && value == "true" => {
            found.set("sslmode", "require".into());
        }
        (Ok(name), Ok(value)) => match parameters::known(&name) {
            Some(name) => found.set(name, value),
            None => problems.push(parameters::unknown(&name, false)),
        },
        (Err(problem), _) | (_, Err(problem)) => problems.push(problem),
    }
}

/// Decodes and keeps what is not empty: in a URL, an empty part says nothing.
fn put(name: &'static str, text: &str, found: &mut Parameters, problems: &mut Vec<String>) {
    match decode(text) {
        Ok(value) if value.is_empty() => {}
        Ok(value) => found.set(name, value),
        Err(problem) => problems.push(problem),
    }
}

fn decode(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16));
        match (digit(), digit()) {
            (Some(0), Some(0)) => return Err("the URL contains %00, which no name can have".into()),
            (Some(high), Some(low)) => bytes.extend(u8::try_from(high * 16 + low)),
            _ => return Err(format!("the URL has a % without two hex digits; {ENCODE}")),
        }
    }
    String::from_utf8(bytes).map_err(|_| "the URL's percent-encoding is not UTF-8".into())
}
