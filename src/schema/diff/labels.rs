//! Labels of enums: those that the target lacks are added. A server drops none, so that one which the source no longer has
//! was renamed there, or its type is another one.

use super::missing_objects::DependencyWalk;
use crate::ddl_step::{LabelRename, Step};
use crate::ident::{Ident, TableName};
use crate::schema_object::Object;
use crate::schema_object::text::Name;
use crate::sql::user_types;

/// More renames than this are a guess.
const ASKED: usize = 4;

/// What adds the labels of the source's enum that the target's lacks, each in its place.
pub(super) fn missing(here: &Object, there: &Object, path: &[Ident]) -> Vec<Step> {
    let renames = renames(here, there, path);
    let mut steps = Vec::new();
    for (place, label) in here.labels.iter().enumerate() {
        if there.labels.contains(label) {
            continue;
        }
        // The label before is there by now.
        let after = place.checked_sub(1).map(|before| here.labels[before].as_str());
        let before = there.labels.first().map(String::as_str);
        let add = user_types::add_label(&here.at, label, after, before);
        steps.push(Step {
            title: format!("label '{label}' of {}", here.title()),
            alone: true,
            widens: true,
            renames: renames.iter().filter(|one| one.to == *label).cloned().collect(),
            ..Step::about(here, vec![add], &[])
        });
    }
    steps
}

/// The labels that only the target has with those that only the source has, in the order of both: what stands between the
/// same two labels belongs together, one to one or else in every way.
fn renames(here: &Object, there: &Object, path: &[Ident]) -> Vec<LabelRename> {
    let common = |label: &&String| here.labels.contains(label) && there.labels.contains(label);
    let (mut new, mut left) = (gaps(&here.labels, common), gaps(&there.labels, common));
    if new.len() != left.len() || !are_in_one_order(here, there) {
        (new, left) = (vec![only_in(here, there)], vec![only_in(there, here)]);
    }
    let mut renames = Vec::new();
    for (new, left) in new.into_iter().zip(left) {
        let rename = |from: &String, to: &String| LabelRename {
            of: here.title(),
            from: from.clone(),
            to: to.clone(),
            statement: user_types::rename_label(&there.at, from, to),
            path: path.to_vec(),
        };
        if new.len() == left.len() {
            renames.extend(left.iter().zip(&new).map(|(from, to)| rename(from, to)));
        } else if new.len() * left.len() <= ASKED {
            let to_each = |to: &&String| left.iter().map(|from| rename(from, to)).collect();
            renames.extend(new.iter().map(to_each).collect::<Vec<Vec<_>>>().concat());
        }
    }
    renames
}

/// The labels between those of both sides.
fn gaps(labels: &[String], common: impl Fn(&&String) -> bool) -> Vec<Vec<&String>> {
    let gaps = labels.split(|label| common(&label));
    gaps.map(|gap| gap.iter().collect()).collect()
}

fn are_in_one_order(here: &Object, there: &Object) -> bool {
    let ours = here.labels.iter().filter(|label| there.labels.contains(label));
    ours.eq(there.labels.iter().filter(|label| here.labels.contains(label)))
}

/// The labels that the other one does not have.
fn only_in<'l>(one: &'l Object, other: &Object) -> Vec<&'l String> {
    one.labels.iter().filter(|label| !other.labels.contains(label)).collect()
}

impl DependencyWalk<'_> {
    /// Notes labels of an enum that the target keeps beside those that it gets: the source may have renamed them.
    pub(super) fn note_left_labels(&mut self, object: &Object, root: &TableName) {
        let Some(there) = self.input.there(object) else { return };
        let (left, new) = (only_in(there, object), only_in(object, there));
        if left.is_empty() || new.is_empty() {
            return;
        }
        let renames = renames(object, there, self.input.path);
        let asked = LabelRename::asked(&renames.iter().collect::<Vec<_>>());
        let keeps =
            format!("{} keeps {}, which the source no longer has", object.title(), quoted(&left));
        let new = quoted(&new);
        let planned = match asked {
            Some(asked) => format!("{keeps}, and would get {new}; {asked}"),
            None => format!(
                "{keeps}, and would get {new}; if the source has renamed a label, rename it on the target, too"
            ),
        };
        let way_out = exchanges(&there.at, &renames).map_or_else(String::new, |run| {
            let run = self.input.pasted(&run);
            format!(
                "; only if views or own rows of the target use a label that was renamed: run on the target after this run: \
                 {run}; the next run writes the rows once more"
            )
        });
        let made = format!(
            "{keeps}, and gets {new}; the synced rows have the source's labels, and nothing has to be done for them{way_out}"
        );
        if self.left_labels.iter().all(|left| left.planned != planned) {
            let (root, of) = (root.clone(), object.title());
            self.left_labels.push(LeftLabels { root, of, made, planned });
        }
    }
}

/// Gives labels of an enum that are there already the names of each other; none, if it is not clear which belong together.
fn exchanges(name: &Name, renames: &[LabelRename]) -> Option<String> {
    const BETWEEN: &str = "pgsync_between";
    let shares =
        |one: &LabelRename, other: &LabelRename| one.from == other.from || one.to == other.to;
    let is_clear =
        |one: &LabelRename| renames.iter().filter(|other| shares(one, other)).count() == 1;
    let exchange = |LabelRename { from, to, .. }: &LabelRename| {
        let steps = [(to.as_str(), BETWEEN), (from, to), (BETWEEN, from)];
        let steps = steps.map(|(from, to)| user_types::rename_label(name, from, to).on_one_line());
        steps.join("; ")
    };
    let is_told = !renames.is_empty() && renames.iter().all(is_clear);
    is_told.then(|| renames.iter().map(exchange).collect::<Vec<_>>().join("; "))
}

/// What is said of labels that an enum of the target keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct LeftLabels {
    pub root: TableName,
    /// The title of the enum.
    pub of: String,
    /// Where it gets the source's labels in this run.
    pub made: String,
    /// Where it does not.
    pub planned: String,
}

/// `'a', 'b'`.
fn quoted(labels: &[&String]) -> String {
    labels.iter().map(|label| format!("'{label}'")).collect::<Vec<_>>().join(", ")
}
