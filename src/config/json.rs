//! JSON that people write: what `serde_json` reads, and the keys that stand twice in an object, of which it would
//! keep the last in silence.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// What a text says.
pub struct ParsedJson {
    pub value: Value,
    /// The places of keys that stand twice, without those of comments: `["tables", "orders"]`.
    pub doubled: Vec<Vec<String>>,
}

/// Reads a text as JSON.
pub fn parse(text: &str) -> serde_json::Result<ParsedJson> {
    let doubled = RefCell::new(Vec::new());
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let place = Place { path: Vec::new(), doubled: &doubled };
    let value = place.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(ParsedJson { value, doubled: doubled.into_inner() })
}

/// Where a value stands.
struct Place<'a> {
    path: Vec<String>,
    doubled: &'a RefCell<Vec<Vec<String>>>,
}

impl Place<'_> {
    fn at(&self, step: String) -> Place<'_> {
        Place { path: [self.path.as_slice(), &[step]].concat(), doubled: self.doubled }
    }
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(self.at(values.len().to_string()))? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let place = self.at(key.clone());
            let path = place.path.clone();
            let value = entries.next_value_seed(place)?;
            let is_comment = key.starts_with('_');
            if object.insert(key, value).is_some() && !is_comment {
                self.doubled.borrow_mut().push(path);
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_means_what_it_means_to_serde_json() {
        let text = r#"{"a": [1, -2, 3.5, 1e300, true, null, "x", {"b": {}}], "c": "ä\u0041", "d": 18446744073709551615}"#;
        let parsed = parse(text).unwrap();
        assert_eq!(parsed.value, serde_json::from_str::<Value>(text).unwrap());
        assert_eq!(parsed.doubled, Vec::<Vec<String>>::new());
        for wrong in ["", "{", "{} x", "[1,]", "{\"a\" 1}"] {
            let expected = serde_json::from_str::<Value>(wrong).unwrap_err().to_string();
            assert_eq!(
                parse(wrong).err().map(|error| error.to_string()),
                Some(expected),
                "{wrong}"
            );
        }
    }

    #[test]
    fn keys_that_stand_twice_are_found_at_every_depth() {
        let text = r#"{"_x": 1, "_x": 2, "tables": {"a": {"mask": {}, "mask": {}}, "a": {}}, "keep": [{"b": 1, "b": 2}], "tables": {}}"#;
        let places =
            [&["tables", "a", "mask"][..], &["tables", "a"], &["keep", "0", "b"], &["tables"]];
        let expected: Vec<Vec<String>> = places
            .iter()
            .map(|place| place.iter().map(|step| step.to_string()).collect())
            .collect();
        assert_eq!(parse(text).unwrap().doubled, expected);
    }
}
