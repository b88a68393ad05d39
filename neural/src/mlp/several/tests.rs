use super::*;
use vdf_basis::{Fidelity, Sampling, Synthetic};

fn vdfs() -> Vec<Vdf> {
    let sample = |seed| {
        let grid = Synthetic::default_grid("beams", 12)?;
        Synthetic::named("beams", seed)?.sample(&grid, Sampling::default())
    };
    (0..3).map(sample).collect::<Result<_>>().unwrap()
}

#[test]
fn latents_tell_distributions_apart() {
    let mut vdfs = vdfs();
    vdfs.push(
        Vdf::from_fn(VelocityGrid::unit([9, 8, 7]).unwrap(), |[x, y, z]| 3e-9 * (-0.2 * (x + y + z)).exp()).unwrap(),
    );
    let mlp = Mlp { width: Some(12), steps: 400, ..Mlp::default() };
    let several = SeveralMlp::fit(&vdfs, &mlp, 3).unwrap();
    let read = SeveralMlp::from_bytes(&several.to_bytes().unwrap()).unwrap();
    assert_eq!(read, several);
    for (index, vdf) in vdfs.iter().enumerate() {
        assert_eq!(read.grid(index), Some(vdf.grid()));
        let l2 = Fidelity::compare(vdf, &read.reconstruct(index).unwrap()).unwrap().l2;
        assert!(l2 < 0.25, "{index}: {l2}");
    }
    assert!(read.reconstruct(4).unwrap_err().to_string().contains("an index below 4"));
}

#[test]
fn damaged_bytes_give_errors_or_networks() {
    let mlp = Mlp { width: Some(3), steps: 10, ..Mlp::default() };
    let bytes = SeveralMlp::fit(&vdfs(), &mlp, 1).unwrap().to_bytes().unwrap();
    assert!(SeveralMlp::from_bytes(&bytes[..3]).is_err() && SeveralMlp::from_bytes(&bytes[..50]).is_err());
    let body = &bytes[..bytes.len() - 4];
    for place in 0..body.len() {
        for bit in 0..8 {
            let mut flipped = body.to_vec();
            flipped[place] ^= 1 << bit;
            for mut damaged in [body[..place].to_vec(), flipped] {
                damaged.extend(crc32fast::hash(&damaged).to_le_bytes());
                if let Ok(read) = SeveralMlp::from_bytes(&damaged)
                    && read.grid(0).is_some_and(|grid| grid.cells() < 10_000)
                {
                    let _ = read.reconstruct(0);
                }
            }
        }
    }
}

#[test]
fn no_distributions_and_too_many_latents_are_refused() {
    assert!(SeveralMlp::fit(&[], &Mlp::default(), 2).unwrap_err().to_string().contains("no distributions"));
    assert!(SeveralMlp::fit(&vdfs(), &Mlp::default(), 65).unwrap_err().to_string().contains("from 0 to 64"));
}
