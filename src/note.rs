//! What a run has to say to a person, as a value: the report gives it its form.

use crate::ident::TableName;

/// A remark, worded once where it is made. `table` is `None` when it concerns the whole run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub table: Option<TableName>,
    pub text: String,
    pub level: NoteLevel,
}

/// How much a note asks of the user, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteLevel {
    /// Worth knowing; shown with `-verbose` only.
    Detail,
    /// Something the user should know.
    Notice,
    /// Something the user should fix.
    Warning,
}
