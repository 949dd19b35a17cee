//! What the rules say of tables and columns that the source does not have.

use crate::ident::{Ident, TableName};

/// A table of the source and its columns.
#[derive(Clone, Debug)]
pub struct SourceColumns<'a> {
    pub table: &'a TableName,
    pub columns: Vec<&'a Ident>,
}
