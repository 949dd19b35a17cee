//! Whether a type of a user means the same on both sides. Its name says little: a domain may stand over
//! another base type, a composite type may have its attributes in another order, and the text of a value
//! would be read all the same.

use std::borrow::Cow;

use crate::ident::{Ident, TableName};
use crate::plan::kinds::{is_same_in_binary, modifier_fits};
use crate::table::{Column, TypeKind, TypeMember, TypePart};

/// Whether what arrives is what was sent, whatever the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    Exact,
    /// Only digests of what was written can tell.
    Unproven,
}

/// A type with its modifier, on one side.
#[derive(Clone, Copy)]
struct Use<'a> {
    part: &'a TypePart,
    modifier: i32,
    text: &'a str,
}

/// Compares the types of two columns.
///
/// # Errors
/// What differs.
pub fn compare(source: &Column, target: &Column) -> Result<Arrival, Misfit> {
    let (Some(here), Some(there)) = (own(source), own(target)) else {
        return Ok(Arrival::Unproven);
    };
    let sides = Sides { source: &source.parts, target: &target.parts };
    sides.compare(here, there).map_err(|misfit| {
        let what = if misfit.inside {
            format!("of the type {}, part of which is {}", there.text, misfit.what)
        } else {
            misfit.what
        };
        Misfit { what, ..misfit }
    })
}

/// How a type is made otherwise on the target.
pub struct Misfit {
    /// In words that follow the column's name.
    pub what: String,
    /// Whether a part of the column's type is it that differs.
    inside: bool,
    /// The statement that makes the target's type as the source's is.
    pub remedy: Option<String>,
}

impl From<String> for Misfit {
    fn from(what: String) -> Self {
        Self { what, inside: false, remedy: None }
    }
}

fn own(column: &Column) -> Option<Use<'_>> {
    let part = column.parts.iter().find(|part| part.oid == column.type_oid)?;
    Some(Use { part, modifier: column.type_modifier, text: &column.type_text })
}

struct Sides<'a> {
    source: &'a [TypePart],
    target: &'a [TypePart],
}

impl<'a> Sides<'a> {
    fn compare(&self, source: Use<'a>, target: Use<'a>) -> Result<Arrival, Misfit> {
        let source = base(self.source, source);
        let target = base(self.target, target);
        let (here, there) = (source.part, target.part);
        if here.kind != there.kind || here.is_built_in() != there.is_built_in() {
            return Err(differ(source.text, target.text).into());
        }
        if here.is_built_in() || here.kind == TypeKind::Base {
            let fits = modifier_fits(there.name.as_str(), source.modifier, target.modifier);
            if here.name != there.name || !fits {
                return Err(differ(source.text, target.text).into());
            }
            let exact = here.is_built_in()
                && is_same_in_binary(here.name.as_str())
                && source.modifier == target.modifier;
            return Ok(if exact { Arrival::Exact } else { Arrival::Unproven });
        }
        if here.kind == TypeKind::Enum {
            let known = here.labels.iter().all(|label| there.labels.contains(label));
            return Ok(if known { Arrival::Exact } else { Arrival::Unproven });
        }
        let arrival = self.compare_members(here, there)?;
        if here.rules != there.rules {
            let rules = |part: &TypePart| part.rules.clone().unwrap_or_default();
            let (name, ours, theirs) = (target.text, rules(here), rules(there));
            let what = format!(
                "of the range {name}, which has {ours} on the source and {theirs} on the target"
            );
            return Err(what.into());
        }
        Ok(arrival)
    }

    fn compare_members(&self, here: &'a TypePart, there: &'a TypePart) -> Result<Arrival, Misfit> {
        if !here.members.iter().map(|m| &m.name).eq(there.members.iter().map(|m| &m.name)) {
            let what = format!(
                "of the type {}, which has the attributes ({}) on the source and ({}) on the target",
                there.name.as_str(),
                attributes(here),
                attributes(there)
            );
            return Err(Misfit { remedy: self.remake(here, there), ..what.into() });
        }
        let mut arrival = Arrival::Exact;
        for (one, other) in here.members.iter().zip(&there.members) {
            let (one, other) = (member(self.source, one), member(self.target, other));
            let (Some(one), Some(other)) = (one, other) else { return Ok(Arrival::Unproven) };
            let inner = self.compare(one, other);
            let inner = inner.map_err(|inner| Misfit {
                inside: true,
                remedy: inner.remedy.or_else(|| self.remake(here, there)),
                ..inner
            })?;
            if inner == Arrival::Unproven {
                arrival = inner;
            }
        }
        Ok(arrival)
    }

    /// The statement that gives a composite type the source's attributes. A column may be of the type, so that no
    /// attribute can be changed: what is not at the beginning is dropped and added again, and the rows bring its values.
    fn remake(&self, here: &'a TypePart, there: &'a TypePart) -> Option<String> {
        if here.kind != TypeKind::Composite {
            return None;
        }
        let name = TableName { schema: there.schema.clone(), name: there.name.clone() };
        if let Some(renamed) = self.renamed_attributes(here, there) {
            let steps = renamed.iter().map(|step| format!("alter type {} {step}", name.typed()));
            return Some(steps.collect::<Vec<_>>().join("; "));
        }
        let mut wanted = here.members.iter().peekable();
        let mut steps = Vec::new();
        for member in &there.members {
            let is_kept = wanted.next_if(|own| own.name == member.name && own.text == member.text);
            if is_kept.is_none() {
                steps.push(format!("drop attribute {} cascade", member.name.as_ref()?.typed()));
            }
        }
        for own in wanted {
            let schema = &self.source.iter().find(|part| part.oid == own.oid)?.schema;
            let kind = typed_type(schema, &own.text);
            steps.push(format!("add attribute {} {kind} cascade", own.name.as_ref()?.typed()));
        }
        Some(format!("alter type {} {}", name.typed(), steps.join(", ")))
    }

    /// What gives attributes of the same types, in the same order, the source's names, if these are all new.
    fn renamed_attributes(&self, here: &'a TypePart, there: &'a TypePart) -> Option<Vec<String>> {
        let pairs = || here.members.iter().zip(&there.members);
        let is_same = |(own, other): (&'a TypeMember, &'a TypeMember)| {
            let (own, other) = (member(self.source, own), member(self.target, other));
            own.zip(other)
                .is_some_and(|(own, other)| matches!(self.compare(own, other), Ok(Arrival::Exact)))
        };
        let renamed: Vec<_> = pairs().filter(|(own, other)| own.name != other.name).collect();
        let is_new = |own: &TypeMember| there.members.iter().all(|other| other.name != own.name);
        let fits = here.members.len() == there.members.len()
            && !renamed.is_empty()
            && pairs().all(is_same)
            && renamed.iter().all(|(own, _)| is_new(own));
        let step = |(own, other): &(&TypeMember, &TypeMember)| {
            let (new, old) = (own.name.as_ref()?.typed(), other.name.as_ref()?.typed());
            Some(format!("rename attribute {old} to {new} cascade"))
        };
        fits.then(|| renamed.iter().map(step).collect()).flatten()
    }
}

/// A type as people write it into SQL, with its schema.
fn typed_type(schema: &Ident, text: &str) -> String {
    if schema.as_str() == "pg_catalog" || text.contains('.') {
        text.to_owned()
    } else {
        format!("{}.{text}", schema.typed())
    }
}

/// What a domain stands over: its constraints say which values there are, and change none.
fn base<'a>(parts: &'a [TypePart], used: Use<'a>) -> Use<'a> {
    let mut used = used;
    while used.part.kind == TypeKind::Domain {
        let Some(under) = used.part.members.first().and_then(|m| member(parts, m)) else { break };
        used = under;
    }
    used
}

fn member<'a>(parts: &'a [TypePart], member: &'a TypeMember) -> Option<Use<'a>> {
    let part = parts.iter().find(|part| part.oid == member.oid)?;
    Some(Use { part, modifier: member.modifier, text: &member.text })
}

fn attributes(part: &TypePart) -> String {
    let attribute = |member: &TypeMember| {
        let name = member.name.as_ref().map_or("", |name| name.as_str());
        format!("{name} {}", member.text)
    };
    part.members.iter().map(attribute).collect::<Vec<_>>().join(", ")
}

fn differ(here: &str, there: &str) -> String {
    format!("{here} on the source and {there} on the target")
}

impl Column {
    /// Its type as people write it into SQL, with its schema.
    pub fn typed(&self) -> String {
        typed_type(&self.type_schema, &self.type_text)
    }

    /// The base type of a domain, as if it was the column's own; else the column as it is.
    pub fn under_domains(&self) -> Cow<'_, Column> {
        let Some(own) = own(self).filter(|own| own.part.kind == TypeKind::Domain) else {
            return Cow::Borrowed(self);
        };
        let base = base(&self.parts, own);
        Cow::Owned(Column {
            type_schema: base.part.schema.clone(),
            type_name: base.part.name.clone(),
            type_text: base.text.to_owned(),
            type_modifier: base.modifier,
            type_oid: base.part.oid,
            ..self.clone()
        })
    }
}

impl TypePart {
    fn is_built_in(&self) -> bool {
        self.schema.as_str() == "pg_catalog"
    }
}
