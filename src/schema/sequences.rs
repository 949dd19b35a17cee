//! Sequences that no column owns or draws from: an application does. They belong to a run that
//! names no tables.

use crate::context::{Catalogs, RunContext};
use crate::error::Result;
use crate::ident::TableName;
use crate::pg::sequences::SequenceValue;

impl RunContext<'_> {
    /// Those of the source that this run makes, whether a function of its tables draws from them or not.
    pub(crate) fn free_sequences<'s>(&self, catalogs: &'s Catalogs) -> Vec<&'s SequenceValue> {
        let all = self.settings.include.is_empty();
        catalogs.source.sequences.iter().filter(|one| one.free && all).collect()
    }

    /// Whether the target lacks one of them.
    pub(super) async fn lacks_sequences(&self, catalogs: &Catalogs) -> Result<bool> {
        let names = self.free_sequences(catalogs).into_iter();
        let names: Vec<TableName> =
            names.map(|one| self.settings.target_name_of(&one.name)).collect();
        if names.is_empty() {
            return Ok(false);
        }
        let known = self.target.control.known_sequences(&names).await?;
        Ok(known.len() < names.len())
    }
}
