//! Numerical methods that several bases share and no library does for us.

pub mod levenberg_marquardt;
