//! Names of things in a database, as the catalog holds them: unquoted, case preserved.
//!
//! A name for people and a name for SQL are different methods. Nothing here implements `Display`
//! with an unquoted name except [`TableName`], which is only ever printed for people; SQL text is
//! built by `sql!`, which takes [`Ident::quoted`] and refuses plain strings.

use std::fmt;
use std::fmt::Write;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// One SQL identifier: a schema, table, column, trigger, role or index name. Names are copied all over a plan, so
/// copies share their text.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ident(Arc<str>);

impl Ident {
    /// Wraps a name as the catalog holds it, without quotes.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into().into())
    }

    /// The name as people write and read it, without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as SQL needs it: always in double quotes, with those inside doubled.
    pub fn quoted(&self) -> String {
        let mut quoted = String::with_capacity(self.0.len() + 2);
        let _ = self.write_quoted(&mut quoted);
        quoted
    }

    /// Writes [`Ident::quoted`].
    ///
    /// # Errors
    /// Those of `f`.
    pub fn write_quoted(&self, f: &mut impl Write) -> fmt::Result {
        f.write_char('"')?;
        write_doubled(f, &self.0, '"')?;
        f.write_char('"')
    }

    /// The name as people type it into SQL: in quotes only where it needs them, as PostgreSQL's own
    /// `quote_ident` has it.
    pub fn typed(&self) -> String {
        let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
        let plain = self.0.bytes().all(is_plain)
            && self.0.bytes().next().is_some_and(|byte| !byte.is_ascii_digit())
            && !KEYWORDS.contains(&self.as_str());
        if plain { self.as_str().to_owned() } else { self.quoted() }
    }
}

/// Names of schemas as the value of a flag in a shell: in single quotes where a shell would read more than a word.
pub fn as_argument(names: &[&str]) -> String {
    let value = names.join(",");
    let is_plain = |c: char| c.is_alphanumeric() || "_,-.".contains(c);
    if value.chars().all(is_plain) { value } else { format!("'{}'", value.replace('\'', r"'\''")) }
}

/// The words that PostgreSQL 10 to 18 print in quotes where they are names: all keywords that are not
/// "unreserved". Those that only newer versions know, of SQL/JSON, are names without quotes.
#[rustfmt::skip]
const KEYWORDS: &[&str] = &[
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "authorization", "binary",
    "both", "case", "cast", "check", "collate", "collation", "column", "concurrently", "constraint", "create",
    "cross", "current_catalog", "current_date", "current_role", "current_schema", "current_time",
    "current_timestamp", "current_user", "default", "deferrable", "desc", "distinct", "do", "else", "end",
    "except", "false", "fetch", "for", "foreign", "freeze", "from", "full", "grant", "group", "having", "ilike",
    "in", "initially", "inner", "intersect", "into", "is", "isnull", "join", "lateral", "leading", "left", "like",
    "limit", "localtime", "localtimestamp", "natural", "not", "notnull", "null", "offset", "on", "only", "or",
    "order", "outer", "overlaps", "placing", "primary", "references", "returning", "right", "select",
    "session_user", "similar", "some", "symmetric", "system_user", "table", "tablesample", "then", "to",
    "trailing", "true", "union", "unique", "user", "using", "variadic", "verbose", "when", "where", "window",
    "with",
    // Those that may be the name of a column or a table.
    "between", "bigint", "bit", "boolean", "char", "character", "coalesce", "dec", "decimal", "exists", "extract",
    "float", "greatest", "grouping", "inout", "int", "integer", "interval", "least", "national", "nchar", "none",
    "nullif", "numeric", "out", "overlay", "position", "precision", "real", "row", "setof", "smallint", "substring",
    "time", "timestamp", "treat", "trim", "values", "varchar", "xmlattributes", "xmlconcat", "xmlelement",
    "xmlexists", "xmlforest", "xmlnamespaces", "xmlparse", "xmlpi", "xmlroot", "xmlserialize", "xmltable",
];

/// A table's name with its schema. `Display` is for people: `public.users`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TableName {
    pub schema: Ident,
    pub name: Ident,
}

impl TableName {
    /// Joins a schema and a name, both without quotes.
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { schema: Ident::new(schema), name: Ident::new(name) }
    }

    /// The name as SQL needs it: `"public"."users"`.
    pub fn quoted(&self) -> String {
        let mut quoted = String::with_capacity(self.schema.0.len() + self.name.0.len() + 5);
        let _ = self.write_quoted(&mut quoted);
        quoted
    }

    /// Writes [`TableName::quoted`].
    ///
    /// # Errors
    /// Those of `f`.
    pub fn write_quoted(&self, f: &mut impl Write) -> fmt::Result {
        self.schema.write_quoted(f)?;
        f.write_char('.')?;
        self.name.write_quoted(f)
    }

    /// The name as people type it into SQL: `public.users`, `public."Order Notes"`.
    pub fn typed(&self) -> String {
        format!("{}.{}", self.schema.typed(), self.name.typed())
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema.as_str(), self.name.as_str())
    }
}

/// Writes a text with each `quote` in it twice.
///
/// # Errors
/// Those of `f`.
pub(crate) fn write_doubled(f: &mut impl Write, text: &str, quote: char) -> fmt::Result {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(quote) {
        f.write_str(before)?;
        f.write_char(quote)?;
        f.write_char(quote)?;
        rest = after;
    }
    f.write_str(rest)
}

/// The name of an operator: nothing but signs, and none that begin a comment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct OperatorName(String);

impl OperatorName {
    /// The signs of the operator, which need no quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for OperatorName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_sign = |c: char| "+-*/<>=~!@#%^&|`?".contains(c);
        let is_comment = text.contains("--") || text.contains("/*");
        if !text.is_empty() && text.chars().all(is_sign) && !is_comment {
            Ok(Self(text))
        } else {
            Err(format!("{text:?} is not the name of an operator"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_a_list_of_schemas_as_one_word() {
        assert_eq!(as_argument(&["public", "tenant_1"]), "public,tenant_1");
        assert_eq!(as_argument(&["Order Notes", "o'b"]), r"'Order Notes,o'\''b'");
    }

    #[test]
    fn names_that_people_paste_are_quoted_where_they_have_to_be() {
        let cases = [
            ("users", "users"),
            ("_2024", "_2024"),
            ("2024", "\"2024\""),
            ("Mixed", "\"Mixed\""),
            ("user", "\"user\""),
            ("", "\"\""),
            ("h to x; drop table y; --", "\"h to x; drop table y; --\""),
            ("a\"b", "\"a\"\"b\""),
        ];
        for (name, typed) in cases {
            assert_eq!(Ident::new(name).typed(), typed);
        }
    }

    #[test]
    fn an_operator_is_made_of_signs() {
        for (text, is_one) in [
            ("=", true),
            ("*<>", true),
            ("--", false),
            ("=/*", false),
            ("", false),
            ("=) or (1", false),
        ] {
            assert_eq!(OperatorName::try_from(text.to_owned()).is_ok(), is_one, "{text}");
        }
    }

    #[test]
    fn a_hostile_name_stays_one_identifier() {
        let name = TableName::new("a\"; drop table x; --", "b.c");
        assert_eq!(name.quoted(), "\"a\"\"; drop table x; --\".\"b.c\"");
        assert_eq!(name.to_string(), "a\"; drop table x; --.b.c");
    }
}
