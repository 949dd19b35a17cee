//! Reads what tables are made of; one statement on either side.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::catalog::{names, objects, unless_gone};
use super::lock_holder::{self, LockHolder};
use super::session::Session;
use crate::error::{Cause, DbError, Error, Result, Side};
use crate::ident::{Ident, TableName};
use crate::schema_object::{Definitions, Dependents, Object};
use crate::sql::{Literal, Sql, sql};

/// The parts of the one statement, each a list of JSON objects.
const PARTS: &[&str] = &[
    include_str!("definitions/dependencies.sql"),
    include_str!("definitions/names.sql"),
    include_str!("definitions/types.sql"),
    include_str!("definitions/text_search.sql"),
    include_str!("definitions/functions.sql"),
    include_str!("definitions/tables.sql"),
    include_str!("definitions/keys.sql"),
];

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Object(Box<Object>),
    Needs {
        node: String,
        needs: Vec<String>,
    },
    /// What belongs to a table and was dropped since the snapshot: functions that print it give NULL.
    Unread {
        root: TableName,
    },
}

/// A table that somebody holds so that nobody may look at it.
#[derive(Clone, Debug, Deserialize)]
pub struct LockedTable {
    pub oid: u32,
    #[serde(flatten)]
    pub name: TableName,
    pub holder: LockHolder,
}

/// The tables of `schemas` that other sessions lock against all readers, or are about to.
pub async fn held(session: &Session, schemas: &[Ident]) -> Result<Vec<LockedTable>> {
    let holes: &[(&str, &Sql)] =
        &[("schemas", &names(schemas)), ("fields", &lock_holder::fields())];
    let statement = Sql::filled(include_str!("definitions/held.sql"), holes);
    objects(session, "looking for locked tables", &statement).await
}

/// What the tables of `schemas` are made of, but for those whose numbers are `held`. Names in the schemas of
/// `path` are printed without them.
pub async fn read(
    session: &Session,
    schemas: &[Ident],
    path: &[Ident],
    held: &[u32],
) -> Result<Definitions> {
    let held = Sql::join(held, ", ");
    let holes: &[(&str, &Sql)] = &[
        ("schemas", &names(schemas)),
        ("held", &sql!("array[{held}]", held = held)),
        ("path", &path_of(path)),
        ("elements", &Sql::trusted(include_str!("definitions/elements.sql"))),
    ];
    let parts = PARTS.iter().map(|part| Sql::filled(part, holes));
    // Names are looked up under an empty path; the statement sets the one under which it prints them.
    let statement = sql!(
        "{empty}; {query}",
        empty = search_path(None),
        query = Sql::join(parts, "\nunion all\n")
    );
    let doing = "reading the definitions of tables";
    let lines = objects(session, doing, &statement).await;
    let lines = lines.map_err(|error| unless_changed(session.side(), doing, error))?;
    Ok(of_lines(lines))
}

fn of_lines(lines: Vec<Line>) -> Definitions {
    let (mut found, mut needs, mut unread) = (Vec::new(), HashMap::new(), HashSet::new());
    for line in lines {
        match line {
            Line::Object(object) => found.push(*object),
            Line::Needs { node, needs: nodes } => drop(needs.insert(node, nodes)),
            Line::Unread { root } => drop(unread.insert(root)),
        }
    }
    let read = Definitions::new(found, needs);
    if unread.is_empty() {
        return read;
    }
    let mut rest = read.without(&unread.iter().collect());
    rest.unread = unread;
    rest
}

/// All that was asked for.
///
/// # Errors
/// [`changed_meanwhile`], where a table could not be read.
pub fn whole(side: Side, read: Definitions) -> Result<Definitions> {
    if read.unread.is_empty() { Ok(read) } else { Err(changed_meanwhile(side)) }
}

/// Why the definition of a table cannot be read in this snapshot; with another one it can.
pub fn changed_meanwhile(side: Side) -> Error {
    Error::Database(Box::new(DbError {
        side,
        action: "reading the definition".to_owned(),
        sqlstate: None,
        message: "something of the table was changed or dropped meanwhile".to_owned(),
        detail: None,
        hint: Some("run again".to_owned()),
        constraint: None,
        inner_right: None,
        cause: Cause::Snapshot,
    }))
}

/// Functions like `pg_get_expr` know no snapshot, and print nothing of what was dropped since then. With
/// another one the same statement can do.
fn unless_changed(side: Side, doing: &str, error: Error) -> Error {
    let Error::Internal(message) = error else { return error };
    Error::Database(Box::new(DbError {
        side,
        action: doing.to_owned(),
        sqlstate: None,
        message,
        detail: None,
        hint: None,
        constraint: None,
        inner_right: None,
        cause: Cause::Snapshot,
    }))
}

/// What tells in short whether there may be anything to make.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaFingerprint {
    /// Of what comes before rows.
    pub first: Option<String>,
    /// Of what follows them.
    pub after: Option<String>,
    /// Of settings and definitions, if they were asked for.
    pub details: Option<String>,
    /// Of what computes columns.
    pub computed: Option<String>,
    /// Of what only its own server can tell apart, if there is any of that.
    pub own: Option<String>,
}

/// What is sketched: `schemas` without the log.
#[derive(Clone, Copy, Debug)]
pub struct FingerprintOf<'a> {
    pub schemas: &'a [Ident],
    pub log: &'a TableName,
    /// Names in it are printed without their schema.
    pub home: Option<&'a Ident>,
    /// The server's.
    pub version: u32,
    pub details: bool,
}

/// The first version in which a column has a compression of its own.
const COMPRESSION: u32 = 140_000;

/// Reads digests of the definitions, for a comparison with those of the other side.
pub async fn schema_fingerprint(
    session: &Session,
    what: FingerprintOf<'_>,
) -> Result<SchemaFingerprint> {
    let (compression, compressed) = if what.version >= COMPRESSION {
        (", a.attcompression", " or a.attcompression operator(pg_catalog.<>) ''")
    } else {
        ("", "")
    };
    let details = if what.details {
        "(select pg_catalog.md5(pg_catalog.string_agg(line, ',' order by line collate \"C\")) \
         from details)"
    } else {
        "null"
    };
    let holes: &[(&str, &Sql)] = &[
        ("schemas", &names(what.schemas)),
        ("log", &sql!("{log}", log = Literal(what.log.name.as_str()))),
        ("detailed", &sql!("{detailed}", detailed = what.details)),
        ("details", &Sql::trusted(details)),
        ("compression", &Sql::trusted(compression)),
        ("compressed", &Sql::trusted(compressed)),
    ];
    let statement = sql!(
        "{path}; {query}",
        path = search_path(what.home),
        query = Sql::filled(include_str!("definitions/schema_fingerprint.sql"), holes)
    );
    let row = session.row("sketching the definitions of tables", &statement).await;
    let row = row.map_err(unless_gone)?;
    let text = |column| row.text(column).map(str::to_owned);
    Ok(SchemaFingerprint {
        first: text(0),
        after: text(1),
        details: text(2),
        computed: text(3),
        own: text(4),
    })
}

/// A text that is another one as soon as a definition of this database has changed; it can be another one without
/// such a change. It costs a tenth of [`schema_fingerprint`].
pub async fn catalog_version(session: &Session) -> Result<String> {
    let version = sql!(
        "pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat(x.ctid, x.xmin), ' ' order by x.ctid))"
    );
    let statement =
        Sql::filled(include_str!("definitions/catalog_version.sql"), &[("version", &version)]);
    let row = session.row("looking for changed definitions", &statement).await?;
    Ok(row.needed(0)?.to_owned())
}

/// What hangs on the tables `names` of `schema`; others are built in `scratch` to take their places.
pub async fn dependents(
    session: &Session,
    schema: &Ident,
    shadow_schema: &Ident,
    names: &[&Ident],
) -> Result<Vec<Dependents>> {
    let literal = |name: &Ident| sql!("{name}", name = Literal(name.as_str()));
    let names = Sql::join(names.iter().map(|name| literal(name)), ", ");
    let names = sql!("array[{names}]", names = names);
    let (schema, shadow_schema) = (literal(schema), literal(shadow_schema));
    let views = views("select root, oid from tree");
    let holes: &[(&str, &Sql)] =
        &[("names", &names), ("schema", &schema), ("scratch", &shadow_schema), ("views", &views)];
    let query = Sql::filled(include_str!("definitions/dependents.sql"), holes);
    let statement = sql!("{path}; {query}", path = search_path(None), query = query);
    objects(session, "reading what hangs on tables", &statement).await
}

/// The query for the views that read the tables of `scope`, which gives `root` and `oid`.
pub(super) fn views(scope: &'static str) -> Sql {
    Sql::filled(include_str!("definitions/views.sql"), &[("scope", &Sql::trusted(scope))])
}

/// Sets the path under which definitions are read and run, for the length of the transaction.
pub fn search_path<'a>(schemas: impl IntoIterator<Item = &'a Ident>) -> Sql {
    sql!("select pg_catalog.set_config('search_path', {path}, true)", path = path_of(schemas))
}

/// A search path as a string constant.
fn path_of<'a>(schemas: impl IntoIterator<Item = &'a Ident>) -> Sql {
    let path: Vec<String> = schemas.into_iter().map(Ident::quoted).collect();
    sql!("{path}", path = Literal(&path.join(", ")))
}

/// The same, followed by the search path that the role has by itself.
pub fn search_path_with_that_of_the_role<'a>(schemas: impl IntoIterator<Item = &'a Ident>) -> Sql {
    sql!(
        "select pg_catalog.set_config('search_path', pg_catalog.concat_ws(', ', nullif({path}, ''), \
         nullif(s.reset_val, '')), true) from pg_catalog.pg_settings s \
         where s.name operator(pg_catalog.=) 'search_path'",
        path = path_of(schemas)
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::pg::catalog::parse;

    /// The catalogs that a statement reads.
    fn catalogs(statement: &str) -> BTreeSet<&str> {
        let words = statement.split_whitespace();
        let read = words.clone().zip(words.skip(1));
        let read = read.filter(|(word, _)| matches!(*word, "from" | "join"));
        read.filter_map(|(_, name)| name.strip_prefix("pg_catalog."))
            .filter(|name| name.starts_with("pg_"))
            .map(|name| name.split(['(', ')', ',']).next().unwrap_or(name))
            .collect()
    }

    #[test]
    fn the_version_counts_all_catalogs_that_the_short_look_reads() {
        let version = catalogs(include_str!("definitions/catalog_version.sql"));
        let look = catalogs(include_str!("definitions/schema_fingerprint.sql"));
        assert_eq!(version, look);
    }

    #[test]
    fn a_table_of_which_something_was_dropped_meanwhile_is_left_out_by_its_name() {
        let lines = [
            r#"{"kind": "table", "id": "public.a", "root": {"schema": "public", "name": "a"}, "node": null}"#,
            r#"{"node": "class/1", "needs": ["class/2"]}"#,
        ];
        let lines = lines.iter().map(|line| parse(line).expect("a line")).collect();
        let read = of_lines(lines);
        assert_eq!(read.unread, HashSet::from([TableName::new("public", "a")]));
        assert!(read.objects.is_empty() && read.needs.contains_key("class/1"));
        assert!(whole(Side::Source, read).is_err_and(|error| error.is_of_snapshot()));
        // What belongs to no table has no name by which it could be left out.
        assert!(parse::<Line>(r#"{"kind": "function", "id": "public.f", "root": null}"#).is_err());
    }
}
