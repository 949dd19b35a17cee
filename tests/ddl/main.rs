//! What pgsync makes on the target, told from outside: an empty target becomes what the source is,
//! by the word of pg_dump; a source that changes is followed as the mode says.

#[path = "../support/mod.rs"]
mod support;

mod barred;
mod changes;
mod default_partition;
mod doubtful_keys;
mod drift;
mod dump;
mod everything;
mod first_run;
mod functions;
mod generated;
mod given_up;
mod gone;
mod grants;
mod held;
mod holders;
mod identities;
mod interrupted;
mod kept_types;
mod known;
mod lacking;
mod listing;
mod merged;
mod modes;
mod null;
mod partitions;
mod passed_names;
mod pasted;
mod readers;
mod renamed;
mod renamed_columns;
mod renamed_tables;
mod reset;
mod retyped;
mod rights;
mod sequences;
mod settled;
mod short_look;
mod statements;
mod target_schema;
mod text_search;
mod tried;
mod trust;
mod uncopied;
mod wording;
