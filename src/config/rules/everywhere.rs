//! What counts for a table that no entry names: the settings that have flags, as rules.

use crate::config::Settings;
use crate::config::layers::Layer;
use crate::config::setting::Setting;
use crate::rules::{Key, TableRules};

/// What counts for every table, and where it was given.
pub fn everywhere(settings: &Settings, layer: &Layer) -> TableRules {
    let mut rules = TableRules::default();
    rules.timestamp_column = settings.timestamp.clone();
    rules.batch_size = settings.batch_size;
    rules.deletes = settings.deletes;
    rules.max_delete = settings.max_delete;
    rules.ddl = settings.ddl;
    rules.target_schema = settings.target_schema.clone();
    for key in Key::ALL {
        let setting = Setting::by_key(key.name());
        let given = setting.and_then(|setting| Some((setting, layer.get(&setting)?)));
        if let Some((setting, given)) = given {
            rules.set_origin(key, given.origin.place(setting));
        }
    }
    rules
}
