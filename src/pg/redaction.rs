//! What of a server's message may be shown without `-verbose`: messages about data repeat values of rows.
//! They are worded by their SQLSTATE, with the column that COPY names.

use tokio_postgres::error::{DbError, ErrorPosition, Severity};

use super::failure::one_line;

/// A server's message in two parts.
pub struct Message {
    /// What may be shown to everybody.
    pub text: String,
    /// What can repeat values of rows: shown with `-verbose` only.
    pub detail: Option<String>,
    pub hint: Option<String>,
    /// The constraint that is violated.
    pub constraint: Option<String>,
}

impl Message {
    /// Sorts what a server said during `action` into what everybody may see and what may repeat values of rows.
    pub fn of(said: &DbError, action: &str) -> Self {
        let (state, context) = (said.code().code(), said.where_().unwrap_or_default());
        let own = said.detail().map(str::to_owned);
        let (hint, constraint) = (said.hint().map(one_line), said.constraint().map(str::to_owned));
        let message = one_line(said.message());
        if is_of_a_user(said) {
            let text = match function(context) {
                Some(name) => format!("an error that function {name} raised"),
                None => "an error that a function of the database raised".to_owned(),
            };
            return Self::without_words(&format!("{text} (-verbose shows its words)"), said);
        }
        let is_new = is_of_a_new_object(said, action);
        let (is_data, is_known) =
            (state.starts_with("22") && !is_new, is_new || holds_no_value(said));
        if !is_data && !is_known {
            return Self::without_words(worded_object(state), said);
        }
        if !is_data {
            // Violations name their constraint, and have the row in the detail.
            return Self { text: message, detail: own, hint, constraint };
        }
        let mut text = worded(state, said.message()).unwrap_or("a value is not valid".to_owned());
        if let Some(column) = column(context) {
            text += &format!(" in column {column}");
        }
        let context = context.lines().find(|line| line.starts_with("COPY ")).map(one_line);
        let all = [Some(message), own, context].into_iter().flatten();
        Self { text, detail: Some(all.collect::<Vec<_>>().join("; ")), hint, constraint }
    }

    /// All that the server said is for `-verbose`; everybody sees `text`.
    fn without_words(text: &str, said: &DbError) -> Self {
        let all = [Some(said.message()), said.detail(), said.hint(), said.constraint()]
            .into_iter()
            .flatten();
        let detail = all.map(one_line).collect::<Vec<_>>().join("; ");
        Self { text: text.to_owned(), detail: Some(detail), hint: None, constraint: None }
    }
}

/// Classes of SQLSTATEs whose messages name constraints, servers, locks and resources, and no value.
const OF_NO_VALUE: [&str; 9] = ["08", "23", "25", "26", "28", "40", "44", "53", "57"];

/// Source files of PostgreSQL that word messages from names of the catalog or of the statement. Beside them
/// there are those of the input of types and of functions: they quote the values that they are given.
const OF_NAMES: [&str; 65] = [
    "aclchk.c",
    "alter.c",
    "bufmgr.c",
    "cluster.c",
    "comment.c",
    "copy.c",
    "copyfrom.c",
    "copyto.c",
    "define.c",
    "dependency.c",
    "dfmgr.c",
    "dropcmds.c",
    "event_trigger.c",
    "execMain.c",
    "execPartition.c",
    "execReplication.c",
    "execUtils.c",
    "extension.c",
    "fd.c",
    "fmgr.c",
    "heap.c",
    "heapam.c",
    "hio.c",
    "index.c",
    "indextuple.c",
    "lmgr.c",
    "lock.c",
    "md.c",
    "nbtdedup.c",
    "nbtinsert.c",
    "nbtsort.c",
    "nbtutils.c",
    "nodeModifyTable.c",
    "objectaddress.c",
    "partbounds.c",
    "partition.c",
    "plancache.c",
    "policy.c",
    "portalmem.c",
    "postgres.c",
    "predicate.c",
    "prepare.c",
    "proc.c",
    "proclang.c",
    "relation.c",
    "relcache.c",
    "rewriteDefine.c",
    "rewriteHandler.c",
    "rls.c",
    "rowsecurity.c",
    "seclabel.c",
    "sequence.c",
    "snapmgr.c",
    "spgdoinsert.c",
    "stringinfo.c",
    "table.c",
    "tablespace.c",
    "toast_compression.c",
    "toast_internals.c",
    "trigger.c",
    "user.c",
    "utility.c",
    "vacuum.c",
    "view.c",
    "xact.c",
];

/// Whether a message cannot quote a value of a row: it is about the statement, or about names.
fn holds_no_value(said: &DbError) -> bool {
    let state = said.code().code();
    // What ends a session is about the session: a database that there is not, a server that stops.
    if matches!(said.parsed_severity(), Some(Severity::Fatal | Severity::Panic)) {
        return true;
    }
    if OF_NO_VALUE.iter().any(|class| state.starts_with(class)) || state == "55P03" {
        return true;
    }
    // The parser's, of a definition whose text a server no longer has at hand. What a function puts together has a context.
    let of_parser = ["parse_func.c", "parse_oper.c"];
    let is_parsed = said.file().is_some_and(|file| of_parser.iter().any(|one| file.ends_with(one)));
    if is_parsed && said.where_().is_none() {
        return true;
    }
    // Beside that of temporary tables, it words no right that is missing.
    if state == "42501" && said.file().is_some_and(|file| file.ends_with("namespace.c")) {
        return true;
    }
    let is_about_the_text = match said.position() {
        Some(ErrorPosition::Original(_)) => true,
        // The statement of a function, unless the function has put it together.
        Some(ErrorPosition::Internal { .. }) => {
            !said.where_().is_some_and(|context| context.contains(" at EXECUTE"))
        }
        None => false,
    };
    let of_names = |file: &str| {
        let is_command = file.ends_with("cmds.c")
            || file.starts_with("pg_")
            || file.starts_with("parse_utilcmd");
        is_command || OF_NAMES.contains(&file)
    };
    is_about_the_text || said.file().and_then(|file| file.rsplit('/').next()).is_some_and(of_names)
}

/// What is created before there are rows of it. Not types: a constraint of a domain is tried on rows.
const WITHOUT_ROWS: [&str; 7] =
    ["collation ", "function ", "partition ", "schema ", "sequence ", "table ", "text search "];

/// Whether a message is about what a statement wants of an object that it creates: names and features. What has a
/// context may be of a function that the statement calls, and about anything.
fn is_of_a_new_object(said: &DbError, action: &str) -> bool {
    let is_new = action
        .strip_prefix("creating ")
        .is_some_and(|title| WITHOUT_ROWS.iter().any(|kind| title.starts_with(kind)));
    // 22023 is of a storage option, a way of partitioning or a type's limit that an older server does not have.
    let is_of_names = ["0A000", "22023", "42P01", "42704"].contains(&said.code().code());
    is_new && is_of_names && said.where_().is_none()
}

/// The words for a message about an object that a value may name.
fn worded_object(state: &str) -> &'static str {
    match state {
        "42601" | "42602" => {
            "a value is not valid for its type (-verbose shows the server's words)"
        }
        "42P01" | "42703" | "42704" | "42883" | "3D000" | "3F000" => {
            "a value names what does not exist there (-verbose shows the server's words)"
        }
        _ => "the server's words may quote a value (-verbose shows them)",
    }
}

/// Whether the words for an object stand in place of the server's.
pub(super) fn is_hidden(message: &str) -> bool {
    ["(-verbose shows the server's words)", "(-verbose shows them)"]
        .iter()
        .any(|shows| message.ends_with(shows))
}

/// Whether all that a message quotes, and all that may be a value, stands in the statement.
pub(super) fn quotes_only(message: &str, statement: &str) -> bool {
    let plain = |text: &str| text.replace('"', "").to_lowercase();
    let statement = plain(statement);
    let quoted = message.split('"').skip(1).step_by(2);
    let numbered =
        message.split_whitespace().filter(|word| word.contains(|c: char| c.is_ascii_digit()));
    // These have a name without quotes at their end.
    let is_bare = ["permission denied for ", "must be owner of ", "must have ", "must be member "];
    let bare = message
        .split(' ')
        .next_back()
        .filter(|_| is_bare.iter().any(|start| message.starts_with(start)));
    quoted.chain(numbered).chain(bare).all(|name| statement.contains(&plain(name)))
}

/// The function of `PL/pgSQL function app.check_it(integer) line 3 at RAISE`.
fn function(context: &str) -> Option<String> {
    let (name, _) =
        context.lines().next()?.strip_prefix("PL/pgSQL function ")?.split_once(" line ")?;
    Some(one_line(name))
}

/// Whether a user's code worded the message: it may be about anything.
fn is_of_a_user(said: &DbError) -> bool {
    let raised_in = ["pl_exec.c", "plpy_elog.c", "plperl.c", "pltcl.c"];
    let raised = said.file().is_some_and(|file| raised_in.iter().any(|own| file.ends_with(own)));
    raised || said.code().code().starts_with("P0")
}

/// The words for an error in data. Of the server's message only what comes before a value is kept, and
/// only in a form that is known.
fn worded(state: &str, message: &str) -> Option<String> {
    let of_type = |start: &str| {
        let kind = message.strip_prefix(start)?.split(": ").next()?;
        Some(kind.to_owned()).filter(|kind| !kind.contains(['"', '\'']))
    };
    let out_of_range = || {
        let (_, kind) = message.rsplit_once("\" is out of range for type ")?;
        Some(format!("value out of range for type {kind}"))
    };
    let text = match state {
        "22001" => match of_type("value too long for type ") {
            Some(kind) => format!("value too long for type {kind}"),
            None => "value too long for its type".to_owned(),
        },
        "22003" => out_of_range().unwrap_or_else(|| "number out of range".to_owned()),
        "22P02" | "22007" => {
            let kind = of_type("invalid input syntax for type ");
            let kind = kind.or_else(|| of_type("invalid input value for enum "));
            match kind {
                Some(kind) => format!("invalid value for type {kind}"),
                None => "invalid value for its type".to_owned(),
            }
        }
        "22008" => "date or time out of range".to_owned(),
        "22012" => "division by zero".to_owned(),
        "22021" => "bytes that are no text in the database's encoding".to_owned(),
        "22P03" => "invalid binary value".to_owned(),
        "22P04" => "rows that do not fit the table".to_owned(),
        "22P05" => "a character that the database's encoding does not have".to_owned(),
        "22P06" | "22023" | "22025" => "invalid parameter".to_owned(),
        "2200M" | "2200N" | "2200S" | "2200T" => "invalid XML".to_owned(),
        _ => return None,
    };
    Some(text)
}

/// The column of `COPY stage, line 3, column total: "abc"`.
fn column(context: &str) -> Option<String> {
    let line = context.lines().find(|line| line.starts_with("COPY "))?;
    let (_, after) = line.split_once(", column ")?;
    let name = after.split(": ").next()?;
    (!name.is_empty()).then(|| one_line(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_shown_of_a_statement_in_which_all_stands_that_they_quote() {
        let cases = [
            (r#"relation "app.nope" does not exist"#, r#"truncate App."nope""#, true),
            (r#"relation "secret" does not exist"#, "select note::regclass from t", false),
            ("permission denied for table t", "delete from app.t", true),
            ("permission denied for sequence secret", "select nextval(note) from t", false),
            ("permission denied for large object 4711", "select lo_get(id) from t", false),
            (
                r#"permission denied to set parameter "work_mem""#,
                "alter system set work_mem = 1",
                true,
            ),
            ("must be superuser to execute ALTER SYSTEM command", "alter system set a = 1", true),
        ];
        for (message, statement, expected) in cases {
            assert_eq!(quotes_only(message, statement), expected, "{message}");
        }
    }

    #[test]
    fn only_what_comes_before_a_value_is_kept() {
        let secret = "4111";
        let cases = [
            (
                "22P02",
                "invalid input syntax for type integer: \"4111\"",
                "invalid value for type integer",
            ),
            (
                "22007",
                "invalid input syntax for type date: \"4111\"",
                "invalid value for type date",
            ),
            ("22P02", "invalid input value for enum mood: \"4111\"", "invalid value for type mood"),
            (
                "22P02",
                "ungültige Eingabesyntax für Typ integer: »4111«",
                "invalid value for its type",
            ),
            (
                "22003",
                "value \"4111\" is out of range for type smallint",
                "value out of range for type smallint",
            ),
            ("22003", "integer out of range", "number out of range"),
            (
                "22001",
                "value too long for type character varying(3)",
                "value too long for type character varying(3)",
            ),
            ("22008", "date/time field value out of range: \"4111\"", "date or time out of range"),
        ];
        for (state, message, expected) in cases {
            let text = worded(state, message).unwrap_or_default();
            assert_eq!(text, expected);
            assert!(!text.contains(secret));
        }
    }

    #[test]
    fn of_a_copy_only_the_column_is_kept() {
        let context = "COPY pgsync_stage, line 3, column total: \"4111\"\nSQL function \"x\"";
        assert_eq!(column(context).as_deref(), Some("total"));
        assert_eq!(column("COPY pgsync_stage, line 3: \"1\t4111\""), None);
        assert_eq!(column("PL/pgSQL function f() line 1"), None);
    }
}
