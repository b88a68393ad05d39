//! To come.
pub const BLOCK_CELLS: usize = 64;
