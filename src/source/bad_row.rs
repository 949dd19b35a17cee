//! A row of a SQLite file with a value that the target's column cannot hold.

/// Which row it is, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BadRow {
    /// Its key as the file has it, or its rowid; empty where it has neither.
    pub key: Vec<KeyField>,
    /// One at least.
    pub values: Vec<BadField>,
}

/// One column of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyField {
    pub column: String,
    pub value: String,
}

/// A value that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadField {
    pub column: String,
    /// SQLite's word for how it is stored.
    pub class: &'static str,
    pub reason: String,
    /// May be personal: shown on demand only.
    pub value: String,
    /// A statement for the target that gives the column the type that the file declares, which holds the value.
    pub widening: Option<String>,
}

impl BadRow {
    /// The row and its first bad column, without the value.
    pub fn describe(&self) -> String {
        let Some(BadField { column, class, reason, widening, .. }) = self.values.first() else {
            return self.name();
        };
        let widening = widening.as_ref().map(|statement| {
            format!(
                "; to give the column the type that the file declares, run on the target: {statement}"
            )
        });
        format!(
            "{}: column \"{column}\" holds what the target cannot hold: {reason} (stored as {class}){}",
            self.name(),
            widening.unwrap_or_default()
        )
    }

    fn name(&self) -> String {
        if self.key.is_empty() {
            return "a row".to_owned();
        }
        let names: Vec<&str> = self.key.iter().map(|field| field.column.as_str()).collect();
        let values: Vec<&str> = self.key.iter().map(|field| field.value.as_str()).collect();
        format!("row ({}) = ({})", names.join(", "), values.join(", "))
    }
}
