//! Training: Adam on samples by importance, then Levenberg-Marquardt on all points.

mod backward;
mod curvature;
mod fit;
mod pool;
mod schedule;

#[cfg(test)]
mod tests;

pub use backward::Head;
pub(crate) use backward::Pass;
pub(crate) use curvature::{Curvature, Factor, MOST_CURVED};
pub use fit::{Progress, Schedule, Trained, error_of, fit, initial, values};
pub(crate) use fit::{checked, finished};
pub use pool::Pool;
pub(crate) use pool::Sampler;
pub(crate) use schedule::{adam, rate};
