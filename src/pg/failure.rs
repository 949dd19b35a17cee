//! Turns what the driver reports into [`Error`]: whose failure, doing what, why, and what to try.
//!
//! The driver's own `Display` says `db error` and keeps the reason in its sources; here they are taken
//! out. Nothing here sees a password.

use std::error::Error as StdError;
use std::future::{Ready, ready};
use std::io;

use chrono::{DateTime, Utc};
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError};
use tokio::io::Empty;
use tokio_postgres::Config;
use tokio_postgres::config::{SslMode, SslNegotiation};
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::{NoTlsStream, TlsConnect};

use super::redaction::{Message, is_hidden, quotes_only};
use super::rights::{OWNER, inner_right, looked_up};
use crate::ddl_step::is_step;
use crate::error::{Cause, DbError, Error, IF_NULLABLE, Side};
use crate::ident::{Ident, TableName};

/// What went wrong, before side and deed are known.
pub(super) struct Reason {
    pub cause: Cause,
    pub message: String,
    pub hint: Option<String>,
}

impl Reason {
    /// A connection that failed: another try may succeed.
    pub fn connection(message: impl Into<String>) -> Self {
        Self { cause: Cause::Connection, message: message.into(), hint: None }
    }

    /// A server or a setting that refuses: another try would fail, too.
    pub fn refused(message: impl Into<String>) -> Self {
        Self { cause: Cause::Refused, message: message.into(), hint: None }
    }

    /// Says what to try.
    pub fn hint(self, hint: &str) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Makes it an error of a side and of what was being done there.
    pub fn error(self, side: Side, doing: impl Into<String>) -> Error {
        Error::Database(Box::new(DbError {
            side,
            action: doing.into(),
            sqlstate: None,
            message: self.message,
            detail: None,
            hint: self.hint,
            constraint: None,
            inner_right: None,
            cause: self.cause,
        }))
    }
}

/// An error of ours as one of the driver's, for interfaces that know no other; [`db_error`] takes it out
/// again, with side and deed as they were. The driver makes its errors itself: this one is of a handshake
/// that failed.
pub(super) async fn carried(error: Error) -> tokio_postgres::Error {
    let mut config = Config::new();
    config.ssl_mode(SslMode::Require).ssl_negotiation(SslNegotiation::Direct);
    match config.connect_raw(tokio::io::empty(), Failing(error)).await {
        Err(error) => error,
        Ok(_) => unreachable!("there is no such stream"),
    }
}

/// A handshake that fails with this error.
struct Failing(Error);

impl TlsConnect<Empty> for Failing {
    type Stream = NoTlsStream;
    type Error = Error;
    type Future = Ready<Result<NoTlsStream, Error>>;

    fn connect(self, _: Empty) -> Self::Future {
        ready(Err(self.0))
    }
}

/// What lets a column take the NULL of a row that was refused: a partition's may be NOT NULL where that of its table is not.
fn takes_no_null(said: &tokio_postgres::error::DbError) -> Option<String> {
    let is_of_row = said.code() == &SqlState::NOT_NULL_VIOLATION
        && said.message().starts_with("null value in column ");
    let (schema, table) = said.schema().zip(said.table()).filter(|_| is_of_row)?;
    let table = TableName { schema: Ident::new(schema), name: Ident::new(table) };
    let column = Ident::new(said.column()?).typed();
    let is_own = schema.starts_with("pg_");
    (!is_own).then(|| {
        format!(
            "{IF_NULLABLE}: run on the target: alter table {} alter column {column} drop not null",
            table.typed()
        )
    })
}

/// The driver's error with its reason taken out. What a server said is kept, but for
/// values of rows, which are in the detail; `doing` is what was under way, as it follows "while".
pub fn db_error(side: Side, doing: impl Into<String>, err: tokio_postgres::Error) -> Error {
    if let Some(own) = err.source().and_then(|source| source.downcast_ref::<Error>()) {
        return own.clone();
    }
    let Some(said) = err.as_db_error() else {
        return reason(&err).error(side, doing);
    };
    let action = doing.into();
    let Message { text, detail, hint, constraint } = Message::of(said, &action);
    let hint = hint.or_else(|| takes_no_null(said));
    let is_denied = said.code() == &SqlState::INSUFFICIENT_PRIVILEGE;
    let hint = hint.or_else(|| is_denied.then(|| missing_right(side, &action, &text)).flatten());
    let hint = match looked_up(said) {
        Some(table) => hint.map(|hint| {
            hint.replace(&format!(" to {}", role_of(side)), &format!("{OWNER}{table}"))
        }),
        None => hint,
    };
    Error::Database(Box::new(DbError {
        side,
        action,
        sqlstate: Some(said.code().code().into()),
        message: text,
        detail,
        hint,
        constraint,
        inner_right: inner_right(said),
        cause: Cause::Server,
    }))
}

/// The error of a statement that a user wrote, with the server's words if they quote nothing but what stands in it.
pub fn with_words_of(statement: &str, error: Error) -> Error {
    let Error::Database(mut said) = error else { return error };
    let words =
        said.detail.take_if(|words| is_hidden(&said.message) && quotes_only(words, statement));
    let is_of_names = |state: &String| OF_NAMES.iter().any(|class| state.starts_with(class));
    if let Some(words) = words.filter(|_| said.sqlstate.as_ref().is_some_and(is_of_names)) {
        said.hint = missing_right(said.side, &said.action, &words);
        said.message = words;
    }
    Error::Database(said)
}

/// Classes of SQLSTATEs whose messages name objects.
const OF_NAMES: &[&str] = &["42", "3D", "3F"];

/// The right that a server misses, as a statement. It does not say which right of a schema or a table is missing:
/// what is being done tells. Tables, types and functions it names without their schema.
fn missing_right(side: Side, action: &str, message: &str) -> Option<String> {
    const TEMPORARY: &str = "permission denied to create temporary tables in database ";
    let (kind, name) = match message.strip_prefix(TEMPORARY) {
        Some(name) => ("temporary", name),
        None => message.strip_prefix("permission denied for ")?.split_once(' ')?,
    };
    // A session that is refused has the name of its database in quotes.
    let bare = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
    let creates = is_step(action);
    let right = match kind {
        "temporary" => "temporary on database",
        "schema" if creates => "usage, create on schema",
        "schema" => "usage on schema",
        "database" if bare.is_some() => "connect on database",
        "database" => "create on database",
        "type" => "usage on type",
        "function" => "execute on function",
        "sequence" if side == Side::Source => "select on sequence",
        "sequence" => "select, update on sequence",
        // PostgreSQL 10 calls a table a relation.
        "table" | "relation" if creates => "references on table",
        "table" | "relation" if action.contains("sync_log") => "select, insert, update on table",
        "table" | "relation" => "select on table",
        _ => return None,
    };
    let name = Ident::new(bare.unwrap_or(name)).typed();
    Some(format!("grant {right} {name} to {}", role_of(side)))
}

/// The right that is missing, as a statement: that of this table with its schema, which servers leave out.
pub fn grant_on(table: &TableName, error: &DbError) -> Option<String> {
    let grant = error.hint.as_ref().filter(|hint| hint.starts_with("grant "))?;
    let on = |name: &str| format!(" on table {name} to ");
    Some(grant.replacen(&on(&table.name.typed()), &on(&table.typed()), 1))
}

/// What a role is called where nobody knows its name.
fn role_of(side: Side) -> &'static str {
    match side {
        Side::Source => "the source role",
        Side::Target => "the target role",
    }
}

/// The error with a grant that names the role that it is for.
pub(super) fn to_role(error: Error, role: Option<&Ident>) -> Error {
    let Error::Database(mut said) = error else { return error };
    let Some(role) = role else { return Error::Database(said) };
    let nobody = format!(" to {}", role_of(said.side));
    let is_grant = |hint: &String| hint.starts_with("grant ") && hint.ends_with(&nobody);
    if let Some(hint) = said.hint.as_mut().filter(|hint| is_grant(hint)) {
        hint.truncate(hint.len() - nobody.len());
        hint.push_str(&format!(" to {}", role.typed()));
    }
    Error::Database(said)
}

/// Classes of SQLSTATEs whose messages speak of statements, rights and servers, and of no value of a row.
const WITHOUT_VALUES: &[&str] =
    &["08", "0A", "25", "26", "28", "3D", "3F", "40", "42", "53", "54", "55", "57", "58"];

/// Whether the words of an error may quote a value.
pub fn may_quote_a_value(said: &DbError) -> bool {
    let is_plain = |state: &String| WITHOUT_VALUES.iter().any(|class| state.starts_with(class));
    said.cause == Cause::Server && !said.sqlstate.as_ref().is_some_and(is_plain)
}

/// What PostgreSQL calls the errors that expressions of users most often end with (appendix A of its manual).
const CONDITIONS: &[(&str, &str)] = &[
    ("21000", "cardinality_violation"),
    ("22001", "string_data_right_truncation"),
    ("22003", "numeric_value_out_of_range"),
    ("22004", "null_value_not_allowed"),
    ("22007", "invalid_datetime_format"),
    ("22008", "datetime_field_overflow"),
    ("22009", "invalid_time_zone_displacement_value"),
    ("22011", "substring_error"),
    ("22012", "division_by_zero"),
    ("22015", "interval_field_overflow"),
    ("2201B", "invalid_regular_expression"),
    ("22021", "character_not_in_repertoire"),
    ("22023", "invalid_parameter_value"),
    ("22025", "invalid_escape_sequence"),
    ("22030", "duplicate_json_object_key_value"),
    ("22032", "invalid_json_text"),
    ("22033", "invalid_sql_json_subscript"),
    ("2203A", "sql_json_member_not_found"),
    ("22P02", "invalid_text_representation"),
    ("22P03", "invalid_binary_representation"),
    ("22P05", "untranslatable_character"),
    ("2200M", "invalid_xml_document"),
    ("23502", "not_null_violation"),
    ("23514", "check_violation"),
    ("P0001", "raise_exception"),
    ("XX000", "internal_error"),
];

/// ` (SQLSTATE 22007, invalid_datetime_format)`
pub fn condition(said: &DbError) -> String {
    let Some(state) = &said.sqlstate else { return String::new() };
    let name = CONDITIONS.iter().find(|(code, _)| code == state);
    let name = name.map(|(_, name)| format!(", {name}")).unwrap_or_default();
    format!(" (SQLSTATE {state}{name})")
}

/// The error without words that may quote a value which is masked.
pub(super) fn without_values(error: Error) -> Error {
    let Error::Database(mut said) = error else { return error };
    if may_quote_a_value(&said) {
        let broken = said
            .constraint
            .as_ref()
            .filter(|_| said.sqlstate.as_ref().is_some_and(|state| state.starts_with("23")));
        let broken = broken
            .map(|name| format!("a value violates the constraint \"{name}\"; "))
            .unwrap_or_default();
        said.message = format!(
            "{broken}the server's words are left out, for they may quote a value that is masked"
        );
        said.hint = None;
    }
    said.detail = None;
    Error::Database(said)
}

/// Why, when no server said it.
fn reason(err: &tokio_postgres::Error) -> Reason {
    if let Some(fault) = tls_fault(err) {
        return tls_reason(fault);
    }
    if err.is_closed() {
        return Reason::connection("the connection was closed");
    }
    match err.source() {
        None => Reason::refused(err.to_string()),
        Some(source) => match source.downcast_ref::<io::Error>() {
            Some(fault) => io_reason(fault, err),
            None => said_by_the_driver(&source.to_string(), err),
        },
    }
}

/// Only the wording hangs on the driver's text; that trying again is useless holds for all of these.
fn said_by_the_driver(text: &str, err: &tokio_postgres::Error) -> Reason {
    match text {
        "password missing" => Reason::refused(NO_PASSWORD)
            .hint("put it into ~/.pgpass, in a line that fits host, port, database and role, or into the variable PGPASSWORD"),
        // Any answer but "yes" counts as that to the driver.
        "server does not support TLS" => {
            Reason::refused("the server does not offer TLS, which sslmode asks for")
                .hint("check that a PostgreSQL server with ssl = on listens there")
        }
        "server did not use channel binding" => Reason::refused(
            "the server does not offer channel binding, which channel_binding asks for",
        ),
        _ => Reason::refused(one_line(&format!("{err}: {text}"))),
    }
}

/// The driver was to send a password and has none.
pub(super) const NO_PASSWORD: &str = "the server asks for a password, and none is given";

/// The connection ended before a message did.
pub(super) const CUT_SHORT: &str = "the server closed the connection in the middle of an answer";

pub(super) fn io_reason(fault: &io::Error, context: &dyn StdError) -> Reason {
    use io::ErrorKind as Kind;
    match fault.kind() {
        Kind::UnexpectedEof => Reason::connection("the server closed the connection"),
        // The driver's word, not the operating system's, for `target_session_attrs`. A standby may be
        // promoted while we wait, so it counts as a connection that could not be made.
        Kind::PermissionDenied if fault.raw_os_error().is_none() => Reason::connection(
            "the session is read-only, and target_session_attrs asks for read-write",
        ),
        Kind::InvalidInput | Kind::InvalidData if fault.raw_os_error().is_none() => {
            Reason::refused(one_line(&format!("{context}: {fault}")))
        }
        // The driver's word.
        Kind::Other if fault.to_string() == "bytes remaining on stream" => {
            Reason::connection(CUT_SHORT)
        }
        _ => Reason::connection(os_words(fault)),
    }
}

/// The operating system's words as part of our sentence: `connection refused`.
pub(super) fn os_words(fault: &io::Error) -> String {
    let text = fault.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let text = text.strip_prefix("failed to lookup address information: ").unwrap_or(text);
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => fault.kind().to_string(),
    }
}

/// The TLS library's error, which hides inside an `io::Error` that does not name it as its source.
fn tls_fault<'a>(err: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let inner = |err: &'a (dyn StdError + 'static)| err.downcast_ref::<io::Error>()?.get_ref();
    std::iter::successors(Some(err), |&err| err.source()).find_map(|err| {
        err.downcast_ref::<rustls::Error>().or_else(|| inner(err)?.downcast_ref::<rustls::Error>())
    })
}

fn tls_reason(fault: &rustls::Error) -> Reason {
    match fault {
        rustls::Error::InvalidCertificate(why) => certificate_reason(why),
        rustls::Error::AlertReceived(alert) => alert_reason(*alert),
        rustls::Error::InvalidMessage(why) => Reason::refused(format!(
            "TLS failed: what answers there sent no message of TLS ({why:?}); is it a PostgreSQL server?"
        )),
        other => Reason::refused(format!("TLS failed: {other}")),
    }
}

fn certificate_reason(why: &CertificateError) -> Reason {
    match why {
        CertificateError::NotValidForNameContext { expected, presented } => {
            Reason::refused(format!(
                "the server's certificate is not valid for the name {} (it names {})",
                expected.to_str(),
                if presented.is_empty() { "none".into() } else { presented.join(", ") },
            ))
            .hint("connect by a name it holds, or use sslmode=verify-ca")
        }
        CertificateError::ExpiredContext { not_after, .. } => {
            Reason::refused(format!("the server's certificate expired on {}", day(*not_after)))
        }
        CertificateError::NotValidYetContext { not_before, .. } => Reason::refused(format!(
            "the server's certificate is not valid before {}",
            day(*not_before)
        )),
        CertificateError::UnknownIssuer => {
            Reason::refused("the server's certificate comes from an unknown authority")
                .hint("name its root certificate with sslrootcert")
        }
        CertificateError::Other(why) if why.to_string().contains("CaUsedAsEndEntity") => {
            Reason::refused(
                "the server's certificate is self-signed, and the file of sslrootcert does not hold it",
            )
            .hint("ask for the server's certificate, and name its file: sslrootcert=FILE")
        }
        CertificateError::Other(why) => {
            Reason::refused(format!("the server's certificate cannot be used: {}", why.0))
        }
        other => Reason::refused(format!("the server's certificate cannot be used: {other}")),
    }
}

fn alert_reason(alert: AlertDescription) -> Reason {
    use AlertDescription as Alert;
    match alert {
        Alert::CertificateRequired
        | Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateRevoked
        | Alert::CertificateExpired
        | Alert::CertificateUnknown
        | Alert::UnknownCA
        | Alert::AccessDenied => Reason::refused(format!(
            "the server does not accept the client certificate ({alert:?})"
        ))
        .hint("check sslcert and sslkey"),
        other => Reason::refused(format!("the server refused TLS: {other:?}")),
    }
}

fn day(time: UnixTime) -> String {
    i64::try_from(time.as_secs())
        .ok()
        .and_then(|seconds| DateTime::<Utc>::from_timestamp(seconds, 0))
        .map_or_else(|| "an unknown day".into(), |time| time.format("%Y-%m-%d").to_string())
}

pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio_postgres::NoTls;

    use super::*;

    #[test]
    fn a_right_that_is_missing_is_named_with_its_grant() {
        let cases = [
            ("reading", "schema ref", Some("grant usage on schema ref to x")),
            ("creating table a.t", "schema a", Some("grant usage, create on schema a to x")),
            ("reading", "schema a b; drop", Some("grant usage on schema \"a b; drop\" to x")),
            ("reading", "database shop", Some("grant create on database shop to x")),
            ("reading", "database \"shop\"", Some("grant connect on database shop to x")),
            ("reading", "type mood", Some("grant usage on type mood to x")),
            ("reading", "function f", Some("grant execute on function f to x")),
            ("reading", "table t", Some("grant select on table t to x")),
            ("reading", "relation t", Some("grant select on table t to x")),
            ("creating foreign key f of a.t", "table t", Some("grant references on table t to x")),
            ("reading", "language c", None),
        ];
        for (action, place, hint) in cases {
            let said = Error::Database(Box::new(DbError {
                side: Side::Source,
                action: action.to_owned(),
                sqlstate: None,
                message: String::new(),
                detail: None,
                hint: missing_right(
                    Side::Source,
                    action,
                    &format!("permission denied for {place}"),
                ),
                constraint: None,
                inner_right: None,
                cause: Cause::Server,
            }));
            let Error::Database(said) = to_role(said, Some(&Ident::new("x"))) else {
                unreachable!()
            };
            let said = said.hint;
            assert_eq!(said.as_deref(), hint);
        }
    }

    /// What a session makes of an error that a server reports: `fields` are those of the protocol.
    async fn reported(action: &str, fields: &[String]) -> Error {
        let (client, mut server) = tokio::io::duplex(4096);
        let body = format!("SERROR\0VERROR\0{}\0\0", fields.join("\0"));
        let length = u32::try_from(body.len() + 4).expect("a short message");
        let message = [b"E", length.to_be_bytes().as_slice(), body.as_bytes()].concat();
        server.write_all(&message).await.expect("it fits");
        let config = Config::new().user("x").ssl_mode(SslMode::Disable).clone();
        let refused = config.connect_raw(client, NoTls).await.err().expect("an error");
        db_error(Side::Target, action, refused)
    }

    #[tokio::test]
    async fn what_a_new_object_asks_for_is_told_and_what_may_be_of_a_row_is_not() {
        let lz4 = "compression method lz4 not supported";
        let missing = "relation \"public.pk\" does not exist";
        let card = "relation \"4111\" does not exist";
        let cases = [
            ("creating table public.one", "0A000", lz4, "a.c", "", true),
            ("creating column public.one.c", "0A000", lz4, "toast_compression.c", "", true),
            ("creating partition public.pk0", "42P01", missing, "namespace.c", "", true),
            ("creating function public.f()", "42704", missing, "namespace.c", "", true),
            ("creating table public.one", "42P01", card, "a.c", "SQL function \"f\"", false),
            ("creating constraint c of public.t", "42P01", card, "namespace.c", "", false),
            ("creating type public.d", "42P01", card, "namespace.c", "", false),
            ("creating column public.t.c", "0A000", card, "a.c", "", false),
            ("writing a batch", "42P01", card, "namespace.c", "", false),
        ];
        for (action, state, words, file, context, is_told) in cases {
            let mut fields = vec![format!("C{state}"), format!("M{words}"), format!("F{file}")];
            fields.extend((!context.is_empty()).then(|| format!("W{context}")));
            let Error::Database(error) = reported(action, &fields).await else { unreachable!() };
            assert_eq!(error.message.contains(words), is_told, "{action}: {}", error.message);
            assert_eq!(error.detail.is_none(), is_told, "{action}");
        }
    }

    #[tokio::test]
    async fn an_error_that_the_driver_carries_comes_back_as_it_was() {
        let own = Reason::connection("no answer within 5 s").hint("wait").error(Side::Target, "x");
        let back = db_error(Side::Source, "y", carried(own.clone()).await);
        assert_eq!(format!("{back:?}"), format!("{own:?}"));
    }
}
