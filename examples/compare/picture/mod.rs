//! Pictures of a distribution and its reconstructions.

mod axis;
mod canvas;
mod colours;
mod comparison;
mod panel;
mod png;
mod profile;
mod scale;
mod spectrum;
mod summary;
mod view;

pub use axis::grid_text;
pub use canvas::{Canvas, Drawn};
pub use comparison::comparison;
pub use spectrum::spectrum;
pub use summary::summary;
pub use view::View;
