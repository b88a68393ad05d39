//! The velocity mesh of a population, and where spatial cells lie.

use super::footer::{Element, Footer};
use super::source::Source;
use crate::distribution::blocks::MAX_WIDTH;
use crate::distribution::grid::VelocityGrid;
use crate::error::Result;

/// The velocity mesh of a population: the box in which its blocks lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VelocityMesh {
    /// Number of blocks along each axis.
    pub blocks: [u32; 3],
    /// Cells along each edge of a block.
    pub block_width: usize,
    /// All cells of the mesh [m/s].
    pub grid: VelocityGrid,
}

/// A velocity mesh and its edges as the file has them.
#[derive(Debug, Clone)]
pub(super) struct Mesh {
    pub(super) public: VelocityMesh,
    /// Edges of the cells along each axis; empty where the file gives the ends alone.
    edges: [Vec<f64>; 3],
}

/// Largest deviation of an edge from a uniform grid, in cells. Edges in single precision are off by 1e-5.
const MAX_DEVIATION: f64 = 1e-3;

impl Mesh {
    /// The mesh that the footer states for a population, whose blocks have `block_cells` values (if it stores blocks).
    pub(super) fn read(source: &Source, footer: &Footer, name: &str, block_cells: Option<u64>) -> Result<Self> {
        match footer.of_mesh("MESH_BBOX", name) {
            Some(element) => Self::from_nodes(source, footer, element, name, block_cells),
            None => Self::from_parameters(source, footer, name, block_cells),
        }
    }

    fn from_nodes(
        source: &Source,
        footer: &Footer,
        element: &Element,
        name: &str,
        block_cells: Option<u64>,
    ) -> Result<Self> {
        let label = element.label();
        let numbers = source.integers(&element.array(source)?, 0, 6, &label)?;
        let (Some(&[bx, by, bz, wx, wy, wz]), true) = (numbers.first_chunk(), numbers.len() == 6) else {
            return Err(source.malformed(format!("{label} has {} numbers, not 6", numbers.len())));
        };
        if wx != wy || wy != wz {
            return Err(source.unsupported(format!("{label}: blocks of {wx} x {wy} x {wz} cells; only cubes are read")));
        }
        let width = block_width(source, &label, wx, block_cells)?;
        let blocks = block_counts(source, &label, [bx, by, bz])?;
        let mut edges = [const { Vec::new() }; 3];
        for (axis, tag) in ["MESH_NODE_CRDS_X", "MESH_NODE_CRDS_Y", "MESH_NODE_CRDS_Z"].into_iter().enumerate() {
            let nodes = footer.of_mesh(tag, name);
            let nodes = nodes.ok_or_else(|| source.malformed(format!("the footer has no {tag} of {name}")))?;
            let (array, expected) = (nodes.array(source)?, u64::from(blocks[axis]) * width as u64 + 1);
            if array.rows != expected || array.columns != 1 {
                let problem = format!("{} has {} edges, not {expected}", nodes.label(), array.rows);
                return Err(source.malformed(problem));
            }
            edges[axis] = source.floats(&array, 0, array.rows, &nodes.label())?;
        }
        let [lower, upper] = [0, usize::MAX].map(|end| {
            std::array::from_fn(|axis| {
                let edges: &Vec<f64> = &edges[axis];
                edges.get(end.min(edges.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
            })
        });
        let mesh = Self::uniform(source, name, blocks, width, lower, upper)?;
        for (axis, edges) in edges.iter().enumerate() {
            let (lower, spacing) = (mesh.grid.lower()[axis], mesh.grid.spacing()[axis]);
            let off = |(k, &edge): (usize, &f64)| {
                let deviation = ((edge - lower) / spacing - k as f64).abs();
                (deviation.is_nan() || deviation > MAX_DEVIATION).then_some((k, edge))
            };
            if let Some((k, edge)) = edges.iter().enumerate().find_map(off) {
                let axis = ['x', 'y', 'z'][axis];
                return Err(source.unsupported(format!(
                    "the velocity mesh of {name} is not uniform: edge {k} along {axis} is {edge}"
                )));
            }
        }
        Ok(Self { public: mesh, edges })
    }

    /// A mesh before 2016: its ends are parameters.
    fn from_parameters(source: &Source, footer: &Footer, name: &str, block_cells: Option<u64>) -> Result<Self> {
        let parameter = |name: String| {
            let value = footer.parameter(source, &[&name])?;
            value.ok_or_else(|| source.malformed(format!("the footer has neither MESH_BBOX nor {name}")))
        };
        let (mut counts, mut lower, mut upper) = ([0; 3], [0.0; 3], [0.0; 3]);
        for (axis, letter) in ["x", "y", "z"].into_iter().enumerate() {
            // Not a number of blocks, or a fraction of one: refused below.
            let count = parameter(format!("v{letter}blocks_ini"))?;
            counts[axis] = if count.fract() == 0.0 { count as u64 } else { 0 };
            lower[axis] = parameter(format!("v{letter}min"))?;
            upper[axis] = parameter(format!("v{letter}max"))?;
        }
        let label = format!("velocity mesh of {name}");
        let width = (1..=MAX_WIDTH as u64).find(|width| Some(width.pow(3)) == block_cells).unwrap_or(4);
        let width = block_width(source, &label, width, block_cells)?;
        let blocks = block_counts(source, &label, counts)?;
        Ok(Self { public: Self::uniform(source, name, blocks, width, lower, upper)?, edges: [const { Vec::new() }; 3] })
    }

    fn uniform(
        source: &Source,
        name: &str,
        blocks: [u32; 3],
        block_width: usize,
        lower: [f64; 3],
        upper: [f64; 3],
    ) -> Result<VelocityMesh> {
        let shape = blocks.map(|count| count as usize * block_width);
        let grid = VelocityGrid::from_edges(shape, lower, upper)
            .map_err(|problem| source.malformed(format!("the velocity mesh of {name}: {problem}")))?;
        Ok(VelocityMesh { blocks, block_width, grid })
    }

    /// The part of the mesh that holds the cells `first .. first + shape`, which lie inside.
    pub(super) fn window(&self, first: [usize; 3], shape: [usize; 3]) -> Result<VelocityGrid> {
        let grid = &self.public.grid;
        let lower = std::array::from_fn(|axis| {
            let edge = self.edges[axis].get(first[axis]).copied();
            edge.unwrap_or_else(|| grid.lower()[axis] + first[axis] as f64 * grid.spacing()[axis])
        });
        VelocityGrid::new(shape, lower, grid.spacing())
    }
}

/// The width of a block, checked against the number of its values.
fn block_width(source: &Source, label: &str, width: u64, block_cells: Option<u64>) -> Result<usize> {
    if !(1..=MAX_WIDTH as u64).contains(&width) {
        let problem = format!("{label}: blocks of {width} cells along each edge; 1 to {MAX_WIDTH} are read");
        return Err(source.unsupported(problem));
    }
    match block_cells.filter(|&cells| cells != width.pow(3)) {
        Some(cells) => {
            let problem = format!("{label}: blocks of {width}^3 cells, but BLOCKVARIABLE has {cells} values for each");
            Err(source.malformed(problem))
        }
        None => Ok(width as usize),
    }
}

/// The numbers of blocks along the axes. Blocks are numbered by 32 bits.
fn block_counts(source: &Source, label: &str, counts: [u64; 3]) -> Result<[u32; 3]> {
    let product = counts.iter().try_fold(1, |product: u64, &count| product.checked_mul(count));
    match product {
        Some(1..=0xffff_ffff) => Ok(counts.map(|count| count as u32)),
        _ => Err(source.malformed(format!("{label}: {counts:?} blocks; from 1 to 2^32 - 1 are allowed"))),
    }
}

/// Spatial cells: numbered level by level of refinement, x fastest, from 1 on.
#[derive(Debug, Clone)]
pub(super) struct SpatialMesh {
    /// Cells along each axis without refinement.
    pub(super) cells: [u64; 3],
    /// Edges of these along each axis; two of them where only the ends are known.
    edges: [Vec<f64>; 3],
}

impl SpatialMesh {
    /// The spatial mesh called `name`. None if the file does not say where it lies.
    pub(super) fn read(source: &Source, footer: &Footer, name: &str) -> Result<Option<Self>> {
        if let Some(element) = footer.of_mesh("MESH_BBOX", name) {
            let numbers = source.integers(&element.array(source)?, 0, 3, &element.label())?;
            let mut edges = [const { Vec::new() }; 3];
            for (axis, tag) in ["MESH_NODE_CRDS_X", "MESH_NODE_CRDS_Y", "MESH_NODE_CRDS_Z"].into_iter().enumerate() {
                let Some(nodes) = footer.of_mesh(tag, name) else { return Ok(None) };
                let array = nodes.array(source)?;
                edges[axis] = source.floats(&array, 0, array.rows, &nodes.label())?;
            }
            let Some(&cells) = numbers.first_chunk() else { return Ok(None) };
            return Ok(Self { cells, edges }.checked());
        }
        let (mut cells, mut edges) = ([0; 3], [const { Vec::new() }; 3]);
        for (axis, letter) in ["x", "y", "z"].into_iter().enumerate() {
            let get = |name: String| footer.parameter(source, &[&name]);
            let ends = (get(format!("{letter}min"))?, get(format!("{letter}max"))?);
            let (Some(count), (Some(lower), Some(upper))) = (get(format!("{letter}cells_ini"))?, ends) else {
                return Ok(None);
            };
            cells[axis] = count as u64;
            edges[axis] = vec![lower, upper];
        }
        Ok(Self { cells, edges }.checked())
    }

    /// None for a mesh that does not agree with itself.
    fn checked(self) -> Option<Self> {
        let count = self.cells.iter().try_fold(1, |product: u64, &cells| product.checked_mul(cells));
        let agree = |axis: usize| self.edges[axis].len() == 2 || self.edges[axis].len() as u64 == self.cells[axis] + 1;
        (count.is_some_and(|count| (1..u64::MAX).contains(&count)) && (0..3).all(agree)).then_some(self)
    }

    /// The level of refinement of a cell, and its place among the cells of that level.
    pub(super) fn place(&self, cell: u64) -> Option<(u32, [u64; 3])> {
        let mut index = cell.checked_sub(1)?;
        for level in 0..21 {
            let cells = self.cells_of_level(level)?;
            let count = cells.iter().try_fold(1, |product: u64, &cells| product.checked_mul(cells))?;
            if index < count {
                let [nx, ny, _] = cells;
                return Some((level, [index % nx, index / nx % ny, index / nx / ny]));
            }
            index -= count;
        }
        None
    }

    /// Cells along each axis at a level of refinement.
    pub(super) fn cells_of_level(&self, level: u32) -> Option<[u64; 3]> {
        let [nx, ny, nz] = self.cells.map(|cells| cells.checked_mul(1 << level));
        Some([nx?, ny?, nz?])
    }

    /// The centre of a cell [m]; None for a number that no cell has.
    pub(super) fn centre(&self, cell: u64) -> Option<[f64; 3]> {
        let (level, place) = self.place(cell)?;
        let mut centre = [0.0; 3];
        for axis in 0..3 {
            let (edges, coordinate) = (&self.edges[axis], (place[axis] as f64 + 0.5) / f64::from(1 << level));
            let part = if edges.len() == 2 { coordinate / self.cells[axis] as f64 } else { coordinate };
            let below = part.floor();
            let [lower, upper] = [0, 1].map(|next| edges.get(below as usize + next).copied());
            centre[axis] = lower? + (upper? - lower?) * (part - below);
        }
        Some(centre)
    }
}
