//! The shapes in which rules want tables on the target.

use std::collections::HashMap;

use super::SchemaOutcome;
use crate::context::RunContext;
use crate::ddl_step::Step;
use crate::ident::{Ident, TableName};
use crate::rules::{Ddl, TableRules};
use crate::schema::diff::SchemaPlan;
use crate::schema_object::reshape::{Shape, Shapes};
use crate::schema_object::text::Name;
use crate::schema_object::{ColumnDefinition, Definitions, Kind, Object, TableDefinition};
use crate::table::Table;

impl RunContext<'_> {
    /// Of the tables that are otherwise on the target than on the source; `path` leads to names without a schema
    /// there.
    pub(super) fn shapes(
        &self,
        selected: &[&Table],
        source: &Definitions,
        path: &[Ident],
    ) -> Shapes {
        let known: HashMap<&TableName, &Object> = source
            .objects
            .iter()
            .filter(|object| object.kind == Kind::Table)
            .filter_map(|object| Some((object.name.as_ref()?, object)))
            .collect();
        let shape = |shown: &&Table| {
            let object = known.get(&shown.name)?;
            let definition = object.definition.as_ref()?;
            let rules = self.settings.rules.effective(&shown.name);
            let shape = shape(shown, definition, &rules, path);
            let generated = definition.columns.iter().filter(|column| column.generated.is_some());
            let computed =
                generated.map(|column| &column.name).any(|name| rules.mask.contains_key(name));
            let differs = !shape.whole || shape.name != object.at || computed;
            differs.then(|| (shown.name.clone(), shape))
        };
        selected.iter().filter_map(shape).collect()
    }

    /// Names what the target lacks of tables for which, by their own rule, nothing is made.
    pub(super) fn leave_to_others(
        &self,
        selected: &[&Table],
        schema_plan: &mut SchemaPlan,
        aligned: &mut SchemaOutcome,
    ) {
        if !self.settings.changes_definitions() {
            return;
        }
        let is_left = |table: &&&Table| self.settings.ddl_of(&table.name) == Ddl::None;
        for table in selected.iter().filter(is_left) {
            let name = &table.name;
            let alone = |step: &Step| Step { roots: vec![name.clone()], ..step.clone() };
            let is_own = |step: &&Step| step.roots.contains(name);
            let own = SchemaPlan {
                first: schema_plan.first.iter().filter(is_own).map(alone).collect(),
                last: schema_plan.last.iter().filter(is_own).map(alone).collect(),
                after: schema_plan.after.remove_entry(name).into_iter().collect(),
                ..SchemaPlan::default()
            };
            self.name(&own, aligned);
            schema_plan.drop_root(name);
        }
    }

    /// Whether rules want a table otherwise than it is on the source.
    pub(super) fn is_shaped(&self, table: &TableName) -> bool {
        self.settings.rules.effective(table).shaping().is_some()
    }

    /// Whether it is of use to ask for the mode that rebuilds tables.
    pub(super) fn may_ask_for_rebuild(&self, table: &TableName) -> bool {
        let is_asked = self.settings.ddl_of(table) == Ddl::Reset;
        !is_asked && self.settings.prevents_rebuild(table).is_none()
    }

    /// Whether a table may be rebuilt: as it is on the source, and never after rules.
    pub(super) fn may_rebuild(&self, table: &TableName) -> bool {
        let is_asked = self.settings.ddl_of(table) == Ddl::Reset;
        is_asked && self.settings.prevents_rebuild(table).is_none()
    }
}

fn shape(shown: &Table, definition: &TableDefinition, rules: &TableRules, path: &[Ident]) -> Shape {
    let target = rules.target_name(&shown.name);
    let own = definition.columns.iter().map(|column| &column.name);
    let travelling = own.filter_map(|own| {
        let name = rules.target_column(own);
        // A column that is left out may have given its name to another one.
        let is_given = rules.rename.iter().any(|(other, to)| other != own && to == name);
        let travels = !is_given && shown.column(name).is_some();
        travels.then(|| (own.clone(), name.clone()))
    });
    let columns: HashMap<Ident, Ident> = travelling.collect();
    let is_at_hand = |column: &ColumnDefinition| match columns.get(&column.name) {
        Some(name) => *name == column.name,
        None => column.generated.is_some(),
    };
    let computes = !rules.mask.is_empty() && definition.columns.iter().all(is_at_hand);
    let is_chosen = |column: &Ident| {
        let is_listed = rules.columns.as_ref().is_none_or(|listed| listed.contains(column));
        is_listed && !rules.exclude_columns.contains(column)
    };
    let generated = definition.columns.iter().filter(|column| column.generated.is_some());
    let lost = generated.map(|column| &column.name).filter(|own| {
        !computes && !rules.mask.is_empty() && is_chosen(own) && !columns.contains_key(*own)
    });
    let lost = lost.cloned().collect();
    Shape {
        lost,
        computes,
        name: Name {
            schema: (!path.contains(&target.schema)).then_some(target.schema),
            name: target.name,
        },
        whole: columns.len() == definition.columns.len()
            && columns.iter().all(|(own, name)| own == name),
        masked: rules.mask.keys().cloned().collect(),
        columns,
    }
}
