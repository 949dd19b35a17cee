//! Rows of a new partition that the target has in the default one: it cannot join before they are away.

use crate::schema::diff::DiffInput;
use crate::schema_object::make::{Make, PartitionStrategy};
use crate::schema_object::{Kind, Object};

impl DiffInput<'_> {
    /// The target's default partition of the parent of a partition.
    pub(super) fn default_beside(&self, partition: &Object) -> Option<&Object> {
        let Some(Make::Partition { parent, .. }) = &partition.make else { return None };
        let is_default = |there: &&Object| match &there.make {
            Some(Make::Partition { parent: other, bound }) => {
                other == parent && bound.as_str().eq_ignore_ascii_case("default")
            }
            _ => false,
        };
        self.target.objects.iter().find(is_default)
    }

    /// The statement that takes the rows of a new partition out of the default one; none where it would reach rows of other
    /// tables, or where the partition is told by more than one value.
    pub(super) fn room(&self, partition: &Object) -> Option<String> {
        let Some(Make::Partition { parent, bound }) = &partition.make else { return None };
        let default = self.default_beside(partition)?;
        let is_referred_to = |key: &&Object| {
            key.kind == Kind::ForeignKey && key.parent.is_some() && key.parent == default.root
        };
        if self.target.objects.iter().any(|key| is_referred_to(&key)) {
            return None;
        }
        let table = self.source.find(Kind::Table, &parent.printed())?;
        let by = table.definition.as_ref()?.partition_by.as_ref()?;
        let key = Some(by.key.as_str()).filter(|key| !key.contains(','))?;
        let rows = match by.strategy {
            PartitionStrategy::List => {
                format!("{key} in {}", bound.as_str().strip_prefix("FOR VALUES IN ")?)
            }
            PartitionStrategy::Range => within(key, bound.as_str())?,
            PartitionStrategy::Hash => return None,
        };
        Some(format!("delete from {} where {rows}", default.at.printed()))
    }
}

/// The condition for `FOR VALUES FROM ('a') TO ('b')`.
fn within(key: &str, bound: &str) -> Option<String> {
    let bound = bound.strip_prefix("FOR VALUES FROM (")?.strip_suffix(')')?;
    let (from, to) = bound.split_once(") TO (").filter(|(_, to)| !to.contains(") TO ("))?;
    let from = (from != "MINVALUE").then(|| format!("{key} >= {from}"));
    let to = (to != "MAXVALUE").then(|| format!("{key} < {to}"));
    let both: Vec<String> = from.into_iter().chain(to).collect();
    (!both.is_empty()).then(|| both.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_a_condition() {
        let cases = [
            (
                "FOR VALUES FROM ('2026-12-01') TO ('2027-01-01')",
                "d >= '2026-12-01' and d < '2027-01-01'",
            ),
            ("FOR VALUES FROM (MINVALUE) TO (5)", "d < 5"),
            ("FOR VALUES FROM (5) TO (MAXVALUE)", "d >= 5"),
        ];
        for (bound, condition) in cases {
            assert_eq!(within("d", bound).as_deref(), Some(condition));
        }
        assert_eq!(within("d", "FOR VALUES FROM (MINVALUE) TO (MAXVALUE)"), None);
    }
}
