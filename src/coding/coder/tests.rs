use super::*;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::testing::{for_cases, vector};

fn there_and_back<T>(format: impl Fn(&mut Coder<'_>, T) -> Result<T>, value: T, nothing: T) -> (T, usize) {
    let mut writer = Coder::writing();
    format(&mut writer, value).unwrap();
    let bytes = writer.finish();
    let mut reader = Coder::reading(&bytes);
    let read = format(&mut reader, nothing).unwrap();
    (read, bytes.len())
}

#[test]
fn integers_come_back() {
    for_cases(256, |random| {
        let values = vector(random, 0..50, |random| random.random_range(-(1_i64 << 62)..1 << 62));
        let small = vector(random, 0..200, |random| random.random_range(-9_i64..9));
        let code = |coder: &mut Coder<'_>, values: Vec<i64>| {
            let mut model = Integers::default();
            values.into_iter().map(|value| coder.integer(&mut model, value)).collect()
        };
        for values in [values, small] {
            let len = values.len();
            assert_eq!(there_and_back(code, values.clone(), vec![0; len]).0, values);
        }
    });
}

#[test]
fn reals_come_back_to_the_last_bit() {
    for_cases(256, |random| {
        let mut values = vector(random, 0..50, any_f64);
        values.retain(|x| x.is_finite());
        let code = |coder: &mut Coder<'_>, values: Vec<f64>| {
            let mut model = Reals::default();
            values.into_iter().map(|value| coder.real(&mut model, value)).collect::<Result<Vec<f64>>>()
        };
        let (read, _) = there_and_back(code, values.clone(), vec![0.0; values.len()]);
        assert!(read.iter().zip(&values).all(|(a, b)| a.to_bits() == b.to_bits()));
        for value in values {
            assert_eq!(there_and_back(|coder, x| coder.decimal(x), value, 0.0).0.to_bits(), value.to_bits());
        }
    });
}

#[test]
fn rubbish_is_read_without_a_panic() {
    for_cases(256, |random| {
        let bytes = vector(random, 0..100, Rng::random::<u8>);
        let mut coder = Coder::reading(&bytes);
        let (mut integers, mut reals) = (Integers::default(), Reals::default());
        for k in 0..100 {
            let _ = coder.integer(&mut integers, 0);
            let _ = coder.real(&mut reals, 0.0);
            let _ = coder.decimal(0.0);
            let _ = coder.count(0, k);
            let _ = coder.choice(0, k + 1);
            let _ = coder.positions(&mut Vec::new(), k);
        }
    });
}

/// What a reader gets of what was written, or that it was refused before anything of it was written.
fn faithful<T: PartialEq + std::fmt::Debug + Clone>(
    value: &T,
    nothing: T,
    format: impl Fn(&mut Coder<'_>, T) -> Result<T>,
) {
    let mut writer = Coder::writing();
    match format(&mut writer, value.clone()) {
        Ok(written) => {
            let bytes = writer.finish();
            let read = format(&mut Coder::reading(&bytes), nothing).unwrap();
            assert_eq!((&written, &read), (value, value));
        }
        Err(error) => assert!(matches!(error, Error::InvalidParameter { .. }), "{value:?}: {error}"),
    }
}

/// Any number, half of the time one near a power of two or at the end of the range.
fn any_u64(random: &mut ChaCha8Rng) -> u64 {
    match random.random_range(0..4) {
        0 => (1_u64 << random.random_range(0..64)).wrapping_add_signed(random.random_range(-1..2)),
        1 => [0, u64::MAX][random.random_range(0..2)],
        _ => random.random(),
    }
}

/// Any bit pattern, half of the time one that is special.
fn any_f64(random: &mut ChaCha8Rng) -> f64 {
    const SPECIAL: [f64; 8] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, 5e-324, -0.0, 0.0];
    if random.random() { f64::from_bits(random.random()) } else { SPECIAL[random.random_range(0..8)] }
}

#[test]
fn what_is_written_is_read_or_refused() {
    for_cases(256, |random| {
        let (a, b) = (any_u64(random), any_u64(random));
        let places = if random.random() { random.random_range(0..70) } else { u32::MAX };
        let number = any_f64(random);
        let mut positions = vector(random, 0..6, |random| any_u64(random) as u32);
        let (integer, count, most) = (a as i64, a as usize, b as usize);
        faithful(&integer, 0, |coder, x| coder.integer(&mut Integers::default(), x));
        faithful(&integer, i64::MIN, |coder, x| coder.scaled(&mut Integers::default(), x, places));
        faithful(&a, 0, |coder, x| coder.positive(&mut Integers::default(), x).map(|x| x as u64));
        faithful(&count, usize::MAX, |coder, x| coder.count(x, most));
        faithful(&count, usize::MAX, |coder, x| coder.choice(x, most));
        faithful(&(count % 7), 0, |coder, x| coder.choice(x, 5));
        let bits = |x: f64| if x.is_nan() { None } else { Some(x.to_bits()) };
        let real = |x: Option<u64>| x.map_or(f64::NAN, f64::from_bits);
        faithful(&bits(number), None, |coder, x| coder.real(&mut Reals::default(), real(x)).map(bits));
        faithful(&bits(number), None, |coder, x| coder.decimal(real(x)).map(bits));
        let code = |coder: &mut Coder<'_>, mut p: Vec<u32>, len| coder.positions(&mut p, len).map(|()| p);
        faithful(&positions, vec![9, 3], |coder, p| code(coder, p, most));
        positions.sort_unstable();
        faithful(&positions, vec![9, 3], |coder, p| code(coder, p, most));
        positions.dedup();
        faithful(&positions, vec![9, 3], |coder, p| code(coder, p, usize::MAX));
        let mut coder = Coder::writing();
        let mut model = Bit::expected(a as u16, random.random());
        (0..200).for_each(|k| {
            coder.bit(&mut model, k % 3 == 0);
        });
        assert_eq!(coder.bits(a, places), if places < 64 { a & ((1 << places) - 1) } else { a });
    });
}

#[test]
fn rubbish_is_read_at_the_ends_of_all_ranges() {
    for_cases(256, |random| {
        let bytes = vector(random, 0..60, Rng::random::<u8>);
        let (most, places) = (any_u64(random), random.random_range(0..70));
        let mut coder = Coder::reading(&bytes);
        for _ in 0..20 {
            let _ = coder.scaled(&mut Integers::default(), i64::MIN, places);
            let _ = coder.integer(&mut Integers::default(), i64::MAX);
            assert!(coder.count(usize::MAX, most as usize).map_or(true, |count| count as u64 <= most));
            assert!(coder.choice(usize::MAX, most as usize).map_or(true, |choice| (choice as u64) < most));
            let _ = coder.real(&mut Reals::default(), f64::NAN);
            let _ = coder.decimal(f64::NAN);
            coder.bits(u64::MAX, places);
        }
        let _ = coder.positions(&mut vec![7, 7], bytes.len());
    });
}

#[test]
fn what_a_stream_cannot_hold_is_refused_and_not_changed() {
    let mut coder = Coder::writing();
    let refused = |result: Result<()>| assert!(matches!(result, Err(Error::InvalidParameter { .. })), "{result:?}");
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        refused(coder.decimal(number).map(drop));
        refused(coder.real(&mut Reals::default(), number).map(drop));
    }
    refused(coder.choice(5, 4).map(drop));
    refused(coder.choice(0, 0).map(drop));
    refused(coder.count(5, 4).map(drop));
    refused(coder.count(usize::MAX, usize::MAX).map(drop));
    for positions in [&[3, 3][..], &[4, 3], &[10]] {
        refused(coder.positions(&mut positions.to_vec(), 10));
    }
    for places in [63, 64, 65, u32::MAX] {
        refused(coder.scaled(&mut Integers::default(), 1, places).map(drop));
    }
    for value in [i64::MIN, i64::MAX] {
        refused(coder.integer(&mut Integers::default(), value).map(drop));
        refused(coder.scaled(&mut Integers::default(), value, 3).map(drop));
    }
    assert!(coder.is_empty());
    let message = coder.positions(&mut vec![1, 5, 2], 10).unwrap_err().to_string();
    assert_eq!(message, "positions = 5, 2 is not allowed: ascending numbers below 10, each once");
}

#[test]
fn short_decimals_are_short() {
    for (value, most) in [(0.0, 1), (1.0, 1), (0.05, 2), (2e4, 2), (-560e3, 3), (1e-15, 2), (49.5, 3), (1.0 / 3.0, 10)]
    {
        let (read, len) = there_and_back(|coder, x| coder.decimal(x), value, 7.0);
        assert_eq!(read.to_bits(), f64::to_bits(value));
        assert!(len <= most, "{value}: {len} bytes");
    }
}

#[test]
fn positions_and_counts_stay_in_their_range() {
    let positions = [0, 1, 7, 100, 4_000_000_000];
    let code = |coder: &mut Coder<'_>, mut p: Vec<u32>| coder.positions(&mut p, 1 << 32).map(|()| p);
    assert_eq!(there_and_back(code, positions.to_vec(), vec![9]).0, positions);
    let mut writer = Coder::writing();
    writer.count(1000, usize::MAX).unwrap();
    writer.bits(5, 3);
    let bytes = writer.finish();
    let mut reader = Coder::reading(&bytes);
    let refused = |outcome: Result<usize>, reason: &str| {
        assert!(matches!(outcome, Err(Error::MalformedStream(found)) if found == reason), "{reason}");
    };
    refused(reader.count(0, 999), "a count of 1000 where at most 999 is possible");
    refused(reader.choice(0, 5), "choice 5 where there are 5");
    assert_eq!(there_and_back(|coder, x| coder.choice(x, 1), 0, 0), (0, 0));
}

#[test]
fn parts_add_up() {
    let mut writer = Coder::writing();
    writer.part("header");
    writer.bits(1, 64);
    writer.part("body");
    (0..10).for_each(|_| {
        writer.bits(2, 64);
    });
    writer.part("nothing");
    assert_eq!(writer.parts(), [("header".to_owned(), 8), ("body".to_owned(), 80)]);
}
