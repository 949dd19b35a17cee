//! Columns that are of another domain on the target, which stays: the source may have renamed it. Rows are sent all the
//! same, and what that domain refuses says nothing of the source's rows.

use super::changed_objects::Severity;
use super::domains::of_checks;
use super::kept_types::{ColumnPair, columns_of_both};
use crate::ident::{Ident, TableName};
use crate::schema::diff::{DiffInput, SchemaPlan};
use crate::schema_object::make::{Domain, Make, Type};
use crate::schema_object::text::Name;
use crate::schema_object::{ColumnDefinition, Definitions, Kind, Object};
use crate::sql::domains;
use crate::sql::statement::Statement;

/// A domain of the source, and the one that is in its place on the target.
struct OtherDomain<'d> {
    here: &'d Object,
    there: &'d Object,
    uses: Vec<DomainUse<'d>>,
}

/// A column of such a domain, or of a type in which it is.
#[derive(Clone, Copy)]
struct DomainUse<'d> {
    root: &'d TableName,
    table: &'d Object,
    column: ColumnPair<'d>,
    /// Whether it is the column's own type, or that of the elements of its arrays.
    is_own: bool,
}

/// Two types that stand in one place on the two sides.
#[derive(Clone, Copy)]
struct TypePair<'d> {
    here: &'d Type,
    there: &'d Type,
}

/// Two domains that stand in one place on the two sides.
#[derive(Clone, Copy)]
struct DomainPair<'d> {
    here: &'d Object,
    there: &'d Object,
}

/// What is said of a table.
struct Told<'d> {
    root: &'d TableName,
    weight: Severity,
    text: String,
}

impl DiffInput<'_> {
    /// Says it of tables that pgsync made, and of each table if a row is refused.
    pub(super) fn compare_other_domains(&self, schema_plan: &mut SchemaPlan) {
        if !self.comparable {
            return;
        }
        let all = self.other_domains();
        for domain in &all {
            // A new table may need the source's: both are there then.
            let mut made = schema_plan.first.iter().filter(|step| step.kind == Kind::Type);
            let is_made = made.any(|step| step.creates.as_ref() == Some(&domain.here.id));
            let told = if !is_made && self.may_be_another_name(domain, &all) {
                self.told_to_rename(domain)
            } else {
                self.told_to_retype(domain)
            };
            let checks = self.checks_under(domain.there);
            for Told { root, weight, text } in told {
                let found = of_checks(&text, &checks, weight).into_iter();
                schema_plan.differs.extend(found.map(|one| one.of(root.clone())));
            }
        }
        self.hint_at_lost_domains(schema_plan);
    }

    /// Columns that are of a domain on the target alone: what that refuses is settled by the source's type.
    fn hint_at_lost_domains(&self, schema_plan: &mut SchemaPlan) {
        for table in self.source.objects.iter().filter(|object| object.kind == Kind::Table) {
            let root = table.root.as_ref().filter(|root| self.selected.contains(root));
            let Some((root, there)) = root.zip(self.there(table)) else { continue };
            for column in columns_of_both(table, there).filter(ColumnPair::is_changed_here) {
                let domain =
                    type_named(self.target, &column.there.kind).filter(|one| is_domain(one));
                let is_lost = !type_named(self.source, &column.here.kind).is_some_and(is_domain);
                let Some(domain) = domain.filter(|_| is_lost) else { continue };
                let checks = self.checks_under(domain);
                let text = self.kept_type(table, column);
                let found = of_checks(&text, &checks, Severity::Hint).into_iter();
                schema_plan.differs.extend(found.map(|one| one.of(root.clone())));
            }
        }
    }

    /// Whether a column of the source is of a domain with checks.
    pub(super) fn is_checked_domain(&self, column: &ColumnDefinition) -> bool {
        let domain = type_named(self.source, &column.kind).and_then(domain);
        domain.is_some_and(|domain| !domain.checks.is_empty())
    }

    /// Whether the target has a domain of the source under the name that the source has given up.
    pub(super) fn is_renamed_domain(&self, object: &Object) -> bool {
        let all = self.other_domains();
        let mut own = all.iter().filter(|domain| domain.here.node == object.node);
        own.any(|domain| self.may_be_another_name(domain, &all))
    }

    /// Whether each side has only one of the two, in no other's place, and they stand over the same.
    fn may_be_another_name(&self, domain: &OtherDomain<'_>, all: &[OtherDomain<'_>]) -> bool {
        let OtherDomain { here, there, .. } = domain;
        let is_rival = |one: &&OtherDomain<'_>| one.here.id == here.id || one.there.id == there.id;
        let is_free =
            self.there(here).is_none() && self.target.find(Kind::Enum, &here.id).is_none();
        let is_gone = self.source.same(there).is_none();
        let pair = DomainPair { here, there };
        is_free && is_gone && all.iter().filter(is_rival).count() == 1 && self.bases_fit(pair)
    }

    fn bases_fit(&self, pair: DomainPair<'_>) -> bool {
        let (Some(here), Some(there)) = (domain(pair.here), domain(pair.there)) else {
            return false;
        };
        let is_same = here.base == there.base;
        // It may have been renamed, too.
        let bases = || TypePair { here: &here.base, there: &there.base };
        let fit = is_same || self.objects_of(bases()).is_some_and(|under| self.bases_fit(under));
        fit && here.collation == there.collation
    }

    /// By the domain of the source: what the target has in its place, in columns of both.
    fn other_domains(&self) -> Vec<OtherDomain<'_>> {
        let mut domains: Vec<OtherDomain<'_>> = Vec::new();
        for table in self.source.objects.iter().filter(|object| object.kind == Kind::Table) {
            let root = table.root.as_ref().filter(|root| self.selected.contains(root));
            let Some((root, there)) = root.zip(self.there(table)) else { continue };
            for column in columns_of_both(table, there) {
                let types = TypePair { here: &column.here.kind, there: &column.there.kind };
                let own = self.objects_of(types);
                for DomainPair { here, there } in self.domains_in(types) {
                    let is_own = own.is_some_and(|own| own.here.id == here.id);
                    let one = DomainUse { root, table, column, is_own };
                    let is_same = |known: &&mut OtherDomain<'_>| {
                        known.here.id == here.id && known.there.id == there.id
                    };
                    match domains.iter_mut().find(is_same) {
                        Some(known) => known.uses.push(one),
                        None => domains.push(OtherDomain { here, there, uses: vec![one] }),
                    }
                }
            }
        }
        let order =
            |one: &DomainUse<'_>| (!one.is_own, one.table.id.clone(), one.column.here.name.clone());
        domains.iter_mut().for_each(|domain| domain.uses.sort_by_key(order));
        domains
    }

    /// The domains with other names in two types, themselves among them.
    fn domains_in<'d>(&'d self, types: TypePair<'d>) -> Vec<DomainPair<'d>> {
        let (mut found, mut ways) = (Vec::new(), vec![types]);
        while let Some(types) = ways.pop() {
            let Some(pair) = self.objects_of(types) else { continue };
            match (&pair.here.make, &pair.there.make) {
                (Some(Make::Domain(here)), Some(Make::Domain(there))) => {
                    found.extend((pair.here.id != pair.there.id).then_some(pair));
                    ways.push(TypePair { here: &here.base, there: &there.base });
                }
                (
                    Some(Make::Composite { attributes: here }),
                    Some(Make::Composite { attributes: there }),
                ) => {
                    let same = here.iter().filter_map(|own| {
                        let other = there.iter().find(|other| other.name == own.name)?;
                        Some(TypePair { here: &own.kind, there: &other.kind })
                    });
                    ways.extend(same);
                }
                (Some(Make::Range(here)), Some(Make::Range(there))) => {
                    ways.push(TypePair { here: &here.subtype, there: &there.subtype });
                }
                _ => {}
            }
        }
        found
    }

    /// The types as objects, if users made both.
    fn objects_of<'d>(&'d self, types: TypePair<'d>) -> Option<DomainPair<'d>> {
        let here = type_named(self.source, types.here)?;
        Some(DomainPair { here, there: type_named(self.target, types.there)? })
    }

    /// The checks of a domain of the target, and of those that it stands over.
    fn checks_under(&self, domain: &Object) -> Vec<Ident> {
        let mut checks = Vec::new();
        let mut next = Some(domain);
        while let Some(Make::Domain(domain)) = next.and_then(|object| object.make.as_ref()) {
            checks.extend(domain.checks.iter().map(|check| check.name.clone()));
            next = type_named(self.target, &domain.base);
        }
        checks
    }

    fn told_to_rename<'d>(&self, domain: &OtherDomain<'d>) -> Vec<Told<'d>> {
        let OtherDomain { here, there, uses } = domain;
        let Some(first) = uses.first() else { return Vec::new() };
        let more = match uses.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let renames = domains::rename(&self.placed(&there.at), &self.placed(&here.at));
        let renames: Vec<&str> = renames.iter().map(Statement::as_str).collect();
        let text = format!(
            "the source has the domain {} where the target has {} (column {}.{}{more}); if the source has renamed it, run \
             on the target: {}",
            here.id,
            there.id,
            first.table.id,
            first.column.here.name.as_str(),
            renames.join("; ")
        );
        let mut told: Vec<Told<'d>> = Vec::new();
        for one in uses {
            if told.iter().all(|told| told.root != one.root) {
                let weight = if self.follows(one.root) { Severity::Part } else { Severity::Hint };
                told.push(Told { root: one.root, weight, text: text.clone() });
            }
        }
        told
    }

    fn told_to_retype<'d>(&self, domain: &OtherDomain<'d>) -> Vec<Told<'d>> {
        let is_partition = |one: &DomainUse<'_>| {
            one.table.definition.as_ref().is_some_and(|definition| definition.partition)
        };
        let own = domain.uses.iter().filter(|one| one.is_own && one.column.is_changed_here());
        let own = own.filter(|one| !is_partition(one));
        let told = own.map(|one| {
            let is_told = self.follows(one.root) && !self.resets(one.root);
            let weight = if is_told { Severity::Type } else { Severity::Hint };
            Told { root: one.root, weight, text: self.kept_type(one.table, one.column) }
        });
        told.collect()
    }

    /// The name with the schema to which it leads on the target.
    fn placed(&self, name: &Name) -> Name {
        let home = || self.renamed.map(|(_, to)| to.clone());
        Name { schema: name.schema.clone().or_else(home), name: name.name.clone() }
    }
}

fn is_domain(object: &Object) -> bool {
    domain(object).is_some()
}

pub(super) fn domain(object: &Object) -> Option<&Domain> {
    match &object.make {
        Some(Make::Domain(domain)) => Some(domain),
        _ => None,
    }
}

/// The type of this name, if a user made it.
pub(super) fn type_named<'d>(side: &'d Definitions, named: &Type) -> Option<&'d Object> {
    if named.schema.as_ref().is_some_and(|schema| schema.as_str() == "pg_catalog") {
        return None;
    }
    let name = Name { schema: named.schema.clone(), name: named.name.clone() };
    let is_placed = |object: &&Object| object.kind == Kind::Type && object.at.name == named.name;
    // What is found without its schema may have it in its name.
    let placed = || side.objects.iter().find(is_placed).filter(|_| named.schema.is_none());
    side.find(Kind::Type, &name.printed()).or_else(placed)
}
