use super::*;
use crate::basis::Coefficients;
use crate::distribution::fidelity::Fidelity;

fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() * 1e-6
}

#[test]
fn trial() {
    let vdf = Vdf::read_npy("../shared/data/sample_vdf.npy").unwrap();
    let registry = crate::Registry::standard();
    for spec in std::env::var("SPECS").unwrap().split(' ') {
        let any = registry.parse(spec).unwrap();
        let basis: &Octree = any.downcast_ref().unwrap();
        let mut best = f64::INFINITY;
        let mut last = None;
        for _ in 0..5 {
            let start = cpu();
            last = Some(basis.fit(&vdf).unwrap());
            best = best.min(cpu() - start);
        }
        let (c, report) = last.unwrap();
        let mut back = f64::INFINITY;
        for _ in 0..5 {
            let start = cpu();
            basis.reconstruct(&c, vdf.grid()).unwrap();
            back = back.min(cpu() - start);
        }
        let fidelity = Fidelity::compare(&vdf, &basis.reconstruct(&c, vdf.grid()).unwrap()).unwrap();
        println!("{spec}: {} coefficients, l2 {:.5} linf {:.5}, {best:.1} ms, back {back:.2} ms, {report:?}", c.count(), fidelity.l2, fidelity.linf);
    }
}
