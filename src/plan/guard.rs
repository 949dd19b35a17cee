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

/// What the guard says: the lines to paste.
pub fn message(open: &UnmaskedColumns) -> String {
    let names = |columns: &[Ident], around: &str| {
        let names = columns.iter().map(|column| format!("{around}{}{around}", column.as_str()));
        names.collect::<Vec<_>>().join(", ")
    };
    let told: Vec<String> =
        open.iter().map(|(table, columns)| format!("{table}: {}", names(columns, ""))).collect();
    let lines = open.iter().map(|(table, columns)| {
        let table = serde_json::Value::from(table.to_string());
        let columns: Vec<&str> = columns.iter().map(Ident::as_str).collect();
        format!("{table}: {{\"keep\": {}}}", serde_json::Value::from(columns))
    });
    let lines: Vec<String> = lines.collect();
    format!(
        "columns would travel with neither a mask nor a keep ({}): give those that are personal a mask (pgsync mask suggest \
         proposes masks for what looks personal); for those that may travel as they are, add to the config file, to the lists that it has: \
         \"tables\": {{{}}}",
        told.join("; "),
        lines.join(", ")
    )
}
