//! Filters: published constants, and the two pairs that have a closed form.
//!
//! Daubechies 1988 (Commun. Pure Appl. Math. 41, 909) for `db`, Daubechies 1992 (Ten Lectures on Wavelets, SIAM, tables
//! 6.3 and 8.1 to 8.4) for `sym`, `coif` and the biorthogonal pairs, Cohen, Daubechies and Feauveau 1992 (Commun. Pure
//! Appl. Math. 45, 485) for the latter. Digits and order as in PyWavelets 1.8; those of the symlets and of the 9/7
//! pair, published to 12 digits, are brought to the last by Newton's method on the equations that define them
//! (`tests/data/wavelet/generate.py`), which the tests here check.

use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

use crate::error::{Error, Result};

/// A pair of wavelet filters.
///
/// `haar`, `db2` to `db10` (n vanishing moments, 2n taps), `sym4` to `sym8` (as `db`, closest to symmetric), `coif1` to
/// `coif3` (2n vanishing moments of both functions, 6n taps), and the symmetric biorthogonal `bior1.3`, `bior2.2` (the
/// 5/3 pair, also named `cdf5/3`) and `bior4.4` (the 9/7 pair, also named `cdf9/7`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaveletFilter {
    name: &'static str,
}

impl Default for WaveletFilter {
    /// `bior4.4`, the 9/7 pair.
    fn default() -> Self {
        Self { name: "bior4.4" }
    }
}

impl WaveletFilter {
    /// The filter of this name.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] with the names that exist.
    pub fn named(name: &str) -> Result<Self> {
        let alias = match name {
            "cdf9/7" => "bior4.4",
            "cdf5/3" => "bior2.2",
            "db1" => "haar",
            other => other,
        };
        Self::all().find(|filter| filter.name == alias).ok_or_else(|| Error::InvalidParameter {
            name: "filter",
            value: name.chars().take(40).collect(),
            allowed: Self::all().map(|filter| filter.name).collect::<Vec<_>>().join(", "),
        })
    }

    /// Every filter there is.
    pub fn all() -> impl Iterator<Item = Self> {
        ORTHOGONAL.iter().map(|(name, _)| *name).chain(BIORTHOGONAL).map(|name| Self { name })
    }

    /// Whether it is a symmetric pair of odd length.
    pub(super) fn is_odd(&self) -> bool {
        ["bior2.2", "bior4.4"].contains(&self.name())
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Whether the functions are orthonormal: then, where the boundary is periodic and sizes are even, the sum of the
    /// squared coefficients is that of the values.
    #[must_use]
    pub fn is_orthogonal(self) -> bool {
        !BIORTHOGONAL.contains(&self.name)
    }

    /// The four filters.
    pub(super) fn bank(self) -> Bank {
        let (analysis, synthesis) = self.lowpass();
        // High-pass filters from the other side's low-pass, every second sign turned.
        let turned = |filter: &[f64], first: f64| -> Vec<f64> {
            filter.iter().enumerate().map(|(k, h)| if k % 2 == 0 { first * h } else { -first * h }).collect()
        };
        Bank { analysis: [analysis.clone(), turned(&synthesis, -1.0)], synthesis: [synthesis, turned(&analysis, 1.0)] }
    }

    /// Low-pass filters of analysis and synthesis.
    fn lowpass(self) -> (Vec<f64>, Vec<f64>) {
        if let Some((_, filter)) = ORTHOGONAL.iter().find(|(name, _)| *name == self.name) {
            return (filter.iter().rev().copied().collect(), filter.to_vec());
        }
        match self.name {
            "bior1.3" => {
                let (a, b) = (SQRT_2 / 16.0, FRAC_1_SQRT_2);
                (vec![-a, a, b, b, a, -a], vec![0.0, 0.0, b, b, 0.0, 0.0])
            }
            "bior2.2" => {
                let unit = SQRT_2 / 8.0;
                let scaled = |taps: [f64; 6]| taps.map(|tap| tap * unit).to_vec();
                (scaled([0.0, -1.0, 2.0, 6.0, 2.0, -1.0]), scaled([0.0, 2.0, 4.0, 2.0, 0.0, 0.0]))
            }
            _ => {
                let [a, b, c, d, e] = NINE;
                let [p, q, r, s] = SEVEN;
                (vec![0.0, e, d, c, b, a, b, c, d, e], vec![0.0, s, r, q, p, q, r, s, 0.0, 0.0])
            }
        }
    }
}

/// Filters of analysis and of synthesis, low-pass first, all of one even length.
pub(super) struct Bank {
    pub(super) analysis: [Vec<f64>; 2],
    pub(super) synthesis: [Vec<f64>; 2],
}

impl Bank {
    pub(super) fn len(&self) -> usize {
        self.analysis[0].len()
    }
}

const BIORTHOGONAL: [&str; 3] = ["bior1.3", "bior2.2", "bior4.4"];

/// The low-pass filters of the 9/7 pair from the middle outwards.
const NINE: [f64; 5] =
    [0.8526986790094034, 0.37740285561265374, -0.1106244044184234, -0.02384946501938, 0.03782845550699546];
const SEVEN: [f64; 4] = [0.7884856164056644, 0.4180922732222122, -0.04068941760955844, -0.06453888262893843];

/// Low-pass filters of synthesis.
const ORTHOGONAL: [(&str, &[f64]); 18] = [
    ("haar", &[FRAC_1_SQRT_2, FRAC_1_SQRT_2]),
    ("db2", &[0.48296291314453416, 0.8365163037378079, 0.2241438680420134, -0.12940952255126037]),
    (
        "db3",
        &[
            0.33267055295008263,
            0.8068915093110925,
            0.45987750211849154,
            -0.13501102001025458,
            -0.08544127388202666,
            0.03522629188570953,
        ],
    ),
    (
        "db4",
        &[
            0.2303778133088965,
            0.7148465705529157,
            0.6308807679298589,
            -0.027983769416859854,
            -0.18703481171909309,
            0.030841381835560764,
            0.0328830116668852,
            -0.010597401785069032,
        ],
    ),
    (
        "db5",
        &[
            0.16010239797419293,
            0.6038292697971896,
            0.7243085284377729,
            0.13842814590132074,
            -0.24229488706638203,
            -0.032244869584638375,
            0.07757149384004572,
            -0.006241490212798274,
            -0.012580751999081999,
            0.0033357252854737712,
        ],
    ),
    (
        "db6",
        &[
            0.11154074335010947,
            0.49462389039845306,
            0.7511339080210954,
            0.31525035170919763,
            -0.22626469396543983,
            -0.12976686756726194,
            0.09750160558732304,
            0.027522865530305727,
            -0.03158203931748603,
            0.0005538422011614961,
            0.004777257510945511,
            -0.0010773010853084796,
        ],
    ),
    (
        "db7",
        &[
            0.07785205408500918,
            0.3965393194819173,
            0.7291320908462351,
            0.4697822874051931,
            -0.14390600392856498,
            -0.22403618499387498,
            0.07130921926683026,
            0.08061260915108308,
            -0.03802993693501441,
            -0.01657454163066688,
            0.01255099855609984,
            0.0004295779729213665,
            -0.0018016407040474908,
            0.00035371379997452024,
        ],
    ),
    (
        "db8",
        &[
            0.05441584224310401,
            0.31287159091429995,
            0.6756307362972898,
            0.5853546836542067,
            -0.015829105256349306,
            -0.2840155429615469,
            0.0004724845739132823,
            0.12874742662047847,
            -0.017369301001807547,
            -0.044088253930794755,
            0.013981027917398282,
            0.008746094047405777,
            -0.004870352993451574,
            -0.00039174037337694705,
            0.0006754494064505693,
            -0.00011747678412476953,
        ],
    ),
    (
        "db9",
        &[
            0.038077947363878345,
            0.24383467461259034,
            0.6048231236901112,
            0.6572880780513005,
            0.1331973858250076,
            -0.2932737832791749,
            -0.09684078322297647,
            0.14854074933810638,
            0.03072568147933338,
            -0.06763282906132997,
            0.0002509471148314518,
            0.022361662123679096,
            -0.004723204757751397,
            -0.004281503682463429,
            0.0018476468830562263,
            0.00023038576352319592,
            -0.0002519631889427101,
            3.9347320316271596e-05,
        ],
    ),
    (
        "db10",
        &[
            0.026670057900555554,
            0.1881768000776915,
            0.5272011889317256,
            0.6884590394536035,
            0.2811723436605774,
            -0.24984642432731538,
            -0.19594627437737702,
            0.12736934033579328,
            0.09305736460357233,
            -0.07139414716639708,
            -0.029457536821875806,
            0.033212674059341,
            0.003606553566956168,
            -0.010733175483330575,
            0.0013953517470529013,
            0.0019924052951850557,
            -0.0006858566949597115,
            -0.00011646685512928545,
            9.358867032006959e-05,
            -1.3264202894521244e-05,
        ],
    ),
    (
        "sym4",
        &[
            0.032223100604051466,
            -0.012603967262031304,
            -0.09921954357663353,
            0.29785779560530606,
            0.8037387518051321,
            0.497618667632775,
            -0.029635527646002493,
            -0.07576571478950221,
        ],
    ),
    (
        "sym5",
        &[
            0.019538882735249827,
            -0.021101834024689042,
            -0.17532808990805623,
            0.01660210576451085,
            0.633978963456792,
            0.7234076904040407,
            0.19939753397685558,
            -0.039134249302313844,
            0.02951949092570626,
            0.027333068344998768,
        ],
    ),
    (
        "sym6",
        &[
            -0.00780070832503238,
            0.0017677118642540077,
            0.04472490177078139,
            -0.02106029251237085,
            -0.07263752278637658,
            0.3379294217281658,
            0.787641141028651,
            0.49105594192797375,
            -0.04831174258569806,
            -0.11799011114852002,
            0.0034907120842221626,
            0.015404109327044824,
        ],
    ),
    (
        "sym7",
        &[
            0.010268176708464817,
            0.0040102448715223955,
            -0.10780823770328972,
            -0.14004724044293365,
            0.2886296317506479,
            0.7677643170048829,
            0.5361019170905692,
            0.017441255086835708,
            -0.04955283493704283,
            0.06789269350122057,
            0.030515513165877885,
            -0.012636303403240567,
            -0.001047384888679738,
            0.002681814568260147,
        ],
    ),
    (
        "sym8",
        &[
            0.001889950332767689,
            -0.0003029205147241331,
            -0.014952258337062199,
            0.0038087520138944896,
            0.04913717967373029,
            -0.027219029917103486,
            -0.0519458381078818,
            0.36444189483617895,
            0.777185751699628,
            0.4813596512590534,
            -0.061273359067811076,
            -0.14329423835127267,
            0.007607487324976609,
            0.03169508781152599,
            -0.0005421323318000107,
            -0.0033824159510050028,
        ],
    ),
    (
        "coif1",
        &[
            -0.07273261951252645,
            0.3378976624574818,
            0.8525720202116004,
            0.3848648468648578,
            -0.07273261951252645,
            -0.015655728135791993,
        ],
    ),
    (
        "coif2",
        &[
            0.01638733646320364,
            -0.04146493678687178,
            -0.0673725547237256,
            0.3861100668227629,
            0.8127236354494135,
            0.4170051844232391,
            -0.07648859907828076,
            -0.05943441864643109,
            0.02368017194684777,
            0.005611434819368834,
            -0.0018232088709110323,
            -0.000720549445520347,
        ],
    ),
    (
        "coif3",
        &[
            -0.003793512864380802,
            0.007782596425672746,
            0.023452696142077168,
            -0.06577191128146936,
            -0.06112339000297255,
            0.40517690240911824,
            0.7937772226260872,
            0.42848347637737,
            -0.07179982161915484,
            -0.08230192710629983,
            0.03455502757329774,
            0.015880544863669452,
            -0.009007976136730624,
            -0.0025745176881367972,
            0.0011175187708306303,
            0.0004662169598204029,
            -7.0983302506379e-05,
            -3.459977319727278e-05,
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn overlap(a: &[f64], b: &[f64], shift: usize) -> f64 {
        a[..a.len() - shift].iter().zip(&b[shift..]).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn the_defining_equations_hold() {
        for filter in WaveletFilter::all() {
            let bank = filter.bank();
            let [lo, hi] = &bank.analysis;
            let [dual_lo, dual_hi] = &bank.synthesis;
            let reversed = |filter: &[f64]| -> Vec<f64> { filter.iter().rev().copied().collect() };
            let (dual_lo, dual_hi) = (reversed(dual_lo), reversed(dual_hi));
            for shift in (0..bank.len()).step_by(2) {
                let one = if shift == 0 { 1.0 } else { 0.0 };
                for (a, b, wanted) in
                    [(lo, &dual_lo, one), (hi, &dual_hi, one), (lo, &dual_hi, 0.0), (hi, &dual_lo, 0.0)]
                {
                    // To the last digits: perfect reconstruction rests on it.
                    assert!((overlap(a, b, shift) - wanted).abs() < 6e-16, "{filter:?} {shift}");
                    assert!((overlap(b, a, shift) - wanted).abs() < 6e-16, "{filter:?} {shift}");
                }
            }
            assert!((lo.iter().sum::<f64>() - SQRT_2).abs() < 1e-14);
        }
    }

    #[test]
    fn wavelets_are_blind_to_polynomials() {
        for filter in WaveletFilter::all() {
            let digits: String = filter.name.chars().filter(char::is_ascii_digit).collect();
            let number: usize = digits.chars().next().map_or(1, |_| digits.parse().unwrap());
            let moments = match filter.name {
                "haar" => 1,
                "bior1.3" => 1,
                "bior2.2" => 2,
                "bior4.4" => 4,
                name if name.starts_with("coif") => 2 * number,
                _ => number,
            };
            let bank = filter.bank();
            let scale = bank.len() as f64;
            for power in 0..moments as i32 {
                let terms = bank.analysis[1].iter().enumerate();
                let moment: f64 = terms.map(|(k, h)| h * (k as f64 / scale - 0.5).powi(power)).sum();
                assert!(moment.abs() < 1e-11, "{filter:?} power {power}: {moment:e}");
            }
        }
    }

    #[test]
    fn names_are_found_and_others_refused() {
        assert_eq!(WaveletFilter::all().count(), 21);
        assert_eq!(WaveletFilter::named("cdf9/7").unwrap(), WaveletFilter::default());
        let message = WaveletFilter::named("db11").unwrap_err().to_string();
        assert!(
            message.contains("db11") && message.contains("sym8, coif1") && message.contains("bior4.4"),
            "{message}"
        );
        assert!(WaveletFilter::named("sym8").unwrap().is_orthogonal());
        assert!(!WaveletFilter::default().is_orthogonal());
    }
}
