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
        assert!(l2 < 0.085, "{index}: {l2}");
    }
    assert!(read.reconstruct(4).unwrap_err().to_string().contains("an index below 4"));
}

#[test]
fn damaged_bytes_give_errors_or_networks() {
    let mlp = Mlp { width: Some(3), steps: 10, ..Mlp::default() };
    let bytes = SeveralMlp::fit(&vdfs(), &mlp, 1).unwrap().to_bytes().unwrap();
    assert!(SeveralMlp::from_bytes(&bytes[..3]).is_err() && SeveralMlp::from_bytes(&bytes[..50]).is_err());
    let body = &bytes[..bytes.len() - 4];
    for place in 7..body.len() {
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

fn refused(mut content: Vec<u8>) -> String {
    content.extend(crc32fast::hash(&content).to_le_bytes());
    SeveralMlp::from_bytes(&content).unwrap_err().to_string()
}

#[test]
fn other_formats_other_versions_and_damage_are_told_apart() {
    let mlp = Mlp { width: Some(3), steps: 10, ..Mlp::default() };
    let bytes = SeveralMlp::fit(&vdfs(), &mlp, 1).unwrap().to_bytes().unwrap();
    let mut content = bytes[..bytes.len() - 4].to_vec();
    for (place, part) in [(0, "does not begin with `vdf-nn`"), (6, "and the version 1")] {
        content[place] += 1;
        assert!(refused(content.clone()).contains(part));
        content[place] -= 1;
    }
    let mut damaged = bytes.clone();
    damaged[20] ^= 4;
    assert!(SeveralMlp::from_bytes(&damaged).unwrap_err().to_string().contains("checksum"));
    assert!(SeveralMlp::from_bytes(&[]).unwrap_err().to_string().contains("too early"));
}

#[test]
fn members_that_no_bytes_hold_and_numbers_that_are_none_are_refused() {
    let mlp = Mlp { width: Some(3), steps: 10, ..Mlp::default() };
    let several = SeveralMlp::fit(&vdfs(), &mlp, 0).unwrap();
    let of_members = |members: Vec<Member>| SeveralMlp { members, ..several.clone() };
    let member = several.members[0];
    // A value of many members, cut: it claims more than its bytes can hold.
    let mut many = of_members(vec![member; 60_000]).to_bytes().unwrap();
    many.truncate(300);
    assert!(refused(many).contains("a count of 60000"));
    assert!(of_members(vec![member; 70_000]).to_bytes().is_err());
    assert!(of_members(Vec::new()).to_bytes().is_err());
    for unit in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
        assert!(of_members(vec![Member { unit, ..member }]).to_bytes().is_err(), "{unit}");
    }
    for step in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
        assert!(SeveralMlp { step, ..several.clone() }.to_bytes().is_err(), "{step}");
    }
    let mut grown = several.clone();
    grown.weights.values[0] = f64::INFINITY;
    assert!(grown.to_bytes().is_err());
    let grid = VelocityGrid::unit([1 << 10; 3]).unwrap();
    let large = Member { frame: Frame { grid, ..member.frame }, ..member };
    assert!(of_members(vec![large]).to_bytes().unwrap_err().to_string().contains("cells"));
}

#[test]
fn no_distributions_and_too_many_latents_are_refused() {
    assert!(SeveralMlp::fit(&[], &Mlp::default(), 2).unwrap_err().to_string().contains("no distributions"));
    assert!(SeveralMlp::fit(&vdfs(), &Mlp::default(), 65).unwrap_err().to_string().contains("from 0 to 64"));
}
