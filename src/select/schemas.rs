//! Which schemas are selected. Pure: names in, names out.

use crate::error::{Error, Result};
use crate::ident::Ident;

use super::pattern::Pattern;

/// Whether a name of a schema has a wildcard, and has to be looked up among those that exist.
pub fn has_wildcard(asked: &Ident) -> bool {
    asked.as_str().contains(['*', '?', '['])
}

/// The schemas that are asked for, by name or by pattern; none twice. A name is kept whether it exists or
/// not.
///
/// # Errors
/// [`Error::Config`]: a pattern is malformed, or matches none of the `existing` schemas.
pub fn matching(asked: &[Ident], existing: &[Ident]) -> Result<Vec<Ident>> {
    let (mut chosen, mut problems) = (Vec::new(), Vec::new());
    for name in asked {
        if !has_wildcard(name) || existing.contains(name) {
            chosen.push(name.clone());
            continue;
        }
        match Pattern::of_name(name.as_str()) {
            Ok(pattern) => {
                let before = chosen.len();
                chosen.extend(existing.iter().filter(|one| pattern.matches_name(one)).cloned());
                if chosen.len() == before {
                    problems.push(no_match(name, existing));
                }
            }
            Err(problem) => problems.push(format!("-schema (schema): {problem}")),
        }
    }
    let mut unique: Vec<Ident> = Vec::new();
    for name in chosen {
        if !unique.contains(&name) {
            unique.push(name);
        }
    }
    if problems.is_empty() { Ok(unique) } else { Err(Error::Config(problems)) }
}

/// Whether a schema is one that is asked for, by name or by pattern.
pub fn is_asked_for(asked: &[Ident], schema: &Ident) -> bool {
    asked.iter().any(|name| {
        let pattern = Pattern::of_name(name.as_str()).ok().filter(|_| has_wildcard(name));
        name == schema || pattern.is_some_and(|pattern| pattern.matches_name(schema))
    })
}

fn no_match(asked: &Ident, existing: &[Ident]) -> String {
    let names: Vec<&str> = existing.iter().map(Ident::as_str).collect();
    format!(
        "-schema (schema): pattern \"{}\" matches no schema of the source; it has {}",
        asked.as_str(),
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idents(names: &[&str]) -> Vec<Ident> {
        names.iter().map(|name| Ident::new(*name)).collect()
    }

    #[test]
    fn names_and_patterns_choose_schemas() {
        let existing = idents(&["public", "tenant_a", "tenant_b", "odd*", "a.b"]);
        let cases: &[(&[&str], &[&str])] = &[
            (&["*"], &["public", "tenant_a", "tenant_b", "odd*", "a.b"]),
            (&["tenant_*"], &["tenant_a", "tenant_b"]),
            (&["tenant_b", "tenant_*"], &["tenant_b", "tenant_a"]),
            (&["odd*"], &["odd*"]),
            (&["a.*"], &["a.b"]),
            (&["tenant_[!a]", "gone"], &["tenant_b", "gone"]),
        ];
        for (asked, expected) in cases {
            assert_eq!(matching(&idents(asked), &existing).unwrap(), idents(expected), "{asked:?}");
        }
    }

    #[test]
    fn a_schema_that_is_gone_is_known_by_the_pattern_that_chose_it() {
        let asked = idents(&["tenant_*", "app", "[a"]);
        let is_asked_for = |name: &str| is_asked_for(&asked, &Ident::new(name));
        assert!(is_asked_for("tenant_z") && is_asked_for("app"));
        assert!(!is_asked_for("other") && !is_asked_for("tenant"));
    }

    #[test]
    fn a_pattern_that_matches_nothing_is_an_error() {
        let error = matching(&idents(&["x_*", "[a"]), &idents(&["public", "app"])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "-schema (schema): pattern \"x_*\" matches no schema of the source; it has public, app\n\
             -schema (schema): pattern \"[a\" has a [ without a ]; a [ in a name is written [[]"
        );
    }
}
