//! Masks, checked before the first row leaves the source: by both catalogs, and by the source itself, of
//! which only counts come back.

use std::collections::HashMap;

use crate::config::Unmasked;
use crate::context::{Catalogs, RunContext};
use crate::error::{Error, Result};
use crate::ident::TableName;
use crate::note::NoteLevel;
use crate::plan::guard;
use crate::plan::masking::{self, Ruled};
use crate::rules::Mask;
use crate::sql::mask::MaskHash;
use crate::table::Table;

/// The version from which a server has `sha256`.
const SHA256: u32 = 110_000;

impl RunContext<'_> {
    /// What counts for each selected table, with the masks that foreign keys hand on; and what is wrong.
    pub(super) async fn ruled<'t>(
        &self,
        selected: &[&'t Table],
        catalogs: &Catalogs,
    ) -> Result<(Ruled<'t>, Vec<String>)> {
        let rules = &self.settings.rules;
        let ruled = selected.iter().map(|table| (*table, rules.effective(&table.name)));
        let mut ruled: Ruled<'t> = ruled.collect();
        let mut problems = masking::inherit(&mut ruled, &catalogs.source.foreign_keys);
        let there: HashMap<&TableName, &Table> =
            catalogs.target.tables.iter().map(|table| (&table.name, table)).collect();
        for (table, rules) in &ruled {
            let target = there.get(&rules.target_name(&table.name)).copied();
            problems.extend(masking::problems(table, rules, target));
        }
        if problems.is_empty() {
            problems.extend(self.mask_refusals(&ruled, catalogs).await?);
        }
        Ok((ruled, problems))
    }

    /// By what values are hashed.
    pub(super) fn mask_hash(&self, catalogs: &Catalogs) -> MaskHash {
        match catalogs.source.server.version >= SHA256 {
            true => MaskHash::Sha256,
            false => MaskHash::Md5,
        }
    }

    /// What the source says of masks.
    async fn mask_refusals(&self, ruled: &Ruled<'_>, catalogs: &Catalogs) -> Result<Vec<String>> {
        let masked: Vec<_> = ruled.iter().filter(|(_, rules)| !rules.mask.is_empty()).collect();
        if masked.is_empty() {
            return Ok(Vec::new());
        }
        let reader = self.source.reader().await?;
        let mut problems = Vec::new();
        for (table, rules) in masked {
            let masks = masking::masks(table, rules, self.mask_hash(catalogs));
            for (column, mask) in &rules.mask {
                let Some(masked) = masks.get(column) else { continue };
                let refused = reader.refuses_mask(&table.name, column, (mask, masked)).await?;
                let place = masking::place(rules, column);
                problems.extend(refused.map(|why| format!("{place}: {why}")));
            }
        }
        self.source.release(reader, false).await;
        Ok(problems)
    }

    /// Columns of people's words that nobody has thought of stop the run.
    ///
    /// # Errors
    /// [`Error::Refused`] with the lines to paste.
    pub(super) fn guard_unmasked(&self, ruled: &Ruled<'_>) -> Result<()> {
        let open = guard::unmasked(ruled);
        if open.is_empty() {
            return Ok(());
        }
        let text = guard::message(&open);
        match self.settings.unmasked {
            Unmasked::Fail => Err(Error::Refused(text)),
            Unmasked::Note => {
                self.note(NoteLevel::Warning, None, text);
                Ok(())
            }
            Unmasked::Off => Ok(()),
        }
    }

    /// What the key makes of a constant: it differs for another key, and tells nothing about it.
    pub(super) async fn key_mark(&self, ruled: &Ruled<'_>, catalogs: &Catalogs) -> Result<String> {
        let is_keyed = |mask: &Mask| mask.is_keyed();
        if !ruled.iter().any(|(_, rules)| rules.mask.values().any(is_keyed)) {
            return Ok(String::new());
        }
        let reader = self.source.reader().await?;
        let mark = reader.mask_key_mark(self.mask_hash(catalogs)).await?;
        self.source.release(reader, false).await;
        Ok(mark)
    }
}
