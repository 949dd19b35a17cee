//! What a file leaves open, and the target says: a file's names have no case, and its types hold anything.

use std::sync::PoisonError;

use super::Source;
use super::forms::Forms;
use crate::ident::{Ident, TableName};
use crate::source::SourceState;
use crate::table::Table;

impl Source {
    /// Lets tables and columns have the names and types that they have on the target: the same name, or one that
    /// differs by case alone. What the target does not have is named in lower case.
    pub fn settle(
        &self,
        state: &mut SourceState,
        target: &[Table],
        named: &dyn Fn(&TableName) -> TableName,
    ) {
        for place in 0..state.tables.len() {
            let own = state.tables[place].name.clone();
            let there = find(target, &named(&own));
            let name = match there {
                Some(there) if named(&own).name != there.name.name => there.name.name.clone(),
                Some(_) => own.name.clone(),
                None => Ident::new(own.name.as_str().to_ascii_lowercase()),
            };
            rename_table(state, &own, &TableName { schema: own.schema.clone(), name });
            let columns = state.tables[place].columns.iter().map(|column| column.name.clone());
            for column in columns.collect::<Vec<_>>() {
                let same = there.and_then(|there| find_column(there, &column));
                let name = same.cloned();
                let name = name.unwrap_or_else(|| Ident::new(column.as_str().to_ascii_lowercase()));
                rename_column(state, place, &column, &name);
                let table = &mut state.tables[place];
                let here = table.columns.iter_mut().find(|here| here.name == name);
                let type_of = there.and_then(|there| there.column(&name));
                if let Some((here, there)) = here.zip(type_of) {
                    here.take_type(there);
                }
            }
        }
        *self.forms.lock().unwrap_or_else(PoisonError::into_inner) = Forms::of(&state.tables);
    }
}

fn find<'t>(tables: &'t [Table], name: &TableName) -> Option<&'t Table> {
    let exact = tables.iter().find(|table| &table.name == name);
    let like = |table: &&Table| {
        table.name.schema == name.schema
            && table.name.name.as_str().eq_ignore_ascii_case(name.name.as_str())
    };
    exact.or_else(|| tables.iter().find(like))
}

fn find_column<'t>(table: &'t Table, name: &Ident) -> Option<&'t Ident> {
    let mut names = table.columns.iter().map(|column| &column.name);
    let exact = table.column(name).map(|column| &column.name);
    exact.or_else(|| names.find(|own| own.as_str().eq_ignore_ascii_case(name.as_str())))
}

fn rename_table(state: &mut SourceState, from: &TableName, to: &TableName) {
    let tables = state.tables.iter_mut().map(|table| &mut table.name);
    let keys = state.foreign_keys.iter_mut().flat_map(|key| [&mut key.child, &mut key.parent]);
    tables.chain(keys).filter(|name| *name == from).for_each(|name| *name = to.clone());
}

fn rename_column(state: &mut SourceState, place: usize, from: &Ident, to: &Ident) {
    let table = &mut state.tables[place];
    let columns = table.columns.iter_mut().map(|column| &mut column.name);
    let keys =
        table.keys.iter_mut().flat_map(|key| &mut key.columns).map(|column| &mut column.name);
    let uniques = table.uniques.iter_mut().flat_map(|unique| &mut unique.columns);
    let own = columns.chain(keys).chain(uniques);
    let references = state.foreign_keys.iter_mut().flat_map(|key| {
        let child = (key.child == table.name).then_some(&mut key.child_columns);
        let parent = (key.parent == table.name).then_some(&mut key.parent_columns);
        child.into_iter().chain(parent).flatten()
    });
    let alike = |name: &&mut Ident| name.as_str().eq_ignore_ascii_case(from.as_str());
    own.chain(references).filter(alike).for_each(|name| *name = to.clone());
}
