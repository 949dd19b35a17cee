//! What `select * from t` shows beside the table's own rows: those of the tables that inherit from it. A
//! table is read and written with ONLY, so it is equal on both sides only where each child is selected,
//! as a table of its own, and inherits from it on both sides.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::config::Settings;
use crate::error::Error;
use crate::ident::{Ident, TableName};
use crate::sql::sql;
use crate::table::{InheritedChild, Table};

/// Children that an error names before it says "and N more".
const LISTED: usize = 3;

/// One selected table on both sides, and what is around it.
pub struct Tree<'a> {
    pub source: &'a Table,
    /// None where it is still to be made.
    pub target: Option<&'a Table>,
    /// The source's names of all tables that are selected; none in a repair, which selects of the tables that were
    /// found to differ.
    pub selected: Option<&'a HashSet<&'a TableName>>,
    pub schemas: &'a [Ident],
    /// Whether the target has a table of this name of its own.
    pub is_there: &'a dyn Fn(&TableName) -> bool,
    /// The target's name of a table of the source.
    pub target_name: &'a dyn Fn(&TableName) -> TableName,
}

impl Tree<'_> {
    /// Whether both sides' children are the same tables, and each travels.
    ///
    /// # Errors
    /// [`Error::Blocked`] with the remedy, where they are not.
    pub fn check(&self) -> Result<(), Error> {
        self.all_travel().and_then(|()| self.all_follow()).and_then(|()| self.none_besides())
    }

    fn all_travel(&self) -> Result<(), Error> {
        let table = &self.source.name;
        let Some(selected) = self.selected else { return Ok(()) };
        let outside = |child: &&InheritedChild| !selected.contains(&child.name);
        let outside: Vec<&InheritedChild> =
            self.source.inherited_by.iter().filter(outside).collect();
        let names: BTreeSet<&TableName> = outside.iter().map(|child| &child.name).collect();
        if names.is_empty() {
            return Ok(());
        }
        let foreign = outside.iter().find(|child| child.kind != 'r');
        let elsewhere = outside.iter().find(|child| !self.schemas.contains(&child.name.schema));
        let remedy = match (foreign, elsewhere) {
            (Some(child), _) => {
                format!(
                    "exclude {table}, for {} is a foreign table, which is never synced",
                    child.name
                )
            }
            (None, Some(child)) => {
                format!("add {} to -schema, or exclude {table}", child.name.schema.as_str())
            }
            (None, None) => format!("select it too, or exclude {table}"),
        };
        Err(Error::Blocked(format!(
            "reads of it also show the rows of {}, which inherits from it and is not selected: {remedy}",
            listed(&names)
        )))
    }

    /// A child that is not there yet is made as one.
    fn all_follow(&self) -> Result<(), Error> {
        let Some(target) = self.target else { return Ok(()) };
        if let Some(child) = self.source.inherited_by.first().filter(|_| target.partitioned) {
            return Err(Error::Blocked(format!(
                "on the source {} inherits from it, and on the target it is partitioned: its rows there \
                 would have to be those of several tables; exclude {} and its children",
                child.name, self.source.name
            )));
        }
        let there: HashSet<&TableName> =
            target.inherited_by.iter().map(|child| &child.name).collect();
        for child in &self.source.inherited_by {
            let name = (self.target_name)(&child.name);
            if (self.is_there)(&name) && !there.contains(&name) {
                let parent = (self.target_name)(&child.parent);
                return Err(Error::Blocked(format!(
                    "on the source {} inherits from it, and on the target {name} does not: reads of it \
                     show fewer rows there; run on the target: {}",
                    child.name,
                    sql!("alter table {name} inherit {parent}", name = name, parent = parent)
                        .as_str(),
                )));
            }
        }
        Ok(())
    }

    fn none_besides(&self) -> Result<(), Error> {
        let Some(target) = self.target else { return Ok(()) };
        let mapped = self.source.inherited_by.iter().map(|child| (self.target_name)(&child.name));
        let mapped: HashSet<TableName> = mapped.collect();
        let besides = target.inherited_by.iter().find(|child| !mapped.contains(&child.name));
        besides.map_or(Ok(()), |InheritedChild { name, parent, .. }| {
            Err(Error::Blocked(format!(
                "{name} inherits from it on the target and not on the source, so that reads of it show more rows; run on \
                 the target: {}",
                sql!("alter table {name} no inherit {parent}", name = name, parent = parent).as_str(),
            )))
        })
    }
}

/// The tables among `selected` of which a child has `failed` before the target had it: reads of them show fewer rows there.
pub fn without_a_child(
    selected: &[&Table],
    failed: &HashMap<TableName, Error>,
    is_there: impl Fn(&TableName) -> bool,
) -> HashMap<TableName, Error> {
    let is_missing =
        |child: &&InheritedChild| failed.contains_key(&child.name) && !is_there(&child.name);
    let parents = selected.iter().filter_map(|table| {
        let child = table.inherited_by.iter().find(is_missing)?;
        let text = format!(
            "reads of it show fewer rows on the target, which lacks {}: that inherits from it, and failed",
            child.name
        );
        Some((table.name.clone(), Error::Blocked(text)))
    });
    parents.collect()
}

/// The tables among `selected` of which the two sides show other rows than what travels.
pub fn broken(
    selected: &[&Table],
    target: &[Table],
    settings: &Settings,
    target_name: &dyn Fn(&TableName) -> TableName,
) -> HashMap<TableName, Error> {
    let there: HashMap<&TableName, &Table> =
        target.iter().map(|table| (&table.name, table)).collect();
    let names: HashSet<&TableName> = selected.iter().map(|table| &table.name).collect();
    let check = |source: &&Table| {
        let tree = Tree {
            source,
            target: there.get(&target_name(&source.name)).copied(),
            selected: (!settings.repair).then_some(&names),
            schemas: &settings.schemas,
            is_there: &|name| there.contains_key(name),
            target_name,
        };
        Some((source.name.clone(), tree.check().err()?))
    };
    selected.iter().filter_map(check).collect()
}

fn listed(names: &BTreeSet<&TableName>) -> String {
    let first: Vec<String> = names.iter().take(LISTED).map(|name| name.to_string()).collect();
    match names.len().saturating_sub(LISTED) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
