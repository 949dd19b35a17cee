//! The password file: lines of `host:port:database:user:password`, the first match counts.

use crate::config::conninfo::{Address, Host, Secret};

/// The directory in which libpq looks for a socket; the file calls it `localhost`.
pub const DEFAULT_SOCKET: &str = "/var/run/postgresql";

/// The password for this host, database and user, if a line has one.
pub fn password(text: &str, host: &Host, database: &str, user: &str) -> Option<Secret> {
    let name = match &host.address {
        Address::Socket(folder) if folder == DEFAULT_SOCKET => "localhost",
        Address::Socket(name) | Address::Tcp(name) => name,
    };
    let port = host.port.to_string();
    let wanted = [name, port.as_str(), database, user];
    let matches = |field: &Field, wanted: &str| field.is_star || field.text == wanted;
    let lines = text.lines().map(|line| line.trim_end_matches('\r'));
    lines.filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = fields(line);
        let (password, place) = fields.get(..5)?.split_last()?;
        let is_ours = place.iter().zip(wanted).all(|(field, wanted)| matches(field, wanted));
        (is_ours && !password.text.is_empty()).then(|| Secret::new(password.text.as_str()))
    })
}

struct Field {
    text: String,
    /// `*`, but not `\*`.
    is_star: bool,
}

/// Splits at colons; `\:` and `\\` stand for the second character.
fn fields(line: &str) -> Vec<Field> {
    let mut fields = Vec::new();
    let (mut text, mut escaped) = (String::new(), false);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                escaped = true;
                text.extend(chars.next());
            }
            ':' => {
                let is_star = text == "*" && !escaped;
                fields.push(Field { text: std::mem::take(&mut text), is_star });
                escaped = false;
            }
            c => text.push(c),
        }
    }
    fields.push(Field { is_star: text == "*" && !escaped, text });
    fields
}
