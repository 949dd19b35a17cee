//! Statements about domains.

use super::ddl::word;
use super::objects::{check_of, optional};
use super::statement::{Statement, statement};
use crate::ident::Ident;
use crate::schema_object::make::{Check, Domain};
use crate::schema_object::text::{Expression, Name};

/// Adds a check.
pub fn add_check(name: &Name, check: &Check) -> Statement {
    statement!("alter domain {name} add {check}", name = name, check = check_of(check))
}

/// Gives a domain another name, and another schema if need be.
pub fn rename(from: &Name, to: &Name) -> Vec<Statement> {
    let mut statements = Vec::new();
    if from.name != to.name {
        statements.push(statement!(
            "alter domain {from} rename to {name}",
            from = from,
            name = to.name
        ));
    }
    let schema = to.schema.as_ref().filter(|_| from.schema != to.schema);
    statements.extend(schema.map(|schema| {
        let renamed = from.beside(&to.name);
        statement!("alter domain {renamed} set schema {schema}", renamed = renamed, schema = schema)
    }));
    statements
}

/// Gives a check of a domain another name.
pub fn rename_check(name: &Name, from: &Ident, to: &Ident) -> Statement {
    statement!(
        "alter domain {name} rename constraint {from} to {to}",
        name = name,
        from = from,
        to = to
    )
}

/// Lets a domain take NULL, or not.
pub fn set_not_null(name: &Name, not_null: bool) -> Statement {
    let verb = word(if not_null { "set" } else { "drop" });
    statement!("alter domain {name} {verb} not null", name = name, verb = verb)
}

/// Gives a domain a default, or none.
pub fn set_default(name: &Name, default: Option<&Expression>) -> Statement {
    match default {
        Some(default) => {
            statement!("alter domain {name} set default {default}", name = name, default = default)
        }
        None => statement!("alter domain {name} drop default", name = name),
    }
}

/// Drops a check of a domain.
pub fn drop_check(name: &Name, check: &Ident) -> Statement {
    statement!("alter domain {name} drop constraint {check}", name = name, check = check)
}

/// Creates a domain with its checks.
pub(super) fn domain_of(name: &Name, domain: &Domain) -> Vec<Statement> {
    let create = statement!(
        "create domain {name} as {base}{collation}{default}{not_null}",
        name = name,
        base = domain.base,
        collation = optional(" collate ", domain.collation.as_ref()),
        default = optional(" default ", domain.default.as_ref()),
        not_null = word(if domain.not_null { " not null" } else { "" })
    );
    let checks = domain.checks.iter().map(|check| add_check(name, check));
    std::iter::once(create).chain(checks).collect()
}
