//! Statements that make single objects, drop them, and set what is set on them.

use super::ddl::{parameters, text, word};
use super::domains;
use super::functions;
use super::read;
use super::statement::{Statement, statement};
use super::text_search;
use crate::ident::Ident;
use crate::schema_object::make::{
    Check, Collation, Element, Exclusion, ForeignKey, Index, IndexSettings, Integer, Key, Make,
    Numbers, Provider, Range, ReplicaIdentity, Sequence, Statistics, StatisticsKind, Timing,
};
use crate::schema_object::text::Name;
use crate::schema_object::{Kind, Object};
use crate::sql::Literal;

/// Something that is set on an object, apart from what the object is.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// What is set: there is one of each.
    pub subject: Statement,
    pub set: Statement,
    /// What leaves it unset, where that is said by a statement.
    pub unset: Option<Statement>,
}

impl Setting {
    fn plain(set: Statement) -> Self {
        Self { subject: set.clone(), set, unset: None }
    }

    fn comment(on: Statement, comment: &str) -> Self {
        let set = statement!("comment on {on} is {text}", on = on, text = Literal(comment));
        let unset = statement!("comment on {on} is null", on = on);
        Self { subject: on, set, unset: Some(unset) }
    }

    fn replica_identity(table: &Name, what: Statement) -> Self {
        Self {
            subject: replica_identity(table, word("")),
            set: replica_identity(table, what),
            unset: Some(no_replica_identity(table)),
        }
    }
}

fn replica_identity(table: &Name, what: Statement) -> Statement {
    statement!("alter table only {table} replica identity {what}", table = table, what = what)
}

/// Lets subscribers find rows by the primary key, if there is one.
pub fn no_replica_identity(table: &Name) -> Statement {
    replica_identity(table, word("default"))
}

/// Everything that makes an object that is no table, and sets it.
pub fn create(object: &Object) -> Vec<Statement> {
    let definition = definition(object).into_iter();
    definition.chain(settings(object).into_iter().map(|setting| setting.set)).collect()
}

/// What makes an object, without what is set on it; nothing for a schema and a table.
pub fn definition(object: &Object) -> Vec<Statement> {
    let Some(make) = &object.make else { return Vec::new() };
    let name = &object.at;
    match make {
        Make::Extension { schema } => vec![statement!(
            "create extension if not exists {name}{schema}",
            name = name,
            schema = optional(" with schema ", schema.as_ref())
        )],
        Make::Collation(collation) => vec![collation_of(name, collation)],
        Make::Enum {} => vec![statement!(
            "create type {name} as enum ({labels})",
            name = name,
            labels = Statement::join(object.labels.iter().map(|label| Literal(label)), ", ")
        )],
        Make::Domain(domain) => domains::domain_of(name, domain),
        Make::Composite { attributes } => {
            let attributes = attributes.iter().map(|attribute| {
                statement!(
                    "{name} {kind}{collation}",
                    name = attribute.name,
                    kind = attribute.kind,
                    collation = optional(" collate ", attribute.collation.as_ref())
                )
            });
            let attributes = Statement::join(attributes, ", ");
            vec![statement!("create type {name} as ({all})", name = name, all = attributes)]
        }
        Make::Range(range) => vec![range_of(name, range)],
        Make::Dictionary(dictionary) => vec![text_search::dictionary(name, dictionary)],
        Make::SearchConfiguration(made) => text_search::configuration(name, made),
        Make::Function(function) => vec![functions::create(name, function)],
        Make::Sequence(sequence) => vec![sequence_of(name, sequence)],
        Make::Partition { parent, bound } => vec![statement!(
            "alter table only {parent} attach partition {name} {bound}",
            parent = parent,
            name = name,
            bound = bound
        )],
        Make::AttachedIndex { parent } => vec![attach_index(parent, name)],
        Make::Index(index) => vec![index_of(&object.at.name, object.table_name(), index)],
        Make::Statistics(statistics) => vec![statistics_of(object, statistics)],
        Make::Key(_) | Make::Exclusion(_) | Make::Check(_) | Make::ForeignKey(_) => {
            constraint(object, make).into_iter().collect()
        }
    }
}

/// What is set on an object. Of a table: what belongs to it as a whole.
pub fn settings(object: &Object) -> Vec<Setting> {
    let table = object.table_name();
    let mut settings = Vec::new();
    settings.extend(object.index.iter().flat_map(|index| index_settings(table, index)));
    if let Some(identity) = object.replica_identity {
        let what = match identity {
            ReplicaIdentity::Full => "full",
            ReplicaIdentity::Nothing => "nothing",
        };
        settings.push(Setting::replica_identity(table, word(what)));
    }
    if let Some(Make::Statistics(Statistics { target: Some(target), .. })) = &object.make {
        settings.push(Setting::plain(statement!(
            "alter statistics {name} set statistics {target}",
            name = object.at,
            target = i64::from(*target)
        )));
    }
    settings.extend(comments(object));
    settings
}

/// What is set on an index, but for its comment.
fn index_settings(table: &Name, index: &IndexSettings) -> Vec<Setting> {
    let mut settings = Vec::new();
    let name = &index.name;
    if !index.options.is_empty() {
        let options = parameters(&index.options);
        let set = statement!("alter index {name} set {o}", name = name, o = options);
        settings.push(Setting::plain(set));
    }
    settings.extend(index.statistics.iter().map(|one| {
        Setting::plain(statement!(
            "alter index {name} alter column {column} set statistics {target}",
            name = name,
            column = one.column,
            target = i64::from(one.target)
        ))
    }));
    if index.clustered {
        settings.push(Setting::plain(statement!(
            "alter table {table} cluster on {index}",
            table = table,
            index = name.name
        )));
    }
    if index.replica_identity {
        let what = statement!("using index {index}", index = name.name);
        settings.push(Setting::replica_identity(table, what));
    }
    settings
}

/// Comments on an object, the checks of a table, and an index.
fn comments(object: &Object) -> Vec<Setting> {
    let mut comments = Vec::new();
    let comment = object.comment.as_deref();
    comments.extend(comment.map(|comment| Setting::comment(subject(object), comment)));
    if let Some(definition) = &object.definition {
        let commented = definition.checks.iter().filter_map(|k| Some((k, k.comment.as_deref()?)));
        comments.extend(commented.map(|(check, comment)| {
            let on =
                statement!("constraint {name} on {table}", name = check.name, table = object.at);
            Setting::comment(on, comment)
        }));
    }
    let index = object.index.as_ref();
    comments.extend(index.and_then(|index| {
        let comment = index.comment.as_deref()?;
        Some(Setting::comment(statement!("index {name}", name = index.name), comment))
    }));
    comments
}

/// Gives a part of a table the name of another of its kind.
pub fn rename(object: &Object, named: &Object) -> Option<Statement> {
    let table = object.table_name();
    let (old, new) = (&object.at, &named.at.name);
    Some(match object.kind {
        Kind::Key | Kind::Check | Kind::ForeignKey => statement!(
            "alter table {table} rename constraint {old} to {new}",
            table = table,
            old = object.own.as_ref()?,
            new = named.own.as_ref()?
        ),
        Kind::Index => statement!("alter index {old} rename to {new}", old = old, new = new),
        Kind::Statistics => {
            statement!("alter statistics {old} rename to {new}", old = old, new = new)
        }
        _ => return None,
    })
}

/// Gives a table the name of another.
pub fn rename_table(table: &Object, named: &Object) -> Statement {
    statement!("alter table {old} rename to {new}", old = table.at, new = named.at.name)
}

/// Drops a table.
pub fn drop_table(table: &Object) -> Statement {
    statement!("drop table {name}", name = table.at)
}

/// Makes a partition a table by itself.
pub fn detach(parent: &Name, partition: &Object) -> Statement {
    statement!("alter table {parent} detach partition {name}", parent = parent, name = partition.at)
}

/// Makes the index of a partition the one of its parent's.
pub fn attach_index(parent: &Name, index: &Name) -> Statement {
    statement!("alter index {parent} attach partition {index}", parent = parent, index = index)
}

/// What drops it, for what a table has beside its columns.
pub fn drop(object: &Object) -> Option<Statement> {
    match object.kind {
        Kind::Index => Some(statement!("drop index {name}", name = object.at)),
        Kind::Statistics => Some(statement!("drop statistics {name}", name = object.at)),
        _ => Some(statement!(
            "alter table {table} drop constraint {own}",
            table = object.table_name(),
            own = object.own.as_ref()?
        )),
    }
}

/// Drops a constraint that may be there.
pub fn drop_if_exists(object: &Object) -> Option<Statement> {
    Some(statement!(
        "alter table {table} drop constraint if exists {own}",
        table = object.table_name(),
        own = object.own.as_ref()?
    ))
}

/// Looks whether the rows keep a constraint that was made without a look at them.
pub fn validate(object: &Object) -> Option<Statement> {
    Some(statement!(
        "alter table {table} validate constraint {own}",
        table = object.table_name(),
        own = object.own.as_ref()?
    ))
}

/// An index makes room for another of its name.
pub fn move_aside(object: &Object, aside: &Ident) -> Statement {
    rename_index(&object.at, aside)
}

/// Another name of an index, and of the key that it may serve.
pub fn rename_index(from: &Name, to: &Ident) -> Statement {
    statement!("alter index {from} rename to {to}", from = from, to = to)
}

/// Drops the index that was moved aside.
pub fn drop_aside(object: &Object, aside: &Ident) -> Statement {
    statement!("drop index {name}", name = object.at.beside(aside))
}

/// The object as COMMENT names it.
fn subject(object: &Object) -> Statement {
    let name = &object.at;
    let noun = match (object.kind, &object.make) {
        (Kind::Type, Some(Make::Domain(_))) => "domain",
        (Kind::Statistics, _) => "statistics",
        (Kind::Key | Kind::Check | Kind::ForeignKey, _) => {
            let own = object.own.clone().unwrap_or_default();
            return statement!("constraint {own} on {table}", own = own, table = name);
        }
        (kind, _) => kind.noun(),
    };
    statement!("{noun} {name}", noun = word(noun), name = name)
}

fn sequence_of(name: &Name, sequence: &Sequence) -> Statement {
    statement!(
        "create {unlogged}sequence {name} as {kind} {numbers}",
        unlogged = word(if sequence.unlogged { "unlogged " } else { "" }),
        name = name,
        kind = word(match sequence.kind {
            Integer::Smallint => "smallint",
            Integer::Integer => "integer",
            Integer::Bigint => "bigint",
        }),
        numbers = numbers(&sequence.numbers)
    )
}

fn collation_of(name: &Name, collation: &Collation) -> Statement {
    let provider = match collation.provider {
        Provider::Icu => "icu",
        Provider::Libc => "libc",
        Provider::Builtin => "builtin",
    };
    let literal = |name: &'static str, value: &str| {
        statement!("{name} = {value}", name = word(name), value = Literal(value))
    };
    let mut parts = vec![statement!("provider = {provider}", provider = word(provider))];
    match &collation.locale {
        Some(locale) => parts.push(literal("locale", locale)),
        None => {
            parts.extend(collation.collate.as_ref().map(|value| literal("lc_collate", value)));
            parts.extend(collation.ctype.as_ref().map(|value| literal("lc_ctype", value)));
        }
    }
    if !collation.deterministic {
        parts.push(word("deterministic = false"));
    }
    parts.extend(collation.rules.as_ref().map(|rules| literal("rules", rules)));
    let parts = Statement::join(parts, ", ");
    statement!("create collation {name} ({parts})", name = name, parts = parts)
}

fn range_of(name: &Name, range: &Range) -> Statement {
    let mut parts = vec![statement!("subtype = {kind}", kind = range.subtype)];
    let names = [
        ("subtype_opclass", &range.opclass),
        ("collation", &range.collation),
        ("canonical", &range.canonical),
        ("subtype_diff", &range.subtype_diff),
        ("multirange_type_name", &range.multirange),
    ];
    let some = names.into_iter().filter_map(|(what, name)| Some((what, name.as_ref()?)));
    parts.extend(
        some.map(|(what, name)| statement!("{what} = {name}", what = word(what), name = name)),
    );
    let parts = Statement::join(parts, ", ");
    statement!("create type {name} as range ({parts})", name = name, parts = parts)
}

/// `start with 1 increment by 1 …`.
pub(super) fn numbers(numbers: &Numbers) -> Statement {
    statement!(
        "start with {start} increment by {increment} minvalue {least} maxvalue {greatest} cache {cache}{cycle}",
        start = numbers.start,
        increment = numbers.increment,
        least = numbers.least,
        greatest = numbers.greatest,
        cache = numbers.cache,
        cycle = word(if numbers.cycle { " cycle" } else { "" })
    )
}

/// `constraint … check (…)`.
pub fn check_of(check: &Check) -> Statement {
    statement!(
        "constraint {name} check {expression}{no_inherit}{enforced}{valid}",
        name = check.name,
        expression = check.expression,
        no_inherit = word(if check.no_inherit { " no inherit" } else { "" }),
        enforced = word(if check.enforced { "" } else { " not enforced" }),
        valid = word(if check.validated || !check.enforced { "" } else { " not valid" })
    )
}

pub(super) fn constraint(object: &Object, make: &Make) -> Option<Statement> {
    let named = |what: Statement| {
        let own = object.own.as_ref()?;
        Some(statement!("constraint {own} {what}", own = own, what = what))
    };
    let (only, what) = match make {
        Make::Check(check) => ("", check_of(check)),
        Make::Key(key) => ("only ", named(key_of(key))?),
        Make::Exclusion(exclusion) => ("only ", named(exclusion_of(exclusion))?),
        Make::ForeignKey(key) => {
            let only = if key.partitioned { "" } else { "only " };
            (only, named(foreign_key_of(key, object.validate))?)
        }
        _ => return None,
    };
    Some(statement!(
        "alter table {only}{table} add {what}",
        only = word(only),
        table = object.at,
        what = what
    ))
}

fn key_of(key: &Key) -> Statement {
    statement!(
        "{sort}{nulls} ({columns}{overlaps}){include}{timing}",
        sort = word(if key.primary { "primary key" } else { "unique" }),
        nulls = word(if key.nulls_not_distinct { " nulls not distinct" } else { "" }),
        columns = Statement::join(&key.columns, ", "),
        overlaps = word(if key.without_overlaps { " without overlaps" } else { "" }),
        include = columns(" include ", &key.include),
        timing = timing(key.timing)
    )
}

fn exclusion_of(exclusion: &Exclusion) -> Statement {
    let pairs = exclusion.elements.iter().zip(&exclusion.operators);
    let elements = pairs.map(|(one, operator)| {
        let operator = read::operator(operator);
        statement!("{element} with {operator}", element = element(one), operator = operator)
    });
    statement!(
        "exclude using {method} ({elements}){include}{predicate}{timing}",
        method = exclusion.method,
        elements = Statement::join(elements, ", "),
        include = columns(" include ", &exclusion.include),
        predicate = optional(" where ", exclusion.predicate.as_ref()),
        timing = timing(exclusion.timing)
    )
}

/// With `later` the rows are looked at by a statement of its own.
fn foreign_key_of(key: &ForeignKey, later: bool) -> Statement {
    let period = |columns: &[Ident]| match columns.split_last().filter(|_| key.period) {
        Some((last, others)) => {
            let others = others.iter().map(|name| statement!("{name}, ", name = name));
            statement!("{o}period {l}", o = Statement::join(others, ""), l = last)
        }
        None => Statement::join(columns, ", "),
    };
    let action = |action: char| match action {
        'c' => Some("cascade"),
        'n' => Some("set null"),
        'd' => Some("set default"),
        'r' => Some("restrict"),
        _ => None,
    };
    let is_open = later || !key.validated;
    statement!(
        "foreign key ({columns}) references {parent} ({parents}){full}{update}{delete}{set}{timing}{enforced}{valid}",
        columns = period(&key.columns),
        parent = key.parent,
        parents = period(&key.parent_columns),
        full = word(if key.match_full { " match full" } else { "" }),
        update = optional(" on update ", action(key.on_update).map(word)),
        delete = optional(" on delete ", action(key.on_delete).map(word)),
        set = columns(" ", &key.set_columns),
        timing = timing(key.timing),
        enforced = word(if key.enforced { "" } else { " not enforced" }),
        valid = word(if is_open && key.enforced { " not valid" } else { "" })
    )
}

pub(super) fn timing(timing: Timing) -> Statement {
    word(match (timing.deferrable, timing.deferred) {
        (true, true) => " deferrable initially deferred",
        (true, false) => " deferrable",
        (false, _) => "",
    })
}

pub(super) fn index_of(name: &Ident, table: &Name, index: &Index) -> Statement {
    statement!(
        "create {unique}index {name} on {only}{table} using {method} ({elements}){include}{nulls}{options}{predicate}",
        unique = word(if index.unique { "unique " } else { "" }),
        name = name,
        only = word(if index.only { "only " } else { "" }),
        table = table,
        method = index.method,
        elements = Statement::join(index.elements.iter().map(element), ", "),
        include = columns(" include ", &index.include),
        nulls = word(if index.nulls_not_distinct { " nulls not distinct" } else { "" }),
        options = if index.options.is_empty() {
            word("")
        } else {
            statement!(" with {options}", options = parameters(&index.options))
        },
        predicate = optional(" where ", index.predicate.as_ref())
    )
}

fn element(element: &Element) -> Statement {
    let what = match (&element.column, &element.expression) {
        (Some(column), None) => statement!("{column}", column = column),
        (_, Some(expression)) => statement!("{expression}", expression = expression),
        (None, None) => word("null"),
    };
    let options = if element.options.is_empty() {
        word("")
    } else {
        statement!(" {options}", options = parameters(&element.options))
    };
    let order = match (element.descending, element.nulls_first) {
        (false, false) => "",
        (false, true) => " nulls first",
        (true, true) => " desc",
        (true, false) => " desc nulls last",
    };
    statement!(
        "{what}{collation}{opclass}{options}{order}",
        what = what,
        collation = optional(" collate ", element.collation.as_ref()),
        opclass = optional(" ", element.opclass.as_ref()),
        options = options,
        order = word(order)
    )
}

fn statistics_of(object: &Object, statistics: &Statistics) -> Statement {
    let kinds = statistics.kinds.iter().map(|kind| {
        word(match kind {
            StatisticsKind::Ndistinct => "ndistinct",
            StatisticsKind::Dependencies => "dependencies",
            StatisticsKind::Mcv => "mcv",
        })
    });
    let kinds = Statement::join(kinds, ", ");
    let expressions = statistics.expressions.iter().map(text);
    let what = statistics.columns.iter().map(|name| statement!("{name}", name = name));
    statement!(
        "create statistics {name}{kinds} on {what} from {table}",
        name = object.at,
        kinds = if statistics.kinds.is_empty() {
            word("")
        } else {
            statement!(" ({kinds})", kinds = kinds)
        },
        what = Statement::join(what.chain(expressions), ", "),
        table = object.table_name()
    )
}

/// ` include (a, b)`, or nothing.
fn columns(before: &'static str, names: &[Ident]) -> Statement {
    if names.is_empty() {
        return word("");
    }
    let names = Statement::join(names, ", ");
    statement!("{before}({names})", before = word(before), names = names)
}

pub(super) fn optional<T: super::statement::Piece>(
    before: &'static str,
    what: Option<T>,
) -> Statement {
    match what {
        Some(what) => statement!("{before}{what}", before = word(before), what = what),
        None => word(""),
    }
}
