use std::time::Instant;
use vdf_basis::*;
fn main() {
    let raw = std::fs::read("/work/py/sample.bin").unwrap();
    let v: Vec<f64> = raw.chunks(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect();
    let vdf = Vdf::from_vec(VelocityGrid::unit([50, 50, 50]).unwrap(), v).unwrap();
    let reg = Registry::standard();
    for spec in std::env::args().skip(1) {
        let b = reg.parse(&spec).unwrap();
        let c = b.encode(&vdf).unwrap();
        let g = b.reconstruct(&c, vdf.grid()).unwrap();
        let f = Fidelity::compare(&vdf, &g).unwrap();
        let time = |f: &dyn Fn()| {
            let mut t: Vec<f64> = (0..7)
                .map(|_| {
                    let s = Instant::now();
                    f();
                    s.elapsed().as_secs_f64() * 1e3
                })
                .collect();
            t.sort_by(f64::total_cmp);
            (t[0], t[3])
        };
        let te = time(&|| {
            b.encode(&vdf).unwrap();
        });
        let tr = time(&|| {
            b.reconstruct(&c, vdf.grid()).unwrap();
        });
        println!("{spec}: n={} l2={:.5} P={:.4} enc={te:.3?} rec={tr:.3?}", c.count(), f.l2, f.pressure);
        if let Some(h) = b.downcast_ref::<Hermite>() {
            let (c, r) = h.fit(&vdf).unwrap();
            println!("   {:?} {r:?}", c.frame());
        }
        if let Some(h) = b.downcast_ref::<Maxwellian>() {
            let (c, r) = h.fit(&vdf).unwrap();
            println!("   {c:?} {r:?}");
        }
    }
    let time = |f: &dyn Fn()| {
        let mut t: Vec<f64> = (0..21)
            .map(|_| {
                let s = Instant::now();
                f();
                s.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        t.sort_by(f64::total_cmp);
        (t[0], t[10])
    };
    println!(
        "moments {:?}",
        time(&|| {
            std::hint::black_box(vdf.moments());
        })
    );
}
