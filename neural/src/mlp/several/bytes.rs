//! The bytes of a network of several distributions: `vdf-nn`, the version, all numbers by the coder of the core, and a
//! checksum of all bytes before.

use vdf_basis::{Coder, Error, Integers, Reals, Result, Stream, VelocityGrid};

use super::super::net::{Frame, code_unit};
use super::super::{Mlp, Target};
use super::{Member, SeveralMlp, latent_tensor};
use crate::weights::Weights;

const MAGIC: [u8; 7] = *b"vdf-nn\x01";
/// Most distributions of a value.
const MOST_MEMBERS: usize = 1 << 16;
/// Most cells of a grid.
const MOST_CELLS: usize = 1 << 27;
/// Most bytes of the text of the choices.
const MOST_TEXT: usize = 1 << 10;
/// Fewest bytes of a distribution: its unit alone takes 11 bits, centre and width one each and axis.
const FEWEST_BYTES: usize = 2;
const CHECKSUM: usize = 4;

fn malformed(problem: impl Into<String>) -> Error {
    Error::MalformedFile { format: "SeveralMlp", problem: problem.into() }
}

impl SeveralMlp {
    /// The value as bytes: `vdf-nn` and the version, choices, grids, network and latents, and a checksum.
    ///
    /// # Errors
    /// [`Error::LimitExceeded`] for a grid of more than 2²⁷ cells and [`Error::InvalidParameter`] for more than 65,536
    /// distributions, which [`SeveralMlp::from_bytes`] refuses.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.clone().write()
    }

    /// As [`SeveralMlp::to_bytes`]; afterwards the weights are those that a reader gets.
    pub(super) fn write(&mut self) -> Result<Vec<u8>> {
        let mut coder = Coder::writing();
        self.code(MOST_MEMBERS, &mut coder)?;
        let mut bytes = [&MAGIC[..], &coder.finish()].concat();
        let checksum = crc32fast::hash(&bytes);
        bytes.extend(checksum.to_le_bytes());
        Ok(bytes)
    }

    /// The value that [`SeveralMlp::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`Error::MalformedFile`] for bytes of something else or another version, and such that are cut, damaged or made up.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let Some((content, checksum)) = bytes.split_last_chunk::<CHECKSUM>() else {
            return Err(malformed("it ends too early"));
        };
        let Some(body) = content.strip_prefix(&MAGIC) else {
            return Err(malformed("it does not begin with `vdf-nn` and the version 1"));
        };
        if crc32fast::hash(content).to_le_bytes() != *checksum {
            return Err(malformed("the checksum does not match: it is damaged"));
        }
        let mut read = Self {
            mlp: Mlp::default(),
            width: 1,
            weights: Weights::blank(),
            latents: Weights::blank(),
            length: 0,
            step: 1.0,
            members: Vec::new(),
        };
        let most = MOST_MEMBERS.min(body.len() / FEWEST_BYTES);
        read.code(most, &mut Coder::reading(body)).map_err(|error| malformed(error.to_string()))?;
        Ok(read)
    }

    /// Codes everything; there are at most `most` distributions.
    fn code(&mut self, most: usize, coder: &mut Coder<'_>) -> Result<()> {
        self.code_choices(coder)?;
        self.width = coder.choice(self.width.saturating_sub(1), super::super::MOST_WIDTH)? + 1;
        self.length = coder.choice(self.length, Self::MOST_LATENTS + 1)?;
        let network = self.mlp.architecture.network(self.width, self.length);
        let network = network.map_err(|error| Error::MalformedStream(error.to_string()))?;
        let step = coder.real(&mut Reals::default(), self.step)?;
        if step <= 0.0 {
            return Err(Error::MalformedStream(format!("a step of {step}")));
        }
        self.step = step;
        self.code_members(most, coder)?;
        self.weights.code(&network.tensors(), Some(step), coder)?;
        self.latents.code(&latent_tensor(self.length, self.members.len()), Some(step), coder)
    }

    /// Codes the choices as the text of their spec.
    fn code_choices(&mut self, coder: &mut Coder<'_>) -> Result<()> {
        let mut text = if coder.is_reading() { Vec::new() } else { self.mlp.spec()?.to_string().into_bytes() };
        let len = coder.count(text.len(), MOST_TEXT)?;
        coder.sized(&mut text, len)?;
        for byte in &mut text {
            *byte = coder.bits(u64::from(*byte), 8) as u8;
        }
        if coder.is_reading() {
            let read = String::from_utf8(text).ok().and_then(|text| text.parse().ok());
            self.mlp = read.ok_or_else(|| Error::MalformedStream("choices that no network has".to_owned()))?;
        }
        Ok(())
    }

    /// Codes grids and frames; a grid that equals the one before takes a bit.
    fn code_members(&mut self, most: usize, coder: &mut Coder<'_>) -> Result<()> {
        let count = coder.count(self.members.len(), most)?;
        if count == 0 {
            return Err(Error::MalformedStream("a network of no distributions".to_owned()));
        }
        let mut before: Option<VelocityGrid> = None;
        // The list grows as members are read: a damaged count may be anything.
        for index in 0..count {
            let mut member = match self.members.get(index) {
                Some(member) => *member,
                None => {
                    let grid = VelocityGrid::unit([1; 3])?;
                    Member { frame: Frame { grid, centre: [0; 3], width: [1; 3] }, unit: 1.0, span: 0 }
                }
            };
            let same = before.is_some_and(|before| before == member.frame.grid);
            member.frame.grid = match before {
                Some(before) if !coder.rarely(!same) => before,
                _ => code_grid(member.frame.grid, coder)?,
            };
            before = Some(member.frame.grid);
            member.frame.code(coder)?;
            member.unit = code_unit(member.unit, coder)?;
            if self.mlp.architecture.target == Target::Logarithm {
                member.span = coder.bits(u64::from(member.span), 7) as u8;
            }
            match self.members.get_mut(index) {
                Some(own) => *own = member,
                None => self.members.push(member),
            }
        }
        Ok(())
    }
}

fn code_grid(grid: VelocityGrid, coder: &mut Coder<'_>) -> Result<VelocityGrid> {
    let mut shape = grid.shape();
    let (mut lower, mut spacing) = (grid.lower(), grid.spacing());
    let (mut lengths, mut reals) = (Integers::default(), Reals::default());
    for length in &mut shape {
        let read = coder.integer(&mut lengths, *length as i64)?;
        *length = usize::try_from(read).unwrap_or(usize::MAX);
    }
    for number in lower.iter_mut().chain(&mut spacing) {
        *number = coder.real(&mut reals, *number)?;
    }
    let cells = shape.iter().fold(1_usize, |cells, length| cells.saturating_mul(*length));
    if cells > MOST_CELLS {
        return Err(Error::LimitExceeded { what: format!("a grid of {shape:?} cells"), limit: MOST_CELLS });
    }
    VelocityGrid::new(shape, lower, spacing).map_err(|error| Error::MalformedStream(error.to_string()))
}
