//! Numerical methods that several bases share and no library does for us.

pub mod cache;
pub mod gaussian_fit;
pub mod levenberg_marquardt;
pub mod scaling;
pub mod summation;
