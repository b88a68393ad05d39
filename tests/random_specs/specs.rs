//! Random specs: every basis with random choices, combinators, presets, sums and bounds.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use vdf_basis::{Bound, Figure};

/// A spec, and what it promises besides its bounds.
#[derive(Debug, Clone)]
pub struct Drawn {
    pub spec: String,
    /// The bound of the whole stream, if there is one.
    pub bound: Option<Bound>,
    /// Zero is in the family and the squared error is what is minimised: `l2` is at most 1.
    pub is_least_squares: bool,
    /// Density, bulk velocity and pressure tensor are exact.
    pub conserves: bool,
}

/// A bound as the options of a spec.
fn option(bound: &Bound) -> String {
    let limits = bound.limits().map(|(figure, limit)| format!("{}={limit}", figure.key()));
    limits.chain(bound.floor().map(|floor| format!("floor={floor:e}"))).collect::<Vec<_>>().join(",")
}

/// A bound that allows less.
pub fn tighter(bound: &Bound) -> Bound {
    bound.limits().fold(*bound, |tighter, (figure, limit)| match figure {
        Figure::Bytes => tighter.and(figure, (limit / 2.0).floor()),
        _ => tighter.and(figure, limit / 3.0),
    })
}

impl Drawn {
    /// The same spec with another bound; none if this one has no bound.
    pub fn with(&self, other: Bound) -> Option<String> {
        let bound = option(&self.bound?);
        let start = self.spec.rfind(&bound)?;
        Some(format!("{}{}{}", &self.spec[..start], option(&other), &self.spec[start + bound.len()..]))
    }
}

fn one_of<'a>(random: &mut ChaCha8Rng, choices: &[&'a str]) -> &'a str {
    choices[random.random_range(0..choices.len())]
}

/// Draws one spec.
pub fn draw(random: &mut ChaCha8Rng) -> Drawn {
    match random.random_range(0..12) {
        0 => preset(random),
        1 | 2 => {
            let inner = if random.random_bool(0.3) { preset(random) } else { bounded(random) };
            let spec = format!("conserve({})", inner.spec);
            // A bound outside, over what may round for itself inside.
            let bound = match bound(random) {
                Some(bound) if inner.bound.is_none() && bound.limit(Figure::Bytes).is_none() => Some(bound),
                _ => None,
            };
            Drawn { spec: with_bound(&spec, bound), bound, is_least_squares: false, conserves: true }
        }
        3 => {
            let spec = format!("log({})", basis(random).spec);
            let bound = bound(random);
            Drawn { spec: with_bound(&spec, bound), bound, is_least_squares: false, conserves: false }
        }
        4 => {
            let (first, second) = (basis(random), basis(random));
            let is_least_squares = first.is_least_squares && second.is_least_squares;
            let sign = if random.random_bool(0.3) { '*' } else { '+' };
            let is_least_squares = is_least_squares && sign == '+';
            let sum = format!("{} {sign} {}", first.spec, second.spec);
            let Some(bound) = bound(random) else {
                return Drawn { spec: sum, bound: None, is_least_squares, conserves: false };
            };
            let spec = format!("quantized({sum}):{}", option(&bound));
            Drawn { spec, bound: Some(bound), is_least_squares, conserves: false }
        }
        _ => bounded(random),
    }
}

fn bound(random: &mut ChaCha8Rng) -> Option<Bound> {
    let mut of = |figure, limits: &[f64]| Bound::new(figure, limits[random.random_range(0..limits.len())]);
    let l2 = of(Figure::L2, &[1.0, 0.3, 0.1, 0.03, 0.01, 1e-3, 1e-5, 1e-7, 1e-10, 1e-12]);
    let linf = of(Figure::Linf, &[1.0, 0.3, 0.1, 0.01, 1e-4, 1e-8]);
    let bytes = of(Figure::Bytes, &[10.0, 30.0, 60.0, 100.0, 300.0, 1000.0, 100_000.0]);
    let of_floor = [Figure::Dex, Figure::Relative].map(|figure| of(figure, &[1.0, 0.1, 0.03, 1e-3, 1e-6]));
    let of_moments = [Figure::Density, Figure::BulkVelocity, Figure::Pressure, Figure::HeatFlux]
        .map(|figure| of(figure, &[1.0, 0.1, 0.01, 1e-4, 1e-9]));
    let drawn = match random.random_range(0..14) {
        0..=2 => l2,
        3 => linf,
        4 => bytes,
        5 => of_floor[random.random_range(0..2)],
        6 => of_floor[random.random_range(0..2)].above([1e-300, 1e-18, 1e-15, 1e10][random.random_range(0..4)]),
        7 => of_moments[random.random_range(0..4)],
        8 => {
            let (figure, limit) =
                [linf, of_floor[0], of_moments[2], bytes][random.random_range(0..4)].limits().next()?;
            l2.and(figure, limit)
        }
        _ => return None,
    };
    Some(drawn)
}

fn with_bound(spec: &str, bound: Option<Bound>) -> String {
    match bound {
        None => spec.to_owned(),
        Some(bound) if spec.ends_with(')') || !spec.contains(':') => format!("{spec}:{}", option(&bound)),
        Some(bound) => format!("{spec},{}", option(&bound)),
    }
}

/// A preset, or the cells themselves, which have no choices but a bound either.
fn preset(random: &mut ChaCha8Rng) -> Drawn {
    let name = match random.random_range(0..20) {
        0 => "smallest",
        1..=3 => "balanced",
        4..=7 => "cells",
        _ => "fast",
    };
    let bound = bound(random);
    Drawn { spec: with_bound(name, bound), bound, is_least_squares: false, conserves: false }
}

/// A basis, sometimes with a bound of its stream.
fn bounded(random: &mut ChaCha8Rng) -> Drawn {
    let basis = basis(random);
    // `l2` of an octree and of a mixture's selection is a tolerance of the fit.
    let keeps_l2 = basis.spec.starts_with("octree") || basis.spec.contains("select=");
    match bound(random) {
        Some(bound) if keeps_l2 => {
            Drawn { spec: format!("quantized({}):{}", basis.spec, option(&bound)), bound: Some(bound), ..basis }
        }
        bound => Drawn { spec: with_bound(&basis.spec, bound), bound, ..basis },
    }
}

/// A basis with random choices.
fn basis(random: &mut ChaCha8Rng) -> Drawn {
    let (name, options, is_least_squares) = match random.random_range(0..8) {
        0 => maxwellian(random),
        1 => hermite(random),
        2 => mixture(random),
        3 => spherical(random),
        4 => cosine(random),
        5 => wavelet(random),
        6 => octree(random),
        _ => pca(random),
    };
    let spec = if options.is_empty() { name.to_owned() } else { format!("{name}:{}", options.join(",")) };
    Drawn { spec, bound: None, is_least_squares, conserves: false }
}

/// Name, options, and whether the basis minimises the squared error.
type Choices = (&'static str, Vec<String>, bool);

/// Adds an option in half of all draws.
fn maybe(random: &mut ChaCha8Rng, options: &mut Vec<String>, choices: &[&str]) {
    if random.random_bool(0.5) {
        options.push(one_of(random, choices).to_owned());
    }
}

fn maxwellian(random: &mut ChaCha8Rng) -> Choices {
    let mut options = Vec::new();
    maybe(random, &mut options, &["covariance=isotropic", "covariance=diagonal", "covariance=full"]);
    let by_moments = random.random_bool(0.2);
    if by_moments {
        options.push("fit=moments".to_owned());
    }
    ("maxwellian", options, !by_moments)
}

fn hermite(random: &mut ChaCha8Rng) -> Choices {
    let mut options = vec![one_of(random, &["order=1", "order=3", "order=6", "order=9", "order=4/7/2"]).to_owned()];
    maybe(random, &mut options, &["truncation=total-degree", "truncation=hyperbolic-cross", "terms=30"]);
    maybe(random, &mut options, &["weight=asymmetric", "search=moments", "search=fitted", "search=moments,scale=0.7"]);
    if random.random_bool(0.2) {
        options.push(one_of(random, &["frame=pressure", "frame=field-aligned,field=1/2/-1"]).to_owned());
    }
    ("hermite", options, true)
}

fn mixture(random: &mut ChaCha8Rng) -> Choices {
    let mut options = vec![format!("components={}", random.random_range(1..=6))];
    maybe(
        random,
        &mut options,
        &["covariance=tied", "covariance=diagonal", "covariance=spherical", "covariance=field-aligned,field=1/2/-1"],
    );
    maybe(random, &mut options, &["start=k-means", "start=moment-split", "start=greedy", "kappa=3"]);
    if random.random_bool(0.2) {
        options.push(one_of(random, &["select=bic", "select=mml", "select=l2,l2=0.1"]).to_owned());
    }
    let likeliest = random.random_bool(0.3);
    if likeliest {
        options.push("refine=none".to_owned());
    }
    ("mixture", options, !likeliest)
}

fn spherical(random: &mut ChaCha8Rng) -> Choices {
    let mut options = vec![format!("degree={}", random.random_range(0..=10))];
    if random.random_bool(0.4) {
        options.push(one_of(random, &["method=misner", "method=burnett"]).to_owned());
    }
    maybe(random, &mut options, &["shells=3", "shells=9", "shells=20"]);
    maybe(random, &mut options, &["centre=bulk", "centre=search", "placing=data"]);
    if random.random_bool(0.2) {
        options.push("field=1/2/-1".to_owned());
    }
    ("spherical", options, true)
}

fn cosine(random: &mut ChaCha8Rng) -> Choices {
    let mut options = Vec::new();
    maybe(random, &mut options, &["block=8", "block=5", "block=3/4/7"]);
    maybe(random, &mut options, &["keep=3", "keep=2/3/1", "terms=30", "discard=0.1"]);
    if random.random_bool(0.2) {
        options.push("padding=zeros".to_owned());
    }
    ("cosine", options, true)
}

fn wavelet(random: &mut ChaCha8Rng) -> Choices {
    let mut options = Vec::new();
    maybe(random, &mut options, &["filter=haar", "filter=db4", "filter=sym8", "filter=bior1.3", "filter=coif1"]);
    maybe(random, &mut options, &["boundary=symmetric", "boundary=periodic", "level=0", "level=1"]);
    maybe(random, &mut options, &["terms=30", "discard=0.1", "rounding=int8"]);
    // The kept coefficients of a biorthogonal or extended transform are no projection.
    let is_whole =
        !options.iter().any(|option| ["terms", "discard", "rounding"].iter().any(|key| option.starts_with(key)));
    ("wavelet", options, is_whole)
}

fn octree(random: &mut ChaCha8Rng) -> Choices {
    let mut options = Vec::new();
    maybe(random, &mut options, &["leaf=linear", "leaf=best", "leaf=log"]);
    maybe(random, &mut options, &["degree=0", "degree=1", "degree=3", "degree=6"]);
    maybe(random, &mut options, &["l2=0.3", "l2=0.01", "l2=1e-6", "linf=0.1", "coefficients=40"]);
    maybe(random, &mut options, &["split=octants", "smallest=1", "align=4", "refine=splits", "blend=yes"]);
    ("octree", options, true)
}

fn pca(random: &mut ChaCha8Rng) -> Choices {
    let mut options = vec![format!("components={}", random.random_range(1..=5))];
    maybe(random, &mut options, &["axis=x", "axis=y", "axis=z"]);
    let linear = random.random_bool(0.5);
    if linear {
        options.push("values=linear".to_owned());
    }
    ("pca", options, linear)
}
