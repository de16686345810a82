//! Quantized vectors and their dot products with a quantized query.
//!
//! [`encode`] scales a vector to integers of eight bits and splits them into two planes: the high four bits of each
//! integer and the low four. The high plane alone approximates the vector in an eighth of the memory of `f32`; both
//! planes approximate it closely. A scan of a large index is limited by memory bandwidth, so it reads the high
//! plane of all vectors and the low plane of few.
//!
//! 64 bytes of a plane hold a block of [`BLOCK`] numbers: byte `i` has number `i` in its low half and number
//! `64 + i` in its high half. The last block is padded; a query must have zeros there.

/// Numbers in a block.
pub const BLOCK: usize = 128;

/// Longest vector for which a dot product, multiplied by up to 32, can't overflow 32 bits.
pub const LONGEST: usize = 1 << 14;

/// Scale and approximation errors of an encoded vector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coded {
    /// Scale of the integers: a number is about `scale · (16·high + low − 128)`, and without the low plane about
    /// `scale · (16·high + 7.5 − 128)`.
    pub scale: f32,
    /// Upper bound of the distance between the vector and its approximation from the high plane, up to rounding
    /// in `f32`.
    pub coarse: f32,
    /// Distance between the vector and its approximation from both planes, up to rounding in `f32`.
    pub fine: f32,
}

/// Bytes in one plane of a vector of length `dim`.
pub fn plane_len(dim: usize) -> usize {
    dim.div_ceil(BLOCK) * (BLOCK / 2)
}

/// Computes dot products of a query with rows of a plane: `out[i] = Σⱼ query[j] · plane[rows[i]][j]`.
///
/// `query` must be padded with zeros to whole blocks.
///
/// # Panics
/// If `query` isn't whole blocks or is longer than [`LONGEST`], if `rows` and `out` differ in length, or if the
/// plane has too few rows.
pub fn dots(query: &[i8], plane: &[u8], rows: &[u32], out: &mut [i32]) {
    assert!(query.len().is_multiple_of(BLOCK) && query.len() <= LONGEST);
    assert_eq!(rows.len(), out.len());
    let width = query.len() / 2;
    let last = rows.iter().max().map_or(0, |&last| last as usize + 1);
    assert!(
        last.checked_mul(width)
            .is_some_and(|end| end <= plane.len())
    );
    #[cfg(target_arch = "x86_64")]
    {
        if has_vnni() {
            // SAFETY: the instructions were just detected.
            return unsafe { dots_vnni(query, plane, rows, out) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the instructions were just detected.
            return unsafe { dots_avx2(query, plane, rows, out) };
        }
    }
    dots_portable(query, plane, rows, out);
}

/// Encodes a vector of finite numbers into two planes.
///
/// # Panics
/// If a plane isn't [`plane_len`] bytes long.
pub fn encode(vector: &[f32], high: &mut [u8], low: &mut [u8]) -> Coded {
    assert_eq!(high.len(), plane_len(vector.len()));
    assert_eq!(low.len(), high.len());
    #[cfg(target_arch = "x86_64")]
    {
        if has_vnni() {
            // SAFETY: the instructions were just detected.
            return unsafe { encode_avx512(vector, high, low) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the instructions were just detected.
            return unsafe { encode_avx2(vector, high, low) };
        }
    }
    encode_portable(vector, high, low)
}

#[cfg(target_arch = "x86_64")]
fn has_vnni() -> bool {
    is_x86_feature_detected!("avx512vnni") && is_x86_feature_detected!("avx512bw")
}

fn dots_portable(query: &[i8], plane: &[u8], rows: &[u32], out: &mut [i32]) {
    let width = query.len() / 2;
    for (row, out) in rows.iter().zip(out) {
        let row = &plane[*row as usize * width..][..width];
        let (bytes, _) = row.as_chunks::<{ BLOCK / 2 }>();
        let (query, _) = query.as_chunks::<BLOCK>();
        *out = 0;
        for (bytes, query) in bytes.iter().zip(query) {
            let (first, second) = query.split_at(BLOCK / 2);
            for ((byte, a), b) in bytes.iter().zip(first).zip(second) {
                *out += i32::from(byte & 15) * i32::from(*a) + i32::from(byte >> 4) * i32::from(*b);
            }
        }
    }
}

/// Independent sums, so that the compiler uses whole vector registers.
const LANES: usize = 16;

/// Rounds by addition: the lowest eight bits of `x + ROUND` are those of the integer nearest to x + 128, for
/// −127 ≤ x ≤ 127.
const ROUND: f32 = 12_582_912.0 + 128.0;

#[inline(always)]
fn encode_portable(vector: &[f32], high: &mut [u8], low: &mut [u8]) -> Coded {
    let mut most = [0.0f32; LANES];
    let (chunks, rest) = vector.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            let x = chunk[lane].abs();
            most[lane] = if x > most[lane] { x } else { most[lane] };
        }
    }
    let most = most.iter().chain(rest).fold(0.0f32, |m, x| m.max(x.abs()));
    // The scale of a shorter vector could be denormal: such a vector is approximated by zero.
    let (scale, inverse) = if most > 1e-20 {
        (most / 127.0, 127.0 / most)
    } else {
        (0.0, 0.0)
    };
    let (mut coarse, mut fine) = ([0.0f32; LANES], [0.0f32; LANES]);
    let planes = high.as_chunks_mut::<{ BLOCK / 2 }>().0.iter_mut();
    let planes = planes.zip(low.as_chunks_mut::<{ BLOCK / 2 }>().0);
    for (part, (high, low)) in vector.chunks(BLOCK).zip(planes) {
        // The padding of the last block meets zeros of the query, so its share of the errors only makes
        // them larger.
        let mut numbers = [0.0f32; BLOCK];
        numbers[..part.len()].copy_from_slice(part);
        let mut codes = [0i32; BLOCK];
        let lanes = numbers.as_chunks::<LANES>().0.iter();
        for (x, code) in lanes.zip(codes.as_chunks_mut::<LANES>().0) {
            for lane in 0..LANES {
                code[lane] = ((x[lane] * inverse + ROUND).to_bits() & 0xFF) as i32;
                let near = x[lane] - scale * ((code[lane] & 0xF0) as f32 - 120.5);
                let nearer = x[lane] - scale * (code[lane] as f32 - 128.0);
                coarse[lane] += near * near;
                fine[lane] += nearer * nearer;
            }
        }
        let (first, second) = codes.split_at(BLOCK / 2);
        for ((a, b), (high, low)) in first.iter().zip(second).zip(high.iter_mut().zip(low)) {
            *high = ((a >> 4) | (b & 0xF0)) as u8;
            *low = ((a & 15) | (b << 4)) as u8;
        }
    }
    Coded {
        scale,
        coarse: coarse.iter().sum::<f32>().sqrt(),
        fine: fine.iter().sum::<f32>().sqrt(),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn encode_avx512(vector: &[f32], high: &mut [u8], low: &mut [u8]) -> Coded {
    encode_portable(vector, high, low)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn encode_avx2(vector: &[f32], high: &mut [u8], low: &mut [u8]) -> Coded {
    encode_portable(vector, high, low)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dots_vnni(query: &[i8], plane: &[u8], rows: &[u32], out: &mut [i32]) {
    use std::arch::x86_64::*;
    let nibble = _mm512_set1_epi8(15);
    // Folds sixteen sums to four; the four sums of four rows are then added side by side.
    let fold = |sum: __m512i| {
        let half = _mm256_add_epi32(
            _mm512_castsi512_si256(sum),
            _mm512_extracti64x4_epi64::<1>(sum),
        );
        _mm_add_epi32(
            _mm256_castsi256_si128(half),
            _mm256_extracti128_si256::<1>(half),
        )
    };
    let width = query.len() / 2;
    let (blocks, _) = query.as_chunks::<BLOCK>();
    for (numbers, out) in rows.chunks(4).zip(out.chunks_mut(4)) {
        // Four rows at a time share the loads of the query. If fewer are left, the last one is repeated.
        let last = numbers.len() - 1;
        let mut four: [&[u8]; 4] = [&[]; 4];
        for (i, row) in four.iter_mut().enumerate() {
            *row = &plane[numbers[i.min(last)] as usize * width..][..width];
        }
        let mut sums = [_mm512_setzero_si512(); 4];
        for (number, block) in blocks.iter().enumerate() {
            // SAFETY: a block is an array of 128 bytes; the two loads read 64 bytes each.
            let (first, second) = unsafe {
                let at = block.as_ptr();
                (
                    _mm512_loadu_si512(at.cast()),
                    _mm512_loadu_si512(at.add(64).cast()),
                )
            };
            for (row, sum) in four.iter().zip(&mut sums) {
                // SAFETY: a row is a slice of `width` bytes, 64 for each block of the query.
                let bytes = unsafe { _mm512_loadu_si512(row.as_ptr().add(number * 64).cast()) };
                let low = _mm512_and_si512(bytes, nibble);
                let high = _mm512_and_si512(_mm512_srli_epi16::<4>(bytes), nibble);
                *sum = _mm512_dpbusd_epi32(*sum, low, first);
                *sum = _mm512_dpbusd_epi32(*sum, high, second);
            }
        }
        // Not `map`: it is compiled without these instructions, so `fold` couldn't be inlined into it.
        let [a, b, c, d] = sums;
        let (a, b, c, d) = (fold(a), fold(b), fold(c), fold(d));
        let ab = _mm_add_epi32(_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b));
        let cd = _mm_add_epi32(_mm_unpacklo_epi32(c, d), _mm_unpackhi_epi32(c, d));
        let all = _mm_add_epi32(_mm_unpacklo_epi64(ab, cd), _mm_unpackhi_epi64(ab, cd));
        let mut products = [0i32; 4];
        // SAFETY: the array has four `i32`, sixteen bytes.
        unsafe { _mm_storeu_si128(products.as_mut_ptr().cast(), all) };
        out.copy_from_slice(&products[..out.len()]);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn dots_avx2(query: &[i8], plane: &[u8], rows: &[u32], out: &mut [i32]) {
    use std::arch::x86_64::*;
    let (nibble, ones) = (_mm256_set1_epi8(15), _mm256_set1_epi16(1));
    let width = query.len() / 2;
    let (blocks, _) = query.as_chunks::<BLOCK>();
    for (row, out) in rows.iter().zip(out) {
        let row = &plane[*row as usize * width..][..width];
        let (bytes, _) = row.as_chunks::<{ BLOCK / 2 }>();
        let mut sum = _mm256_setzero_si256();
        for (bytes, numbers) in bytes.iter().zip(blocks) {
            for half in [0, 32] {
                // SAFETY: the arrays have 64 and 128 bytes; each load reads 32 bytes and starts at byte 32 of the
                // first at most, and at byte 96 of the second.
                let (bytes, first, second) = unsafe {
                    (
                        _mm256_loadu_si256(bytes.as_ptr().add(half).cast()),
                        _mm256_loadu_si256(numbers.as_ptr().add(half).cast()),
                        _mm256_loadu_si256(numbers.as_ptr().add(64 + half).cast()),
                    )
                };
                let low = _mm256_and_si256(bytes, nibble);
                let high = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), nibble);
                // A sum of four products of at most 15 · 128 fits 16 bits.
                let pairs = _mm256_add_epi16(
                    _mm256_maddubs_epi16(low, first),
                    _mm256_maddubs_epi16(high, second),
                );
                sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, ones));
            }
        }
        let four = _mm_add_epi32(
            _mm256_castsi256_si128(sum),
            _mm256_extracti128_si256::<1>(sum),
        );
        let two = _mm_add_epi32(four, _mm_shuffle_epi32::<0b01_00_11_10>(four));
        let one = _mm_add_epi32(two, _mm_shuffle_epi32::<0b10_11_00_01>(two));
        *out = _mm_cvtsi128_si32(one);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Dots = fn(&[i8], &[u8], &[u32], &mut [i32]);
    type Encode = fn(&[f32], &mut [u8], &mut [u8]) -> Coded;

    /// All versions that this processor can run, the portable one first.
    fn versions() -> (Vec<Dots>, Vec<Encode>) {
        let (mut all_dots, mut encoders): (Vec<Dots>, Vec<Encode>) =
            (vec![dots_portable], vec![encode_portable]);
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") {
                // SAFETY: the instructions were just detected.
                all_dots
                    .push(|query, plane, rows, out| unsafe { dots_avx2(query, plane, rows, out) });
                // SAFETY: the instructions were just detected.
                encoders.push(|vector, high, low| unsafe { encode_avx2(vector, high, low) });
            }
            if has_vnni() {
                // SAFETY: the instructions were just detected.
                all_dots
                    .push(|query, plane, rows, out| unsafe { dots_vnni(query, plane, rows, out) });
                // SAFETY: the instructions were just detected.
                encoders.push(|vector, high, low| unsafe { encode_avx512(vector, high, low) });
            }
        }
        all_dots.push(dots);
        encoders.push(encode);
        (all_dots, encoders)
    }

    #[test]
    fn dots_reads_low_halves_before_high_halves() {
        let mut query = [0i8; BLOCK];
        (query[3], query[64 + 3], query[127]) = (2, -5, 7);
        let mut row = [0u8; BLOCK / 2];
        (row[3], row[63]) = (0x9A, 0xF0);
        let mut out = [0];
        dots_portable(&query, &row, &[0], &mut out);
        assert_eq!(out, [2 * 10 - 5 * 9 + 7 * 15]);
    }

    #[test]
    fn dots_of_longest_vectors_do_not_overflow() {
        for version in versions().0 {
            for number in [-128i8, 127] {
                let mut out = [0];
                version(
                    &vec![number; LONGEST],
                    &vec![0xFF; LONGEST / 2],
                    &[0],
                    &mut out,
                );
                assert_eq!(out[0], 15 * i32::from(number) * LONGEST as i32);
            }
        }
    }

    #[test]
    fn encode_of_tiny_vector_has_scale_zero() {
        for x in [0.0f32, 1e-21, -1e-30] {
            let (mut high, mut low) = ([0; 64], [0; 64]);
            let coded = encode(&[x; 4], &mut high, &mut low);
            assert_eq!(coded.scale, 0.0);
            assert!((coded.coarse - 2.0 * x.abs()).abs() < 1e-22);
            assert_eq!(coded.fine, coded.coarse);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 256 }))]

        #[test]
        fn dots_is_equal_in_all_versions(
            query in prop::collection::vec(any::<i8>(), 4 * BLOCK),
            plane in prop::collection::vec(any::<u8>(), 6 * 2 * BLOCK),
            blocks in 0usize..5,
            rows in prop::collection::vec(0u32..6, 0..12),
        ) {
            let query = &query[..blocks * BLOCK];
            let results = versions().0.into_iter().map(|version| {
                let mut out = vec![7; rows.len()];
                version(query, &plane, &rows, &mut out);
                out
            });
            let results: Vec<_> = results.collect();
            for result in &results {
                prop_assert_eq!(result, &results[0]);
            }
        }

        #[test]
        fn encode_is_equal_in_all_versions_and_errors_are_exact(
            vector in prop::collection::vec(-1.0f32..1.0, 0..300),
        ) {
            let len = plane_len(vector.len());
            let results = versions().1.into_iter().map(|version| {
                let (mut high, mut low) = (vec![0; len], vec![0; len]);
                let coded = version(&vector, &mut high, &mut low);
                (coded, high, low)
            });
            let results: Vec<_> = results.collect();
            for result in &results {
                prop_assert_eq!(result, &results[0]);
            }
            let (coded, high, low) = &results[0];
            let (mut coarse, mut fine) = (0.0f64, 0.0f64);
            for (i, x) in vector.iter().enumerate() {
                let byte = i / BLOCK * 64 + i % 64;
                let half = |plane: &[u8]| {
                    if i % BLOCK < 64 {
                        plane[byte] & 15
                    } else {
                        plane[byte] >> 4
                    }
                };
                let (high, low) = (f64::from(half(high)), f64::from(half(low)));
                let scale = f64::from(coded.scale);
                coarse += (f64::from(*x) - scale * (16.0 * high + 7.5 - 128.0)).powi(2);
                fine += (f64::from(*x) - scale * (16.0 * high + low - 128.0)).powi(2);
            }
            prop_assert!(coarse.sqrt() < f64::from(coded.coarse) + 1e-4);
            if vector.len() % BLOCK == 0 {
                prop_assert!((coarse.sqrt() - f64::from(coded.coarse)).abs() < 1e-4);
            }
            prop_assert!((fine.sqrt() - f64::from(coded.fine)).abs() < 1e-4);
            prop_assert!(coded.fine <= 0.51 * coded.scale * (vector.len() as f32).sqrt() + 1e-6);
        }
    }
}
