//! Domains, which a run leaves as they are: where the target's has other checks than the source's, or is NOT NULL, rows
//! that the source takes may be refused.

use std::collections::HashSet;

use super::changed_objects::{Finding, Severity};
use super::expression_eq::differ_in_form_only;
use crate::ddl_step::pasted_under;
use crate::ident::{Ident, TableName};
use crate::schema::diff::{DiffInput, SchemaPlan};
use crate::schema_object::make::{Check, Domain, Make};
use crate::schema_object::{Kind, Object};
use crate::sql::{domains, objects};

impl DiffInput<'_> {
    /// Says where they differ of tables that pgsync made; of each table if a row violates one. Other versions
    /// word them otherwise, so that between them only rows tell.
    pub(super) fn compare_domains(&self, schema_plan: &mut SchemaPlan) {
        if !self.comparable {
            return;
        }
        let mut seen: HashSet<(&TableName, &str)> = HashSet::new();
        let tables = self.source.objects.iter().filter(|object| object.kind == Kind::Table);
        for table in tables {
            let root = table.root.as_ref().filter(|root| self.selected.contains(root));
            let Some(root) = root else { continue };
            for domain in self.domains_of(table) {
                let there = self.there(domain);
                let Some(there) = there.filter(|_| seen.insert((root, &domain.id))) else {
                    continue;
                };
                let is_told = self.same_major && self.follows(root);
                let weight = if is_told { Severity::Part } else { Severity::Hint };
                let checks = OtherChecks::of(domain, there);
                let checks = checks.map(|other| other.findings(weight, self.path));
                let settings = settings(domain, there, self.path).into_iter();
                let settings = settings.map(|text| Finding::new(weight, text));
                let found = checks.into_iter().flatten().chain(settings);
                schema_plan.differs.extend(found.map(|one| one.of(root.clone())));
            }
        }
    }

    /// The domains of a table's columns, also those within other types.
    fn domains_of(&self, table: &Object) -> Vec<&Object> {
        let mut domains = Vec::new();
        let mut seen: HashSet<&str> = HashSet::new();
        let mut nodes = vec![table.node.as_str()];
        while let Some(node) = nodes.pop() {
            for need in self.source.needs.get(node).into_iter().flatten() {
                let needed = self.source.at(need);
                let leads_on = needed.is_none_or(|needed| needed.kind == Kind::Type);
                if !leads_on || !seen.insert(need) {
                    continue;
                }
                nodes.push(need);
                domains.extend(needed.filter(|one| matches!(one.make, Some(Make::Domain(_)))));
            }
        }
        domains
    }
}

/// A domain whose checks are others on the target.
struct OtherChecks<'d> {
    domain: &'d Object,
    there: &'d Object,
    /// Of the source: those that the target lacks, or has otherwise.
    new: Vec<&'d Check>,
    /// Of the target: those that the source lacks, or has otherwise.
    gone: Vec<&'d Ident>,
    /// Those that have another name on the target.
    renamed: Vec<RenamedCheck<'d>>,
}

/// A check of a domain, by both names.
struct RenamedCheck<'d> {
    there: &'d Ident,
    here: &'d Ident,
}

impl<'d> OtherChecks<'d> {
    fn of(domain: &'d Object, there: &'d Object) -> Option<Self> {
        let (Some(Make::Domain(here)), Some(Make::Domain(other))) = (&domain.make, &there.make)
        else {
            return None;
        };
        let (mut new, mut gone) = (only_in(here, other), only_in(other, here));
        let mut renamed = Vec::new();
        new.retain(|here| {
            let is_it = |there: &&Check| {
                differ_in_form_only(here.expression.as_str(), there.expression.as_str())
            };
            let there = gone.iter().position(is_it).map(|place| gone.remove(place));
            renamed
                .extend(there.map(|there| RenamedCheck { there: &there.name, here: &here.name }));
            there.is_none()
        });
        let gone: Vec<&Ident> = gone.into_iter().map(|check| &check.name).collect();
        let differs = !new.is_empty() || !gone.is_empty() || !renamed.is_empty();
        differs.then_some(Self { domain, there, new, gone, renamed })
    }

    fn findings(&self, weight: Severity, path: &[Ident]) -> Vec<Finding> {
        let renamed = self.renamed.iter().map(|RenamedCheck { there, here }| {
            let rename = domains::rename_check(&self.there.at, there, here);
            let text = format!(
                "constraint {} of {} is {} on the source; run on the target: {}",
                there.as_str(),
                self.domain.title(),
                here.as_str(),
                pasted_under(path, rename.as_str())
            );
            Finding::new(weight, text)
        });
        let mut found: Vec<Finding> = renamed.collect();
        if !self.new.is_empty() || !self.gone.is_empty() {
            let gone: Vec<Ident> = self.gone.iter().map(|name| (*name).clone()).collect();
            found.extend(of_checks(&self.text(path), &gone, weight));
        }
        found
    }

    fn text(&self, path: &[Ident]) -> String {
        let Self { domain, there, new, gone, .. } = self;
        let checks: Vec<String> =
            new.iter().map(|check| objects::check_of(check).as_str().to_owned()).collect();
        let drops = gone.iter().map(|name| domains::drop_check(&there.at, name));
        let adds = new.iter().map(|check| domains::add_check(&there.at, check));
        let joined = |statements: Vec<String>| pasted_under(path, &statements.join("; "));
        let drops = joined(drops.map(|drop| drop.as_str().to_owned()).collect());
        let adds = joined(adds.map(|add| add.as_str().to_owned()).collect());
        let title = domain.title();
        match (drops.is_empty(), adds.is_empty()) {
            (false, false) => format!(
                "{title} is defined differently on the source ({}); run on the target: {drops}; and after the next run: {adds}",
                checks.join(", ")
            ),
            (true, _) => format!(
                "{title} has more checks on the source; to have them on the target, run: {adds}"
            ),
            (_, true) => {
                let names: Vec<&str> = gone.iter().map(|name| name.as_str()).collect();
                format!(
                    "constraint {} of {title} exists only on the target; to drop it, run: {drops}",
                    names.join(", ")
                )
            }
        }
    }
}

/// What is said where a domain takes NULL on one side only, or has another default. Rows of a run may hold NULL until it
/// has ended.
fn settings(domain: &Object, there: &Object, path: &[Ident]) -> Vec<String> {
    let (Some(Make::Domain(here)), Some(Make::Domain(other))) = (&domain.make, &there.make) else {
        return Vec::new();
    };
    let title = domain.title();
    let not_null = (here.not_null != other.not_null).then(|| {
        let set = domains::set_not_null(&there.at, here.not_null);
        let what = if here.not_null {
            "is NOT NULL on the source; after the next run, run on the target"
        } else {
            "takes NULL on the source; run on the target"
        };
        format!("{title} {what}: {}", pasted_under(path, set.as_str()))
    });
    let text = |domain: &Domain| domain.default.as_ref().map(|one| one.as_str().to_owned());
    let is_same = match (text(here), text(other)) {
        (Some(here), Some(other)) => differ_in_form_only(&here, &other),
        (here, other) => here == other,
    };
    let default = (!is_same).then(|| {
        let set = domains::set_default(&there.at, here.default.as_ref());
        let set = pasted_under(path, set.as_str());
        format!("default of {title} is not as on the source; run on the target: {set}")
    });
    not_null.into_iter().chain(default).collect()
}

/// One of what is to be said, and one for each further check that rows may violate.
pub(super) fn of_checks(text: &str, checks: &[Ident], weight: Severity) -> Vec<Finding> {
    let parts = if checks.is_empty() { vec![None] } else { checks.iter().map(Some).collect() };
    let found = parts.into_iter().enumerate().map(|(place, part)| {
        let weight = if place == 0 { weight } else { Severity::Hint };
        Finding { part: part.cloned(), ..Finding::new(weight, text.to_owned()) }
    });
    found.collect()
}

/// The checks of a domain that the other one lacks, or has otherwise.
fn only_in<'d>(own: &'d Domain, other: &Domain) -> Vec<&'d Check> {
    let is_there = |check: &&Check| {
        let mut same = other.checks.iter().filter(|other| other.name == check.name);
        same.any(|same| differ_in_form_only(check.expression.as_str(), same.expression.as_str()))
    };
    own.checks.iter().filter(|check| !is_there(check)).collect()
}
