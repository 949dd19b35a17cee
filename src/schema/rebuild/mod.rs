//! Tables of the target that are replaced: built beside the old ones in a schema of their own, filled by
//! the usual work, and swapped in.

pub mod guard;
mod loose_keys;
pub mod plan;
pub mod shadow_schema;
pub mod swap;
