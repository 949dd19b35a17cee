//! `pgsync mask check`: all that a run looks at before the first row leaves the source, and nothing written.

use std::sync::Arc;

use super::endpoints::Endpoints;
use crate::config::{Settings, Unmasked};
use crate::context::RunContext;
use crate::error::Result;
use crate::event::Events;
use crate::ident::Ident;
use crate::note::NoteLevel;
use crate::observe::rules::Tried;
use crate::plan::guard;
use crate::plan::guard::UnmaskedColumns;
use crate::plan::hints;
use crate::plan::shown::ShownTable;
use crate::suggest;

/// What was looked at, and what is wrong with it.
#[derive(Debug, Default)]
pub struct MaskCheck {
    /// Tables that take part.
    pub tables: usize,
    /// Columns of them that are masked.
    pub masks: usize,
    pub problems: Vec<String>,
}

/// Looks at rules and masks as a run would.
///
/// # Errors
/// What concerns both ends as a whole.
pub async fn check_masks(settings: &Settings, events: &Events) -> Result<MaskCheck> {
    let endpoints = Endpoints::open(settings)?;
    let settings = endpoints.with_schemas(&Arc::new(settings.clone())).await?;
    let checked = endpoints.context(&settings, events, "").check_masks().await;
    endpoints.close().await;
    checked
}

impl RunContext<'_> {
    async fn check_masks(&self) -> Result<MaskCheck> {
        let mut catalogs = self.open().await?;
        self.require_writable(&catalogs.target.server)?;
        let tables = std::mem::take(&mut catalogs.source.tables);
        self.refuse_no_tables(&tables, &catalogs.target.tables).await?;
        let selected = self.select(&tables, &catalogs)?;
        self.require_right_ends(&catalogs, &selected).await?;
        let mut judged = self.judge_rules(&selected, &tables, &catalogs, Tried::All).await?;
        judged.shown.iter().for_each(|shown| leave_meant(shown, &mut judged.unmasked));
        let mut problems = judged.problems;
        if self.settings.unmasked == Unmasked::Fail && !judged.unmasked.is_empty() {
            problems.extend(guard::lines(&judged.unmasked, self.settings.include.is_empty()));
        } else {
            self.guard_unmasked(&judged.unmasked)?;
        }
        let role = catalogs.source.server.role.typed();
        problems.extend(judged.shown.iter().filter_map(|shown| unread(shown, &role)));
        let masks = judged.shown.iter().map(|shown| shown.rules.mask.len()).sum();
        // A table of wrong rules is not counted.
        if masks == 0 && problems.is_empty() && self.settings.mask_key.is_some() {
            self.note(NoteLevel::Warning, None, NOTHING_MASKED.to_owned());
        }
        Ok(MaskCheck { tables: selected.len(), masks, problems })
    }
}

/// Takes out the columns that a misspelt mask most likely means: that they may travel is no advice.
fn leave_meant(shown: &ShownTable<'_>, unmasked: &mut UnmaskedColumns) {
    let Some(columns) = unmasked.get_mut(&shown.table.name) else { return };
    let is_there = |name: &Ident| shown.table.column(shown.rules.target_column(name)).is_some();
    for misspelt in shown.rules.mask.keys().filter(|name| !is_there(name)) {
        let there = columns.iter().map(Ident::as_str);
        let meant =
            suggest::nearest(misspelt.as_str(), there, 1).first().map(|one| Ident::new(*one));
        columns.retain(|column| Some(column) != meant.as_ref());
    }
    unmasked.retain(|_, columns| !columns.is_empty());
}

/// Most likely the masks are lost or fit no selected table.
const NOTHING_MASKED: &str = "there is a maskKey, and no column of the selected tables has a mask: all rows would travel as they are";

/// What a run lacks to read a table with masks of which the role may read what travels, and not the place of its rows.
fn unread(shown: &ShownTable<'_>, role: &str) -> Option<String> {
    let is_tried = !shown.rules.mask.is_empty() && hints::is_readable(shown);
    let grant = hints::column_grant(&shown.table, &shown.rules, role).filter(|_| is_tried)?;
    let name = &shown.table.name;
    Some(format!("{name}: permission denied for table {}: {grant}", name.name.as_str()))
}
