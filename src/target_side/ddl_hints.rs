//! What to do about a statement of a definition that the target refuses, where the server leaves it open, or says it to
//! somebody who can write the statement in another way.

use crate::ddl_step::Step;
use crate::error::{DbError, Error};
use crate::schema_object::Kind;
use crate::sql::statement::Statement;

/// Of functions that the source has and the target lacks.
const MISSING_FUNCTION: &str = "create it on the target first (\\sf in psql on the source prints its definition); pgsync \
                                creates functions in SQL and PL/pgSQL, but not those that are SECURITY DEFINER or have a \
                                body of BEGIN ATOMIC";
const NO_BUILT_IN: &str = "the target's version of PostgreSQL has no such function, and the source's words its definition \
                           with it: create the object on the target by hand, in words that the target knows";
const FOUND_BY_PATH: &str = "on the source a function that the definition calls finds it by the search_path of the session: set the same \
                             for the target's role or database (alter role … set search_path = …, as `show search_path` \
                             prints it on the source), or for that function (alter function … set search_path = …)";
const MISSING_OPERATOR: &str = "a column has another type on the target, as a note of this run then tells with the statement that changes \
                                it; or pgsync creates no operators: create it on the target first (one of PostgreSQL's own is \
                                missing where the target's version lacks it)";
/// Where the server's words are not told.
const MISSING_FUNCTION_OR_OPERATOR: &str = "a column has another type on the target, as a note of this run then tells with the statement that \
                                            changes it; or the target has no such function or operator: create it there first";
const AMBIGUOUS: &str = "the target has other functions or operators of this name than the source: compare them (\\df and \\do \
                         in psql), and drop those that the source does not have";
const COMPUTED_BY_A_CHILD: &str = "from PostgreSQL 16 on a column of a child or a partition is generated only if its parent's is: make them \
                                   alike on the source, or exclude the table";
const OTHER_TYPE: &str = "an expression gives another type on the target than on the source: compare the functions, operators \
                          and casts that it uses";
const MISSING_CAST: &str =
    "pgsync creates no casts: create it on the target first (\\dC in psql lists them)";
const OTHER_COLLATION: &str = "an expression has another collation on the target than on the source: compare the functions and \
                               types that it uses";
const MISSING_TEXT_SEARCH: &str = "create it on the target first (\\dF+ and \\dFd+ in psql on the source describe it): pgsync creates those \
                                   that definitions of tables need, and those that stand in quotes in the body of a \
                                   function that it creates; if it is there, let the search path of the target role \
                                   lead to it (alter role … set search_path = …)";
const NOT_IMMUTABLE: &str = "a function that it uses is IMMUTABLE on the source and not on the target: compare them (\\df+ in psql)";
const NO_COMPRESSION: &str = "the target's server is built without it: create the table there by hand without it, or change it on the source \
                              (alter table … alter column … set compression pglz)";
const NO_FEATURE: &str = "the target's server does not have it: create the object there by hand in a form that it knows, or exclude the \
                          table";

const ROWS_OF_A_PARTITION: &str = "rows of the target still refer to rows of the partition: if the source has deleted those, this run does so, too, \
                                   and another run detaches the partition";

const TOO_OLD: &str = "the target's version of PostgreSQL does not have it: exclude the table, or do without it on the source";
const MISSING_TYPE: &str = "create it on the target first: pgsync creates no base types (CREATE TYPE … (INPUT = …)) and installs no software";

/// What replaces the server's hint, which is for somebody who can write the statement in another way.
fn instead_of_hint<'a>(
    error: &DbError,
    steps: impl IntoIterator<Item = &'a Step> + Clone,
) -> Option<String> {
    let message = &error.message;
    let hint = match error.sqlstate.as_deref()? {
        "42883" if message.starts_with("operator ") => MISSING_OPERATOR,
        "42883" if !message.starts_with("function ") => MISSING_FUNCTION_OR_OPERATOR,
        "42883" => return Some(of_missing_function(message, steps)),
        "42725" => AMBIGUOUS,
        "42611" | "42804" if is_about_a_child(message) => COMPUTED_BY_A_CHILD,
        // Of a foreign key's columns the detail says all.
        "42804" if error.detail.is_none() => OTHER_TYPE,
        "42P18" => OTHER_TYPE,
        "42846" => MISSING_CAST,
        "42P21" | "42P22" => OTHER_COLLATION,
        "42P17" if message.to_lowercase().contains("immutable") => NOT_IMMUTABLE,
        _ => return None,
    };
    Some(hint.to_owned())
}

/// What to do about `function similar_to_escape(unknown) does not exist`. Names without a schema are built in, unless
/// the search path leads elsewhere, or they stand in the body of a function.
fn of_missing_function<'a>(
    message: &str,
    steps: impl IntoIterator<Item = &'a Step> + Clone,
) -> String {
    let name = message.strip_prefix("function ").and_then(|rest| rest.split_once('('));
    let Some((name, _)) = name else { return MISSING_FUNCTION.to_owned() };
    let own = name.rsplit('.').next().unwrap_or(name).trim_matches('"');
    let mut unmade = steps.clone().into_iter().flat_map(|step| &step.unmade);
    if let Some(unmade) = unmade.find(|unmade| unmade.name.as_str() == own) {
        return format!("on the source it is {}: {MISSING_FUNCTION}", unmade.what);
    }
    if name.contains('.') {
        return MISSING_FUNCTION.to_owned();
    }
    let call = format!("{name}(");
    let mut statements = steps.clone().into_iter().flat_map(|step| &step.statements);
    if !statements.any(|statement| statement.as_str().contains(&call)) {
        return FOUND_BY_PATH.to_owned();
    }
    let is_qualified = steps.into_iter().all(|step| step.path.is_empty());
    let hint = if is_qualified { NO_BUILT_IN } else { MISSING_FUNCTION };
    hint.to_owned()
}

/// Says what to do where the server leaves it open.
pub(super) fn explained<'a>(
    error: Error,
    steps: impl IntoIterator<Item = &'a Step> + Clone,
) -> Error {
    if let Some(hint) = of_extension(&error, steps.clone()) {
        return with_hint(error, hint);
    }
    let hint = match error.sqlstate() {
        Some("42501") => {
            "let the owner run the statements that `pgsync schema` prints, or grant the right"
        }
        Some("42P07" | "42710") => {
            "something else has that name on the target, such as an index of a table that was renamed on the \
             source: drop or rename it, or exclude the table"
        }
        // Of something that was made since the run looked.
        Some("0A000") if is_about_a_held_column(&error) => return error,
        Some("0A000") if is_about_compression(&error) => {
            return with_hint(error, NO_COMPRESSION.to_owned());
        }
        Some("0A000") => NO_FEATURE,
        Some("42704") if is_about_text_search(&error) => MISSING_TEXT_SEARCH,
        Some("23503") if is_about_a_partition(&error) => ROWS_OF_A_PARTITION,
        Some("42704") if is_built_in(&error) => TOO_OLD,
        Some("42704") if is_about_a_type(&error) => MISSING_TYPE,
        Some("58P01" | "42704") => "create it on the target first: pgsync installs no software",
        _ => return with_true_hint(error, steps),
    };
    match error {
        Error::Database(mut error) => {
            error.hint.get_or_insert_with(|| hint.to_owned());
            Error::Database(error)
        }
        other => other,
    }
}

/// What to do about an extension that is not created: the server's hint is a right that the role need not have.
fn of_extension<'a>(error: &Error, steps: impl IntoIterator<Item = &'a Step>) -> Option<String> {
    let before = match error.sqlstate()? {
        "42501" => "run there as a superuser",
        // PostgreSQL 10 and 11 do not find the file.
        "0A000" | "58P01" => {
            "install its software on the target's server, then run there as a superuser"
        }
        _ => return None,
    };
    let steps: Vec<&Step> = steps.into_iter().collect();
    let [step] = steps.as_slice() else { return None };
    let statements = step.statements.iter().map(Statement::on_one_line);
    let statements = statements.collect::<Vec<_>>().join("; ");
    (step.kind == Kind::Extension).then(|| format!("{before}: {statements}"))
}

fn with_hint(error: Error, hint: String) -> Error {
    match error {
        Error::Database(error) => Error::Database(Box::new(DbError { hint: Some(hint), ..*error })),
        other => other,
    }
}

/// Whether a server is built without a method of compression, such as lz4.
fn is_about_compression(error: &Error) -> bool {
    let Error::Database(error) = error else { return false };
    error.message.starts_with("compression method ")
}

/// Whether rows refer to a partition that is detached.
fn is_about_a_partition(error: &Error) -> bool {
    let Error::Database(error) = error else { return false };
    error.message.starts_with("removing partition ")
}

/// Whether a type or an operator class of PostgreSQL's own is missing.
fn is_built_in(error: &Error) -> bool {
    let Error::Database(error) = error else { return false };
    let words = ["type \"pg_catalog.", "operator class \"pg_catalog."];
    words.iter().any(|word| error.message.starts_with(word))
}

fn is_about_a_type(error: &Error) -> bool {
    let Error::Database(error) = error else { return false };
    error.message.starts_with("type \"")
}

/// Whether something holds the type of a column.
fn is_about_a_held_column(error: &Error) -> bool {
    let Error::Database(error) = error else { return false };
    error.message.starts_with("cannot alter type of a column used by ")
}

/// Whether a child computes a column that its parent stores.
fn is_about_a_child(message: &str) -> bool {
    message.starts_with("child column ") && message.ends_with(" specifies generation expression")
        || message.ends_with(" in child table must not be a generated column")
}

/// Whether a configuration or a dictionary is missing; templates and parsers are software.
fn is_about_text_search(error: &Error) -> bool {
    let Error::Database(error) = error else { return false };
    let kinds = ["text search configuration ", "text search dictionary "];
    kinds.iter().any(|kind| error.message.starts_with(kind))
}

fn with_true_hint<'a>(error: Error, steps: impl IntoIterator<Item = &'a Step> + Clone) -> Error {
    match error {
        Error::Database(mut error) => {
            if let Some(hint) = instead_of_hint(&error, steps) {
                error.hint = Some(hint);
            }
            Error::Database(error)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Cause, Side};

    #[test]
    fn a_feature_that_the_server_lacks_is_not_to_be_installed() {
        let cases = [
            ("0A000", "compression method lz4 not supported", NO_COMPRESSION),
            ("0A000", "ICU is not supported in this build", NO_FEATURE),
            (
                "42704",
                "access method \"bloom\" does not exist",
                "create it on the target first: pgsync installs no software",
            ),
        ];
        for (state, message, hint) in cases {
            let error = Error::Database(Box::new(DbError {
                side: Side::Target,
                action: "creating table public.one".to_owned(),
                sqlstate: Some(state.to_owned()),
                message: message.to_owned(),
                detail: None,
                hint: None,
                constraint: None,
                inner_right: None,
                cause: Cause::Server,
            }));
            let Error::Database(error) = explained(error, []) else { unreachable!() };
            assert_eq!(error.hint.as_deref(), Some(hint), "{message}");
        }
    }
}
