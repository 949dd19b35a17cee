//! Statements that make dictionaries and configurations of text searches.

use super::ddl::text;
use super::statement::{Statement, statement};
use crate::schema_object::make::{Dictionary, SearchConfiguration};
use crate::schema_object::text::Name;

pub(super) fn dictionary(name: &Name, dictionary: &Dictionary) -> Statement {
    let options = dictionary.options.as_ref();
    let options = options.map(|options| statement!(", {options}", options = text(options)));
    statement!(
        "create text search dictionary {name} (template = {template}{options})",
        name = name,
        template = dictionary.template,
        options = Statement::join(options, "")
    )
}

pub(super) fn configuration(name: &Name, made: &SearchConfiguration) -> Vec<Statement> {
    let create = statement!(
        "create text search configuration {name} (parser = {parser})",
        name = name,
        parser = made.parser
    );
    let mappings = made.mappings.iter().map(|mapping| {
        statement!(
            "alter text search configuration {name} add mapping for {token} with {dictionaries}",
            name = name,
            token = mapping.token,
            dictionaries = Statement::join(mapping.dictionaries.iter(), ", ")
        )
    });
    std::iter::once(create).chain(mappings).collect()
}
