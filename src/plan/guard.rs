//! The guard: columns that people are told by, and that would travel with neither a mask nor a keep.

use std::collections::BTreeMap;

use crate::builtin_type::{self, Fact};
use crate::ident::{Ident, TableName};
use crate::plan::masking::Ruled;
use crate::plan::shown::travelling;
use crate::sql::mask::ValueKind;
use crate::table::{Column, TypeKind};

/// By table: the columns that people are told by and that travel as they are.
pub type UnmaskedColumns = BTreeMap<TableName, Vec<Ident>>;

/// Those columns of the tables; none where nothing is masked.
pub fn unmasked(ruled: &Ruled<'_>) -> UnmaskedColumns {
    if ruled.iter().all(|(_, rules)| rules.mask.is_empty()) {
        return BTreeMap::new();
    }
    let open = ruled.iter().map(|(table, rules)| {
        let columns = travelling(table, rules).into_iter().filter(|name| {
            let covered = rules.mask.contains_key(*name) || rules.keep.contains(name);
            !covered && table.column(name).is_some_and(is_telling)
        });
        (table.name.clone(), columns.cloned().collect::<Vec<Ident>>())
    });
    open.filter(|(_, columns)| !columns.is_empty()).collect()
}

/// Whether a column may hold words of people, as far as its type tells.
pub fn is_telling(column: &Column) -> bool {
    let base = column.under_domains();
    let is_enum = || {
        let own = base.parts.iter().find(|part| part.oid == base.type_oid);
        own.is_some_and(|part| part.kind == TypeKind::Enum)
    };
    let impersonal =
        base.is_built_in() && builtin_type::is(base.type_name.as_str(), Fact::Impersonal);
    ValueKind::of(column).is_telling() && !impersonal && !is_enum()
}

/// What the guard says, with the entries of the config file to paste, a table a line; those begin with blanks. `selects_all` says that nobody has
/// chosen tables.
pub fn lines(open: &UnmaskedColumns, selects_all: bool) -> Vec<String> {
    let tables = match open.len() {
        1 => "a table has columns".to_owned(),
        count => format!("{count} tables have columns"),
    };
    let selection = if selects_all && open.len() > 1 {
        "; if you need only some tables, name these: \"includeTables\": [\"…\"]"
    } else {
        ""
    };
    let head = format!(
        "{tables} with neither a mask nor a keep: give personal columns a mask (docs/masking.md lists the masks){selection}; \
         for columns that may travel as they are, merge this into the config file:"
    );
    let entries = open.iter().enumerate().map(|(number, (table, columns))| {
        let start = if number == 0 { "  \"tables\": {" } else { "    " };
        let end = if number + 1 == open.len() { "}" } else { "," };
        let table = serde_json::Value::from(table.to_string());
        let columns: Vec<&str> = columns.iter().map(Ident::as_str).collect();
        format!("{start}{table}: {{\"keep\": {}}}{end}", serde_json::Value::from(columns))
    });
    std::iter::once(head).chain(entries).collect()
}

/// The same in one line.
pub fn message(open: &UnmaskedColumns, selects_all: bool) -> String {
    let lines = lines(open, selects_all);
    lines.iter().map(|line| line.trim_start()).collect::<Vec<_>>().join(" ")
}
