//! Which table of the log somebody asks for. Pure.

use crate::ident::{Ident, TableName};
use crate::suggest::nearest;

/// Names that are given to choose from.
const MOST: usize = 5;

/// The table of this name among those that the log knows; without a schema that of the `first` schema, else the one
/// that is called so.
///
/// # Errors
/// The tables that may be meant: those of the name in several schemas, or those of a name near to it.
pub fn find(
    asked: &TableName,
    known: &[TableName],
    first: &Ident,
) -> Result<TableName, Vec<TableName>> {
    let has_schema = !asked.schema.as_str().is_empty();
    let schema = if has_schema { &asked.schema } else { first };
    let exact = TableName { schema: schema.clone(), name: asked.name.clone() };
    let named = |name: &str| -> Vec<TableName> {
        known.iter().filter(|table| table.name.as_str() == name).take(MOST).cloned().collect()
    };
    if known.contains(&exact) {
        return Ok(exact);
    }
    match &named(asked.name.as_str())[..] {
        [] => {}
        [one] if !has_schema => return Ok(one.clone()),
        several => return Err(several.to_vec()),
    }
    let names = known.iter().map(|table| table.name.as_str());
    let near = nearest(asked.name.as_str(), names, 1);
    Err(near.first().map(|name| named(name)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_in_any_schema_and_a_mistyped_one_is_answered() {
        let table = |text: &str| {
            let (schema, name) = text.split_once('.').unwrap_or(("", text));
            TableName::new(schema, name)
        };
        let known = ["public.item", "shop.orders", "crm.item", "crm.note", "old.note"].map(table);
        let first = Ident::new("public");
        let found = [("item", "public.item"), ("crm.item", "crm.item"), ("orders", "shop.orders")];
        for (asked, expected) in found {
            assert_eq!(find(&table(asked), &known, &first), Ok(table(expected)), "{asked}");
        }
        let meant: [(&str, &[&str]); 5] = [
            ("note", &["crm.note", "old.note"]),
            ("ordres", &["shop.orders"]),
            ("shop.orderz", &["shop.orders"]),
            ("public.orders", &["shop.orders"]),
            ("warehouse", &[]),
        ];
        for (asked, expected) in meant {
            let expected = expected.iter().map(|name| table(name)).collect();
            assert_eq!(find(&table(asked), &known, &first), Err(expected), "{asked}");
        }
    }
}
