//! Masks of selected tables: what foreign keys hand on, and what a mask cannot be. Pure: all of it is known
//! from catalogs and rules.

use std::collections::{BTreeMap, HashMap};

use crate::ident::{Ident, TableName};
use crate::plan::mask_room::overflow;
use crate::plan::moves;
use crate::plan::shown::Masks;
use crate::rules::{Key, Mask, TableRules, Uniqueness};
use crate::sql::mask::{MaskHash, MaskedColumn, ValueKind, fits, unique_length};
use crate::sql::user_expression::UserExpression;
use crate::table::{Column, ForeignKey, Table};

/// Days by which a date is shifted at most: a century.
const MOST_DAYS: u32 = 36_500;

/// The tables with what counts for them, by the source's names.
pub type Ruled<'t> = Vec<(&'t Table, TableRules)>;

/// Lets columns of foreign keys have the masks of what they refer to, also of tables that take no part in this run.
///
/// # Errors
/// Columns whose masks differ from those.
pub fn inherit(
    ruled: &mut Ruled<'_>,
    keys: &[ForeignKey],
    is_selected: impl Fn(&TableName) -> bool,
) -> Vec<String> {
    let places: HashMap<TableName, usize> =
        ruled.iter().enumerate().map(|(place, (table, _))| (table.name.clone(), place)).collect();
    inherit_of_parents(ruled, &places);
    let pairs: Vec<Pair<'_>> = keys.iter().flat_map(|key| Pair::of(key, &places)).collect();
    // A key may lead to a column that has its own mask from a third one.
    for _ in 0..pairs.len() {
        let open = pairs.iter().find_map(|pair| {
            let parent = &ruled[pair.parent].1;
            let child = &ruled[pair.child].1;
            let is_free = parent.mask.contains_key(pair.parent_column)
                && !child.mask.contains_key(pair.child_column);
            (is_free && !child.keep.contains(pair.child_column)).then(|| (pair, parent.clone()))
        });
        let Some((pair, parent)) = open else { break };
        ruled[pair.child].1.inherit_mask(pair.child_column, &parent, pair.parent_column);
    }
    let differs = |pair: &Pair<'_>| {
        let ((child, own), (parent, others)) = (&ruled[pair.child], &ruled[pair.parent]);
        let (here, there) = (own.mask.get(pair.child_column), others.mask.get(pair.parent_column));
        // Of a table that takes no part nobody knows whether its values are masked where they are.
        let concerns = is_selected(&child.name) && (is_selected(&parent.name) || there.is_some());
        (here != there && concerns).then(|| {
            format!(
                "{}: {} of {} refers to {} of {} by the foreign key \"{}\", so both have to be masked alike, and \
                 the first has {} and the second {}",
                place(own, pair.child_column),
                pair.child_column.as_str(),
                child.name,
                pair.parent_column.as_str(),
                parent.name,
                pair.key.as_str(),
                named(here),
                named(there)
            )
        })
    };
    pairs.iter().filter_map(differs).collect()
}

/// Lets tables that inherit from others have the masks of these: their columns of that name hold values of the
/// same kind. What a rule says of such a column itself counts more.
fn inherit_of_parents(ruled: &mut Ruled<'_>, places: &HashMap<TableName, usize>) {
    for parent in 0..ruled.len() {
        let (table, masks) = (ruled[parent].0, ruled[parent].1.clone());
        let children = table.inherited_by.iter().filter_map(|child| places.get(&child.name));
        for child in children.copied().collect::<Vec<usize>>() {
            let (table, rules) = &mut ruled[child];
            for column in masks.mask.keys() {
                let is_open = !rules.mask.contains_key(column) && !rules.keep.contains(column);
                if is_open && table.column(column).is_some() {
                    rules.inherit_mask(column, &masks, column);
                }
            }
        }
    }
}

fn named(mask: Option<&Mask>) -> String {
    mask.map_or_else(|| "no mask".to_owned(), |mask| format!("the mask \"{}\"", mask.name()))
}

/// One column of a foreign key, by the places of its tables.
struct Pair<'k> {
    key: &'k Ident,
    child: usize,
    child_column: &'k Ident,
    parent: usize,
    parent_column: &'k Ident,
}

impl<'k> Pair<'k> {
    fn of(key: &'k ForeignKey, places: &HashMap<TableName, usize>) -> Vec<Self> {
        let (Some(child), Some(parent)) = (places.get(&key.child), places.get(&key.parent)) else {
            return Vec::new();
        };
        let columns = key.child_columns.iter().zip(&key.parent_columns);
        let pairs = columns.map(|(child_column, parent_column)| Self {
            key: &key.name,
            child: *child,
            child_column,
            parent: *parent,
            parent_column,
        });
        pairs.collect()
    }
}

/// Where a column's mask stands.
pub fn place(rules: &TableRules, column: &Ident) -> String {
    let own = rules.mask_origin(column).map(ToString::to_string);
    own.unwrap_or_else(|| {
        format!("{}/{}", crate::plan::shown::place(rules, Key::Mask), column.as_str())
    })
}

/// The masks of a table as SQL.
pub fn masks(table: &Table, rules: &TableRules, hash: MaskHash) -> Masks {
    let key = key_columns(table, rules);
    let masked = rules.mask.iter().filter_map(|(name, mask)| {
        let column = table.column(name)?;
        let masked = MaskedColumn { table: &table.name.name, column, key: &key, hash };
        Some((name.clone(), masked.masked(mask)))
    });
    masked.collect()
}

/// What tells rows of a table apart.
pub fn key_columns(table: &Table, rules: &TableRules) -> Vec<Ident> {
    match &rules.key {
        Some(columns) => columns.clone(),
        None => {
            let key = table.keys.first().into_iter().flat_map(|key| &key.columns);
            key.map(|column| column.name.clone()).collect()
        }
    }
}

/// What the masks of a table cannot be, as far as both catalogs tell: by column.
pub fn problems(
    table: &Table,
    rules: &TableRules,
    target: Option<&Table>,
) -> BTreeMap<Ident, String> {
    let check = |(name, mask): (&Ident, &Mask)| {
        let column = table.column(name)?;
        let subject = MaskSubject { table, rules, target, column, mask };
        let why = subject.problem()?;
        Some((name.clone(), format!("{}: {why}", place(rules, name))))
    };
    rules.mask.iter().filter_map(check).collect()
}

/// One mask and what it is for.
struct MaskSubject<'a> {
    table: &'a Table,
    rules: &'a TableRules,
    target: Option<&'a Table>,
    column: &'a Column,
    mask: &'a Mask,
}

impl MaskSubject<'_> {
    fn problem(&self) -> Option<String> {
        self.computed()
            .or_else(|| self.misfit())
            .or_else(|| self.timestamp())
            .or_else(|| self.without_null())
            .or_else(|| self.unique())
            .or_else(|| self.by_key())
            .or_else(|| self.expression())
    }

    fn who(&self) -> String {
        format!("{} of {}", self.column.name.as_str(), self.table.name)
    }

    /// What the target computes takes no values.
    fn computed(&self) -> Option<String> {
        let there = self.target?.column(self.rules.target_column(&self.column.name))?;
        (self.column.generated && there.generated).then(|| {
            format!(
                "{} is generated, also on the target, which computes it from what arrives: take its mask out",
                self.who()
            )
        })
    }

    /// Types and lengths.
    fn misfit(&self) -> Option<String> {
        let kind = ValueKind::of(self.column);
        if !fits(self.mask, kind) {
            return Some(format!(
                "the mask \"{}\" does not suit {}, which is {}",
                self.mask.name(),
                self.who(),
                self.column.type_text
            ));
        }
        if let Some(text) = overflow(self.mask, self.column) {
            let (mask, kind) = (self.mask.name(), &self.column.type_text);
            return Some(format!(
                "the mask \"{mask}\" for {}, which is {kind}, {text}",
                self.who()
            ));
        }
        let base = self.column.under_domains();
        let limited =
            matches!(base.type_name.as_str(), "varchar" | "bpchar") && base.type_modifier > 4;
        let most = limited.then_some(base.type_modifier - 4)?;
        let needed = unique_length(self.mask).filter(|needed| *needed > most)?;
        Some(format!(
            "the mask \"{}\" gives {needed} characters, and {} is {}",
            self.mask.name(),
            self.who(),
            self.column.type_text
        ))
    }

    fn timestamp(&self) -> Option<String> {
        let is_timestamp = self.column.name == self.rules.timestamp_column;
        is_timestamp.then(|| {
            format!(
                "{} is the timestamp by which changes are found: it is never masked",
                self.who()
            )
        })
    }

    fn without_null(&self) -> Option<String> {
        let name = self.rules.target_column(&self.column.name);
        let there = self.target.and_then(|target| target.column(name));
        let not_null = self.column.not_null || there.is_some_and(|column| column.not_null);
        (*self.mask == Mask::Null && not_null)
            .then(|| format!("{} is NOT NULL, and the mask \"null\" gives NULL", self.who()))
    }

    /// The masks that keep values of the column apart, in words.
    fn unique_masks(&self) -> String {
        let kind = ValueKind::of(self.column);
        let hash = Mask::Hash { digits: 32 };
        let all = [
            (Mask::Uuid, r#""uuid""#),
            (Mask::Email, r#""email""#),
            (Mask::Url, r#""url""#),
            (hash, r#"{"hash": 32}"#),
        ];
        let fitting: Vec<&str> =
            all.iter().filter(|(mask, _)| fits(mask, kind)).map(|(_, name)| *name).collect();
        match fitting.as_slice() {
            [] => format!("no mask keeps values of type {} apart", self.column.type_text),
            [.., last] if fitting.len() > 1 => {
                format!("use {} or {last}", fitting[..fitting.len() - 1].join(", "))
            }
            [only, ..] => format!("use {only}"),
        }
    }

    /// What tells rows apart has to go on doing so.
    fn unique(&self) -> Option<String> {
        let own = &self.column.name;
        let there = self.rules.target_column(own);
        let sides = [(Some(self.table), own, ""), (self.target, there, " of the target")];
        let sides = sides.into_iter().filter_map(|(table, name, of)| Some((table?, name, of)));
        let lossy = self.mask.uniqueness() == Uniqueness::Lossy;
        let unsure = self.mask.uniqueness() != Uniqueness::Unique;
        for (table, name, of) in sides {
            let mut keys = table.keys.iter();
            let key = keys.find(|key| key.columns.iter().any(|column| &column.name == name));
            if let Some(key) = key.filter(|_| unsure) {
                return Some(format!(
                    "{} is part of the key \"{}\"{of}, and the mask \"{}\" may make different values equal: {}",
                    self.who(),
                    key.index.as_str(),
                    self.mask.name(),
                    self.unique_masks()
                ));
            }
            let unique = table.uniques.iter().find(|unique| unique.columns.contains(name));
            // Rows with NULL are never alike.
            let harmless = *self.mask == Mask::Null;
            if let Some(unique) =
                unique.filter(|unique| lossy && !(harmless && unique.nulls_distinct))
            {
                let mut on_the_source = self.table.uniques.iter();
                let is_only_there = !on_the_source.any(|unique| unique.columns.contains(own));
                let drop = is_only_there.then(|| moves::dropping_index(table, unique));
                let drop = drop.map(|drop| {
                    format!("; or, as the source has no such index, run on the target: {drop}")
                });
                return Some(format!(
                    "{} is in the unique index \"{}\"{of}, and the mask \"{}\" may make different values equal: {}; or keep \
                     the column unmasked{}",
                    self.who(),
                    unique.name.as_str(),
                    self.mask.name(),
                    self.unique_masks(),
                    drop.unwrap_or_default(),
                ));
            }
        }
        None
    }

    /// Noise that nothing keys would be the same for every row.
    fn by_key(&self) -> Option<String> {
        let keyed_by_row = match self.mask {
            Mask::NumberNoise { .. } => true,
            Mask::DateShift { days, by } => {
                if *days == 0 || *days > MOST_DAYS {
                    return Some(format!("a date is shifted by 1 to {MOST_DAYS} days"));
                }
                by.is_none()
            }
            _ => false,
        };
        (keyed_by_row && key_columns(self.table, self.rules).is_empty()).then(|| {
            format!(
                "the mask \"{}\" goes by the key of a row, and {} has none",
                self.mask.name(),
                self.table.name
            )
        })
    }

    fn expression(&self) -> Option<String> {
        let Mask::Sql(text) = self.mask else { return None };
        match UserExpression::parse(text) {
            Err(why) => Some(format!("the expression {why}")),
            Ok(expression) if expression.reads_the_clock() => {
                Some("the expression reads the clock, so each run would give other values".to_owned())
            }
            Ok(expression) if expression.has_word("select") => Some(
                "the expression reads other rows, and nothing tells when those change: use the row's own \
                 columns"
                    .to_owned(),
            ),
            Ok(_) => None,
        }
    }
}
