//! Numerical methods that several bases share and that no library has in the form needed.

pub(crate) mod angle_average;
pub(crate) mod bessel;
pub(crate) mod cache;
pub(crate) mod cgls;
pub(crate) mod exponential;
pub(crate) mod gaussian_sums;
pub(crate) mod hermite_functions;
pub(crate) mod hilbert_curve;
pub(crate) mod lanes;
pub mod levenberg_marquardt;
pub(crate) mod multiple;
pub(crate) mod pool;
pub(crate) mod quasi_random;
pub(crate) mod scaling;
pub mod selection;
pub(crate) mod separable;
pub(crate) mod summation;
