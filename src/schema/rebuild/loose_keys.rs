//! Foreign keys between tables that are rebuilt and tables that are not. Until the new tables take their places, the
//! server would compare rows of this run with those of the old tables.

use std::collections::{HashMap, HashSet};

use crate::context::RunContext;
use crate::ddl_step::Step;
use crate::error::Result;
use crate::ident::TableName;
use crate::plan::references::References;
use crate::schema::SchemaOutcome;
use crate::schema_object::{IncomingKey, Kind};
use crate::sql::statement::{Statement, statement};
use crate::table::ForeignKey;
use crate::target_side::ddl::DdlRunner;

impl RunContext<'_> {
    /// Drops those that the server would check while rows are written, of tables created by pgsync: what a killed run
    /// leaves dropped, the next one creates. Keys of tables that stay come back once the new tables are in their places.
    ///
    /// # Errors
    /// Where the target cannot be reached; what else goes wrong fails the tables that are rebuilt.
    pub(crate) async fn loosen_keys(
        &self,
        references: &mut References,
        aligned: &mut SchemaOutcome,
    ) -> Result<()> {
        let places: HashSet<&TableName> =
            aligned.rebuilt.iter().map(|one| &one.shadow.table).collect();
        let created = aligned.created.iter().map(|name| (self.settings.target_name_of(name), name));
        let created: HashMap<TableName, &TableName> = created.collect();
        let is_loose = |key: &ForeignKey| {
            created.contains_key(&key.child) && references.compares_times(key, &places)
        };
        let (loose, kept): (Vec<ForeignKey>, Vec<ForeignKey>) =
            references.target.iter().cloned().partition(is_loose);
        if loose.is_empty() || self.settings.dry_run {
            return Ok(());
        }
        let drops = loose.iter().map(|key| {
            statement!(
                "alter table {child} drop constraint {name}",
                child = key.child,
                name = key.name
            )
        });
        let rebuilt = aligned.rebuilt.iter().map(|one| one.source.clone()).collect();
        let title = "drop of foreign keys of tables that are rebuilt";
        let drop = Step::of_tables(title, drops.collect(), rebuilt);
        let mut session = self.target.session().await?;
        let done = DdlRunner::of(self.settings).run(&session, &drop.doing(), [&drop], &[]).await;
        session.set_clean(true);
        match done {
            Err(error) if error.is_transient() => return Err(error),
            Err(error) => {
                let failed = drop.roots.into_iter().map(|table| (table, error.clone()));
                aligned.failed.extend(failed);
                return Ok(());
            }
            Ok(()) => {}
        }
        let mut back = Vec::new();
        for one in &aligned.rebuilt {
            let is_loose = |key: &&IncomingKey| {
                loose.iter().any(|loose| loose.child == key.child && loose.name == key.name)
            };
            for key in one.keys.iter().filter(is_loose) {
                back.extend(again(key));
            }
        }
        aligned.last.extend(back);
        aligned.last.sort_by_key(|step| step.is_validation);
        (references.target, references.loosened) = (kept, loose);
        Ok(())
    }
}

/// The steps that create a key as it was, whatever has become of its tables: rows that do not keep it have failed theirs.
fn again(key: &IncomingKey) -> Vec<Step> {
    let title = Kind::ForeignKey.title_of(key.name.as_str(), &key.child.to_string());
    let validated = format!("validation of {title}");
    let step = |title: &str, text: &String| {
        Step::of_tables(title, vec![Statement::of_its_own_server(text)], Vec::new())
    };
    let validate = key.validate.iter().map(|text| step(&validated, text));
    let validate = validate.map(|step| Step { is_validation: true, ..step });
    [step(&title, &key.add)].into_iter().chain(validate).collect()
}
