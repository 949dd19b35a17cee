//! Which right the role lacks for a step that is not tried as it is, because it would lock what is there or run code.
//! Either the server is asked for less that needs the same right, or the catalog tells, in the server's words.

use std::collections::HashSet;

use crate::context::{Catalogs, RunContext};
use crate::ddl_step::Step;
use crate::error::Result;
use crate::ident::{Ident, TableName};
use crate::schema_object::Kind;
use crate::schema_object::text::Name;
use crate::sql::rights_trial;
use crate::sql::statement::Statement;
use crate::table::Table;

/// What tells whether the role may do a step.
pub(super) enum RightTrial {
    /// The server refuses this where the role lacks the right of the step; else it does no harm.
    Statement(Statement),
    /// The server refuses the step itself, before it takes a lock or runs anything.
    Refused,
    /// The role may not, as the server would say it.
    Denied(String),
}

/// What the catalog tells of the rights of the target role.
#[derive(Default)]
pub(super) struct RoleRights {
    may_do_all: bool,
    /// Tables of other owners, by the target's names.
    foreign: HashSet<TableName>,
    /// Tables of which the role may make no foreign key's parent.
    unreferable: HashSet<TableName>,
    /// Extensions that it may not create.
    extensions: HashSet<Ident>,
}

impl RunContext<'_> {
    /// The rights that the steps of a plan may need.
    pub(super) async fn role_rights(
        &self,
        steps: impl Iterator<Item = &Step>,
        catalogs: &Catalogs,
    ) -> Result<RoleRights> {
        if catalogs.target.server.superuser {
            return Ok(RoleRights { may_do_all: true, ..RoleRights::default() });
        }
        let extensions = steps.filter(|step| step.kind == Kind::Extension);
        let extensions = extensions.filter_map(|step| Some(&step.on.as_ref()?.name));
        let extensions: Vec<&Ident> = extensions.collect();
        let tables = &catalogs.target.tables;
        let names = |is_meant: fn(&Table) -> bool| {
            let meant = tables.iter().filter(|table| is_meant(table));
            meant.map(|table| table.name.clone()).collect()
        };
        Ok(RoleRights {
            may_do_all: false,
            foreign: names(|table| !table.owned),
            unreferable: names(|table| table.lacks("references")),
            extensions: self.target.denied_extensions(&extensions).await?,
        })
    }

    /// How to find out whether the role may do a step that is not tried; nothing where it may, or nobody can tell.
    pub(super) fn right_trial(&self, step: &Step, rights: &RoleRights) -> Option<RightTrial> {
        let on = step.on.as_ref().filter(|_| !rights.may_do_all)?;
        let is_foreign = || full_name(on, step).is_some_and(|name| rights.foreign.contains(&name));
        match step.kind {
            Kind::Extension => rights.extensions.contains(&on.name).then(|| {
                let name = on.name.as_str();
                RightTrial::Denied(format!("permission denied to create extension \"{name}\""))
            }),
            Kind::Function if step.creates.is_some() => {
                Some(RightTrial::Statement(rights_trial::create_beside(on)))
            }
            Kind::Enum if step.alone => Some(RightTrial::Statement(rights_trial::change_type(on))),
            _ if step.alone || step.creates.is_some() => None,
            // The owner of the schema may drop what belongs to others.
            _ if step.drops() => None,
            _ if step.joins_parent() || step.kind == Kind::Partition => {
                let root = self.settings.target_name_of(step.roots.first()?);
                rights.foreign.contains(&root).then_some(RightTrial::Refused)
            }
            _ if is_foreign() => Some(RightTrial::Refused),
            Kind::ForeignKey if !step.is_validation => {
                let parent = self.settings.target_name_of(step.roots.get(1)?);
                let name = parent.name.as_str();
                rights
                    .unreferable
                    .contains(&parent)
                    .then(|| RightTrial::Denied(format!("permission denied for table {name}")))
            }
            Kind::Key | Kind::Index => Some(RightTrial::Statement(rights_trial::create_beside(on))),
            _ => None,
        }
    }
}

/// A name without a schema is found by the path of its step.
pub(super) fn full_name(name: &Name, step: &Step) -> Option<TableName> {
    let schema = name.schema.as_ref().or(step.path.first())?;
    Some(TableName { schema: schema.clone(), name: name.name.clone() })
}
