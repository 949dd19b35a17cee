//! What a value of SQLite is for a type of the target: read by [`Form::read`], printed as PostgreSQL itself
//! prints it under the settings that sessions pin. So the same text travels and is hashed on both sides.
//!
//! Computes only: no SQLite, no server. Nothing is guessed, and a value that the type cannot hold exactly is a
//! [`BadValue`], which says why and shows no value.

mod bad;
mod datum;
mod declared;
mod default;
mod form;
mod geometry;
mod jsonb;
mod moment;
mod number;
mod numeric;
mod text;

pub use bad::{BadValue, Reason, StorageClass};
pub use datum::Datum;
pub use declared::{
    CreatedType, Departure, Fit, Observed, created_moment, created_type, needed_fit,
};
pub use default::{CreatedDefault, created_default};
pub use form::{Form, TargetType};
pub use geometry::{GeometryLimits, KINDS, Misfit, Srids};
pub use moment::{Mixed, Tally, TimestampForm, Unit, Zone};

/// A value as SQLite keeps it. Text is bytes: SQLite does not check its encoding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    Null,
    Integer(i64),
    Real(f64),
    Text(&'a [u8]),
    Blob(&'a [u8]),
}

impl Value<'_> {
    /// The storage class, as SQLite calls it.
    pub fn class(&self) -> StorageClass {
        match self {
            Value::Null => StorageClass::Null,
            Value::Integer(_) => StorageClass::Integer,
            Value::Real(_) => StorageClass::Real,
            Value::Text(_) => StorageClass::Text,
            Value::Blob(_) => StorageClass::Blob,
        }
    }

    /// That this value is none for its column.
    pub fn bad(&self, reason: Reason) -> BadValue {
        BadValue { class: self.class(), reason }
    }
}
