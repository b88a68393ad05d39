//! Networks evaluated at many points: the same bits on every processor, whatever its vector instructions.

pub mod lanes;
pub mod network;
#[cfg(test)]
mod tests;

use pulp::{Arch, NullaryFnOnce};
use rayon::prelude::*;

use lanes::{POINTS, Row};
use network::rows_of;
pub use network::{Activation, Network};

/// Points that one thread evaluates at a time.
const CHUNK: usize = 64 * POINTS;

/// A piece of work whose loops are compiled for the vector instructions of the processor.
pub trait Vectorised {
    /// The result.
    type Output;
    /// Does the work. Mark it `#[inline(always)]`, and all that it calls in its loops.
    fn run(self) -> Self::Output;
}

/// Does a piece of work with the vector instructions of this processor.
#[inline]
pub fn dispatched<W: Vectorised>(work: W) -> W::Output {
    struct Call<W>(W);
    impl<W: Vectorised> NullaryFnOnce for Call<W> {
        type Output = W::Output;
        #[inline(always)]
        fn call(self) -> W::Output {
            self.0.run()
        }
    }
    Arch::new().dispatch(Call(work))
}

/// The outputs of a network at some points.
struct Outputs<'a> {
    network: &'a Network,
    weights: &'a [f32],
    latents: &'a [f32],
    points: &'a [[f32; 3]],
    outputs: &'a mut [f32],
}

impl Vectorised for Outputs<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { network, weights, latents, points, outputs } = self;
        let mut rows = network.scratch();
        for (points, outputs) in points.chunks(POINTS).zip(outputs.chunks_mut(POINTS)) {
            network.fill_inputs(&rows_of(points), latents, &mut rows[..network.inputs()]);
            let output: Row = network.forward(weights, &mut rows, &mut []);
            outputs.copy_from_slice(&output.as_flattened()[..outputs.len()]);
        }
    }
}

/// The outputs of a network at some points, on the threads of rayon's pool. `weights` are as many as the network has.
#[must_use]
pub fn outputs(network: &Network, weights: &[f32], latents: &[f32], points: &[[f32; 3]]) -> Vec<f32> {
    let mut all = vec![0.0; points.len()];
    all.par_chunks_mut(CHUNK).zip(points.par_chunks(CHUNK)).for_each(|(outputs, points)| {
        dispatched(Outputs { network, weights, latents, points, outputs });
    });
    all
}
