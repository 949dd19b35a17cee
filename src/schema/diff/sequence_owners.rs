//! Sequences that a column owns on the target alone: the source has them, and no column owns them there.

use crate::ddl_step::Step;
use crate::ident::TableName;
use crate::schema::diff::DiffInput;
use crate::schema::diff::changed_objects::Change;
use crate::schema_object::text::Name;
use crate::schema_object::{Definitions, Kind, Object, OwnedSequence};
use crate::sql::ddl;

impl DiffInput<'_> {
    /// Whether the source has a sequence of this name, whoever owns it.
    pub(super) fn source_has(&self, sequence: &Name) -> bool {
        self.source.find(Kind::Sequence, &sequence.printed()).is_some()
    }

    /// What takes sequences from a table of the target that no column of the source owns.
    pub(super) fn freed_sequences(&self, object: &Object, there: &Object) -> Vec<Change> {
        // A column that does not travel is left as it is.
        let travels = |owned: &&OwnedSequence| {
            object.definition.as_ref().is_some_and(|here| here.column(&owned.column).is_some())
        };
        let owned = there.definition.iter().flat_map(|definition| &definition.owns);
        let freed = owned.filter(travels).filter(|owned| is_freed(self.source, owned));
        let freed = freed.map(|owned| Change {
            title: title(object, owned),
            statement: ddl::disown(owned),
            drops: false,
        });
        freed.collect()
    }
}

/// Whether the source has a sequence of the target, and no column owns it there.
fn is_freed(source: &Definitions, owned: &OwnedSequence) -> bool {
    let definitions = source.objects.iter().filter_map(|object| object.definition.as_ref());
    let mut owners = definitions.flat_map(|definition| &definition.owns);
    source.find(Kind::Sequence, &owned.sequence.printed()).is_some()
        && owners.all(|other| other.sequence != owned.sequence)
}

fn title(table: &Object, owned: &OwnedSequence) -> String {
    format!("sequence of column {}.{}", table.id, owned.column.as_str())
}

/// Lets new tables draw from the sequences of the old ones that the source has without an owner: steps that would create
/// them take them from the old ones.
pub fn keep_for_new_tables(
    steps: &mut [Step],
    source: &Definitions,
    target: &Definitions,
    old: &[TableName],
) {
    let is_old = |object: &&Object| object.root.as_ref().is_some_and(|root| old.contains(root));
    for table in target.objects.iter().filter(is_old) {
        let owned = table.definition.iter().flat_map(|definition| &definition.owns);
        for owned in owned.filter(|owned| is_freed(source, owned)) {
            let id = owned.sequence.printed();
            let creates = |step: &&mut Step| {
                step.kind == Kind::Sequence && step.creates.as_ref() == Some(&id)
            };
            for step in steps.iter_mut().filter(creates) {
                step.title = title(table, owned);
                step.statements = vec![ddl::disown(owned)];
                step.creates = None;
            }
        }
    }
}
