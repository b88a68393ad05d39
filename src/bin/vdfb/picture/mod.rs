//! Pictures of a distribution and its reconstructions, which the examples draw, too.

pub mod axis;
pub mod canvas;
pub mod colours;
pub mod comparison;
pub mod panel;
pub mod png;
pub mod profile;
pub mod scale;
pub mod text;
pub mod view;
