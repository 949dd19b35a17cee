//! Changes that look at every row of a table, in steps that are committed one by one: the step that
//! looks at rows lets readers through, and the one that shuts them out takes a moment.

use super::changed_objects::is_same;
use crate::ident::{Ident, TableName};
use crate::plan::digest;
use crate::schema::diff::{DiffInput, Step};
use crate::schema_object::make::{Check, Index, Key, Make};
use crate::schema_object::{ColumnDefinition, Kind, Object, TableDefinition};
use crate::sql::ddl;
use crate::sql::not_null;
use crate::sql::objects;
use crate::sql::short_locks;
use crate::sql::short_locks::NotNullProof;
use crate::sql::statement::Statement;

/// With what the names of our helpers begin that a killed run may leave behind.
const NEW_KEY: &str = "pgsync_new_";
pub(in crate::schema) const NOT_NULL: &str = "pgsync_not_null_";

/// From here on a server takes a valid check for the proof that a column holds no NULL.
const NOT_NULL_BY_PROOF: u32 = 120_000;

impl DiffInput<'_> {
    /// What makes a key that the table lacks: its index first, then the key of it. An index that a
    /// killed run has built is used.
    pub(super) fn key(&self, object: &Object, root: &TableName) -> Vec<Step> {
        let steps = self.key_by_index(object, root, None);
        steps.unwrap_or_else(|| vec![Step::about(object, objects::create(object), &[root])])
    }

    /// The same for a key that takes the place of the target's.
    pub(super) fn replace_key(&self, object: &Object, root: &TableName) -> Option<Vec<Step>> {
        let index = replacement(object)?;
        self.key_by_index(object, root, Some(&index))
    }

    /// `replacement` is the name of the index until the old key is gone.
    fn key_by_index(
        &self,
        object: &Object,
        root: &TableName,
        replacement: Option<&Ident>,
    ) -> Option<Vec<Step>> {
        let key = self.indexed_key(object)?;
        let index = replacement.or(object.own.as_ref())?;
        let build = short_locks::create_key_index(object, key, index);
        let build = Step { builds: true, ..Step::about(object, vec![build], &[root]) };
        let drop = replacement.and_then(|_| objects::drop(object));
        let attach = short_locks::attach_key_index(object, key, index)?;
        let set = objects::settings(object).into_iter().map(|setting| setting.set);
        let statements = drop.into_iter().chain([attach]).chain(set).collect();
        let attach = Step::about(object, statements, &[root]);
        let is_built = self.built_index(object, index).is_some();
        Some((!is_built).then_some(build).into_iter().chain([attach]).collect())
    }

    /// A key whose index can be built before it: not that of a partitioned table, whose partitions have
    /// theirs, and none that excludes overlaps.
    fn indexed_key<'o>(&self, object: &'o Object) -> Option<&'o Key> {
        let Some(Make::Key(key)) = &object.make else { return None };
        let table = self.source.find(Kind::Table, object.table.as_ref()?)?;
        let is_partitioned = |table: &Object| {
            table.definition.as_ref().is_some_and(|definition| definition.partition_by.is_some())
        };
        let is_plain = !is_partitioned(table) && !self.there(table).is_some_and(is_partitioned);
        (is_plain && !key.without_overlaps).then_some(key)
    }

    /// The index of that name on the target, if the key can be made of it.
    fn built_index(&self, object: &Object, name: &Ident) -> Option<&Object> {
        let key = self.indexed_key(object)?;
        let table = self.source.find(Kind::Table, object.table.as_ref()?)?;
        self.there(table)?;
        let at = object.index.as_ref()?.name.beside(name);
        let mut indexes = self.target.objects.iter().filter(|other| other.kind == Kind::Index);
        let there = indexes.find(|index| index.at == at && index.table == object.table)?;
        let is_same = matches!(&there.make, Some(Make::Index(index)) if is_index_of(key, index));
        is_same.then_some(there)
    }

    /// What makes a check of a table that may hold rows.
    pub(super) fn check(&self, object: &Object, check: &Check, root: &TableName) -> Vec<Step> {
        let later = short_locks::add_unvalidated_check(object, check);
        let later = later.filter(|_| check.validated && check.enforced);
        let Some(add) = later else {
            return vec![Step::about(object, objects::create(object), &[root])];
        };
        let set = objects::settings(object).into_iter().map(|setting| setting.set);
        let add = Step::about(object, std::iter::once(add).chain(set).collect(), &[root]);
        std::iter::once(add).chain(self.validation(object, root)).collect()
    }

    /// What looks whether the rows keep a check.
    pub(super) fn validation(&self, object: &Object, root: &TableName) -> Option<Step> {
        let validate = objects::validate(object)?;
        Some(Step::about(object, vec![validate], &[root]))
    }

    /// What a column that was added to rows still lacks, once they are filled.
    pub(super) fn complete_column(
        &self,
        table: &Object,
        here: &ColumnDefinition,
        there: &ColumnDefinition,
        root: &TableName,
    ) -> Vec<Step> {
        let column = format!("column {}.{}", table.id, here.name.as_str());
        let is_added = |table: &TableDefinition| here.is_added_by(table);
        let completes =
            !self.has_column(table, here) && table.definition.as_ref().is_some_and(is_added);
        let is_proof_needed = here.not_null && !there.not_null;
        let title = match (completes, is_proof_needed) {
            (true, _) => column,
            (false, true) => format!("NOT NULL of {column}"),
            (false, false) => format!("definition of {column}"),
        };
        let step = |statements| Step {
            title: title.clone(),
            completes,
            table: Some(table.id.clone()),
            ..Step::about(table, statements, &[root])
        };
        let complete = |proven: &ColumnDefinition| {
            let not_null = ddl::tighten(&table.at, here, proven, self.version);
            not_null.into_iter().chain(self.number(table, here, there)).collect::<Vec<Statement>>()
        };
        let numbers = here.identity.as_ref().filter(|_| there.identity.is_none());
        let numbers = numbers.map(|_| here.name.clone());
        let last = |statements| Step { numbers: numbers.clone(), ..step(statements) };
        if let Some(validate) = not_null::validate(&table.at, there).filter(|_| is_proof_needed) {
            let proven = ColumnDefinition { not_null: true, ..there.clone() };
            return vec![last(std::iter::once(validate).chain(complete(&proven)).collect())];
        }
        let complete = complete(there);
        if !is_proof_needed || self.version < NOT_NULL_BY_PROOF {
            return (!complete.is_empty()).then(|| last(complete)).into_iter().collect();
        }
        let check = not_null_check(table, here);
        let proof = NotNullProof { table: &table.at, column: &here.name, check: &check };
        let is_added = self.target.find(Kind::Check, &proof_id(table, &check)).is_some();
        let mut steps = Vec::new();
        if !is_added {
            steps.push(step(vec![proof.add()]));
        }
        steps.push(step(vec![proof.validate()]));
        steps.push(last(complete.into_iter().chain([proof.drop()]).collect()));
        steps
    }

    /// Makes a column an identity. A sequence that the column owns goes if the new one has its name.
    fn number(
        &self,
        table: &Object,
        here: &ColumnDefinition,
        there: &ColumnDefinition,
    ) -> Vec<Statement> {
        let owned = self.there(table).and_then(|there| there.definition.as_ref());
        let owned = owned.into_iter().flat_map(|definition| &definition.owns);
        let name = here.identity.as_ref().map(|identity| &identity.name);
        let mut in_the_way = owned.filter(|owned| owned.column == here.name);
        let in_the_way = in_the_way.find(|owned| Some(&owned.sequence) == name);
        ddl::number(&table.at, here, there, in_the_way.map(|owned| &owned.sequence))
    }

    fn has_column(&self, table: &Object, column: &ColumnDefinition) -> bool {
        let there = self.there(table).and_then(|there| there.definition.as_ref());
        there.is_some_and(|there| there.column(&column.name).is_some())
    }

    /// Whether something on the target is what a killed run left, which this one goes on with: the
    /// index of a key, or the proof that a column holds no NULL.
    pub(super) fn is_in_progress(&self, there: &Object) -> bool {
        let Some(table) = there.table.as_ref().and_then(|id| self.source.find(Kind::Table, id))
        else {
            return false;
        };
        match there.kind {
            Kind::Index => {
                let same_table = |key: &&Object| key.kind == Kind::Key && key.table == there.table;
                self.source.objects.iter().filter(same_table).any(|key| {
                    let resets = key.root.as_ref().is_some_and(|root| self.resets(root));
                    let name = match self.there(key) {
                        None => key.own.clone(),
                        Some(old) if resets && !is_same(key, old) => replacement(key),
                        Some(_) => None,
                    };
                    name.and_then(|name| self.built_index(key, &name))
                        .is_some_and(|index| index.node == there.node)
                })
            }
            Kind::Check => {
                let columns = table.definition.iter().flat_map(|definition| &definition.columns);
                let other = self.there(table).and_then(|table| table.definition.as_ref());
                columns.filter(|column| column.not_null).any(|column| {
                    let is_open = other
                        .and_then(|definition| definition.column(&column.name))
                        .is_some_and(|other| !other.not_null);
                    is_open && there.own == Some(not_null_check(table, column))
                })
            }
            _ => false,
        }
    }
}

/// Whether something is a helper of ours, left by a killed run.
pub(super) fn is_leftover(there: &Object) -> bool {
    match there.kind {
        Kind::Index => there.at.name.as_str().starts_with(NEW_KEY),
        Kind::Check => there.own.as_ref().is_some_and(|own| own.as_str().starts_with(NOT_NULL)),
        _ => false,
    }
}

/// The name of a new key's index while the old one has the key's.
fn replacement(object: &Object) -> Option<Ident> {
    let definition = objects::definition(object);
    let definition = definition.first().map(Statement::as_str)?;
    Some(Ident::new(format!("{NEW_KEY}{}", digest(&format!("{} {definition}", object.id)))))
}

fn not_null_check(table: &Object, column: &ColumnDefinition) -> Ident {
    let text = format!("{} {}", table.id, column.name.as_str());
    Ident::new(format!("{NOT_NULL}{}", digest(&text)))
}

fn proof_id(table: &Object, check: &Ident) -> String {
    format!("{} {}", table.id, check.as_str())
}

/// Whether the key would consist of such an index. Of its operator classes only the server knows
/// whether they are the types' own: it refuses others.
fn is_index_of(key: &Key, index: &Index) -> bool {
    let mut bare = index.clone();
    bare.options.clear();
    bare.elements.iter_mut().for_each(|element| element.opclass = None);
    bare == short_locks::index_of_key(key)
}
