//! Puts tables that were built beside others in their places, as parts of one transaction.

use std::collections::HashSet;

use super::statement::{Statement, statement};
use crate::ident::{Ident, TableName};
use crate::schema_object::{Dependents, IncomingKey};
use crate::sql::{Sql, sql};

/// A table that is ready to take the place of another.
#[derive(Clone, Debug, PartialEq)]
pub struct ShadowTable {
    /// The place, on the target.
    pub table: TableName,
    /// Where it stands until then.
    pub shadow_schema: Ident,
    /// It and its partitions.
    pub tables: Vec<Ident>,
    /// Its statistics objects: they do not follow their table.
    pub statistics: Vec<Ident>,
}

/// The schema in which tables of `schema` are built.
pub fn shadow_schema_of(schema: &Ident) -> Ident {
    // A name has 63 bytes.
    let mut name = format!("pgsync_reset_{}", schema.as_str());
    while name.len() > 63 {
        name.pop();
    }
    Ident::new(name)
}

/// What a scratch schema says of itself: one that does not is somebody else's.
pub const MARK: &str = "pgsync builds tables here; what is left of a run, the next one drops";

/// Swaps all of them at once. Foreign keys come back as they were, but those of tables that are
/// swapped too: these are the source's now.
pub fn swap(all: &[(&ShadowTable, &Dependents)]) -> Vec<Statement> {
    let swapped: HashSet<&TableName> = all.iter().map(|(shadow, _)| &shadow.table).collect();
    let stays = |child: &TableName| !swapped.contains(child);
    let lock = all.iter().map(|(shadow, _)| {
        statement!("lock table {table} in access exclusive mode", table = shadow.table)
    });
    let keys = || all.iter().flat_map(|(_, dependents)| &dependents.keys);
    // What the target prints of its own tables, it is given again.
    let own = |text: &String| Statement::of_its_own_server(text);
    let dropped = keys().map(|key| own(&key.drop));
    let gone = all.iter().map(|(shadow, _)| statement!("drop table {table}", table = shadow.table));
    let moved = all.iter().flat_map(|(shadow, _)| shadow.moves());
    let back = all.iter().flat_map(|(_, dependents)| dependents.restore_statements.iter().map(own));
    let added = keys().filter(|key| stays(&key.child)).map(|key| own(&key.add));
    lock.chain(dropped).chain(gone).chain(moved).chain(back).chain(added).collect()
}

/// A statement that looks whether rows keep a foreign key.
pub struct Validation {
    /// The table that has the key.
    pub child: TableName,
    pub statement: Statement,
}

/// Looks whether rows keep the foreign keys to one of the tables that `swap` added again, with the table
/// that has the key. Others read both tables meanwhile.
pub fn validations(all: &[(&ShadowTable, &Dependents)], one: &Dependents) -> Vec<Validation> {
    let stays = |child: &TableName| all.iter().all(|(shadow, _)| &shadow.table != child);
    let keys = one.keys.iter().filter(|key| stays(&key.child));
    let validate = |key: &IncomingKey| {
        let validate = Statement::of_its_own_server(key.validate.as_ref()?);
        Some(Validation { child: key.child.clone(), statement: validate })
    };
    keys.filter_map(validate).collect()
}

impl ShadowTable {
    /// Fails where the table is gone: names without a schema would lead to the one in its place.
    pub fn guard(&self) -> Sql {
        let name = TableName { schema: self.shadow_schema.clone(), name: self.table.name.clone() };
        let name = name.quoted();
        sql!("select {name}::pg_catalog.regclass", name = super::Literal(&name))
    }

    fn moves(&self) -> impl Iterator<Item = Statement> {
        let to = &self.table.schema;
        let tables = self.tables.iter().map(move |table| {
            statement!(
                "alter table {shadow_schema}.{table} set schema {to}",
                shadow_schema = self.shadow_schema,
                table = table,
                to = to
            )
        });
        let statistics = self.statistics.iter().map(move |name| {
            statement!(
                "alter statistics {shadow_schema}.{name} set schema {to}",
                shadow_schema = self.shadow_schema,
                name = name,
                to = to
            )
        });
        tables.chain(statistics)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn tables_change_places_in_one_transaction() {
        let shadow = ShadowTable {
            table: TableName::new("public", "a"),
            shadow_schema: shadow_schema_of(&Ident::new("public")),
            tables: vec![Ident::new("a"), Ident::new("a_1")],
            statistics: vec![Ident::new("s")],
        };
        let key = |child: &str| IncomingKey {
            child: TableName::new("public", child),
            name: Ident::new("key"),
            parent: Ident::new("a"),
            parent_columns: vec![Ident::new("id")],
            drop: format!("drop {child}"),
            add: format!("add {child}"),
            validate: Some(format!("validate {child}")),
        };
        let dependents = Dependents {
            table: shadow.table.clone(),
            views: Vec::new(),
            blockers: Vec::new(),
            lacks: Vec::new(),
            restore_statements: vec!["grant x".to_owned()],
            keys: vec![key("a"), key("b")],
        };
        let statements = swap(&[(&shadow, &dependents)]);
        let texts: Vec<&str> = statements.iter().map(Statement::as_str).collect();
        assert_eq!(
            texts,
            [
                "lock table \"public\".\"a\" in access exclusive mode",
                "drop a",
                "drop b",
                "drop table \"public\".\"a\"",
                "alter table \"pgsync_reset_public\".\"a\" set schema \"public\"",
                "alter table \"pgsync_reset_public\".\"a_1\" set schema \"public\"",
                "alter statistics \"pgsync_reset_public\".\"s\" set schema \"public\"",
                "grant x",
                "add b",
            ]
        );
        let validations = validations(&[(&shadow, &dependents)], &dependents);
        let texts: Vec<&str> = validations.iter().map(|one| one.statement.as_str()).collect();
        assert_eq!(texts, ["validate b"], "what is swapped has the source's keys");
    }
}
