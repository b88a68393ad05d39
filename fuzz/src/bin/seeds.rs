//! Writes seeds for the `decode` target: streams of every kind on small grids, without magic, version and checksum; and
//! for the `vlsv` target: small files of every kind. The former are needed again whenever the format changes, after
//! `rm fuzz/seeds/decode/*`.
//!
//! ```text
//! cd fuzz && cargo run --release --bin seeds
//! ```

#[allow(dead_code)]
#[path = "../../../tests/vlsv/writer.rs"]
mod writer;

use std::error::Error;
use std::path::Path;

use vdf_basis::{Expansion, Registry, Vdf, VelocityGrid};
use writer::{Naming, Run, hermite_stream};

const SPECS: &[&str] = &[
    "maxwellian",
    "maxwellian:fit=moments,covariance=full",
    "quantized(maxwellian:covariance=isotropic)",
    "hermite:order=3",
    "hermite:order=4,terms=5",
    "hermite:order=4,truncation=hyperbolic-cross,weight=asymmetric,search=moments",
    "hermite:order=3,frame=pressure,search=moments,l2=0.3",
    "quantized(hermite:order=3,frame=field-aligned,field=0/1/2,search=moments)",
    "mixture:components=2,covariance=diagonal",
    "mixture:components=2,covariance=tied,kappa=3,l2=0.4",
    "quantized(mixture:components=3)",
    "cosine:terms=6",
    "cosine:l2=0.3",
    "cosine:block=3,keep=1/2/1",
    "wavelet:terms=6",
    "wavelet:filter=bior1.3,boundary=symmetric,level=1,rounding=int8,terms=8",
    "wavelet:boundary=whole-sample,l2=0.1",
    "wavelet:filter=sym4,threshold=0.01",
    "octree:l2=0.4",
    "octree:leaf=linear,l2=0.2",
    "quantized(octree:l2=0.2,leaf=best)",
    "octree:l2=0.3,split=octants",
    "pca:components=1",
    "quantized(pca:components=2,values=linear)",
    "spherical:degree=1,shells=4",
    "quantized(spherical:method=misner,degree=1)",
    "spherical:method=burnett,degree=3,l2=0.9",
    "fast:l2=0.1",
    "balanced:l2=0.1",
    "smallest:l2=0.3",
    "log(maxwellian)",
    "log(cosine):l2=0.3",
    "maxwellian + cosine:terms=3",
    "quantized(maxwellian + wavelet):l2=0.3",
    "quantized(cosine):linf=0.1",
    "conserve(maxwellian)",
    "conserve(maxwellian + cosine):l2=0.3",
    "conserve(quantized(cosine):l2=0.4):heat-flux=yes",
    "conserve(balanced:l2=0.2)",
    "conserve(wavelet):bytes=100",
];
const SHAPES: [[usize; 3]; 4] = [[4, 4, 2], [3, 3, 3], [1, 1, 24], [5, 1, 2]];
/// Longest seed: as `-max_len` in CONTRIBUTING.md.
const MAX_LENGTH: usize = 256;
/// Bytes before the content, and after it.
const HEAD: usize = 4;
const CHECKSUM: usize = 4;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/decode");
    std::fs::create_dir_all(&folder)?;
    let registry = Registry::standard();
    let mut written = 0;
    for spec in SPECS {
        let basis = registry.parse(spec).map_err(|problem| format!("{spec}: {problem}"))?;
        for (shape, vdf) in SHAPES.into_iter().zip(distributions()?) {
            // Not every basis takes so few cells, or meets its bound on them.
            let bytes = match Expansion::encode(&basis, &vdf).and_then(|expansion| expansion.to_bytes()) {
                Ok(bytes) => bytes,
                Err(problem) => {
                    println!("no seed: {spec} on {shape:?}: {problem}");
                    continue;
                }
            };
            let content = &bytes[HEAD..bytes.len() - CHECKSUM];
            if content.len() <= MAX_LENGTH {
                std::fs::write(folder.join(format!("{:08x}", crc32fast::hash(content))), content)?;
                written += 1;
            }
        }
    }
    println!("{written} seeds in {}", folder.display());
    vlsv_seeds()
}

/// VLSV files of both byte orders, precisions and block widths, and one of a codec.
fn vlsv_seeds() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/vlsv");
    std::fs::create_dir_all(&folder)?;
    let named = Naming::Named("proton");
    let runs = [
        (false, 4, 1, named),
        (true, 8, 1, named),
        (false, 4, 2, Naming::Avgs),
        (true, 4, 2, Naming::Nameless),
        (false, 8, 4, named),
    ];
    let mut files: Vec<Vec<u8>> =
        runs.into_iter().map(|(big, size, width, naming)| Run::new(big, size, width, naming).file()).collect();
    let run = Run::new(false, 4, 4, named);
    files.extend([run.compressed("HERMITE", &hermite_stream(3e8)), run.compressed("ZFP", &[1, 2, 3])]);
    for file in &files {
        std::fs::write(folder.join(format!("{:08x}", crc32fast::hash(file))), file)?;
    }
    println!("{} seeds in {}", files.len(), folder.display());
    Ok(())
}

/// A drifting core and a beam on each of the grids; the second one in metres a second and not on a grid of whole numbers.
fn distributions() -> vdf_basis::Result<Vec<Vdf>> {
    let bell = |u: [f64; 3], centre: [f64; 3], width: f64| {
        let square: f64 = u.iter().zip(centre).map(|(u, c)| ((u - c) / width).powi(2)).sum();
        (-square).exp()
    };
    SHAPES
        .into_iter()
        .enumerate()
        .map(|(index, shape)| {
            let vdf = Vdf::from_fn(VelocityGrid::unit(shape)?, |u| {
                bell(u, [1.3, 1.1, 1.8], 1.2) + 0.3 * bell(u, [0.2, 3.0, 2.5], 0.8)
            })?;
            if index == 1 { vdf.with_geometry([-4.5e5, -8e5, -5.1e5], [2.1e5, 3e5, 2e5]) } else { Ok(vdf) }
        })
        .collect()
}
