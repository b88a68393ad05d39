#[path = "vqvae/synthetic.rs"]
mod synthetic;
use std::io::Write;
fn main() {
    let a: Vec<usize> = std::env::args().skip(1).map(|x| x.parse().unwrap()).collect();
    let t = std::time::Instant::now();
    let p = synthetic::population([36; 3], a[0], a[1], a[2] as u64).unwrap();
    eprintln!("{} s", t.elapsed().as_secs_f64());
    let mut o = std::io::stdout().lock();
    o.write_all(&vdf_basis::distribution::io::npy::npy_header(&[p.len(), 36, 36, 36], vdf_basis::Precision::Single))
        .unwrap();
    for v in p {
        v.to_raw(&mut o, vdf_basis::Precision::Single).unwrap();
    }
}
