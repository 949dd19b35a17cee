//! What to grant where a server denies something. It names tables, types and functions without their schema, so the
//! catalog is asked which objects of that name the role may not use. What it answers becomes words for people only.

use tokio_postgres::error::ErrorPosition;

use super::session::{Row, Session};
use crate::ddl_step::is_step;
use crate::error::{DbError, Error, Result, Side};
use crate::ident::{Ident, TableName};
use crate::sql::{Literal, Sql, sql};

/// The error with statements that grant what is missing, as far as the catalog tells. The session is in no
/// transaction that has failed. `only_reads` of work that does not write the log.
pub(crate) async fn explained(session: &Session, error: Error, only_reads: bool) -> Error {
    explained_of(session, error, only_reads, "").await
}

/// The same of a statement: several schemas may have an object of the name, and the statement names the one that is
/// meant with its schema.
pub(crate) async fn explained_of(
    session: &Session,
    error: Error,
    only_reads: bool,
    statement: &str,
) -> Error {
    let Error::Database(mut said) = error else { return error };
    let Some(denied) = Denied::of(&said, only_reads) else { return Error::Database(said) };
    let found = session.rows("looking for the missing right", &denied.candidates()).await;
    let mut found = found.unwrap_or_default();
    let is_named = |row: &Row| {
        let full = row.text(0).zip(row.text(1)).map(|(schema, name)| TableName::new(schema, name));
        full.is_some_and(|full| statement.contains(&full.quoted()))
    };
    if found.iter().any(is_named) {
        found.retain(is_named);
    }
    let grants: Vec<String> = found.iter().take(3).filter_map(|row| denied.grant(row)).collect();
    if !grants.is_empty() {
        said.hint = Some(grants.join("; or "));
    }
    Error::Database(said)
}

/// The same of what only reads, if it failed.
pub(super) async fn explained_if_denied<T>(session: &Session, done: Result<T>) -> Result<T> {
    match done {
        Err(error) => Err(explained(session, error, true).await),
        done => done,
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// A relation that only its owner may change.
    Owned,
    /// A type that only its owner may change.
    OwnedType,
    /// A table with a policy that hides rows.
    Policy,
    Schema,
    Relation,
    Sequence,
    Function,
    Language,
    Type,
    /// A type that is not found, for the role may not use its schema.
    HiddenType,
}

/// What was denied.
struct Denied {
    kind: Kind,
    /// As the server wrote it.
    name: String,
    rights: Vec<&'static str>,
    /// The table whose owner lacks the right: foreign keys are checked with the owner's rights.
    owner_of: Option<TableName>,
}

impl Denied {
    fn of<'s>(said: &'s DbError, only_reads: bool) -> Option<Self> {
        const KINDS: [(&str, Kind); 11] = [
            ("schema ", Kind::Schema),
            ("table ", Kind::Relation),
            ("relation ", Kind::Relation),
            ("view ", Kind::Relation),
            ("materialized view ", Kind::Relation),
            ("foreign table ", Kind::Relation),
            ("sequence ", Kind::Sequence),
            ("index ", Kind::Relation),
            ("function ", Kind::Function),
            ("language ", Kind::Language),
            ("type ", Kind::Type),
        ];
        let (kind, name) = match said.sqlstate.as_deref()? {
            "42501" => {
                const POLICY: &str =
                    "query would be affected by row-level security policy for table \"";
                let of_kind = |rest: &'s str| {
                    KINDS.iter().find_map(|(word, kind)| Some((*kind, rest.strip_prefix(*word)?)))
                };
                let message = said.message.as_str();
                if let Some(rest) = message.strip_prefix("must be owner of ") {
                    match of_kind(rest)? {
                        (Kind::Relation | Kind::Sequence, name) => (Kind::Owned, name),
                        (Kind::Type, name) => (Kind::OwnedType, name),
                        _ => return None,
                    }
                } else if let Some(rest) = message.strip_prefix(POLICY) {
                    (Kind::Policy, rest.strip_suffix('"')?)
                } else {
                    of_kind(message.strip_prefix("permission denied for ")?)?
                }
            }
            "42704" => {
                let rest = said.message.strip_prefix("type \"")?;
                (Kind::HiddenType, rest.strip_suffix("\" does not exist")?)
            }
            _ => return None,
        };
        let owner_of = said.hint.as_deref().and_then(owned_table);
        let rights = match said.inner_right {
            _ if owner_of.is_some() && kind == Kind::Relation => vec!["select", "update"],
            Some(right) if kind == Kind::Relation => vec![right],
            // What nextval needs.
            Some(_) if kind == Kind::Sequence => vec!["usage"],
            _ => rights(kind, said, &Work { creates_there: creates_in(said, name), only_reads })
                .to_vec(),
        };
        Some(Self { kind, name: name.to_owned(), rights, owner_of })
    }

    /// Objects of this name and the rights that the role lacks: schema, name, rights, role, arguments.
    fn candidates(&self) -> Sql {
        let role = match &self.owner_of {
            Some(table) => sql!(
                "(select pg_catalog.pg_get_userbyid(c.relowner) from pg_catalog.pg_class c join pg_catalog.pg_namespace n \
                 on n.oid operator(pg_catalog.=) c.relnamespace where n.nspname operator(pg_catalog.=) {schema} \
                 and c.relname operator(pg_catalog.=) {name})",
                schema = Literal(table.schema.as_str()),
                name = Literal(table.name.as_str())
            ),
            None => sql!("current_user"),
        };
        let rights = Sql::join(
            self.rights.iter().map(|right| sql!("{right}", right = Literal(right))),
            ", ",
        );
        sql!(
            "select o.schema, o.name, s.lacking, o.role, o.arguments from ({objects}) o cross join lateral \
             (select pg_catalog.string_agg(r.r, ', ') as lacking from pg_catalog.unnest(array[{rights}]) r(r) \
             where not {has}) s where s.lacking is not null order by 1, 2, 5 limit 100",
            objects = self.objects(&role),
            rights = rights,
            has = Sql::trusted(self.has()),
        )
    }

    fn has(&self) -> &'static str {
        match self.kind {
            Kind::Schema | Kind::HiddenType => {
                "pg_catalog.has_schema_privilege(o.role, o.oid, r.r)"
            }
            Kind::Relation => "pg_catalog.has_table_privilege(o.role, o.oid, r.r)",
            Kind::Sequence => "pg_catalog.has_sequence_privilege(o.role, o.oid, r.r)",
            Kind::Function => "pg_catalog.has_function_privilege(o.role, o.oid, r.r)",
            Kind::Language => "pg_catalog.has_language_privilege(o.role, o.oid, r.r)",
            Kind::Type => "pg_catalog.has_type_privilege(o.role, o.oid, r.r)",
            Kind::Owned | Kind::OwnedType => {
                "coalesce(pg_catalog.pg_has_role(o.role, o.arguments, r.r), false)"
            }
            Kind::Policy => "not pg_catalog.row_security_active(o.oid)",
        }
    }

    fn objects(&self, role: &Sql) -> Sql {
        let name = Literal(&self.name);
        let none = "null::pg_catalog.text as arguments";
        match self.kind {
            Kind::Schema => sql!(
                "select n.oid, n.nspname as schema, n.nspname as name, {role} as role, {none} \
                 from pg_catalog.pg_namespace n where n.nspname operator(pg_catalog.=) {name}",
                role = role,
                none = Sql::trusted(none),
                name = name
            ),
            Kind::HiddenType => sql!(
                "select n.oid, n.nspname as schema, n.nspname as name, {role} as role, {none} \
                 from pg_catalog.pg_namespace n join pg_catalog.pg_type t on t.typnamespace operator(pg_catalog.=) n.oid \
                 where t.typname operator(pg_catalog.=) {name}",
                role = role,
                none = Sql::trusted(none),
                name = name
            ),
            Kind::Owned | Kind::OwnedType => self.owned(role),
            Kind::Relation | Kind::Sequence | Kind::Policy => sql!(
                "select c.oid, n.nspname as schema, c.relname as name, {role} as role, {none} \
                 from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace \
                 where c.relname operator(pg_catalog.=) {name} and c.relkind operator(pg_catalog.=) any ({kinds})",
                role = role,
                none = Sql::trusted(none),
                name = name,
                kinds = Literal(if self.kind == Kind::Sequence { "{S}" } else { "{r,p,v,m,f}" })
            ),
            Kind::Function => sql!(
                "select p.oid, n.nspname as schema, p.proname as name, {role} as role, \
                 pg_catalog.pg_get_function_identity_arguments(p.oid) as arguments \
                 from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) p.pronamespace \
                 where {name} operator(pg_catalog.=) any (array[p.proname::pg_catalog.text, \
                 pg_catalog.concat(n.nspname, '.', p.proname)])",
                role = role,
                name = name
            ),
            Kind::Language => sql!(
                "select l.oid, null::pg_catalog.text as schema, l.lanname as name, {role} as role, {none} \
                 from pg_catalog.pg_language l where l.lanname operator(pg_catalog.=) {name}",
                role = role,
                none = Sql::trusted(none),
                name = name
            ),
            Kind::Type => sql!(
                "select t.oid, n.nspname as schema, t.typname as name, {role} as role, {none} \
                 from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) t.typnamespace \
                 where {name} operator(pg_catalog.=) any (array[pg_catalog.format_type(t.oid, null), t.typname::pg_catalog.text])",
                role = role,
                none = Sql::trusted(none),
                name = name
            ),
        }
    }

    /// The same of what only its owner may change. In the place of the arguments stands the owner, unless that is a
    /// superuser, or a member of the role: nobody is made a member of one, or of his own member.
    fn owned(&self, role: &Sql) -> Sql {
        let columns = sql!(
            "n.nspname as schema, {role} as role, case when not r.rolsuper \
             and not pg_catalog.pg_has_role(r.oid, {role}, 'member') then r.rolname end as arguments",
            role = role
        );
        let name = Literal(&self.name);
        if self.kind == Kind::OwnedType {
            sql!(
                "select t.oid, t.typname as name, {columns} \
                 from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) t.typnamespace \
                 join pg_catalog.pg_roles r on r.oid operator(pg_catalog.=) t.typowner \
                 where {name} operator(pg_catalog.=) any (array[pg_catalog.format_type(t.oid, null), t.typname::pg_catalog.text])",
                columns = columns,
                name = name
            )
        } else {
            sql!(
                "select c.oid, c.relname as name, {columns} from pg_catalog.pg_class o \
                 left join pg_catalog.pg_index i on i.indexrelid operator(pg_catalog.=) o.oid \
                 join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) coalesce(i.indrelid, o.oid) \
                 join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace \
                 join pg_catalog.pg_roles r on r.oid operator(pg_catalog.=) c.relowner \
                 where o.relname operator(pg_catalog.=) {name} and o.relkind operator(pg_catalog.=) any ('{{r,p,v,m,f,S,i,I}}')",
                columns = columns,
                name = name
            )
        }
    }

    /// The statement that mends it; nothing but names comes from the server.
    fn grant(&self, row: &Row) -> Option<String> {
        let ident = |place| Some(Ident::new(row.text(place)?));
        let (name, role) = (ident(1)?, ident(3)?.typed());
        let lacking: Vec<&str> = row.text(2)?.split(", ").collect();
        let lacks = |right: &&str| lacking.contains(right);
        let lacking: Vec<&str> = self.rights.iter().copied().filter(lacks).collect();
        let rights = if lacking.contains(&"select") && self.rights.len() > 3 {
            "select".to_owned()
        } else {
            lacking.join(", ")
        };
        if self.kind == Kind::Language {
            return Some(format!("grant {rights} on language {} to {role}", name.typed()));
        }
        let schema = ident(0)?;
        let full = TableName { schema: schema.clone(), name }.typed();
        let on = match self.kind {
            Kind::Owned => return Some(owner_of("table", &full, ident(4).as_ref(), &role)),
            Kind::OwnedType => return Some(owner_of("type", &full, ident(4).as_ref(), &role)),
            Kind::Policy => return Some(format!("alter role {role} bypassrls")),
            Kind::Schema | Kind::HiddenType | Kind::Language => {
                format!("schema {}", schema.typed())
            }
            Kind::Relation => format!("table {full}"),
            Kind::Sequence => format!("sequence {full}"),
            Kind::Function => format!("function {full}{}", arguments(row.text(4))),
            Kind::Type => format!("type {full}"),
        };
        Some(format!("grant {rights} on {on} to {role}"))
    }
}

/// What makes a role the owner of something, or of all that its owner has.
fn owner_of(kind: &str, name: &str, owner: Option<&Ident>, role: &str) -> String {
    let alter = format!("alter {kind} {name} owner to {role}");
    match owner {
        Some(owner) => format!("grant {} to {role}; or {alter}", owner.typed()),
        None => alter,
    }
}

/// What `pgsync log prune` is doing.
pub(crate) const PRUNING: &str = "deleting rows of sync_log";

/// What was under way.
struct Work {
    /// Something was to be created in the schema that is denied.
    creates_there: bool,
    only_reads: bool,
}

/// Whether something was to be created in this schema; a foreign key only looks into that of its parent.
fn creates_in(said: &DbError, schema: &str) -> bool {
    let action = &said.action;
    let is_named = action.contains(&format!(" {schema}.")) && !action.contains("foreign key");
    is_step(action) && (is_named || action.contains("sync_log") || action.contains(" schema "))
}

/// The rights that work of this kind needs.
fn rights(kind: Kind, said: &DbError, work: &Work) -> &'static [&'static str] {
    let creates = is_step(&said.action);
    match (kind, said.side) {
        (Kind::Schema, _) if work.creates_there => &["usage", "create"],
        (Kind::Schema | Kind::HiddenType | Kind::Type | Kind::Language, _) => &["usage"],
        (Kind::Function, _) => &["execute"],
        (Kind::Owned | Kind::OwnedType | Kind::Policy, _) => &["usage"],
        (Kind::Sequence, Side::Target) => &["select", "update"],
        (Kind::Relation, _) if creates && !said.action.contains("sync_log") => &["references"],
        (Kind::Relation, _) if said.action == PRUNING => &["select", "delete"],
        (Kind::Relation, _) if said.action.contains("sync_log") && !work.only_reads => {
            &["select", "insert", "update"]
        }
        (Kind::Relation, Side::Target) if !work.only_reads => {
            &["select", "insert", "update", "delete"]
        }
        (Kind::Relation | Kind::Sequence, _) => &["select"],
    }
}

/// The arguments of a function, if they are the names of types and nothing else.
fn arguments(text: Option<&str>) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_ ,.[]".contains(c);
    text.filter(|text| text.chars().all(is_plain))
        .map(|text| format!("({text})"))
        .unwrap_or_default()
}

/// How a hint names the owner of a table, whose rights a foreign key is checked with.
pub(super) const OWNER: &str = " to the owner of ";

/// The table of `grant … to the owner of "app"."product"`.
fn owned_table(hint: &str) -> Option<TableName> {
    let (_, table) = hint.split_once(OWNER)?;
    let (schema, name) = table.strip_prefix('"')?.strip_suffix('"')?.split_once("\".\"")?;
    Some(TableName::new(schema.replace("\"\"", "\""), name.replace("\"\"", "\"")))
}

/// The right that a statement within the one that failed needs, of `SQL statement "insert into log …"` in the context.
pub(super) fn inner_right(said: &tokio_postgres::error::DbError) -> Option<&'static str> {
    right_of(said.where_()?.strip_prefix("SQL statement \"")?)
}

/// The right that a statement needs on what it is about, as its first word tells.
pub(crate) fn right_of(statement: &str) -> Option<&'static str> {
    let statement = statement.trim_start();
    let is_begun = |verb: &&&str| {
        statement.get(..verb.len()).is_some_and(|start| start.eq_ignore_ascii_case(verb))
    };
    ["select", "insert", "update", "delete", "truncate"].iter().find(is_begun).copied()
}

/// The table that a foreign key was looked up in, of `SELECT 1 FROM ONLY "app"."product" x WHERE …`: the statement
/// stands in the context, or by itself where it could not be planned.
pub(super) fn looked_up(said: &tokio_postgres::error::DbError) -> Option<&str> {
    let statement = match said.position() {
        Some(ErrorPosition::Internal { query, .. }) => query,
        _ => said.where_()?.strip_prefix("SQL statement \"")?,
    };
    let (table, _) = statement.strip_prefix("SELECT 1 FROM ONLY ")?.split_once(" x WHERE ")?;
    Some(table)
}
