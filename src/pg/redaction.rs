//! What of a server's message may be shown without `-verbose`: messages about data repeat values of rows.
//! They are worded by their SQLSTATE, with the column that COPY names.

use tokio_postgres::error::DbError;

use super::failure::one_line;

/// A server's message in two parts.
pub struct Message {
    /// What may be shown to everybody.
    pub text: String,
    /// What can repeat values of rows: shown with `-verbose` only.
    pub detail: Option<String>,
    pub hint: Option<String>,
}

impl Message {
    /// Sorts what a server said into what everybody may see and what may repeat values of rows.
    pub fn of(said: &DbError) -> Self {
        let (state, context) = (said.code().code(), said.where_().unwrap_or_default());
        let own = said.detail().map(str::to_owned);
        let hint = said.hint().map(one_line);
        let message = one_line(said.message());
        if is_of_a_user(said) {
            let text = "an error that a function of the database raised".to_owned();
            let all = [Some(message), own, hint].into_iter().flatten();
            return Self { text, detail: Some(all.collect::<Vec<_>>().join("; ")), hint: None };
        }
        if !state.starts_with("22") {
            // Violations name their constraint, and have the row in the detail.
            return Self { text: message, detail: own, hint };
        }
        let mut text = worded(state, said.message()).unwrap_or("a value is not valid".to_owned());
        if let Some(column) = column(context) {
            text += &format!(" in column {column}");
        }
        let context = context.lines().find(|line| line.starts_with("COPY ")).map(one_line);
        let all = [Some(message), own, context].into_iter().flatten();
        Self { text, detail: Some(all.collect::<Vec<_>>().join("; ")), hint }
    }
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
