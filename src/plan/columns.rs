//! Which columns travel, and under which types. Both sides are agreed by name; a pair of types is
//! accepted only when every value of the source's arrives unaltered.

use std::fmt;

use crate::builtin_type::{self, Fact};
use crate::error::Error;
use crate::ident::Ident;
use crate::plan::PlanContext;
use crate::plan::composition;
use crate::plan::composition::Arrival;
use crate::plan::kinds::{cast, is_same_in_binary, same_type, widens};
use crate::plan::left_columns;
use crate::plan::misfit;
use crate::plan::misfit::{Advice, Problem};
use crate::plan::renamed_columns::{self, RenamedColumn, cannot_go_on};
use crate::plan::shell_word;
use crate::plan::takes_null;
use crate::rules::TableRules;
use crate::sql::mapping::{HashMethod, PlanColumn};
use crate::sql::mapping::{Timestamp, TimestampKind};
use crate::table::{Column, ForeignKey, Table};

/// What both sides have.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    /// Those that travel. None do where the source has none but generated ones: such a table has
    /// nothing but a number of rows.
    pub carried: Vec<PlanColumn>,
    /// Those that each side computes for itself. Nothing but a look at the values tells whether both
    /// compute the same: functions, collations and constants of one name can mean other things.
    pub generated: Vec<PlanColumn>,
}

/// The target's table, and what is said of it goes by.
pub struct MatchedTarget<'t> {
    /// As it will be when columns are matched.
    pub table: &'t Table,
    /// As it is now.
    pub now: &'t Table,
    pub foreign_keys: &'t [ForeignKey],
}

/// Both sides' columns, by their names.
///
/// # Errors
/// [`Error::Blocked`] naming every column in the way and the remedy.
pub fn match_columns(
    source: &Table,
    there: &MatchedTarget<'_>,
    rules: &TableRules,
    context: &PlanContext,
) -> Result<Columns, Error> {
    let target = there.table;
    let advice = Advice::new(target, rules);
    let renamed = renamed_columns::among(source, there.now);
    let mut columns = Vec::new();
    let (mut problems, mut left) = (Vec::new(), Vec::new());
    for column in target.columns.iter().filter(|column| !column.generated) {
        match source.column(&column.name) {
            Some(here) => match map_column(here, column, &advice, context) {
                Ok(column) => columns.push(column),
                Err(problem) => problems.push(problem),
            },
            None => {
                let renamed = renamed.iter().find(|one| one.old == column.name);
                let asks = |one: &RenamedColumn| cannot_go_on(one, source, there.now);
                if needs_value(column) || renamed.is_some_and(asks) {
                    left.push(LeftOver { column, renamed });
                }
            }
        }
    }
    let left = LeftOvers { source, there, rules, all: &left };
    problems.extend(left.told().into_iter().map(Problem::Told));
    let missing = source.columns.iter().filter(|here| target.column(&here.name).is_none());
    let missing = missing.filter(|here| !here.generated).map(|here| advice.missing(here));
    problems.extend(missing.map(Problem::Told));
    let computed = target.columns.iter().filter(|there| there.generated);
    let kept = computed.filter(|there| source.column(&there.name).is_some_and(|h| !h.generated));
    problems.extend(kept.map(|there| Problem::Told(advice.computed_there(there))));
    if problems.is_empty() {
        Ok(Columns { carried: columns, generated: generated(source, target, &advice, context) })
    } else {
        Err(Error::Blocked(advice.told(problems)))
    }
}

/// A column that only the target has, and without which no row can be written or found.
struct LeftOver<'t> {
    column: &'t Column,
    /// What the source may have made of it.
    renamed: Option<&'t RenamedColumn>,
}

impl LeftOver<'_> {
    /// Why the table cannot go on with it.
    fn reason(&self) -> &'static str {
        if needs_value(self.column) {
            "NOT NULL without a default"
        } else if self.column.identity {
            "an identity"
        } else {
            "in its key"
        }
    }
}

/// Whether rows without a value of it are refused.
fn needs_value(column: &Column) -> bool {
    column.not_null && !column.has_default
}

/// All of them, between both tables.
struct LeftOvers<'l, 't> {
    source: &'l Table,
    there: &'l MatchedTarget<'t>,
    rules: &'l TableRules,
    all: &'l [LeftOver<'l>],
}

impl<'l> LeftOvers<'l, '_> {
    /// What is said of them: of those that may have been renamed together, and of each other one.
    fn told(&self) -> Vec<String> {
        let (there, table) = (self.there, self.there.now);
        let (renamed, others): (Vec<&LeftOver<'l>>, Vec<&LeftOver<'l>>) =
            self.all.iter().partition(|one| one.renamed.is_some());
        let mut freed: Vec<&Column> = Vec::new();
        let mut takes_null = |one: &LeftOver<'l>| {
            let text = takes_null::statements(there.table, one.column, there.foreign_keys, &freed);
            freed.push(one.column);
            text
        };
        let told = others.iter().map(|one| {
            format!(
                "only the target has the column \"{}\", which is NOT NULL without a default; to keep it, give it a default, or \
                 run on the target: {}; if the source has dropped or renamed it, run on the target: {}",
                one.column.name.as_str(),
                takes_null(one),
                left_columns::drop_column(self.source, table, one.column)
            )
        });
        let mut told: Vec<String> = told.collect();
        let renames: Vec<&RenamedColumn> = renamed.iter().filter_map(|one| one.renamed).collect();
        let statements = renames.iter().map(|renamed| {
            if renamed.is_added {
                renamed.statements(self.source, table)
            } else {
                renamed.statement(&table.name)
            }
        });
        let statements: Vec<String> = statements.collect();
        let otherwise: Vec<String> = renamed.iter().map(|one| takes_null(one)).collect();
        if !renamed.is_empty() {
            told.push(format!(
                "{}? Then run on the target: {}; to keep the target's name, {}; otherwise, run on the target: {}",
                self.asked(&renamed),
                statements.join("; "),
                self.by_rule(&renames),
                otherwise.join("; ")
            ));
        }
        told
    }

    /// The name of a column of the source, and what the rule `rename` makes of it, if it does.
    fn own_name<'n>(&'n self, shown: &'n Ident) -> OwnName<'n> {
        let rule = self.rules.rename.iter().find(|(_, name)| *name == shown);
        OwnName { own: rule.map_or(shown, |(own, _)| own), shown, is_renamed: rule.is_some() }
    }

    /// What keeps the target's names.
    fn by_rule(&self, renames: &[&RenamedColumn]) -> String {
        let names = renames.iter().map(|one| (self.own_name(&one.new), &one.old));
        if names.clone().any(|(name, _)| name.is_renamed) {
            return "correct the rule rename".to_owned();
        }
        let json = |name: &Ident| serde_json::Value::from(name.as_str()).to_string();
        let pairs = names.map(|(name, old)| format!("{}: {}", json(name.own), json(old)));
        let pairs: Vec<String> = pairs.collect();
        let rule = format!("{}.rename={{{}}}", self.source.name, pairs.join(", "));
        format!("use -set {}", shell_word::pasted(&rule))
    }

    /// Asks whether the source has renamed these.
    fn asked(&self, left: &[&LeftOver<'_>]) -> String {
        let quoted = |name: &Ident| format!("\"{}\"", name.as_str());
        let listed = |names: Vec<String>| names.join(" and ");
        let old = listed(left.iter().map(|one| quoted(&one.column.name)).collect());
        let new = left.iter().filter_map(|one| one.renamed);
        let new = new.map(|renamed| self.own_name(&renamed.new).to_string());
        let new = listed(new.collect());
        let mut reasons: Vec<&str> = left.iter().map(|one| one.reason()).collect();
        reasons.dedup();
        let reason = reasons.join(" or ");
        let (noun, verb) = if left.len() == 1 { ("column", "is") } else { ("columns", "are") };
        format!("only the target has the {noun} {old}, which {verb} {reason}; renamed to {new}")
    }
}

/// A column of the source as its rules call it.
struct OwnName<'n> {
    own: &'n Ident,
    shown: &'n Ident,
    is_renamed: bool,
}

impl fmt::Display for OwnName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.own.as_str())?;
        if self.is_renamed {
            write!(f, ", which the rule rename calls \"{}\"", self.shown.as_str())?;
        }
        Ok(())
    }
}

/// What both sides compute, each by its own expression; printed where no type says how to compare them.
fn generated(
    source: &Table,
    target: &Table,
    advice: &Advice<'_>,
    context: &PlanContext,
) -> Vec<PlanColumn> {
    let there = target.columns.iter().filter(|there| there.generated);
    let pairs = there.filter_map(|there| Some((source.column(&there.name)?, there)));
    let pairs = pairs.filter(|(here, _)| here.generated);
    let planned = pairs.map(|(here, there)| {
        map_column(here, there, advice, context).unwrap_or_else(|_| PlanColumn {
            name: there.name.clone(),
            cast: None,
            target_type: there.type_text.clone(),
            hashed: HashMethod::Printed,
            computed: true,
            binary: false,
            exact: false,
            updatable: false,
        })
    });
    planned.collect()
}

fn map_column(
    here: &Column,
    there: &Column,
    advice: &Advice<'_>,
    context: &PlanContext,
) -> Result<PlanColumn, Problem> {
    let (from, to) = (here.under_domains(), there.under_domains());
    if !same_type(&from, &to) && !widens(&from, &to) {
        return Err(advice.other_type(here, there));
    }
    let same = from.type_name == to.type_name && from.is_built_in() == to.is_built_in();
    let arrival = if same && !to.is_built_in() {
        composition::compare(here, there)
            .map_err(|misfit| Problem::Told(misfit::other_parts(&there.name, &misfit)))?
    } else {
        Arrival::Unproven
    };
    let cast = cast(&from, &to);
    let name = to.type_name.as_str();
    let is_same = is_same_in_binary(name) && (context.same_intervals || !is_interval(name));
    let plain = same && to.is_built_in() && is_same && cast.is_none();
    // Each side's own type, without a domain.
    let built_in = here.is_built_in() && there.is_built_in();
    let exact = arrival == Arrival::Exact || plain && from.type_modifier == to.type_modifier;
    Ok(PlanColumn {
        name: there.name.clone(),
        cast,
        target_type: there.type_text.clone(),
        hashed: hashed(there, context),
        computed: here.generated,
        binary: plain
            && if context.local {
                builtin_type::is(to.type_name.as_str(), Fact::WrittenHere)
            } else {
                built_in
            },
        // Of a source that is no server, it is this program that prints the values.
        exact: exact && context.same_text && !context.local,
        updatable: !there.identity_always,
    })
}

fn is_interval(name: &str) -> bool {
    name.trim_start_matches('_') == "interval"
}

/// The functions whose bytes stand for a value.
const SENT: &[&str] = &[
    "array_send",
    "box_send",
    "circle_send",
    "float4send",
    "float8send",
    "line_send",
    "lseg_send",
    "multirange_send",
    "path_send",
    "point_send",
    "poly_send",
    "range_send",
    "record_send",
];

fn hashed(there: &Column, context: &PlanContext) -> HashMethod {
    let sent = there.floats.as_ref().filter(|_| !context.same_floats);
    if let Some(send) = sent.filter(|send| SENT.contains(&send.as_str())) {
        return HashMethod::Binary(send.clone());
    }
    if !there.is_built_in() {
        return HashMethod::Printed;
    }
    match there.type_name.as_str() {
        "int2" | "int4" | "int8" => HashMethod::Integer,
        // Their own hash folds 64 bits to 32.
        "timestamp" => HashMethod::Binary(Ident::new("timestamp_send")),
        "timestamptz" => HashMethod::Binary(Ident::new("timestamptz_send")),
        "uuid" => HashMethod::Uuid,
        "text" | "varchar" => HashMethod::Text,
        "bpchar" if there.type_modifier != -1 => HashMethod::Filled,
        // The source is asked for it, too: no other function is called in the target's name.
        _ => {
            let prints = |name: &Ident| name.as_str().ends_with("out");
            there.output.clone().filter(prints).map_or(HashMethod::Printed, HashMethod::Output)
        }
    }
}

/// The column by which changes are found, if both sides have it with a type that can serve.
pub fn timestamp(source: &Table, target: &Table, name: &Ident) -> Option<Timestamp> {
    let kind = |table: &Table| {
        let column = table.column(name).filter(|column| !column.generated && !column.unindexed)?;
        match (column.type_schema.as_str(), column.type_name.as_str()) {
            ("pg_catalog", "timestamptz") => Some(TimestampKind::Timestamptz),
            ("pg_catalog", "timestamp") => Some(TimestampKind::Timestamp),
            ("pg_catalog", "date") => Some(TimestampKind::Date),
            _ => None,
        }
    };
    Some(Timestamp { column: name.clone(), source: kind(source)?, target: kind(target)? })
}
