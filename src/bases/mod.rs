//! One room per basis. No basis imports another.

pub mod cosine;
pub mod hermite;
pub mod maxwellian;
pub mod mixture;
pub mod octree;
pub mod pca;
pub mod spherical;
pub mod wavelet;
