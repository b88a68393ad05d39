//! The C face of `vdf-basis`. `include/vdf_basis.h` is generated from the comments here (`header/lib.rs`).
//!
//! All functions that can fail go through [`status::guard`], which catches panics and keeps the message of an error.
//! Pointers that a caller hands over are checked and turned into slices and references in `pointers`.
#![allow(non_camel_case_types)]
// Each function's comment is for C programmers; what they must keep is at the beginning of the header.
#![allow(clippy::missing_safety_doc)]

pub mod archive;
pub mod archive_reader;
pub mod blocks;
pub mod boxes;
pub mod bytes;
pub mod codec;
pub mod grid;
pub mod moments;
mod pointers;
pub mod population;
pub mod status;
pub mod stream;
pub mod version;
