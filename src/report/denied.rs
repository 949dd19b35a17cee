//! Rights that many tables lack: what one statement settles is said once. Pure: from errors to errors.

use crate::error::{DbError, Error, Side};

/// What one `GRANT` gives.
struct Grant<'e> {
    rights: &'e str,
    /// For a schema, a sequence and the like; a table may have none.
    word: Option<&'e str>,
    name: &'e str,
    role: &'e str,
}

impl<'e> Grant<'e> {
    /// Reads `grant select on public.item to reader`; none where it is another statement, or has an "or".
    fn read(statement: &'e str) -> Option<Self> {
        let rest = statement.strip_prefix("grant ")?;
        let (rights, rest) = rest.split_once(" on ")?;
        let (on, role) = rest.rsplit_once(" to ")?;
        let is_whole = on.matches('"').count() % 2 == 0;
        let is_plain = !role.contains(' ') && !on.contains('(') && is_whole;
        let is_word = |word: &str| word.chars().all(|c| c.is_ascii_lowercase());
        let (word, name) = match on.split_once(' ').filter(|(word, _)| is_word(word)) {
            Some((word, name)) => (Some(word), name),
            None => (None, on),
        };
        is_plain.then_some(Self { rights, word, name, role })
    }

    fn is_like(&self, other: &Self) -> bool {
        (self.rights, self.word, self.role) == (other.rights, other.word, other.role)
    }
}

/// A right that is missing, with all statements that give it.
struct Denied<'e> {
    error: &'e DbError,
    grants: Vec<Grant<'e>>,
}

impl<'e> Denied<'e> {
    fn of(error: &'e Error) -> Option<Self> {
        let Error::Database(error) = error else { return None };
        let hint = error.hint.as_deref().filter(|_| error.sqlstate.as_deref() == Some("42501"))?;
        let grants: Option<Vec<Grant<'e>>> = hint.split("; ").map(Grant::read).collect();
        Some(Self { error, grants: grants? })
    }

    fn is_like(&self, other: &Self) -> bool {
        let place = |error: &DbError| -> (Side, String) { (error.side, shape(&error.message)) };
        place(self.error) == place(other.error)
            && self.grants.len() == other.grants.len()
            && self.grants.iter().zip(&other.grants).all(|(own, other)| own.is_like(other))
    }
}

/// A message without the name of its table.
fn shape(message: &str) -> String {
    const TABLE: &str = "permission denied for table ";
    if message.starts_with(TABLE) { TABLE.to_owned() } else { message.to_owned() }
}

/// The errors in their order; those that the same statements settle, with other tables in them, have become the same.
pub(super) fn alike<'e>(errors: impl Iterator<Item = &'e Error>) -> Vec<Error> {
    let errors: Vec<&Error> = errors.collect();
    let mut groups: Vec<(Denied<'_>, Vec<usize>)> = Vec::new();
    for (place, error) in errors.iter().enumerate() {
        let Some(denied) = Denied::of(error) else { continue };
        match groups.iter_mut().find(|(first, _)| first.is_like(&denied)) {
            Some((_, places)) => places.push(place),
            None => groups.push((denied, vec![place])),
        }
    }
    let mut told: Vec<Error> = errors.iter().map(|error| (*error).clone()).collect();
    for (_, places) in groups.into_iter().filter(|(_, places)| places.len() > 1) {
        let members: Vec<Denied<'_>> =
            places.iter().filter_map(|place| Denied::of(errors[*place])).collect();
        let one = Error::Database(Box::new(merged(&members)));
        places.into_iter().for_each(|place| told[place] = one.clone());
    }
    told
}

/// One error of several.
fn merged(members: &[Denied<'_>]) -> DbError {
    let first = members[0].error;
    let are_same =
        |text: fn(&DbError) -> &str| members.iter().all(|one| text(one.error) == text(first));
    let action = match first.action.split_once(' ') {
        Some((verb @ "creating", _)) if !are_same(|error| &error.action) => {
            format!("{verb} what they need")
        }
        _ => first.action.clone(),
    };
    let message = if are_same(|error| &error.message) {
        first.message.clone()
    } else {
        "permission denied for each of these tables".to_owned()
    };
    let grants = (0..members[0].grants.len()).map(|place| {
        let Grant { rights, word, role, .. } = members[0].grants[place];
        let mut names: Vec<&str> = Vec::new();
        for name in members.iter().map(|one| one.grants[place].name) {
            names.extend((!names.contains(&name)).then_some(name));
        }
        let word = word.map(|word| format!("{word} ")).unwrap_or_default();
        format!("grant {rights} on {word}{} to {role}", names.join(", "))
    });
    let hint = Some(grants.collect::<Vec<_>>().join("; "));
    DbError { action, message, hint, ..first.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Cause;

    fn denied(action: &str, message: &str, hint: &str) -> Error {
        Error::Database(Box::new(DbError {
            side: Side::Source,
            action: action.to_owned(),
            sqlstate: Some("42501".to_owned()),
            message: format!("permission denied for {message}"),
            detail: None,
            hint: Some(hint.to_owned()),
            constraint: None,
            inner_right: None,
            cause: Cause::Server,
        }))
    }

    fn told(errors: &[Error]) -> Vec<String> {
        alike(errors.iter()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn tables_without_the_same_right_get_one_statement() {
        let of = |table: &str| {
            let hint = format!("grant usage on schema app to r; grant select on app.{table} to r");
            denied("reading", "schema app", &hint)
        };
        let one = "source while reading: permission denied for schema app (SQLSTATE 42501); hint: \
                   grant usage on schema app to r; grant select on app.a, app.b to r";
        let other = Error::Blocked("else".to_owned());
        assert_eq!(told(&[of("a"), other, of("b")]), [one, "else", one]);
        let of = |table: &str| {
            denied("reading", &format!("table {table}"), &format!("grant select on {table} to r"))
        };
        let one = "source while reading: permission denied for each of these tables (SQLSTATE 42501); hint: \
                   grant select on a, b, c to r";
        assert_eq!(told(&[of("a"), of("b"), of("c")]), [one; 3]);
        let notes = told(&[of(r#"s."Order Notes""#), of(r#"s."Order Items""#)]);
        let both = r#"grant select on s."Order Notes", s."Order Items" to r"#;
        assert!(notes.iter().all(|text| text.ends_with(both)), "{notes:?}");
        let of = |table: &str| {
            denied("reading", "schema s", &format!(r#"grant select on {table} to "a to b""#))
        };
        let each = [of("x"), of("y")];
        assert_eq!(told(&each), each.each_ref().map(ToString::to_string));
    }

    #[test]
    fn what_one_right_lets_create_is_said_once() {
        let of = |what: &str| {
            denied(
                &format!("creating {what}"),
                "schema public",
                "grant create on schema public to w",
            )
        };
        let one = "source while creating what they need: permission denied for schema public (SQLSTATE 42501); hint: \
                   grant create on schema public to w";
        assert_eq!(told(&[of("type mood"), of("table a")]), [one; 2]);
    }

    #[test]
    fn sequences_and_other_rights_are_apart() {
        let table = denied("reading", "table a", "grant select on a to r");
        let sequence = denied("reading", "sequence s", "grant select on sequence s to r");
        let insert = denied("reading", "table b", "grant insert on b to r");
        let ways = denied(
            "reading",
            "table c",
            "grant select on c to r; or let somebody else create c once",
        );
        let each = [table, sequence, insert, ways];
        assert_eq!(told(&each), each.each_ref().map(ToString::to_string));
    }
}
