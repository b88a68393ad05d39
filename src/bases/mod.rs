//! One room per basis. No basis imports another.

pub mod cells;
pub mod cosine;
pub mod hermite;
pub mod maxwellian;
pub mod mixture;
pub mod octree;
pub mod pca;
pub mod spherical;
pub mod wavelet;

crate::basis::choices::display_as_spec!(
    cells::Cells,
    cosine::Cosine,
    hermite::Hermite,
    maxwellian::Maxwellian,
    mixture::Mixture,
    octree::Octree,
    pca::Pca,
    pca::PopulationPca,
    spherical::Spherical,
    wavelet::Wavelet,
);
