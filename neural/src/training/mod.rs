//! Training: Adam on samples by importance, then Levenberg-Marquardt on all points.

mod adam;
mod backward;
mod curvature;
mod fit;
mod pool;

pub(crate) use adam::Adam;
pub use backward::Head;
pub(crate) use backward::Pass;
pub(crate) use curvature::{Curvature, Factor, MOST_CURVED};
pub use fit::{Progress, Schedule, Trained, error_of, fit, initial, values};
pub use pool::Pool;
