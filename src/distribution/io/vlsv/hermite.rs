//! Streams of Vlasiator's own Hermite codec.
//!
//! A stream is little endian: i32 order N, f32 width v_th, f32 centre u\[3\], u64 N³, f32 coefficients
//! c\[N\]\[N\]\[N\] for x, y, z, f64 first node along x, y, z and last node along x, y, z, u64 nodes along x, y, z. They
//! describe g = log₁₀(max(f, t/10) / (t/10)), t the sparsity threshold, by Hermite functions of (v − u) / v_th,
//! orthonormal in v. The writer multiplied its sum over the nodes by the mesh's spacing, though the nodes, K of them spread
//! evenly from the first to the last, are K / (K − 1) further apart: here the sum is taken with their own.

use faer::MatRef;

use super::mesh::VelocityMesh;
use super::window::Window;
use crate::numerics::hermite_functions::hermite_functions;
use crate::numerics::separable::transform;

/// Bytes before the coefficients, and after them.
const HEAD: usize = 28;
const TAIL: usize = 72;
/// Largest logarithm that is decoded: f32 ends at 10³⁸.
const MAX_LOGARITHM: f64 = 38.0;

/// The content of one of Vlasiator's Hermite streams.
pub(super) struct Stream {
    order: usize,
    width: f64,
    centre: [f64; 3],
    coefficients: Vec<f64>,
    nodes: [[f64; 2]; 3],
    /// The codec's box in the velocity mesh.
    pub(super) window: Window,
}

impl Stream {
    /// Reads a stream; an error says what in it does not agree.
    pub(super) fn parse(bytes: &[u8], mesh: &VelocityMesh, most_cells: usize) -> Result<Self, String> {
        let mut rest = Rest(bytes);
        let order = rest.u32()?;
        let width = rest.f32()?;
        let centre = [rest.f32()?, rest.f32()?, rest.f32()?];
        let count = rest.u64()?;
        let (order, cubed) = (order as usize, u64::from(order).checked_pow(3));
        let expected = count.checked_mul(4).and_then(|length| length.checked_add((HEAD + TAIL) as u64));
        if order == 0 || cubed != Some(count) || expected != Some(bytes.len() as u64) {
            let length = bytes.len();
            return Err(format!(
                "order {order} with {count} coefficients in {length} bytes: lengths that do not agree"
            ));
        }
        let coefficients = (0..count).map(|_| rest.f32()).collect::<Result<Vec<f64>, _>>()?;
        let mut nodes = [[0.0; 2]; 3];
        for end in 0..2 {
            for nodes in &mut nodes {
                nodes[end] = rest.f64()?;
            }
        }
        let shape = [rest.u64()?, rest.u64()?, rest.u64()?];
        let ends = nodes.iter().flatten();
        let numbers = [&width].into_iter().chain(&centre).chain(&coefficients).chain(ends);
        if width <= 0.0 || numbers.into_iter().any(|number| !number.is_finite()) {
            return Err(format!("a width of {width}, or a number that is not finite"));
        }
        let window = place(&nodes, shape, mesh)?;
        let tables = window.shape.iter().max().and_then(|&longest| longest.checked_mul(order));
        let cells = window.cells().filter(|&cells| cells <= most_cells);
        if cells.is_none() || tables.is_none_or(|len| len > most_cells) {
            return Err(format!("a box of {shape:?} cells, more than {most_cells}"));
        }
        Ok(Self { order, width, centre, coefficients, nodes, window })
    }

    /// The densities on the codec's box, in C order: zero below the threshold `t`, of single precision as Vlasiator's.
    pub(super) fn decode(&self, t: f64) -> Vec<f64> {
        let shape = self.window.shape;
        let tables: [Vec<f64>; 3] = std::array::from_fn(|axis| {
            let ([first, last], count) = (self.nodes[axis], shape[axis]);
            let step = (last - first) / (count - 1) as f64;
            let node = |k: usize| if k + 1 == count { last } else { first + step * k as f64 };
            let z: Vec<f64> = (0..count).map(|k| (node(k) - self.centre[axis]) / self.width).collect();
            let scale = count as f64 / (count - 1) as f64 / self.width.sqrt();
            hermite_functions(&z, self.order).into_iter().map(|value| value * scale).collect()
        });
        let matrices =
            std::array::from_fn(|axis| MatRef::from_column_major_slice(&tables[axis], shape[axis], self.order));
        let mut values = transform(&self.coefficients, matrices);
        for value in &mut values {
            let density = (0.1 * t * 10.0_f64.powf(value.min(MAX_LOGARITHM))) as f32;
            *value = if density < t as f32 { 0.0 } else { f64::from(density) };
        }
        values
    }
}

/// The box of the nodes in the mesh.
fn place(nodes: &[[f64; 2]; 3], shape: [u64; 3], mesh: &VelocityMesh) -> Result<Window, String> {
    let grid = &mesh.grid;
    let mut window = Window { first: [0; 3], shape: [0; 3] };
    for axis in 0..3 {
        let [first, last] = nodes[axis];
        let cell = ((first - grid.lower()[axis]) / grid.spacing()[axis]).floor();
        let cells = grid.shape()[axis];
        let count = usize::try_from(shape[axis]).unwrap_or(usize::MAX);
        if last <= first || count < 2 || cell < 0.0 || cell + count as f64 > cells as f64 {
            let axis = ['x', 'y', 'z'][axis];
            return Err(format!("{count} nodes from {first} to {last} along {axis}, where the mesh has {cells} cells"));
        }
        (window.first[axis], window.shape[axis]) = (cell as usize, count);
    }
    Ok(window)
}

/// Bytes that are left of a stream.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn next<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (next, rest) = self.0.split_first_chunk().ok_or("a stream that was cut")?;
        self.0 = rest;
        Ok(*next)
    }

    fn u32(&mut self) -> Result<u32, String> {
        Ok(u32::from_le_bytes(self.next()?))
    }

    fn u64(&mut self) -> Result<u64, String> {
        Ok(u64::from_le_bytes(self.next()?))
    }

    fn f32(&mut self) -> Result<f64, String> {
        Ok(f64::from(f32::from_le_bytes(self.next()?)))
    }

    fn f64(&mut self) -> Result<f64, String> {
        Ok(f64::from_le_bytes(self.next()?))
    }
}
