//! What a configuration depends on besides argv: environment variables and files. The shell fills
//! this in; everything in `config` that needs either asks here, so tests need neither.

use std::collections::BTreeMap;

/// The environment and a way to read files. No `Debug`: it holds `PGPASSWORD`.
pub struct Environment<'a> {
    pub variables: BTreeMap<String, String>,
    /// The file of that name; `None` when there is none; the error says why it cannot be read.
    pub read: &'a dyn Fn(&str) -> Result<Option<FileText>, String>,
}

/// A file's content and permission bits. No `Debug`: it can be a password file.
#[derive(Clone)]
pub struct FileText {
    pub text: String,
    pub mode: u32,
}

impl FileText {
    /// Whether the file's group or everybody may read it.
    pub fn is_readable_by_others(&self) -> bool {
        self.mode & 0o044 != 0
    }

    /// Any permission at all, as libpq judges a password file.
    pub fn is_open_to_others(&self) -> bool {
        self.mode & 0o077 != 0
    }
}

impl Environment<'_> {
    /// A variable that is set and not empty.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A file below the home folder, when the home is known.
    pub fn in_home(&self, file: &str) -> Option<String> {
        self.variable("HOME").map(|home| format!("{home}/{file}"))
    }
}
