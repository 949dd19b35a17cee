//! How the values of a column are read, by the type that the target's column has.

use std::borrow::Cow;
use std::sync::Arc;

use super::moment::{self, TimestampForm, Zone};
use super::number::{self, Width};
use super::{
    BadValue, Datum, GeometryLimits, Reason, Srids, Value, geometry, jsonb, numeric, text,
};

/// The first version whose numeric can be infinite.
const INFINITE_NUMERIC: u32 = 140_000;

/// How the values of a column are read.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    Integer(Width),
    Boolean,
    /// `text` and its kin; of at most so many characters.
    Text {
        longest: Option<u32>,
    },
    Padded {
        width: u32,
    },
    Bytes,
    Uuid,
    Float4,
    Float8,
    Numeric {
        limits: Option<numeric::Limits>,
        /// Whether the target has infinite ones.
        has_infinity: bool,
    },
    Date(TimestampForm),
    Time {
        decimals: u32,
    },
    Timestamp {
        form: TimestampForm,
        decimals: u32,
    },
    Timestamptz {
        form: TimestampForm,
        decimals: u32,
    },
    /// `json`, which keeps its text.
    Json,
    Jsonb,
    /// An enum with these labels.
    Enum(Arc<[String]>),
    /// A geometry of a GeoPackage, for PostGIS.
    Geometry {
        srids: Arc<Srids>,
        limits: Option<GeometryLimits>,
    },
    /// Any other type: text goes through its input function on the target, which may print something else.
    Input,
}

/// A type of the target, without its domains.
#[derive(Clone, Copy, Debug)]
pub struct TargetType<'t> {
    pub schema: &'t str,
    pub name: &'t str,
    /// -1 where there is none.
    pub modifier: i32,
}

impl Form {
    /// `timestamps` is the form of the column's moments; none where nothing told.
    pub fn of(target: TargetType, timestamps: Option<TimestampForm>) -> Self {
        let form = timestamps.unwrap_or(TimestampForm::Text(Zone::Any));
        let limit = u32::try_from(target.modifier).ok();
        // Lengths are kept with the four bytes of a header.
        let longest = limit.map(|limit| limit.saturating_sub(4));
        let decimals = limit.unwrap_or(6);
        if target.schema != "pg_catalog" {
            return Self::Input;
        }
        match target.name {
            "int2" => Self::Integer(Width::Two),
            "int4" => Self::Integer(Width::Four),
            "int8" => Self::Integer(Width::Eight),
            "bool" => Self::Boolean,
            "text" => Self::Text { longest: None },
            "varchar" => Self::Text { longest },
            "bpchar" => {
                longest.map_or(Self::Text { longest: None }, |width| Self::Padded { width })
            }
            "bytea" => Self::Bytes,
            "uuid" => Self::Uuid,
            "float4" => Self::Float4,
            "float8" => Self::Float8,
            "numeric" => Self::Numeric {
                limits: numeric::Limits::of_modifier(target.modifier),
                has_infinity: false,
            },
            "date" => Self::Date(form),
            "time" => Self::Time { decimals },
            "timestamp" => Self::Timestamp { form, decimals },
            "timestamptz" => Self::Timestamptz { form, decimals },
            "json" => Self::Json,
            "jsonb" => Self::Jsonb,
            _ => Self::Input,
        }
    }

    /// The same on a server of this version (`server_version_num`).
    pub fn on(self, version: u32) -> Self {
        match self {
            Self::Numeric { limits, .. } => {
                Self::Numeric { limits, has_infinity: version >= INFINITE_NUMERIC }
            }
            form => form,
        }
    }

    /// Whether the text of a value is what PostgreSQL prints for it: only then a digest that is computed here
    /// can equal the target's.
    pub fn is_canonical(&self) -> bool {
        !matches!(self, Self::Input)
    }

    /// The width of its integers, where it has any.
    pub fn width(&self) -> Width {
        match self {
            Self::Integer(width) => *width,
            _ => Width::Eight,
        }
    }

    /// Whether a column of this type holds moments, whose form has to be found.
    pub fn has_timestamps(&self) -> bool {
        matches!(self, Self::Date(_) | Self::Timestamp { .. } | Self::Timestamptz { .. })
    }

    /// The value, for the target.
    ///
    /// # Errors
    /// [`BadValue`] if the type cannot hold it.
    pub fn read<'a>(&self, value: Value<'a>) -> Result<Datum<'a>, BadValue> {
        if value == Value::Null {
            return Ok(Datum::Null);
        }
        self.datum(value).map_err(|reason| value.bad(reason))
    }

    /// Appends the value as a field of COPY text.
    ///
    /// # Errors
    /// [`BadValue`] if the type cannot hold it.
    pub fn encode(&self, value: Value, out: &mut Vec<u8>) -> Result<(), BadValue> {
        self.read(value)?.encode(out);
        Ok(())
    }

    fn datum<'a>(&self, value: Value<'a>) -> Result<Datum<'a>, Reason> {
        Ok(match self {
            Self::Integer(width) => Datum::Integer(number::whole(value, *width)?),
            Self::Boolean => Datum::Boolean(text::boolean(value)?),
            Self::Text { longest: None } => Datum::Text(text::text(value, "text")?),
            Self::Text { longest: Some(longest) } => {
                Datum::Text(text::limited(text::text(value, "text")?, *longest)?)
            }
            Self::Padded { width } => text::padded(value, *width)?,
            Self::Bytes => match value {
                Value::Blob(bytes) | Value::Text(bytes) => Datum::Bytes(bytes),
                _ => return Err(Reason::NotOfType("bytea")),
            },
            Self::Uuid => Datum::Uuid(text::uuid(value)?),
            Self::Float4 => Datum::Float4(number::single(value)?),
            Self::Float8 => Datum::Float8(number::double(value)?),
            Self::Numeric { limits, has_infinity } => {
                Datum::Numeric(numeric::numeric(value, *limits, *has_infinity)?)
            }
            Self::Date(form) => {
                Datum::Date(moment::date(value, *form).map_err(|reason| reason.of_type("date"))?)
            }
            Self::Time { decimals } => Datum::Time(moment::time(value, *decimals)?),
            Self::Timestamp { form, decimals } => {
                Datum::Timestamp(moment::moment(value, *form, *decimals)?)
            }
            Self::Timestamptz { form, decimals } => {
                let moment = moment::moment(value, *form, *decimals);
                Datum::Timestamptz(moment.map_err(|reason| reason.of_type("timestamptz"))?)
            }
            Self::Geometry { srids, limits } => match value {
                Value::Blob(blob) => Datum::Geometry(geometry::geometry(blob, srids, *limits)?),
                _ => return Err(Reason::NotOfType("geometry")),
            },
            Self::Json => Datum::Text(text::json(value)?),
            Self::Jsonb => Datum::Text(Cow::Owned(jsonb::jsonb(&text::text(value, "jsonb")?)?)),
            Self::Enum(labels) => {
                let text = text::text(value, "enum")?;
                if !labels.iter().any(|label| *label == text) {
                    return Err(Reason::NoLabel);
                }
                Datum::Text(text)
            }
            Self::Input => Datum::Input(input(value)?),
        })
    }
}

/// Bytes in PostgreSQL's notation, which input functions that take no bytes refuse.
fn input(value: Value<'_>) -> Result<Cow<'_, str>, Reason> {
    let Value::Blob(bytes) = value else { return text::text(value, "text") };
    let mut printed = Vec::new();
    Datum::Bytes(bytes).print(&mut printed);
    Ok(Cow::Owned(String::from_utf8_lossy(&printed).into_owned()))
}
