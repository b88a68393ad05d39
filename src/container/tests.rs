use super::*;
use crate::compose::conserve::Conserve;
use crate::compose::log_density::LogDensity;
use crate::compose::residual::Residual;
use crate::error::Error;
use crate::{
    Basis, Bound, Choices, Cosine, Effort, Maxwellian, Mixture, NamedBasis, Preset, Quantise, Quantized, Vdf, Wavelet,
    spec_of,
};

fn vdf() -> Vdf {
    Vdf::from_fn(VelocityGrid::unit([6, 5, 7]).unwrap(), |v| (-v.iter().map(|v| (v - 3.0).powi(2)).sum::<f64>()).exp())
        .unwrap()
}

/// A basis of an author who may forget to show a choice.
macro_rules! authors_basis {
    ($type:ident, $name:literal, $choose:expr) => {
        #[derive(Debug, Clone, PartialEq)]
        struct $type {
            kept: usize,
        }

        impl Default for $type {
            fn default() -> Self {
                Self { kept: 2 }
            }
        }

        impl $type {
            fn cosine(&self) -> Cosine {
                Cosine::new().with_kept([self.kept; 3]).unwrap()
            }
        }

        impl NamedBasis for $type {
            const NAME: &'static str = $name;

            fn choose(&mut self, choices: &mut Choices<'_>) -> Result<()> {
                let choose: fn(&mut Self, &mut Choices<'_>) -> Result<()> = $choose;
                choose(self, choices)
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
        }

        impl Stream for $type {
            fn spec(&self) -> Result<Spec> {
                spec_of(self)
            }

            fn blank(&self, grid: &VelocityGrid) -> Self::Coefficients {
                self.cosine().blank(grid)
            }

            fn code(
                &self,
                coefficients: &mut Self::Coefficients,
                grid: &VelocityGrid,
                resolution: Resolution,
                coder: &mut Coder<'_>,
            ) -> Result<()> {
                self.cosine().code(coefficients, grid, resolution, coder)
            }
        }

        impl Quantise for $type {}
    };
}

authors_basis!(Forgetful, "forgetful", |_, _| Ok(()));
authors_basis!(Careful, "careful", |basis, choices| choices.number("kept", &mut basis.kept));
authors_basis!(Unknown, "unknown-to-all", |basis, choices| choices.number("kept", &mut basis.kept));

fn stream<B: Stream>(basis: &B) -> Result<Vec<u8>> {
    Expansion::encode(basis, &vdf())?.to_bytes()
}

#[test]
fn a_spec_that_makes_another_basis_is_refused_with_what_differs() {
    let registry = Registry::standard().with::<Forgetful>().with::<Careful>();
    for kept in [2, 3] {
        let forgetful = AnyBasis::new(Forgetful { kept });
        let all = [
            stream(&Forgetful { kept }),
            stream(&forgetful),
            stream(&LogDensity::new(Forgetful { kept })),
            stream(&Residual::new(Maxwellian::default(), forgetful.clone())),
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
}

#[test]
fn typed_bases_of_which_a_reader_would_make_others_are_refused() {
    let (preset, cosine) = (|| Preset::of(Effort::Fast), Cosine::new);
    let bound = Bound::l2(0.1);
    let outcomes = [
        stream(&Quantized::new(preset(), bound).unwrap()),
        stream(&Quantized::with_slack(preset(), 0.3).unwrap()),
        stream(&Quantized::new(Quantized::with_slack(cosine(), 0.05).unwrap(), bound).unwrap()),
        stream(&Quantized::new(LogDensity::new(preset()), bound).unwrap()),
        stream(&Residual::new(cosine(), Residual::new(cosine(), cosine()))),
    ];
    for (k, outcome) in outcomes.into_iter().enumerate() {
        assert!(matches!(outcome, Err(Error::InvalidSpec { .. })), "{k}: {outcome:?}");
    }
    assert!(Registry::standard().parse("quantized(fast):slack=0.3").is_err());
}

#[test]
fn whole_numbers_beyond_the_digits_of_f64_are_kept() {
    for seed in [(1 << 53) + 1, (1 << 53) + 2, 10_u64.pow(16), 10_u64.pow(18), u64::MAX] {
        let basis = Mixture::new(1).unwrap().with_seed(seed);
        let read = Registry::standard().decode(&stream(&basis).unwrap()).unwrap();
        assert_eq!(read.basis().downcast_ref(), Some(&basis));
        assert_eq!(Registry::standard().parse(&basis.to_string()).unwrap().downcast_ref(), Some(&basis));
    }
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
    // With a larger limit the stream is written, and read with a larger limit.
    let bytes = large.to_bytes_within(1 << 27).unwrap();
    assert!(Registry::standard().decode(&bytes).unwrap_err().to_string().contains("67108864"));
    assert_eq!(*Registry::standard().decode_within(&bytes, 1 << 27).unwrap().grid(), grid);
}

fn stream_of(spec: &str, vdf: &Vdf) -> Result<Vec<u8>> {
    Expansion::encode(&Registry::standard().parse(spec)?, vdf)?.to_bytes()
}
