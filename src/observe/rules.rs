//! The tables as their rules show them, and what the rules cannot have: found out before anything is
//! written, all of it at once.

use std::collections::{BTreeMap, HashMap};

use crate::config::Unmasked;
use crate::context::{Catalogs, RunContext};
use crate::error::{Error, Result};
use crate::ident::{Ident, TableName};
use crate::observe::filtered_parents;
use crate::observe::masks::RuledTables;
use crate::observe::trials::{Trials, TriedTable};
use crate::plan::guard;
use crate::plan::guard::UnmaskedColumns;
use crate::plan::hints;
use crate::plan::masking;
use crate::plan::shown::{Moment, ShownTable, is_time, place, travelling};
use crate::rules::{Children, Ddl, Key, Rules, SourceColumns, Timeless};
use crate::table::{ForeignKey, Table};

/// The selected tables as their rules show them, and everything that is wrong with the rules.
pub(crate) struct JudgedRules<'t> {
    pub shown: Vec<ShownTable<'t>>,
    pub problems: Vec<String>,
    /// Columns that would travel with neither a mask nor a keep.
    pub unmasked: UnmaskedColumns,
}

/// On which tables rules are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tried {
    All,
    /// Not on those at which the guard stops a run: of them nothing is read.
    Decided,
}

impl RunContext<'_> {
    /// The selected tables, of all `tables` of the source, as their rules show them.
    ///
    /// # Errors
    /// [`Error::Config`] with everything that the rules cannot have; [`Error::Refused`] by the guard.
    pub(crate) async fn shown<'t>(
        &self,
        selected: &[&'t Table],
        tables: &'t [Table],
        catalogs: &Catalogs,
    ) -> Result<Vec<ShownTable<'t>>> {
        let judged = self.judge_rules(selected, tables, catalogs, Tried::Decided).await?;
        if !judged.problems.is_empty() {
            return Err(Error::Config(judged.problems));
        }
        self.guard_unmasked(&judged.unmasked)?;
        Ok(judged.shown)
    }

    /// Looks at all rules by both catalogs, and has the servers try what users wrote. Writes nothing.
    ///
    /// # Errors
    /// What concerns a side as a whole.
    pub(crate) async fn judge_rules<'t>(
        &self,
        selected: &[&'t Table],
        tables: &'t [Table],
        catalogs: &Catalogs,
        which: Tried,
    ) -> Result<JudgedRules<'t>> {
        let mut problems = self.settings.rules.problems(&self.source_columns(tables, catalogs));
        let RuledTables { ruled, problems: of_masks, bad } = self.ruled(selected, tables, catalogs);
        problems.extend(of_masks);
        let unmasked = guard::unmasked(&ruled);
        let mark = self.key_mark(&ruled, catalogs).await?;
        let now = &catalogs.source.sight.horizon.now;
        let moment = Moment { now, mask_key: &mark, dialect: catalogs.source.dialect };
        let hash = self.mask_hash(catalogs);
        let mut tried = Vec::new();
        for (table, rules) in ruled {
            let masks = masking::masks(table, &rules, hash);
            match ShownTable::new(table, rules, &masks, &moment) {
                Ok(shown) => tried.push(TriedTable { table, shown, masks }),
                Err(found) => problems.extend(found),
            }
        }
        let is_left_alone = |one: &&TriedTable<'_>| {
            let stops = self.settings.unmasked == Unmasked::Fail && which == Tried::Decided;
            // A source that computes no masks says so: no keep would help.
            stops && !catalogs.source.local && unmasked.contains_key(&one.table.name)
        };
        // A run fails over such a table alone, with its name.
        let fails = |one: &&TriedTable<'_>| {
            let is_hidden = one.table.row_security || !hints::is_readable(&one.shown);
            which == Tried::Decided && is_hidden
        };
        let to_try = tried.iter().filter(|one| !is_left_alone(one) && !fails(one));
        let to_try: Vec<_> = to_try.collect();
        let Trials { problems: of_trials, untried, refused } =
            self.trials(&to_try, &bad, catalogs).await?;
        problems.extend(of_trials);
        let mut shown: Vec<_> = tried.into_iter().map(|one| one.shown).collect();
        match which {
            Tried::All => problems.extend(untried.iter().map(|(t, error)| format!("{t}: {error}"))),
            Tried::Decided => mark_untried(&mut shown, &untried),
        }
        problems.extend(shown.iter().filter_map(|one| self.reset_problem(one)));
        problems.extend(shared_targets(&shown));
        problems.extend(rows_twice(&shown, selected));
        problems.extend(left_out_problems(&shown, selected, catalogs));
        problems.extend(filtered_parents::problem(&shown, &refused, &catalogs.source.foreign_keys));
        Ok(JudgedRules { shown, problems, unmasked })
    }

    /// The columns of the source's tables, by which the names in rules are judged.
    fn source_columns<'c>(
        &self,
        tables: &'c [Table],
        catalogs: &'c Catalogs,
    ) -> Vec<SourceColumns<'c>> {
        let there: HashMap<&TableName, &Table> =
            catalogs.target.tables.iter().map(|table| (&table.name, table)).collect();
        let columns = tables.iter().map(|table| {
            let columns: Vec<&Ident> = table.columns.iter().map(|column| &column.name).collect();
            let rules = self.settings.rules.effective(&table.name);
            let target = there.get(&self.settings.target_name_of(&table.name));
            let is_new = |name: &&Ident| {
                target.is_some_and(|there| there.column(rules.target_column(name)).is_none())
            };
            let new = travelling(table, &rules).into_iter().filter(is_new).collect();
            let timeless = table.columns.iter().filter(|column| !is_time(column));
            let timeless = timeless.map(|c| Timeless { name: &c.name, type_text: &c.type_text });
            let (key, timeless) = (masking::key_columns(table, &rules), timeless.collect());
            let target = target.into_iter().flat_map(|target| target.columns.iter());
            let only_on_target =
                target.map(|column| &column.name).filter(|name| !columns.contains(name));
            let only_on_target = only_on_target.collect();
            SourceColumns { table: &table.name, columns, key, timeless, new, only_on_target }
        });
        columns.collect()
    }

    /// A rule of its own that asks to rebuild a table which other rules want otherwise than it is on the source.
    fn reset_problem(&self, one: &ShownTable<'_>) -> Option<String> {
        let (rules, table) = (&one.rules, &one.table.name);
        let everywhere = self.settings.rules.everywhere.origin(Key::Ddl);
        let is_own = rules.ddl == Ddl::Reset && rules.origin(Key::Ddl) != everywhere;
        let other = self.settings.prevents_rebuild(table).filter(|_| is_own)?;
        Some(format!(
            "{}: reset rebuilds {table} as it is on the source, and {} wants it otherwise: take out one of them",
            place(rules, Key::Ddl),
            place(rules, other)
        ))
    }
}

/// A run fails over tables alone whose rules could not be tried.
fn mark_untried(shown: &mut [ShownTable<'_>], untried: &[(TableName, Error)]) {
    for one in shown {
        let mut found = untried.iter().filter(|(table, _)| *table == one.table.name);
        one.untried = found.next().map(|(_, error)| error.clone());
    }
}

/// A foreign key of the source by the names that its tables and columns get.
pub(super) fn as_shown(key: &ForeignKey, rules: &Rules) -> ForeignKey {
    let (child, parent) = (rules.effective(&key.child), rules.effective(&key.parent));
    let named = |columns: &[Ident], rules: &crate::rules::TableRules| {
        columns.iter().map(|column| rules.target_column(column).clone()).collect()
    };
    ForeignKey {
        child_columns: named(&key.child_columns, &child),
        parent_columns: named(&key.parent_columns, &parent),
        child: child.target_name(&key.child),
        parent: parent.target_name(&key.parent),
        ..key.clone()
    }
}

/// Tables that would become one on the target.
fn shared_targets(shown: &[ShownTable<'_>]) -> Vec<String> {
    let mut places: BTreeMap<TableName, Vec<&ShownTable<'_>>> = BTreeMap::new();
    for one in shown {
        places.entry(one.rules.target_name(&one.table.name)).or_default().push(one);
    }
    let shared = places.iter().filter(|(_, tables)| tables.len() > 1);
    let shared = shared.map(|(place, tables)| {
        let names: Vec<String> = tables.iter().map(|one| one.table.name.to_string()).collect();
        let key = |one: &&ShownTable<'_>| {
            [Key::TargetTable, Key::TargetSchema]
                .into_iter()
                .find_map(|key| one.rules.origin(key).map(ToString::to_string))
        };
        let rule = tables.iter().find_map(key);
        let rule = rule.unwrap_or_else(|| Key::TargetTable.name().to_owned());
        format!(
            "{rule}: {} would all be {place} on the target: give each a name of its own",
            names.join(" and ")
        )
    });
    shared.collect()
}

/// Children whose rows are read as their parents', and that are selected as tables of their own.
fn rows_twice(shown: &[ShownTable<'_>], selected: &[&Table]) -> Vec<String> {
    let sources: HashMap<&TableName, &Table> =
        selected.iter().map(|table| (&table.name, *table)).collect();
    let problem = |one: &ShownTable<'_>| {
        let source = sources.get(&one.table.name)?;
        let mut children = source.inherited_by.iter().map(|child| &child.name);
        let child = children.find(|child| sources.contains_key(child))?;
        (one.rules.children == Children::Rows).then(|| {
            format!(
                "{}: the rows of {child} would be read as rows of {}, and {child} is selected as a table of its \
                 own: exclude it, or leave out \"children\"",
                place(&one.rules, Key::Children),
                one.table.name
            )
        })
    };
    shown.iter().filter_map(problem).collect()
}

/// Columns that the target cannot do without, and that rules leave out.
fn left_out_problems(
    shown: &[ShownTable<'_>],
    selected: &[&Table],
    catalogs: &Catalogs,
) -> Vec<String> {
    let there: HashMap<&TableName, &Table> =
        catalogs.target.tables.iter().map(|table| (&table.name, table)).collect();
    let sources: HashMap<&TableName, &Table> =
        selected.iter().map(|table| (&table.name, *table)).collect();
    let mut problems = Vec::new();
    for one in shown {
        let target = there.get(&one.rules.target_name(&one.table.name));
        let source = sources.get(&one.table.name);
        let (Some(target), Some(source)) = (target, source) else { continue };
        for column in target.columns.iter() {
            let needed = column.not_null && !column.has_default && !column.generated;
            let is_left_out = one.table.column(&column.name).is_none()
                && source
                    .columns
                    .iter()
                    .any(|own| one.rules.target_column(&own.name) == &column.name);
            if needed && is_left_out {
                let key = [Key::ExcludeColumns, Key::Columns];
                let key = key.into_iter().find(|key| one.rules.is_given(*key));
                problems.push(format!(
                    "{}: \"{}\" of {} is left out, and is NOT NULL without a default on the target: let it \
                     travel, or give it a default there",
                    place(&one.rules, key.unwrap_or(Key::Columns)),
                    column.name.as_str(),
                    one.table.name
                ));
            }
        }
    }
    problems
}
