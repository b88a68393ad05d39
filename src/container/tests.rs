use super::*;
use crate::compose::conserve::Conserve;
use crate::compose::log_density::LogDensity;
use crate::compose::residual::Residual;
use crate::spec::Options;
use crate::{Cosine, Error, Maxwellian, NamedBasis, Vdf, Wavelet};

fn vdf() -> Vdf {
    Vdf::from_fn(VelocityGrid::unit([6, 5, 7]).unwrap(), |v| (-v.iter().map(|v| (v - 3.0).powi(2)).sum::<f64>()).exp())
        .unwrap()
}

/// A basis of an author who may forget to print a choice.
macro_rules! authors_basis {
    ($type:ident, $name:literal, $printed:expr, #[$debug:meta]) => {
        #[derive(Clone, PartialEq)]
        #[$debug]
        struct $type {
            kept: usize,
        }

        impl $type {
            fn cosine(&self) -> Cosine {
                Cosine::new().with_kept([self.kept; 3]).unwrap()
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let printed: fn(&Self) -> String = $printed;
                f.write_str(&printed(self))
            }
        }

        impl NamedBasis for $type {
            const NAME: &'static str = $name;

            fn from_options(options: &mut Options<'_>) -> Result<Self> {
                Ok(Self { kept: options.number("kept")?.unwrap_or(2) })
            }
        }

        impl Basis for $type {
            type Coefficients = crate::CosineCoefficients;

            fn encode(&self, vdf: &Vdf) -> Result<Self::Coefficients> {
                self.cosine().encode(vdf)
            }

            fn reconstruct(&self, coefficients: &Self::Coefficients, grid: &VelocityGrid) -> Result<Vdf> {
                self.cosine().reconstruct(coefficients, grid)
            }

            fn code(
                &self,
                coefficients: Option<&Self::Coefficients>,
                grid: &VelocityGrid,
                resolution: Resolution,
                coder: &mut Coder<'_>,
            ) -> Result<Self::Coefficients> {
                self.cosine().code(coefficients, grid, resolution, coder)
            }
        }
    };
}

authors_basis!(Forgetful, "forgetful", |_| "forgetful".to_owned(), #[derive(Debug)]);
authors_basis!(Careful, "careful", |basis| format!("careful:kept={}", basis.kept), #[derive(Debug)]);
authors_basis!(Wrong, "wrong", |basis| format!("wrong:keep={}", basis.kept), #[derive(Debug)]);
authors_basis!(Unknown, "unknown-to-all", |_| "unknown-to-all".to_owned(), #[derive(Debug)]);

fn stream<B: Basis>(basis: &B) -> Result<Vec<u8>> {
    Expansion::encode(basis, &vdf())?.to_bytes()
}

#[test]
fn a_spec_that_makes_another_basis_is_refused_with_what_differs() {
    let registry = Registry::standard().with::<Forgetful>().with::<Careful>().with::<Wrong>();
    for kept in [2, 3] {
        let forgetful = registry.parse(&format!("forgetful:kept={kept}")).unwrap();
        let all = [
            stream(&Forgetful { kept }),
            stream(&forgetful),
            stream(&LogDensity::new(Forgetful { kept })),
            stream(&Residual::new(Maxwellian::default(), forgetful.clone())),
            stream(&registry.parse(&format!("quantized(maxwellian + forgetful:kept={kept})")).unwrap()),
            registry.to_bytes(&Expansion::encode(&forgetful, &vdf()).unwrap()),
        ];
        for outcome in all {
            match outcome {
                Ok(bytes) => assert!(kept == 2 && registry.decode(&bytes).is_ok()),
                Err(error @ Error::InvalidSpec { .. }) => {
                    let message = error.to_string();
                    assert!(kept == 3 && message.contains("2 }") && message.contains("3 }"), "{message}");
                }
                Err(other) => panic!("{other}"),
            }
        }
        let bytes = stream(&Careful { kept }).unwrap();
        assert_eq!(registry.decode(&bytes).unwrap().basis().downcast_ref(), Some(&Careful { kept }));
    }
    // A spec that cannot be read back at all.
    assert!(stream(&Wrong { kept: 3 }).unwrap_err().to_string().contains("no key `keep`"));
}

#[test]
fn bases_that_no_registry_knows_are_written_and_checked_by_the_one_that_does() {
    let expansion = Expansion::encode(&Unknown { kept: 3 }, &vdf()).unwrap();
    assert!(expansion.to_bytes().is_ok());
    assert!(matches!(Registry::standard().to_bytes(&expansion), Err(Error::InvalidSpec { .. })));
}

#[test]
fn typed_combinators_are_the_bases_that_their_specs_make() {
    let typed = Residual::new(Conserve::new(Maxwellian::default()), Wavelet::default());
    let bytes = stream(&typed).unwrap();
    assert_eq!(Registry::standard().decode(&bytes).unwrap().basis().to_string(), typed.to_string());
    assert_eq!(Registry::standard().to_bytes(&Expansion::encode(&typed, &vdf()).unwrap()).unwrap(), bytes);
}

#[test]
fn more_cells_than_are_read_are_refused_before_anything_is_encoded() {
    let grid = VelocityGrid::unit([1, 8193, 8193]).unwrap();
    // Nobody has looked at the values.
    let vdf = Vdf::zeros(grid);
    let refused = |outcome: Result<Vec<u8>>| {
        let message = outcome.unwrap_err().to_string();
        assert!(message.contains("67125249 cells") && message.contains("at most 67108864"), "{message}");
    };
    for spec in ["fast:l2=0.01", "balanced:l2=0.01", "smallest", "wavelet:l2=0.01", "quantized(cosine)"] {
        refused(stream_of(spec, &vdf));
    }
    let maxwellian = Maxwellian::default();
    let coefficients = maxwellian.encode(&self::vdf()).unwrap();
    let large = Expansion::from_parts(grid, maxwellian, coefficients);
    refused(large.to_bytes());
    refused(Registry::standard().to_bytes(&large));
    // Whoever asks for more gets it, and reads it by asking for more.
    let bytes = large.to_bytes_within(1 << 27).unwrap();
    assert!(Registry::standard().decode(&bytes).unwrap_err().to_string().contains("at most 67108864"));
    assert_eq!(*Registry::standard().decode_within(&bytes, 1 << 27).unwrap().grid(), grid);
}

fn stream_of(spec: &str, vdf: &Vdf) -> Result<Vec<u8>> {
    Expansion::encode(&Registry::standard().parse(spec)?, vdf)?.to_bytes()
}
