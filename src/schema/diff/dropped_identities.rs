//! Columns that are an identity on the target alone. The sequence of one may be in the way of the sequence that a serial column
//! has on the source.

use crate::ddl_step::Step;
use crate::schema::diff::DiffInput;
use crate::schema::diff::changed_objects::Change;
use crate::schema_object::{ColumnDefinition, Kind, Object, OwnedSequence, TableDefinition};
use crate::sql::ddl;

impl DiffInput<'_> {
    /// What follows the drop of identities: the default of their columns, and sequences that go with these.
    pub(super) fn after_identities(&self, object: &Object, there: &Object) -> Vec<Change> {
        let Some((here, there)) = object.definition.as_ref().zip(there.definition.as_ref()) else {
            return Vec::new();
        };
        let goes = object.root.as_ref().is_some_and(|root| self.resets(root));
        let title = |what: &str, column: &str| format!("{what} of column {}.{column}", object.id);
        let lost = |own: &&ColumnDefinition| {
            goes && there.column(&own.name).is_some_and(|other| loses_identity(own, other))
        };
        let defaults = here.columns.iter().filter(lost).filter_map(|own| {
            let statement = ddl::set_default(&object.at, own)?;
            Some(Change { title: title("default", own.name.as_str()), statement, drops: false })
        });
        let owned = here.owns.iter().filter(|owned| is_new(owned, here, there, goes));
        let owned = owned.map(|owned| Change {
            title: title("sequence", owned.column.as_str()),
            statement: ddl::own(&object.at, owned),
            drops: false,
        });
        defaults.chain(owned).collect()
    }

    /// Drops identities before all else: their sequences have the names that others may need.
    pub(super) fn identities_first(&self, steps: &mut [Step]) {
        let drops_identity = |step: &Step| {
            let mut texts = step.statements.iter().map(|statement| statement.as_str());
            step.kind == Kind::Table
                && step.title.starts_with(ddl::IDENTITY)
                && texts.any(|text| text.contains(ddl::DROP_IDENTITY))
        };
        steps.sort_by_key(|step| !drops_identity(step));
        steps.iter_mut().filter(|step| drops_identity(step)).for_each(|step| step.level = 0);
    }

    /// Whether the name of a sequence is that of an identity's, which stays.
    pub(super) fn is_name_of_identity(&self, sequence: &Object) -> bool {
        let tables = self.source.objects.iter().filter(|object| object.kind == Kind::Table);
        let stays = |table: &&Object| !table.root.as_ref().is_some_and(|root| self.resets(root));
        let there = tables.filter(stays).filter_map(|table| self.there(table)?.definition.as_ref());
        let mut identities = there.flat_map(|there| &there.columns);
        identities.any(|column| {
            column.identity.as_ref().is_some_and(|identity| identity.name == sequence.at)
        })
    }
}

fn loses_identity(own: &ColumnDefinition, there: &ColumnDefinition) -> bool {
    own.identity.is_none() && there.identity.is_some()
}

/// Whether a sequence goes with a column of the source only. That of an identity may be in the way of one of its name.
fn is_new(
    owned: &OwnedSequence,
    here: &TableDefinition,
    there: &TableDefinition,
    identity_goes: bool,
) -> bool {
    let mut theirs = there.owns.iter().filter(|theirs| theirs.column == owned.column);
    let pair = here.column(&owned.column).zip(there.column(&owned.column));
    let is_free = pair.is_some_and(|(own, other)| {
        other.identity.is_none() || identity_goes && loses_identity(own, other)
    });
    is_free && theirs.all(|theirs| theirs.sequence != owned.sequence)
}
