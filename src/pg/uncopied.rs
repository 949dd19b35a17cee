//! What schemas hold that pgsync does not copy: views, triggers, functions and the like.

use serde::Deserialize;

use super::catalog::{names, objects};
use super::definitions::search_path;
use super::session::Session;
use crate::error::Result;
use crate::ident::Ident;
use crate::sql::{Sql, sql};

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub struct UncopiedObject {
    /// `view`, `function in C`.
    pub kind: String,
    pub schema: Ident,
    /// With its table, or its arguments: what tells it from others of its kind and schema.
    pub name: String,
}

/// All of them in some schemas.
pub async fn uncopied(session: &Session, schemas: &[Ident]) -> Result<Vec<UncopiedObject>> {
    let holes: &[(&str, &Sql)] = &[("schemas", &names(schemas))];
    let query = Sql::filled(include_str!("definitions/uncopied.sql"), holes);
    let statement = sql!("{path}; {query}", path = search_path(None), query = query);
    objects(session, "looking for what is not copied", &statement).await
}
