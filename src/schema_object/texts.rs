//! The expressions within an object: each by the place in which it stands.

use super::make::{Element, Make};
use super::text::{Enclosed, Expression};
use crate::schema_object::{Definitions, Described, Object};

/// A text of a server that has a meaning beside its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    One(Expression),
    List(Enclosed),
}

/// A text with the name of the place in which it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedText {
    pub place: String,
    pub text: Text,
}

/// The same, where it stands.
enum Slot<'a> {
    One(&'a mut Expression),
    List(&'a mut Enclosed),
}

impl Text {
    /// The text of either.
    pub fn as_str(&self) -> &str {
        match self {
            Text::One(text) => text.as_str(),
            Text::List(text) => text.as_str(),
        }
    }
}

impl Object {
    /// Its expressions, each with the name of its place.
    pub fn texts(&self) -> Vec<PlacedText> {
        let mut texts = Vec::new();
        self.described.clone().visit(&mut |place, slot| {
            let text = match slot {
                Slot::One(text) => Text::One(text.clone()),
                Slot::List(text) => Text::List(text.clone()),
            };
            texts.push(PlacedText { place, text });
        });
        texts
    }

    /// Whether both are the same but for their expressions.
    pub fn has_form_of(&self, other: &Object) -> bool {
        let (mut own, theirs) = (self.described.clone(), other.texts());
        own.visit(&mut |place, slot| fill(slot, &place, &theirs));
        if let (Some(Make::Check(own)), Some(Make::Check(other))) = (&mut own.make, &other.make) {
            own.name = other.name.clone();
            own.validated = other.validated;
        }
        own.kind == other.kind && own.make == other.make
    }
}

impl Definitions {
    /// Puts texts in the places of those of the object at a node.
    pub fn set_texts(&mut self, node: &str, texts: &[PlacedText]) {
        let Some(place) = self.nodes.get(node) else { return };
        let object = &mut self.objects[*place];
        object.described.visit(&mut |place, slot| fill(slot, &place, texts));
    }
}

fn fill(slot: Slot<'_>, place: &str, texts: &[PlacedText]) {
    let text = texts.iter().find(|one| one.place == place).map(|one| &one.text);
    match (slot, text) {
        (Slot::One(own), Some(Text::One(text))) => *own = text.clone(),
        (Slot::List(own), Some(Text::List(text))) => *own = text.clone(),
        _ => {}
    }
}

impl Described {
    fn visit(&mut self, see: &mut dyn FnMut(String, Slot<'_>)) {
        if let Some(definition) = &mut self.definition {
            for column in &mut definition.columns {
                let name = column.name.as_str();
                if let Some(text) = &mut column.default {
                    see(format!("default {name}"), Slot::One(text));
                }
                if let Some(text) = &mut column.generated {
                    see(format!("generated {name}"), Slot::One(text));
                }
            }
            if let Some(by) = &mut definition.partition_by {
                see("partition key".to_owned(), Slot::List(&mut by.key));
            }
        }
        match &mut self.make {
            Some(Make::Check(check)) => see("check".to_owned(), Slot::One(&mut check.expression)),
            Some(Make::Statistics(statistics)) => {
                if let Some(text) = &mut statistics.expressions {
                    see("expressions".to_owned(), Slot::List(text));
                }
            }
            Some(Make::Index(index)) => {
                elements(&mut index.elements, &mut index.predicate, see);
            }
            Some(Make::Exclusion(exclusion)) => {
                elements(&mut exclusion.elements, &mut exclusion.predicate, see);
            }
            _ => {}
        }
    }
}

fn elements(
    elements: &mut [Element],
    predicate: &mut Option<Expression>,
    see: &mut dyn FnMut(String, Slot<'_>),
) {
    for (place, element) in elements.iter_mut().enumerate() {
        if let Some(text) = &mut element.expression {
            see(format!("element {place}"), Slot::One(text));
        }
    }
    if let Some(text) = predicate {
        see("predicate".to_owned(), Slot::One(text));
    }
}
