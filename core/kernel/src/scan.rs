//! Codes of vectors, and their dot products with the codes of a query.
//!
//! A vector becomes numbers of eight bits by one scale, kept as two planes: the high four bits of each,
//! and the low four. The high plane alone is a vector nearly, in an eighth of the memory of `f32`; both
//! together are one much more nearly. Where an [`Index`](nearsay_search::index::Index) has many vectors the speed
//! of memory is what limits it, so it reads the high plane of all, and the low one of few.
//!
//! 64 bytes of a plane hold [`BLOCK`] numbers: byte `i` has number `i` in its low half and number
//! `64 + i` in its high half. The last block is filled up; the query has zeros there.

/// Numbers that are coded together.
pub const BLOCK: usize = 128;

/// Longest vector whose products and their sums are sure to fit 32 bits, with a factor of 32.
pub const LONGEST: usize = 1 << 14;

/// What makes a vector of its codes again, and how far that is from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coded {
    /// A number is `scale · (16·high + low − 128)`; nearly `scale · (16·high + 7.5 − 128)`.
    pub scale: f32,
    /// Length of the vector less the one of its high plane, as `f32` computes it, or more.
    pub coarse: f32,
    /// Length of the vector less the one of both planes, as `f32` computes it.
    pub fine: f32,
}

/// Bytes of one plane of a vector of length `dim`.
pub fn plane_len(dim: usize) -> usize {
    dim.div_ceil(BLOCK) * (BLOCK / 2)
}

/// `out[i] = Σⱼ query[j] · number j of row rows[i]` of a plane, `query` filled up with zeros to whole
/// blocks.
///
/// # Panics
/// When `query` is not of whole blocks or longer than [`LONGEST`], `rows` are not as many as `out`, or
/// the plane has no such row.
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
            // SAFETY: the processor was just found to have the instructions.
            return unsafe { dots_vnni(query, plane, rows, out) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: as above.
            return unsafe { dots_avx2(query, plane, rows, out) };
        }
    }
    dots_plain(query, plane, rows, out);
}

/// Writes the two planes of a vector of finite numbers.
///
/// # Panics
/// When a plane is not [`plane_len`] long.
pub fn code(vector: &[f32], high: &mut [u8], low: &mut [u8]) -> Coded {
    assert_eq!(high.len(), plane_len(vector.len()));
    assert_eq!(low.len(), high.len());
    #[cfg(target_arch = "x86_64")]
    {
        if has_vnni() {
            // SAFETY: the processor was just found to have the instructions.
            return unsafe { code_avx512(vector, high, low) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: as above.
            return unsafe { code_avx2(vector, high, low) };
        }
    }
    code_plain(vector, high, low)
}

#[cfg(target_arch = "x86_64")]
fn has_vnni() -> bool {
    is_x86_feature_detected!("avx512vnni") && is_x86_feature_detected!("avx512bw")
}

fn dots_plain(query: &[i8], plane: &[u8], rows: &[u32], out: &mut [i32]) {
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

/// Sums that run beside each other, so that compilers use whole registers.
const LANES: usize = 16;

/// Adding this to a number between −127 and 127 leaves it, rounded and with 128 added, in the lowest
/// eight bits.
const ROUND: f32 = 12_582_912.0 + 128.0;

#[inline(always)]
fn code_plain(vector: &[f32], high: &mut [u8], low: &mut [u8]) -> Coded {
    let mut most = [0.0f32; LANES];
    let (chunks, rest) = vector.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            let x = chunk[lane].abs();
            most[lane] = if x > most[lane] { x } else { most[lane] };
        }
    }
    let most = most.iter().chain(rest).fold(0.0f32, |m, x| m.max(x.abs()));
    // So short a vector counts as zero, and all of it as error: its scale could be no proper number.
    let (scale, inverse) = match most > 1e-20 {
        true => (most / 127.0, 127.0 / most),
        false => (0.0, 0.0),
    };
    let (mut coarse, mut fine) = ([0.0f32; LANES], [0.0f32; LANES]);
    let planes = high.as_chunks_mut::<{ BLOCK / 2 }>().0.iter_mut();
    let planes = planes.zip(low.as_chunks_mut::<{ BLOCK / 2 }>().0);
    for (part, (high, low)) in vector.chunks(BLOCK).zip(planes) {
        // What fills the last block up meets zeros of the query; that it counts as missed only makes
        // that larger.
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
fn code_avx512(vector: &[f32], high: &mut [u8], low: &mut [u8]) -> Coded {
    code_plain(vector, high, low)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn code_avx2(vector: &[f32], high: &mut [u8], low: &mut [u8]) -> Coded {
    code_plain(vector, high, low)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dots_vnni(query: &[i8], plane: &[u8], rows: &[u32], out: &mut [i32]) {
    use std::arch::x86_64::*;
    let nibble = _mm512_set1_epi8(15);
    // Each sum of sixteen is folded to four; then the four are added up beside each other.
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
        // Four rows at a time, so that they share the query's loads; the last is there more than once
        // when there are fewer.
        let last = numbers.len() - 1;
        let mut four: [&[u8]; 4] = [&[]; 4];
        for (i, row) in four.iter_mut().enumerate() {
            *row = &plane[numbers[i.min(last)] as usize * width..][..width];
        }
        let mut sums = [_mm512_setzero_si512(); 4];
        for (number, block) in blocks.iter().enumerate() {
            // SAFETY: a block is an array of 128 bytes: twice 64.
            let (first, second) = unsafe {
                let at = block.as_ptr();
                (
                    _mm512_loadu_si512(at.cast()),
                    _mm512_loadu_si512(at.add(64).cast()),
                )
            };
            for (row, sum) in four.iter().zip(&mut sums) {
                // SAFETY: a row is a slice of `width` bytes: 64 for each block of the query.
                let bytes = unsafe { _mm512_loadu_si512(row.as_ptr().add(number * 64).cast()) };
                let low = _mm512_and_si512(bytes, nibble);
                let high = _mm512_and_si512(_mm512_srli_epi16::<4>(bytes), nibble);
                *sum = _mm512_dpbusd_epi32(*sum, low, first);
                *sum = _mm512_dpbusd_epi32(*sum, high, second);
            }
        }
        // Not by `map`, whose own code lacks the instructions and so could not take this in.
        let [a, b, c, d] = sums;
        let (a, b, c, d) = (fold(a), fold(b), fold(c), fold(d));
        let ab = _mm_add_epi32(_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b));
        let cd = _mm_add_epi32(_mm_unpacklo_epi32(c, d), _mm_unpackhi_epi32(c, d));
        let all = _mm_add_epi32(_mm_unpacklo_epi64(ab, cd), _mm_unpackhi_epi64(ab, cd));
        let mut products = [0i32; 4];
        // SAFETY: this is an array of four `i32`: sixteen bytes.
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
                // SAFETY: these are arrays of 64 and 128 bytes; each load reads 32, from 96 on at most.
                let (bytes, first, second) = unsafe {
                    (
                        _mm256_loadu_si256(bytes.as_ptr().add(half).cast()),
                        _mm256_loadu_si256(numbers.as_ptr().add(half).cast()),
                        _mm256_loadu_si256(numbers.as_ptr().add(64 + half).cast()),
                    )
                };
                let low = _mm256_and_si256(bytes, nibble);
                let high = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), nibble);
                // Four products at most, each within 15 · 128: 16 bits hold them.
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
    type Code = fn(&[f32], &mut [u8], &mut [u8]) -> Coded;

    /// The versions that run here, the plain one first.
    fn versions() -> (Vec<Dots>, Vec<Code>) {
        let (mut all_dots, mut all_code): (Vec<Dots>, Vec<Code>) =
            (vec![dots_plain], vec![code_plain]);
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") {
                // SAFETY: the processor was just found to have the instructions.
                all_dots
                    .push(|query, plane, rows, out| unsafe { dots_avx2(query, plane, rows, out) });
                // SAFETY: as above.
                all_code.push(|vector, high, low| unsafe { code_avx2(vector, high, low) });
            }
            if has_vnni() {
                // SAFETY: as above.
                all_dots
                    .push(|query, plane, rows, out| unsafe { dots_vnni(query, plane, rows, out) });
                // SAFETY: as above.
                all_code.push(|vector, high, low| unsafe { code_avx512(vector, high, low) });
            }
        }
        all_dots.push(dots);
        all_code.push(code);
        (all_dots, all_code)
    }

    #[test]
    fn a_plane_has_numbers_side_by_side() {
        let mut query = [0i8; BLOCK];
        (query[3], query[64 + 3], query[127]) = (2, -5, 7);
        let mut row = [0u8; BLOCK / 2];
        (row[3], row[63]) = (0x9A, 0xF0);
        let mut out = [0];
        dots_plain(&query, &row, &[0], &mut out);
        assert_eq!(out, [2 * 10 - 5 * 9 + 7 * 15]);
    }

    #[test]
    fn the_largest_sums_fit() {
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
    fn a_vector_too_short_for_a_scale_is_all_error() {
        for x in [0.0f32, 1e-21, -1e-30] {
            let (mut high, mut low) = ([0; 64], [0; 64]);
            let coded = code(&[x; 4], &mut high, &mut low);
            assert_eq!(coded.scale, 0.0);
            assert!((coded.coarse - 2.0 * x.abs()).abs() < 1e-22);
            assert_eq!(coded.fine, coded.coarse);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 256 }))]

        #[test]
        fn every_version_gives_the_same_products(
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
        fn every_version_gives_the_same_codes_and_they_are_near(
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
                let half = |plane: &[u8]| match i % BLOCK < 64 {
                    true => plane[byte] & 15,
                    false => plane[byte] >> 4,
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
