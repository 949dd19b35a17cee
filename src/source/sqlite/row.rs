//! A row of a file as the target will have it: the text that travels, and the hash that the target makes of
//! the same row.

use std::ops::Range;

use rusqlite::types::{Value as Bound, ValueRef};
use rusqlite::{Row, Statement};

use super::failure;
use super::forms::{Forms, LikelyForms};
use super::hash::{hash_bytes, hash_int8, md5_hash};
use super::values::{BadValue, Datum, Form, Reason, Value};
use crate::digest::Digest;
use crate::digest::buckets::Bucket;
use crate::error::Result;
use crate::ident::Ident;
use crate::source::{BadField, BadRow, KeyField};
use crate::sql::buckets::Bucketing;
use crate::sql::digest::{DigestOf, HashFamily};
use crate::sql::mapping::{HashMethod, TableMapping};

/// More columns than this are hashed by the text of their row: see `sql/digest.rs`.
const GROUP: usize = 64;
/// Characters of a bad value that are shown.
const SHOWN: usize = 200;

/// How the rows of one table are read: which columns, and what becomes of their values.
#[derive(Clone, Debug, PartialEq)]
pub struct RowShape {
    pub columns: Vec<ShapedColumn>,
    /// The columns of the key, or all where there is none.
    identity: Vec<usize>,
    /// What is digested with the key.
    drifting: Vec<usize>,
    hasher: HashFamily,
    has_key: bool,
    /// The columns by which a row is told: those of the key, also of one that the target gets later.
    told_by: Vec<usize>,
}

/// A column that travels: its name on the target, how it is written and how it is hashed.
#[derive(Clone, Debug, PartialEq)]
pub struct ShapedColumn {
    pub name: Ident,
    form: Form,
    hashed: HashMethod,
    /// SQLite has NULL also in keys.
    never_null: bool,
    widening: Option<Widening>,
}

/// A statement that gives a column of the target the type that the file declares, and how it reads values then.
#[derive(Clone, Debug, PartialEq)]
struct Widening {
    form: Form,
    statement: String,
}

impl RowShape {
    /// All that travels, in its order.
    ///
    /// # Errors
    /// `Error::Blocked` at a type of which no values can be made.
    pub fn of(mapping: &TableMapping, forms: &Forms) -> Result<Self> {
        let place = |name: &Ident| mapping.columns.iter().position(|column| &column.name == name);
        let key = mapping.key.iter().map(|column| &column.name);
        // A table that the run creates gets its key when its rows are there.
        let primary = forms.primary_key(&mapping.source.name).iter();
        let told_by: Vec<usize> = if mapping.key.is_empty() {
            primary.filter_map(place).collect()
        } else {
            key.filter_map(place).collect()
        };
        let columns = mapping.columns.iter().enumerate().map(|(place, column)| {
            let form = forms.form(&mapping.source.name, &column.name)?.clone();
            let widening = forms.declared(&mapping.source.name, &column.name);
            let widening = widening.map(|declared| Widening {
                form: declared.form.clone(),
                statement: format!(
                    "alter table {} alter column {} type {}",
                    mapping.target.name.typed(),
                    column.name.typed(),
                    declared.type_text
                ),
            });
            Ok(ShapedColumn {
                name: column.name.clone(),
                form,
                widening,
                hashed: column.hashed.clone(),
                never_null: told_by.contains(&place),
            })
        });
        let columns = columns.collect::<Result<_>>()?;
        let identity = if mapping.key.is_empty() {
            (0..mapping.columns.len()).collect()
        } else {
            mapping.key.iter().filter_map(|column| place(&column.name)).collect()
        };
        Ok(Self {
            columns,
            identity,
            told_by,
            drifting: mapping.drifting.iter().filter_map(|column| place(&column.name)).collect(),
            hasher: mapping.hasher,
            has_key: !mapping.key.is_empty(),
        })
    }

    /// The same with other forms; none where a column of these is not among its own.
    pub fn with_likely(&self, likely: &LikelyForms) -> Option<Self> {
        let is_own = |name: &Ident| self.columns.iter().any(|column| column.name == *name);
        if !likely.columns().all(is_own) {
            return None;
        }
        let mut shape = self.clone();
        for column in &mut shape.columns {
            if let Some(form) = likely.of(&column.name) {
                column.form = form.clone();
            }
        }
        Some(shape)
    }

    /// The same with nothing but the key and what is digested with it.
    pub fn keys_only(&self) -> Self {
        let places: Vec<usize> = self.identity.iter().chain(&self.drifting).copied().collect();
        let key = self.identity.len();
        Self {
            columns: places.iter().map(|place| self.columns[*place].clone()).collect(),
            identity: (0..key).collect(),
            drifting: (key..places.len()).collect(),
            hasher: self.hasher,
            has_key: self.has_key,
            told_by: if self.has_key { (0..key).collect() } else { Vec::new() },
        }
    }

    /// The names of the key's columns.
    pub fn key_names(&self) -> impl Iterator<Item = &Ident> {
        self.identity.iter().map(|place| &self.columns[*place].name)
    }

    /// Whether SQLite, asked for a key, finds what the target would: by the index, where a value of its kind has
    /// one text only.
    pub fn is_found_by_key(&self, statement: &Statement<'_>) -> bool {
        let declared =
            statement.columns().map(|column| column.decl_type().map(str::to_ascii_uppercase));
        let declared: Vec<String> = declared.map(Option::unwrap_or_default).collect();
        self.identity.iter().all(|place| {
            let kind = &declared[*place];
            let is_integer = kind.contains("INT");
            let is_text = ["CHAR", "CLOB", "TEXT"].iter().any(|word| kind.contains(word));
            match self.columns[*place].hashed {
                HashMethod::Integer => is_integer,
                HashMethod::Text => is_text && !is_integer,
                _ => false,
            }
        })
    }

    /// A key for such a question; none where it is no key that a row could have.
    pub fn bound_key(&self, values: &[String]) -> Option<Vec<Bound>> {
        let bound = |(place, value): (&usize, &String)| match self.columns[*place].hashed {
            HashMethod::Integer => value.parse().ok().map(Bound::Integer),
            _ => Some(Bound::Text(value.clone())),
        };
        self.identity.iter().zip(values).map(bound).collect()
    }

    /// Whether SQLite gives rows in the order of their integer key: a column of another affinity may hold numbers
    /// as text, which come behind all others, and which no comparison with a number finds.
    pub fn has_ordered_key(&self, statement: &Statement<'_>) -> bool {
        let is_integer = |declared: Option<&str>| {
            declared.is_some_and(|declared| declared.to_ascii_uppercase().contains("INT"))
        };
        let columns = statement.columns();
        let integers: Vec<bool> = columns.map(|column| is_integer(column.decl_type())).collect();
        self.identity.iter().all(|place| integers[*place])
    }

    /// The integer key of a row, where it is one column.
    pub fn integer_key(&self, values: &[Datum<'_>]) -> Option<i64> {
        match self.identity.first().map(|place| &values[*place]) {
            Some(Datum::Integer(key)) => Some(*key),
            _ => None,
        }
    }

    /// The values of a row; none where the target cannot hold one of them.
    ///
    /// # Errors
    /// SQLite's.
    pub fn read<'r>(&'r self, row: &'r Row<'_>) -> Result<Option<Vec<Datum<'r>>>> {
        let mut values = Vec::with_capacity(self.columns.len());
        for (place, column) in self.columns.iter().enumerate() {
            match column.read(stored(row, place)?) {
                Ok(value) => values.push(value),
                Err(_) => return Ok(None),
            }
        }
        Ok(Some(values))
    }

    /// The row, if the target cannot hold a value of it. Its rowid stands behind its columns, if it has one, and
    /// tells it where no key does.
    ///
    /// # Errors
    /// SQLite's.
    pub fn bad_row(&self, row: &Row<'_>) -> Result<Option<BadRow>> {
        let mut bad = BadRow::default();
        for (place, column) in self.columns.iter().enumerate() {
            let value = stored(row, place)?;
            if let Err(BadValue { class, reason }) = column.read(value) {
                bad.values.push(BadField {
                    column: column.name.as_str().to_owned(),
                    class: class.name(),
                    reason: reason.to_string(),
                    value: shown(value),
                    widening: column.widening_for(value),
                });
            }
        }
        if bad.values.is_empty() {
            return Ok(None);
        }
        let key = self.told_by.iter().map(|place| Ok((*place, stored(row, *place)?)));
        let key: Vec<(usize, Value<'_>)> = key.collect::<Result<_>>()?;
        if !key.is_empty() && key.iter().all(|(_, value)| *value != Value::Null) {
            for (place, value) in key {
                let column = self.columns[place].name.as_str().to_owned();
                bad.key.push(KeyField { column, value: shown(value) });
            }
        } else if let Ok(rowid) = row.get_ref(self.columns.len()) {
            bad.key.push(KeyField { column: "rowid".to_owned(), value: shown(raw(rowid)) });
        }
        Ok(Some(bad))
    }

    /// Appends a row of binary COPY: the number of its fields, and each of them.
    pub fn send(&self, values: &[Datum<'_>], out: &mut Vec<u8>) {
        out.extend_from_slice(&(values.len() as i16).to_be_bytes());
        for (column, value) in self.columns.iter().zip(values) {
            value.send(column.form.width(), out);
        }
    }

    /// The hash of a row, or of its key and what drifts: what `TableMapping::hash` makes of it on the target.
    pub fn hash(&self, values: &[Datum<'_>], of: DigestOf) -> i64 {
        match of {
            DigestOf::Rows => self.hash_of(values, 0..self.columns.len()),
            DigestOf::Keys => {
                let places: Vec<usize> =
                    self.identity.iter().chain(&self.drifting).copied().collect();
                self.hash_of(values, places.into_iter())
            }
        }
    }

    /// The hash of each column.
    pub fn column_hashes(&self, values: &[Datum<'_>]) -> Vec<i64> {
        (0..self.columns.len()).map(|place| self.hash_of(values, std::iter::once(place))).collect()
    }

    /// The bucket of a row.
    pub fn bucket(&self, values: &[Datum<'_>], bucketing: Bucketing) -> i64 {
        match (bucketing, self.identity.first().map(|place| &values[*place])) {
            (Bucketing::Range { shift }, Some(Datum::Integer(key))) => key >> shift,
            (Bucketing::Range { .. }, _) => 0,
            (Bucketing::Hash { mask }, _) => {
                self.hash_of(values, self.identity.iter().copied()) & mask
            }
        }
    }

    /// The bucket of a row, with its hash, or that of its key and what drifts. The key is hashed once, where it enters
    /// the row's hash first.
    pub fn hashed_bucket_of(
        &self,
        values: &[Datum<'_>],
        of: DigestOf,
        bucketing: Bucketing,
    ) -> Bucket {
        let (number, hash) = match bucketing {
            Bucketing::Hash { mask } if of == DigestOf::Rows && self.begins_with_key() => {
                let key = self.identity.len();
                let inputs = |places: Range<usize>| places.map(|place| self.input(values, place));
                let rest = chain(inputs(key..self.columns.len()), key as u64 + 1);
                let key = chain(inputs(0..key), 1);
                (key & mask, key ^ rest)
            }
            _ => (self.bucket(values, bucketing), self.hash(values, of)),
        };
        Bucket { number, digest: Digest { rows: 1, sum: hash.into() } }
    }

    /// Whether the hash of a row is that of its key, and behind it that of what else there is.
    fn begins_with_key(&self) -> bool {
        let is_chained = self.hasher == HashFamily::Extended && self.columns.len() <= GROUP;
        is_chained && self.identity.iter().copied().eq(0..self.identity.len())
    }

    /// The bucket of a row by the hash of its key's values; none where the target cannot hold one of them.
    pub fn hashed_bucket<'v>(
        &self,
        key: impl Iterator<Item = Value<'v>>,
        mask: i64,
    ) -> Option<i64> {
        let columns = self.identity.iter().map(|place| &self.columns[*place]);
        let key: Option<Vec<Datum<'_>>> =
            columns.clone().zip(key).map(|(column, value)| column.read(value).ok()).collect();
        let key = key?;
        let methods = columns.map(|column| &column.hashed);
        let inputs = key.iter().zip(methods).map(|(value, method)| HashInput { value, method });
        Some(self.hash_inputs(inputs) & mask)
    }

    /// The text of a row's key, as the target prints it; none where a value is NULL.
    pub fn key_text(&self, values: &[Datum<'_>]) -> Option<Vec<String>> {
        let printed = |place: &usize| printed(&values[*place]);
        self.identity.iter().map(printed).collect()
    }

    /// The key as fields of COPY text.
    pub fn encode_key(&self, values: &[Datum<'_>], out: &mut Vec<u8>) {
        for place in &self.identity {
            values[*place].encode(out);
            out.push(b'\t');
        }
    }

    fn hash_of(&self, values: &[Datum<'_>], places: impl ExactSizeIterator<Item = usize>) -> i64 {
        self.hash_inputs(places.map(|place| self.input(values, place)))
    }

    fn input<'i>(&'i self, values: &'i [Datum<'_>], place: usize) -> HashInput<'i> {
        HashInput { value: &values[place], method: &self.columns[place].hashed }
    }

    fn hash_inputs<'i>(&self, inputs: impl ExactSizeIterator<Item = HashInput<'i>>) -> i64 {
        if self.hasher == HashFamily::Extended && inputs.len() <= GROUP {
            return chain(inputs, 1);
        }
        let inputs: Vec<HashInput<'_>> = inputs.collect();
        if self.hasher != HashFamily::Extended {
            return md5_hash(&record(&inputs));
        }
        let groups = inputs.chunks(GROUP).zip(1..);
        let hashes = groups.map(|(group, seed)| hash_bytes(&record(group), seed));
        hashes.fold(0, |all, hash| all ^ hash)
    }
}

/// A value that enters a hash.
#[derive(Clone, Copy)]
struct HashInput<'i> {
    value: &'i Datum<'i>,
    method: &'i HashMethod,
}

impl ShapedColumn {
    fn read<'a>(&self, value: Value<'a>) -> std::result::Result<Datum<'a>, BadValue> {
        match value {
            Value::Null if self.never_null => Err(value.bad(Reason::NullInKey)),
            value => self.form.read(value),
        }
    }

    /// The statement by which the column can hold the value.
    fn widening_for(&self, value: Value<'_>) -> Option<String> {
        let widening = self.widening.as_ref()?;
        widening.form.read(value).is_ok().then(|| widening.statement.clone())
    }
}

/// What comes before the rows of binary COPY: the signature, no flags, no extension.
pub const BINARY_HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What comes behind them: a row of -1 fields.
pub const BINARY_TAIL: &[u8] = b"\xff\xff";

/// A row as COPY text, with its line feed.
pub fn encode(values: &[Datum<'_>], out: &mut Vec<u8>) {
    for (place, value) in values.iter().enumerate() {
        if place > 0 {
            out.push(b'\t');
        }
        value.encode(out);
    }
    out.push(b'\n');
}

/// What PostgreSQL prints; none for NULL.
pub fn printed(value: &Datum<'_>) -> Option<String> {
    if *value == Datum::Null {
        return None;
    }
    let mut text = Vec::new();
    value.print(&mut text);
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// A value of a row as SQLite stores it.
fn stored<'r>(row: &'r Row<'_>, place: usize) -> Result<Value<'r>> {
    let value = row.get_ref(place).map_err(|error| failure::of("reading a row", &error))?;
    Ok(raw(value))
}

/// A value for people.
fn shown(value: Value<'_>) -> String {
    let long = match value {
        Value::Null => "null".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => format!("{number:?}"),
        Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Value::Blob(bytes) => {
            let hex: String = bytes.iter().take(SHOWN).map(|byte| format!("{byte:02x}")).collect();
            format!("x'{hex}'")
        }
    };
    match long.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &long[..end]),
        None => long,
    }
}

/// The value as SQLite stores it, without copying it.
pub fn raw(value: ValueRef<'_>) -> Value<'_> {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Integer(value),
        ValueRef::Real(value) => Value::Real(value),
        ValueRef::Text(bytes) => Value::Text(bytes),
        ValueRef::Blob(bytes) => Value::Blob(bytes),
    }
}

fn chain<'i>(inputs: impl Iterator<Item = HashInput<'i>>, first_seed: u64) -> i64 {
    let mut text = Vec::new();
    let hashes = inputs.zip(first_seed..);
    hashes.fold(0, |all, (input, seed)| all ^ hash_value(input, seed, &mut text))
}

fn hash_value(input: HashInput<'_>, seed: u64, text: &mut Vec<u8>) -> i64 {
    match (input.value, input.method) {
        // A row of NULL is no NULL.
        (_, HashMethod::Printed) => hash_bytes(&record(&[input]), seed),
        (Datum::Null, _) => 0,
        (Datum::Integer(number), HashMethod::Integer) => hash_int8(*number, *number as u64 ^ seed),
        (Datum::Uuid(bytes), HashMethod::Uuid) => hash_bytes(bytes, seed),
        (Datum::Text(text), HashMethod::Text) => hash_bytes(text.as_bytes(), seed),
        (value, method) => {
            if let (HashMethod::Binary(_), Some(sent)) = (method, value.sent_text()) {
                return hash_bytes(sent.as_bytes(), seed);
            }
            text.clear();
            print(value, method, text);
            hash_bytes(text, seed)
        }
    }
}

/// The text by which a value enters a hash.
fn print(value: &Datum<'_>, method: &HashMethod, out: &mut Vec<u8>) {
    if let (HashMethod::Binary(_), Some(sent)) = (method, value.sent_text()) {
        return out.extend_from_slice(sent.as_bytes());
    }
    match (value, method) {
        (Datum::Padded(text, _), HashMethod::Filled) => {
            out.extend_from_slice(text.trim_end_matches(' ').as_bytes());
        }
        _ => value.print(out),
    }
}

/// All values as the text of one record, as `record_out` writes it.
fn record(inputs: &[HashInput<'_>]) -> Vec<u8> {
    let mut out = vec![b'('];
    let mut text = Vec::new();
    for (place, HashInput { value, method }) in inputs.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        if **value == Datum::Null {
            continue;
        }
        text.clear();
        print(value, method, &mut text);
        let is_special =
            |byte: &u8| matches!(byte, b'"' | b'\\' | b'(' | b')' | b',' | b' ' | 9..=13);
        if !text.is_empty() && !text.iter().any(is_special) {
            out.extend_from_slice(&text);
            continue;
        }
        out.push(b'"');
        for byte in &text {
            if matches!(byte, b'"' | b'\\') {
                out.push(*byte);
            }
            out.push(*byte);
        }
        out.push(b'"');
    }
    out.push(b')');
    out
}
