//! Methods of compression that the target's server is built without: columns do with its default.

use super::make::Compression;
use super::{Definitions, Object};
use crate::ident::TableName;

/// A column that loses its method.
#[derive(Clone, Debug, PartialEq)]
pub struct Uncompressed {
    /// The table of the run.
    pub root: TableName,
    /// `public.item.v`, for people.
    pub column: String,
}

/// Says once that so many columns do without lz4.
pub fn left_out(first: &Uncompressed, count: usize) -> String {
    let others = match count.saturating_sub(1) {
        0 => String::new(),
        1 => " and of 1 other".to_owned(),
        others => format!(" and of {others} others"),
    };
    format!(
        "compression lz4 of column {}{others} is left out: the target's server does not have it",
        first.column
    )
}

impl Definitions {
    /// Takes lz4 away from all columns; gives those of the run's tables that had it.
    pub fn without_lz4(&mut self) -> Vec<Uncompressed> {
        self.objects.iter_mut().flat_map(Object::without_lz4).collect()
    }
}

impl Object {
    fn without_lz4(&mut self) -> Vec<Uncompressed> {
        let (root, id) = (self.root.clone(), self.id.clone());
        let columns = self.described.definition.iter_mut().flat_map(|own| &mut own.columns);
        let compressed = columns.filter(|column| column.compression == Some(Compression::Lz4));
        let lost = compressed.filter_map(|column| {
            column.compression = None;
            let column = format!("{id}.{}", column.name.as_str());
            Some(Uncompressed { root: root.clone()?, column })
        });
        lost.collect()
    }
}
