//! What the laws are run over: specs of every basis and of some combinators. A new basis needs a line here.

/// What is expected of one spec beyond the laws themselves.
pub struct Case {
    pub spec: &'static str,
    /// How exactly an element of its span comes back: 1e-10, where a search does not end earlier.
    pub reproduces: f64,
    /// An absolute threshold in the spec ties it to one unit of density.
    pub scales: bool,
}

const fn case(spec: &'static str) -> Case {
    Case { spec, reproduces: 1e-10, scales: true }
}

pub const CASES: &[Case] = &[
    case("maxwellian"),
    // The box cuts its tails at five thermal speeds, which the moments notice.
    Case { reproduces: 1e-4, ..case("maxwellian:fit=moments") },
    case("maxwellian:covariance=isotropic"),
    case("maxwellian:covariance=full"),
    case("hermite:order=8"),
    case("hermite:order=8,truncation=total-degree"),
    case("hermite:order=8,truncation=hyperbolic-cross"),
    case("hermite:order=8,terms=100"),
    case("hermite:order=8,weight=asymmetric"),
    case("hermite:order=10/6/8,search=fitted"),
    case("hermite:order=6,search=moments,weight=asymmetric,truncation=total-degree"),
    case("hermite:order=4,frame=pressure,search=moments"),
    case("hermite:order=4,frame=field-aligned,field=1/2/-1,search=moments,truncation=total-degree"),
    case("mixture:components=3"),
    // The likeliest mixture, seen through cells, is not the one it was made from.
    Case { reproduces: f64::INFINITY, ..case("mixture:components=4,refine=none") },
    case("spherical:degree=4,shells=12"),
    case("spherical:degree=6,shells=16,placing=data,centre=bulk"),
    case("spherical:degree=3,shells=9,field=1/2/-1"),
    case("spherical:degree=2,shells=9,centre=search"),
    // Values on spheres and splines between them are no projection.
    Case { reproduces: f64::INFINITY, ..case("spherical:method=misner,degree=4,shells=9") },
    // The width's search ends where the residual is rounding.
    Case { reproduces: 1e-6, ..case("spherical:method=burnett,degree=7") },
    case("cosine"),
    case("cosine:keep=9"),
    case("cosine:terms=400"),
    // An error that is allowed is made again every time.
    Case { reproduces: 0.02, ..case("cosine:discard=0.01") },
    case("cosine:block=13,keep=5/6/7"),
    case("cosine:block=8"),
    // What is padded behind the edge is not what comes back there.
    Case { reproduces: 0.1, ..case("cosine:block=8,keep=4") },
    Case { reproduces: 0.1, ..case("cosine:block=8,keep=4,padding=zeros") },
    Case { scales: false, ..case("cosine:threshold=1e-16") },
    // As many components as the slices have: what else lies in a span that is learnt from the data themselves.
    case("pca"),
    case("pca:axis=z"),
    case("pca:components=5,values=linear"),
    case("pca:components=9,axis=y,values=linear"),
    // Where h < 0 it decodes to zero: what comes out has more components.
    Case { reproduces: f64::INFINITY, ..case("pca:components=4") },
    Case { scales: false, ..case("pca:floor=1e-18") },
    case("cells"),
    Case { reproduces: 0.1, scales: false, ..case("cells:l2=0.1") },
    case("lossless"),
    case("wavelet"),
    case("wavelet:filter=haar"),
    case("wavelet:filter=sym8,boundary=symmetric"),
    case("wavelet:filter=db4,level=1,terms=300"),
    Case { reproduces: 0.04, ..case("wavelet:filter=coif1,level=1,discard=0.02") },
    Case { scales: false, ..case("wavelet:filter=db4,level=1,threshold=1e-16") },
    // A soft threshold takes something away every time; odd sizes and mirrored ends make no projection.
    Case { reproduces: 0.1, scales: false, ..case("wavelet:filter=sym5,soft=1e-17") },
    Case { reproduces: 0.1, ..case("wavelet:filter=bior1.3,boundary=symmetric,terms=900") },
    Case { reproduces: 0.1, ..case("wavelet:filter=bior1.3,boundary=symmetric,level=1,rounding=int8") },
    Case { reproduces: 0.1, scales: false, ..case("wavelet:step=1e-17") },
    // An error that is allowed is made again every time; what reproduces itself is one leaf.
    case("octree:degree=2,l2=1e-9"),
    Case { reproduces: 0.06, ..case("octree") },
    Case { reproduces: 0.03, ..case("octree:leaf=linear,l2=0.02") },
    Case { reproduces: 0.2, ..case("octree:leaf=best,coefficients=300") },
    Case { reproduces: 0.1, ..case("octree:leaf=linear,linf=0.05,split=octants") },
    Case { reproduces: 0.1, ..case("octree:linf=0.1,degree=3,smallest=2") },
    Case { reproduces: 0.1, ..case("octree:l2=0.08,refine=splits,blend=yes,align=4") },
    case("maxwellian + wavelet:filter=db2,level=1,terms=200"),
    case("maxwellian + hermite:order=6,truncation=total-degree"),
    // The ceiling cuts a peak that the fit overshoots: what comes out is no longer in the inner basis' span.
    Case { reproduces: f64::INFINITY, scales: false, ..case("log(maxwellian):floor=1e-18") },
    // Densities at and below the floor become zero. The fit of a logarithm ends before the last digits.
    Case { reproduces: f64::INFINITY, ..case("maxwellian * wavelet:filter=db2,level=1,terms=200") },
    Case {
        reproduces: f64::INFINITY,
        ..case("mixture:components=2,refine=log10 * wavelet:filter=db2,level=1,terms=200")
    },
    Case { reproduces: 0.05, ..case("mixture:components=2,refine=log10") },
    // A step is one of a ladder that does not move with the unit, and leaves an error that is made again.
    Case { reproduces: 1e-5, scales: false, ..case("quantized(maxwellian)") },
    Case { reproduces: 1e-3, scales: false, ..case("quantized(maxwellian + wavelet:filter=db2,level=1):l2=0.001") },
    Case { reproduces: 0.04, scales: false, ..case("fast:l2=0.03") },
    Case { reproduces: 0.04, scales: false, ..case("balanced:l2=0.03") },
    Case { reproduces: 0.15, scales: false, ..case("smallest:l2=0.1") },
    // Moments are rounded to a part in 10¹², and densities below zero are not what comes back.
    case("conserve(maxwellian)"),
    Case { reproduces: 0.1, ..case("conserve(hermite:order=6):heat-flux=yes") },
    Case { reproduces: 0.1, scales: false, ..case("conserve(maxwellian + quantized(wavelet):l2=0.05)") },
    Case { reproduces: 1e-3, scales: false, ..case("quantized(conserve(cosine))") },
    // Where h < 0 it decodes to zero: what comes out is no longer in the inner basis' span.
    Case { reproduces: f64::INFINITY, ..case("log(hermite:order=6,search=moments,scale=2)") },
];

/// Specs in order of growing budget.
pub const BUDGETS: &[[&str; 4]] = &[
    ["maxwellian:fit=moments", "maxwellian:covariance=isotropic", "maxwellian", "maxwellian:covariance=full"],
    ["hermite:order=3", "hermite:order=6", "hermite:order=9", "hermite:order=14"],
    [
        "hermite:order=4,truncation=total-degree",
        "hermite:order=8,truncation=total-degree",
        "hermite:order=12,truncation=total-degree",
        "hermite:order=18,truncation=total-degree",
    ],
    [
        "hermite:order=4,truncation=hyperbolic-cross",
        "hermite:order=9,truncation=hyperbolic-cross",
        "hermite:order=16,truncation=hyperbolic-cross",
        "hermite:order=27,truncation=hyperbolic-cross",
    ],
    ["hermite:terms=20", "hermite:terms=100", "hermite:terms=500", "hermite:terms=2000"],
    [
        "spherical:degree=2,shells=16",
        "spherical:degree=4,shells=16",
        "spherical:degree=7,shells=16",
        "spherical:degree=10,shells=16",
    ],
    ["spherical:shells=4", "spherical:shells=8", "spherical:shells=16", "spherical:shells=30"],
    [
        "spherical:method=misner,degree=1,shells=16",
        "spherical:method=misner,degree=3,shells=16",
        "spherical:method=misner,degree=6,shells=16",
        "spherical:method=misner,degree=10,shells=16",
    ],
    [
        "spherical:method=burnett,degree=3",
        "spherical:method=burnett,degree=6",
        "spherical:method=burnett,degree=10",
        "spherical:method=burnett,degree=16",
    ],
    ["cosine:keep=3", "cosine:keep=6", "cosine:keep=12", "cosine"],
    ["cosine:block=8,keep=1", "cosine:block=8,keep=3", "cosine:block=8,keep=5", "cosine:block=8"],
    ["cosine:terms=20", "cosine:terms=100", "cosine:terms=500", "cosine:terms=2000"],
    ["wavelet:terms=20", "wavelet:terms=100", "wavelet:terms=500", "wavelet:terms=2000"],
    [
        "wavelet:filter=sym8,discard=0.3",
        "wavelet:filter=sym8,discard=0.1",
        "wavelet:filter=sym8,discard=0.01",
        "wavelet:filter=sym8",
    ],
    [
        "wavelet:boundary=symmetric,discard=0.3",
        "wavelet:boundary=symmetric,discard=0.1",
        "wavelet:boundary=symmetric,discard=0.01",
        "wavelet:boundary=symmetric",
    ],
    ["pca:components=1", "pca:components=4", "pca:components=10", "pca"],
    [
        "pca:components=1,values=linear",
        "pca:components=3,values=linear",
        "pca:components=8,values=linear",
        "pca:components=20,values=linear",
    ],
    ["octree:l2=0.5", "octree:l2=0.2", "octree:l2=0.05", "octree:l2=0.01"],
    ["octree:leaf=linear,l2=0.5", "octree:leaf=linear,l2=0.2", "octree:leaf=linear,l2=0.05", "octree:leaf=linear,l2=0"],
    [
        "octree:leaf=best,coefficients=5",
        "octree:leaf=best,coefficients=40",
        "octree:leaf=best,coefficients=300",
        "octree:leaf=best,coefficients=2000",
    ],
    ["mixture:components=1", "mixture:components=3", "mixture:components=6", "mixture:components=12"],
    ["maxwellian", "maxwellian + hermite:order=3", "maxwellian + hermite:order=6", "maxwellian + hermite:order=10"],
];
