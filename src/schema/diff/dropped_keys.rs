//! Keys that somebody is to drop on the target, and the foreign keys that refer to them: those have to go before, and
//! nothing more is said of them.

use std::collections::HashSet;

use crate::ident::Ident;
use crate::schema::diff::DiffInput;
use crate::schema_object::make::Make;
use crate::schema_object::{Kind, Object};
use crate::sql::objects;
use crate::sql::statement::Statement;

impl DiffInput<'_> {
    /// The statements that drop a part of a table of the target, in an order that works.
    pub(super) fn drops(&self, there: &Object) -> Option<String> {
        let own = objects::drop(there)?;
        let before = self.referring(there).into_iter().filter_map(objects::drop);
        let before = before.chain(self.new_references(there));
        let statements: Vec<Statement> = before.chain([own]).collect();
        let texts: Vec<&str> = statements.iter().map(Statement::as_str).collect();
        Some(texts.join("; "))
    }

    /// Whether a foreign key of the target is named with a key that is to be dropped.
    pub(super) fn goes_with_a_key(&self, foreign: &Object) -> bool {
        let is_its_key = |key: &&Object| refers_to(foreign, key) && self.is_to_be_dropped(key);
        foreign.kind == Kind::ForeignKey && self.target.objects.iter().any(|key| is_its_key(&key))
    }

    /// The foreign keys of the target that refer to a key, or to a unique index.
    fn referring(&self, key: &Object) -> Vec<&Object> {
        let foreign = self.target.objects.iter().filter(|other| other.kind == Kind::ForeignKey);
        foreign.filter(|foreign| refers_to(foreign, key)).collect()
    }

    /// The statements that drop foreign keys which a run creates, and which take a key that is to be dropped.
    fn new_references(&self, key: &Object) -> impl Iterator<Item = Statement> {
        let is_new = |own: &&Object| {
            let is_made = own.root.as_ref().is_some_and(|root| self.selected.contains(&root));
            own.kind == Kind::ForeignKey
                && is_made
                && self.there(own).is_none()
                && refers_to(own, key)
        };
        let new = self.source.objects.iter().filter(is_new);
        new.filter_map(objects::drop_if_exists)
    }

    /// Whether foreign keys of the target need a unique index: no key or other index of the table has its columns.
    pub(super) fn serves_alone(&self, index: &Object) -> bool {
        let columns: HashSet<&Ident> = key_columns(index).into_iter().collect();
        let has_columns = |other: &&Object| {
            other.node != index.node
                && other.table == index.table
                && key_columns(other).into_iter().collect::<HashSet<&Ident>>() == columns
        };
        !self.referring(index).is_empty() && !self.target.objects.iter().any(|o| has_columns(&o))
    }

    /// Whether the target has a key, of a table that is followed, that the source does not have or has otherwise.
    fn is_to_be_dropped(&self, key: &Object) -> bool {
        let table = key.table.as_ref().and_then(|id| self.source.find(Kind::Table, id));
        let root = table.and_then(|table| table.root.as_ref());
        let is_followed =
            root.is_some_and(|root| self.selected.contains(&root) && self.follows(root));
        let here = self.source.same(key).filter(|here| here.table == key.table);
        is_followed
            && match here {
                Some(here) => self.is_another_part(here, key),
                None => self.is_surplus(key),
            }
    }
}

fn refers_to(foreign: &Object, key: &Object) -> bool {
    let Some(Make::ForeignKey(foreign)) = &foreign.make else { return false };
    let columns = key_columns(key);
    key.table_name() == &foreign.parent
        && columns.len() == foreign.parent_columns.len()
        && columns.iter().all(|column| foreign.parent_columns.contains(column))
}

/// Those of a key, or of an index that may serve as one; none of all else.
pub(in crate::schema) fn key_columns(key: &Object) -> Vec<&Ident> {
    match &key.make {
        Some(Make::Key(key)) => key.columns.iter().collect(),
        Some(Make::Index(index)) if index.unique && index.predicate.is_none() => {
            let columns: Option<Vec<&Ident>> =
                index.elements.iter().map(|element| element.column.as_ref()).collect();
            columns.unwrap_or_default()
        }
        _ => Vec::new(),
    }
}
