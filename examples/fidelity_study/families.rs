//! The bases of the study and their sizes.

/// A basis at several sizes.
#[derive(Debug, Clone)]
pub struct Family {
    /// Name in tables and pictures.
    pub name: &'static str,
    /// A spec for each size, the smallest first. Coefficients are rounded so that the error grows by 5%, which gives
    /// each size its bytes; the presets round to their bounds.
    pub specs: Vec<String>,
}

/// All families; with `quick` two sizes of each.
pub fn families(quick: bool) -> Vec<Family> {
    let sizes = |name, template: &str, sizes: &[&str]| {
        let chosen = if quick { &sizes[..2] } else { sizes };
        Family { name, specs: chosen.iter().map(|size| template.replace('@', size)).collect() }
    };
    let bounds = ["0.3", "0.1", "0.03", "0.01"];
    vec![
        sizes("maxwellian", "quantized(maxwellian:covariance=@)", &["isotropic", "diagonal", "full"]),
        sizes("hermite", "quantized(hermite:order=@)", &["4", "6", "9", "13", "18"]),
        sizes("spherical", "quantized(spherical:degree=@)", &["1", "2", "4", "7", "11"]),
        sizes("mixture", "quantized(mixture:components=@)", &["1", "2", "4", "8", "16"]),
        sizes("octree", "quantized(octree:coefficients=@)", &["30", "100", "300", "1000"]),
        sizes("cosine", "quantized(cosine:terms=@)", &["30", "100", "300", "1000", "3000"]),
        sizes("wavelet", "quantized(wavelet:terms=@)", &["30", "100", "300", "1000", "3000"]),
        sizes("pca", "quantized(pca:components=@)", &["1", "2", "4", "8"]),
        sizes("fast", "fast:l2=@", &bounds),
        sizes("smallest", "smallest:l2=@", &bounds),
        sizes("smallest, dex", "smallest:dex=@", &["0.3", "0.1", "0.03"]),
        sizes("conserve(smallest)", "conserve(smallest:l2=@)", &bounds),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use vdf_basis::Registry;

    #[test]
    fn every_spec_exists() {
        for spec in families(false).iter().chain(&families(true)).flat_map(|family| &family.specs) {
            assert!(Registry::standard().parse(spec).is_ok(), "{spec}");
        }
    }
}
