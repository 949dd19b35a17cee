//! Definitions of both sides where an extension lies in different schemas. What belongs to it has
//! names without a schema then, which lead to it on either side, like those in its schema.

use std::collections::HashSet;

use crate::context::{Catalogs, RunContext};
use crate::error::{Result, Side};
use crate::ident::Ident;
use crate::pg::definitions;
use crate::schema_object;
use crate::schema_object::Kind;
use crate::schema_object::make::Make;

/// What both sides are made of.
pub(super) struct Definitions {
    pub source: schema_object::Definitions,
    pub target: schema_object::Definitions,
    /// The schemas to which names without one lead on the target.
    pub path: Vec<Ident>,
}

impl RunContext<'_> {
    pub(super) async fn definitions(&self, catalogs: &Catalogs) -> Result<Definitions> {
        let renamed = self.settings.target_schema.as_ref();
        let from: Vec<Ident> =
            renamed.and(self.settings.schemas.first()).into_iter().cloned().collect();
        let to: Vec<Ident> = renamed.into_iter().cloned().collect();
        let found = self.read_definitions(catalogs, &from, to.clone()).await?;
        let mut moved = places_of_moved_extensions(&found, from.first());
        moved.retain(|schema| !to.contains(schema));
        if moved.is_empty() {
            return Ok(found);
        }
        // Tables that are made have no schema in their names either, and come to lie in the first one.
        let is_filled =
            |schema: &Ident| !from.contains(schema) && holds_tables(&found.source, schema);
        let (mut filled, others): (Vec<Ident>, Vec<Ident>) = moved.into_iter().partition(is_filled);
        if filled.len() + from.len() > 1 {
            return Ok(found);
        }
        filled.extend(others);
        let with_others = |home: Vec<Ident>| -> Vec<Ident> {
            let others = filled.iter().filter(|schema| !home.contains(schema)).cloned();
            home.iter().cloned().chain(others.collect::<Vec<_>>()).collect()
        };
        let (from, to) = (with_others(from), with_others(to));
        let mut read = self.read_definitions(catalogs, &from, to.clone()).await?;
        read.source = read.source.placed_as(&found.source, from.first());
        read.target = read.target.placed_as(&found.target, to.first());
        Ok(read)
    }

    async fn read_definitions(
        &self,
        catalogs: &Catalogs,
        from: &[Ident],
        path: Vec<Ident>,
    ) -> Result<Definitions> {
        let (schemas, targets) = (&self.settings.schemas, self.settings.target_schemas());
        let (source, target) = tokio::try_join!(
            self.source.definitions(schemas, from, &catalogs.held[0]),
            self.target.control.definitions(&targets, &path, &catalogs.held[1]),
        )?;
        Ok(Definitions { source, target: definitions::whole(Side::Target, target)?, path })
    }
}

/// Whether a schema holds anything but extensions and what can be told by the schema in its name.
fn holds_tables(side: &schema_object::Definitions, schema: &Ident) -> bool {
    let is_named = |kind: Kind| {
        !matches!(kind, Kind::Schema | Kind::Extension) && !kind.is_told_by_its_schema()
    };
    let mut objects = side.objects.iter().filter(|object| is_named(object.kind));
    objects.any(|object| object.at.schema.as_ref() == Some(schema))
}

/// The schemas, on either side, of extensions from which something of the source is taken and that lie elsewhere on the
/// other: also those that stay in the schema `home`, whose tables get another one on the target.
fn places_of_moved_extensions(found: &Definitions, home: Option<&Ident>) -> Vec<Ident> {
    let source = &found.source;
    let is_extension =
        |node: &String| source.at(node).is_some_and(|object| object.kind == Kind::Extension);
    let by_others = source.needs.iter().filter(|(node, _)| !is_extension(node));
    let needed: HashSet<&String> = by_others.flat_map(|(_, needs)| needs).collect();
    let used = source.objects.iter().filter(|object| needed.contains(&object.node));
    let mut places = Vec::new();
    for here in used {
        let there = found.target.same(here).and_then(|there| there.make.as_ref());
        let (Some(Make::Extension { schema: here }), Some(Make::Extension { schema: there })) =
            (&here.make, there)
        else {
            continue;
        };
        if here != there || here.as_ref().is_some_and(|here| Some(here) == home) {
            places.extend(here.iter().chain(there).cloned());
        }
    }
    places.sort();
    places.dedup();
    places
}
