//! A basis of an outside author, by the public API alone: averages of blocks of cells. CONTRIBUTING.md walks through it.
#![allow(clippy::unwrap_used)]

use vdf_basis::{
    Basis, Choices, Coder, Coefficients, Error, Expansion, Fidelity, Label, NamedBasis, Numbers, Quantise, Quantity,
    Registry, Resolution, Result, Sampling, Slot, Spec, Stream, Synthetic, Vdf, VelocityGrid, laws, spec_of,
};

/// The average of f over blocks of cells; blocks at the upper ends of the axes may be smaller.
#[derive(Debug, Clone, PartialEq)]
struct BlockAverages {
    edge: usize,
}

impl Default for BlockAverages {
    fn default() -> Self {
        Self { edge: 4 }
    }
}

/// One average for each block, in C order, and what says where the blocks lie: the grid and their edge.
#[derive(Debug, Clone, PartialEq)]
struct Averages {
    grid: VelocityGrid,
    edge: usize,
    averages: Vec<f64>,
}

impl BlockAverages {
    fn counts(&self, grid: &VelocityGrid) -> [usize; 3] {
        grid.shape().map(|cells| cells.div_ceil(self.edge))
    }

    /// The block in which a cell lies, both by their positions in C order.
    fn block_of(&self, grid: &VelocityGrid, cell: usize) -> usize {
        let [_, ny, nz] = self.counts(grid);
        let [x, y, z] = grid.index_of(cell).map(|index| index / self.edge);
        (x * ny + y) * nz + z
    }

    /// Refuses coefficients of another edge, or with averages missing.
    fn check(&self, coefficients: &Averages) -> Result<()> {
        let blocks: usize = self.counts(&coefficients.grid).iter().product();
        let (edge, averages) = (coefficients.edge, coefficients.averages.len());
        if edge == self.edge && averages == blocks {
            return Ok(());
        }
        let problem =
            format!("{averages} averages over blocks of edge {edge}, where {blocks} of edge {} belong", self.edge);
        Err(Error::ForeignCoefficients(problem))
    }
}

impl Basis for BlockAverages {
    type Coefficients = Averages;

    fn encode(&self, vdf: &Vdf) -> Result<Averages> {
        let blocks = self.counts(vdf.grid()).iter().product();
        let (mut averages, mut cells) = (vec![0.0; blocks], vec![0.0; blocks]);
        for (cell, f) in vdf.as_slice().iter().enumerate() {
            let block = self.block_of(vdf.grid(), cell);
            cells[block] += 1.0;
            averages[block] += (f - averages[block]) / cells[block];
        }
        Ok(Averages { grid: *vdf.grid(), edge: self.edge, averages })
    }

    fn reconstruct(&self, coefficients: &Averages, grid: &VelocityGrid) -> Result<Vdf> {
        self.check(coefficients)?;
        if *grid != coefficients.grid {
            return Err(Error::GridMismatch { left: coefficients.grid.to_string(), right: grid.to_string() });
        }
        let average = |cell| coefficients.averages[self.block_of(grid, cell)];
        Vdf::from_vec(*grid, (0..grid.cells()).map(average).collect())
    }
}

impl Coefficients for Averages {
    fn visit(&self, visitor: &mut dyn FnMut(Slot, f64)) {
        for (block, average) in (0..).zip(&self.averages) {
            visitor(Slot::new(Quantity::PhaseSpaceDensity, 0).at(Label::Index(block)), *average);
        }
    }

    fn scale(&mut self, factor: f64) {
        self.averages.iter_mut().for_each(|average| *average *= factor);
    }
}

impl Stream for BlockAverages {
    fn spec(&self) -> Result<Spec> {
        spec_of(self)
    }

    fn blank(&self, grid: &VelocityGrid) -> Averages {
        // The grid and the edge are not in the coefficients' part of the stream: they are set here. `code` gives the list its
        // length.
        Averages { grid: *grid, edge: self.edge, averages: Vec::new() }
    }

    fn code(
        &self,
        coefficients: &mut Averages,
        grid: &VelocityGrid,
        resolution: Resolution,
        coder: &mut Coder<'_>,
    ) -> Result<()> {
        // A reader learns the length of the list here; a writer with a list of another length is refused.
        coder.sized(&mut coefficients.averages, self.counts(grid).iter().product())?;
        self.check(coefficients)?;
        // A change d of one average changes up to edge³ cells by d, and the distribution by d √edge³: the step is divided by
        // √edge³.
        let step = resolution.step().map(|step| step / (self.edge.pow(3) as f64).sqrt());
        // One kind of number, so one model.
        let mut numbers = Numbers::new(1);
        for average in &mut coefficients.averages {
            *average = numbers.code(coder, 0, *average, step)?;
        }
        Ok(())
    }
}

/// The defaults serve: each average is rounded by itself.
impl Quantise for BlockAverages {}

impl NamedBasis for BlockAverages {
    const NAME: &'static str = "blocks";

    fn choose(&mut self, choices: &mut Choices<'_>) -> Result<()> {
        choices.number("edge", &mut self.edge)?;
        match self.edge {
            1..=64 => Ok(()),
            _ => Err(choices.refused("edge", self.edge, "a whole number from 1 to 64")),
        }
    }
}

fn registry() -> Registry {
    Registry::standard().with::<BlockAverages>()
}

fn beams() -> Vdf {
    let grid = Synthetic::default_grid("beams", 18).unwrap();
    Synthetic::named("beams", 0).unwrap().sample(&grid, Sampling::default()).unwrap()
}

#[test]
fn it_keeps_the_laws_alone_and_composed() {
    for spec in ["blocks", "blocks:edge=3", "blocks:edge=2 + wavelet:terms=50", "log(blocks)", "quantized(blocks)"] {
        laws::all(&registry(), spec).unwrap();
    }
}

#[test]
fn it_refuses_averages_over_other_blocks() {
    let basis = |spec: &str| registry().parse(spec).unwrap();
    for [one, other] in [["blocks:edge=2", "blocks:edge=3"], ["blocks:edge=9", "blocks:edge=17"], ["blocks", "wavelet"]]
    {
        laws::foreign(&basis(one), &basis(other), &beams()).unwrap();
        laws::foreign(&basis(other), &basis(one), &beams()).unwrap();
    }
}

#[test]
fn it_composes_is_bounded_and_streams() {
    let vdf = beams();
    for (spec, most) in [
        ("blocks:edge=2,l2=0.5", 0.5),
        ("blocks + wavelet:l2=0.01", f64::INFINITY),
        ("quantized(blocks + wavelet):l2=0.01", 0.01),
        ("conserve(blocks)", 1.0),
        ("conserve(blocks:edge=2):l2=0.5", 0.5),
        ("log(blocks:edge=1)", 1e-4),
    ] {
        let basis = registry().parse(spec).unwrap();
        let bytes = Expansion::encode(&basis, &vdf).unwrap().to_bytes().unwrap();
        let read = registry().decode(&bytes).unwrap();
        assert_eq!(read.basis(), &basis);
        let fidelity = Fidelity::compare(&vdf, &read.reconstruct().unwrap()).unwrap();
        assert!(fidelity.l2 <= most, "{spec}: {}", fidelity.l2);
        assert!(!spec.starts_with("conserve") || fidelity.pressure < 1e-11, "{spec}: {}", fidelity.pressure);
        // Another registry does not know the name, and says so.
        assert!(matches!(Registry::standard().decode(&bytes), Err(Error::InvalidSpec { .. })));
    }
}

#[test]
fn its_choices_are_checked_like_those_of_the_crate() {
    let refused = |spec: &str| registry().parse(spec).unwrap_err().to_string();
    assert!(refused("blocks:edge=0").contains("from 1 to 64"));
    assert!(refused("blocks:egde=3").contains("no key `egde`; its keys are edge, l2, linf, dex, relative"));
}
