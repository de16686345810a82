use super::*;
use alloc::{vec, vec::Vec};
use proptest::prelude::*;

fn block(score: f32, probability: f32, questions: u64) -> Block {
    Block {
        score,
        probability,
        questions,
    }
}

/// With the added answers, the fractions are 1/2, 1, 0, 1, 1/2. The third is below the second, so both pool to 1/2.
/// That doesn't exceed the first, so all three pool to 2/4. The last two pool to 2/3.
#[test]
fn fit_matches_hand_computed_blocks() {
    let pairs = [
        (0.4, true),
        (0.1, false),
        (0.3, false),
        (0.5, true),
        (0.2, true),
    ];
    let calibration = Calibration::fit(&pairs).unwrap();
    assert_eq!(
        calibration.blocks(),
        [block(0.2, 0.5, 3), block(0.45, 2.0 / 3.0, 2)]
    );
    assert_eq!(calibration.questions(), 5);
    let half = calibration.probability(0.325);
    assert!(
        (half - f32::midpoint(0.5, 2.0 / 3.0)).abs() < 1e-6,
        "{half}"
    );
    assert_eq!(calibration.probability(f32::NEG_INFINITY), 0.5);
    assert_eq!(calibration.probability(f32::INFINITY), 2.0 / 3.0);
    assert_eq!(calibration.probability(f32::NAN), 0.5);
    let score = calibration.score_for(half).unwrap();
    assert!((score - 0.325).abs() < 1e-6, "{score}");
    assert_eq!(calibration.score_for(0.5), Some(f32::NEG_INFINITY));
    assert_eq!(calibration.score_for(0.7), None);
    assert_eq!(calibration.score_for(f32::NAN), None);
}

#[test]
fn few_questions_never_yield_certainty() {
    for (n, right) in [(1u64, true), (1, false), (8, true), (8, false)] {
        let pairs: Vec<(f32, bool)> = (0..n).map(|i| (i as f32, right)).collect();
        let calibration = Calibration::fit(&pairs).unwrap();
        let k = if right { n } else { 0 };
        let laplace = (k + 1) as f32 / (n + 2) as f32;
        assert_eq!(
            calibration.blocks(),
            [block((n - 1) as f32 / 2.0, laplace, n)]
        );
    }
    // Perfectly separated: n/(n + 1) and 1/(n + 1).
    let pairs: Vec<(f32, bool)> = (0..8).map(|i| (i as f32, i >= 4)).collect();
    let calibration = Calibration::fit(&pairs).unwrap();
    assert_eq!(
        calibration.blocks(),
        [block(1.5, 0.2, 4), block(5.5, 0.8, 4)]
    );
}

#[test]
fn equal_scores_form_one_block_in_any_order() {
    let mut pairs = vec![
        (0.5, true),
        (0.5, false),
        (0.5, true),
        (-0.0, false),
        (0.0, false),
    ];
    let calibration = Calibration::fit(&pairs).unwrap();
    assert_eq!(
        calibration.blocks(),
        [block(0.0, 1.0 / 3.0, 2), block(0.5, 0.5, 3)]
    );
    pairs.reverse();
    assert_eq!(Calibration::fit(&pairs).unwrap(), calibration);
}

#[test]
fn non_finite_scores_are_ignored() {
    assert_eq!(Calibration::fit(&[]), None);
    assert_eq!(
        Calibration::fit(&[(f32::NAN, true), (f32::INFINITY, true)]),
        None
    );
    let pairs = [(f32::NAN, true), (0.5, false)];
    assert_eq!(Calibration::fit(&pairs), Calibration::fit(&pairs[1..]));
    let silence = Silence::of(&pairs);
    assert_eq!(silence.thresholds(), [0.5]);
    assert_eq!(
        (silence.at(-1.0).questions, silence.at(-1.0).answered),
        (2, 1)
    );
    assert_eq!(silence.at(f32::NAN).answered, 0);
    assert_eq!(Silence::of(&[]).at(0.0), Consequence::default());
    assert_eq!(Consequence::default().answered_share(), None);
    assert_eq!(Consequence::default().wrong_share(), None);
}

#[test]
fn risk_coverage_matches_hand_counted_thresholds() {
    let pairs = [
        (0.4, true),
        (0.1, false),
        (0.3, false),
        (0.3, true),
        (0.9, true),
    ];
    let silence = Silence::of(&pairs);
    let walked: Vec<(f32, usize, usize)> = silence
        .thresholds()
        .into_iter()
        .map(|threshold| {
            let found = silence.at(threshold);
            (threshold, found.answered, found.wrong)
        })
        .collect();
    assert_eq!(walked, [(0.1, 5, 2), (0.3, 4, 1), (0.4, 2, 0), (0.9, 1, 0)]);
    assert_eq!(silence.at(0.3).answered_share(), Some(0.8));
    assert_eq!(silence.at(0.3).wrong_share(), Some(0.25));
    assert_eq!(silence.at(1.0).wrong_share(), None);
}

#[cfg(feature = "std")]
#[test]
fn invalid_blocks_are_rejected() {
    let calibration = Calibration::fit(&[(0.1, false), (0.7, true)]).unwrap();
    let text = serde_json::to_string(&calibration).unwrap();
    assert_eq!(
        serde_json::from_str::<Calibration>(&text).unwrap(),
        calibration
    );
    let of = |list: &[(f32, f32)]| {
        let blocks = list.iter().map(|&(score, p)| block(score, p, 1));
        Calibration::try_from(blocks.collect::<Vec<Block>>())
    };
    assert!(of(&[(0.1, 0.2), (0.2, 0.3)]).is_ok());
    for bad in [
        &[][..],
        &[(0.1, 0.0)],
        &[(0.1, 1.0)],
        &[(f32::NAN, 0.5)],
        &[(0.1, f32::NAN)],
        &[(0.2, 0.2), (0.1, 0.3)],
        &[(0.1, 0.3), (0.2, 0.2)],
    ] {
        assert_eq!(of(bad), Err(BadBlocks), "{bad:?}");
    }
    assert!(serde_json::from_str::<Calibration>("[]").is_err());
}

/// Generates few distinct scores, to provoke ties.
fn pairs() -> impl Strategy<Value = Vec<(f32, bool)>> {
    prop::collection::vec((-20i8..20, any::<bool>()), 1..60).prop_map(|pairs| {
        let score = |(score, right)| (f32::from(score) / 20.0, right);
        pairs.into_iter().map(score).collect()
    })
}

proptest! {
    #[test]
    fn probabilities_ascend_with_scores_and_are_never_certain(
        pairs in pairs(),
        mut scores in prop::collection::vec(-1.5f32..1.5, 20),
    ) {
        let calibration = Calibration::fit(&pairs).unwrap();
        prop_assert_eq!(calibration.questions(), pairs.len() as u64);
        prop_assert!(Calibration::try_from(calibration.blocks().to_vec()).is_ok());
        scores.sort_by(f32::total_cmp);
        let found: Vec<f32> = scores.iter().map(|&s| calibration.probability(s)).collect();
        prop_assert!(found.is_sorted(), "{:?}", found);
        prop_assert!(found.iter().all(|p| *p > 0.0 && *p < 1.0), "{:?}", found);
    }

    /// Expected and observed numbers of right answers are equal.
    #[test]
    fn blocks_preserve_the_number_of_right_answers(pairs in pairs()) {
        let calibration = Calibration::fit(&pairs).unwrap();
        let added: f32 = calibration.blocks().iter().enumerate().map(|(i, block)| {
            let last = i + 1 == calibration.blocks().len();
            let seen = block.questions + u64::from(i == 0) + u64::from(last);
            block.probability * seen as f32
        }).sum();
        let right = pairs.iter().filter(|pair| pair.1).count() + 1;
        prop_assert!((added - right as f32).abs() < 1e-3, "{} {}", added, right);
    }

    #[test]
    fn score_for_reaches_the_probability(pairs in pairs(), wanted in 0.01f32..0.99) {
        let calibration = Calibration::fit(&pairs).unwrap();
        match calibration.score_for(wanted) {
            Some(score) => prop_assert!(calibration.probability(score) >= wanted - 1e-3),
            None => prop_assert!(calibration.probability(f32::INFINITY) < wanted),
        }
    }

    #[test]
    fn risk_coverage_matches_counting(pairs in pairs(), threshold in -1.1f32..1.1) {
        let silence = Silence::of(&pairs);
        for threshold in silence.thresholds().into_iter().chain([threshold]) {
            let answered = pairs.iter().filter(|pair| pair.0 >= threshold);
            let found = silence.at(threshold);
            prop_assert_eq!(found.answered, answered.clone().count());
            prop_assert_eq!(found.wrong, answered.filter(|pair| !pair.1).count());
        }
    }
}
