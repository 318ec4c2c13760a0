//! Small exact cases of trees, and what holds for all of them.

use super::split::Rules;
use super::*;
use proptest::prelude::*;

const FREE: Rules = Rules { rows_min: 1, curvature_min: 0.0, l2: 0.0, gain_min: 0.0 };

fn growth(depth_max: usize) -> Growth {
    Growth { order: Order::DepthWise, depth_max, leaves_max: usize::MAX, rules: FREE, features_by_node: None }
}

fn boosting(loss: Loss, trees: usize, rate: f64, growth: Growth) -> Boosting {
    Boosting { loss, trees, rate, growth, row_share: 1.0, feature_share: 1.0, bins_max: 255, seed: 1 }
}

/// Columns and targets that are functions of the row.
fn rows(count: usize, width: usize) -> (Vec<Vec<f64>>, Vec<f64>) {
    let value = |row: usize, column: usize| ((row * (2 * column + 3) + column) as f64 * 0.37).sin();
    let columns: Vec<Vec<f64>> = (0..width).map(|column| (0..count).map(|row| value(row, column)).collect()).collect();
    let target = |row: usize| columns[0][row] * 3.0 + (columns[1][row] * 4.0).sin() + value(row, 99);
    let targets = (0..count).map(target).collect();
    (columns, targets)
}

#[test]
fn a_stump_is_that_of_pencil_and_paper() {
    // Mean 4; cut at 2.5: sides -3 and 3 away from it, squares left over 8; any other cut leaves more.
    let columns = vec![vec![0.0; 4], vec![1.0, 2.0, 3.0, 4.0]];
    let targets = [1.0, 1.0, 5.0, 9.0];
    let fit = boosting(Loss::Squared, 1, 1.0, growth(1)).fit(&columns, &targets, None);
    assert_eq!(fit.start, 4.0);
    assert_eq!(fit.trees[0].shape(), [(Some(1), 2.5), (None, -3.0), (None, 3.0)]);
    assert_eq!(fit.predict(&columns, 4), [1.0, 1.0, 7.0, 7.0]);
    // Two rows a side, G = 6 and -6: a penalty of 2 halves the leaves, a rate of 0.1 takes a tenth of that.
    let penalised = Growth { rules: Rules { l2: 2.0, ..FREE }, ..growth(1) };
    let fit = boosting(Loss::Squared, 1, 0.1, penalised).fit(&columns, &targets, None);
    assert_eq!(fit.trees[0].shape(), [(Some(1), 2.5), (None, -0.15), (None, 0.15)]);
}

#[test]
fn the_gain_of_a_cut_is_what_it_takes_off_the_loss() {
    let columns = vec![vec![1.0, 2.0, 3.0, 4.0]];
    // Squares left over before: 44; after the best cut: 8. Half of the difference is 18.
    let gain_min = |gain_min| Growth { rules: Rules { gain_min, ..FREE }, ..growth(1) };
    let leaves = |limit: f64| {
        let fit = boosting(Loss::Squared, 1, 1.0, gain_min(limit)).fit(&columns, &[1.0, 1.0, 5.0, 9.0], None);
        fit.trees.first().map_or(1, Tree::leaves)
    };
    assert_eq!(leaves(17.99), 2);
    assert_eq!(leaves(18.01), 1);
}

#[test]
fn a_newton_step_of_tweedie_loss_is_that_of_pencil_and_paper() {
    // At the start exp(f) = mean = 2, a = 2^-0.5, b = 2^0.5: G = sum(b - y a), H = sum(y a + b) / 2.
    let fit = boosting(Loss::Tweedie { power: 1.5 }, 1, 1.0, growth(1)).fit(&[vec![0.0, 1.0]], &[1.0, 3.0], None);
    let (a, b) = (0.5f64.sqrt(), 2f64.sqrt());
    let step = |y: f64| -(b - y * a) / (0.5 * (y * a + b));
    let shape = fit.trees[0].shape();
    assert_eq!(shape[0], (Some(0), 0.5));
    assert!((shape[1].1 - step(1.0)).abs() < 1e-6 && (shape[2].1 - step(3.0)).abs() < 1e-6, "{shape:?}");
}

#[test]
fn unknown_values_go_to_the_side_that_gains() {
    let nan = f64::NAN;
    let columns = vec![vec![1.0, 2.0, 3.0, 4.0, nan, nan]];
    for (unknown, expected) in [(0.0, [0.0, 9.0]), (9.0, [0.0, 9.0])] {
        let targets = [0.0, 0.0, 9.0, 9.0, unknown, unknown];
        let fit = boosting(Loss::Squared, 1, 1.0, growth(1)).fit(&columns, &targets, None);
        let predictions = fit.predict(&[vec![1.5, 3.5, nan, f64::INFINITY]], 4);
        assert!((predictions[0] - expected[0]).abs() < 1e-6 && (predictions[1] - expected[1]).abs() < 1e-6);
        assert!((predictions[2] - unknown).abs() < 1e-6 && (predictions[3] - unknown).abs() < 1e-6);
    }
    // Whether a value is known at all can be what tells.
    let targets = [1.0, 1.0, 1.0, 1.0, 5.0, 5.0];
    let fit = boosting(Loss::Squared, 1, 1.0, growth(1)).fit(&columns, &targets, None);
    let predictions = fit.predict(&[vec![1e200, -1e200, nan]], 3);
    assert!((predictions[0] - 1.0).abs() < 1e-6 && (predictions[1] - 1.0).abs() < 1e-6);
    assert!((predictions[2] - 5.0).abs() < 1e-6);
}

#[test]
fn limits_of_shape_are_kept() {
    let (columns, targets) = rows(600, 4);
    let fit = |growth: Growth| boosting(Loss::Squared, 3, 0.5, growth).fit(&columns, &targets, None);
    assert!(fit(growth(3)).trees.iter().all(|tree| tree.leaves() == 8));
    let leafwise = Growth { order: Order::LeafWise, leaves_max: 11, ..growth(50) };
    assert!(fit(leafwise).trees.iter().all(|tree| tree.leaves() == 11));
    let coarse = Growth { rules: Rules { rows_min: 100, ..FREE }, ..growth(50) };
    assert!(fit(coarse).trees.iter().all(|tree| (2..=6).contains(&tree.leaves())));
}

#[test]
fn the_best_leaf_first_leaves_less_loss_than_levels_with_as_many_leaves() {
    let (columns, targets) = rows(800, 4);
    let loss = |growth: Growth| {
        let fit = boosting(Loss::Squared, 1, 1.0, growth).fit(&columns, &targets, None);
        assert_eq!(fit.trees[0].leaves(), 8);
        let scores = fit.scores(&columns, 800);
        targets.iter().zip(&scores).map(|(y, score)| Loss::Squared.value(*y, *score)).sum::<f64>()
    };
    let leafwise = Growth { order: Order::LeafWise, leaves_max: 8, ..growth(50) };
    assert!(loss(leafwise) <= loss(growth(3)));
}

#[test]
fn a_sibling_by_subtraction_is_the_one_that_is_counted() {
    let (columns, targets) = rows(700, 5);
    let fit = |features_by_node| {
        let growth = Growth { features_by_node, ..growth(6) };
        boosting(Loss::Logistic, 2, 0.3, growth).fit(&columns, &signs(&targets), None)
    };
    // Nodes that draw their features, here all of them, count each histogram anew.
    assert_eq!(fit(None).trees, fit(Some(5)).trees);
}

fn signs(targets: &[f64]) -> Vec<f64> {
    targets.iter().map(|y| f64::from(u8::from(*y > 0.0))).collect()
}

#[test]
fn the_loss_on_the_training_never_rises() {
    let (columns, targets) = rows(500, 4);
    let positive: Vec<f64> = targets.iter().map(|y| y.max(0.0)).collect();
    for (loss, targets) in [
        (Loss::Squared, &targets),
        (Loss::Tweedie { power: 1.5 }, &positive),
        (Loss::Gamma, &positive.iter().map(|y| y + 0.1).collect()),
        (Loss::Logistic, &signs(&targets)),
    ] {
        let fit = boosting(loss, 25, 0.2, growth(3)).fit(&columns, targets, None);
        assert_eq!(fit.trees.len(), 25);
        let mut former = f64::INFINITY;
        for trees in 0..=25 {
            let part = Ensemble { trees: fit.trees[..trees].to_vec(), ..fit.clone() };
            let scores = part.scores(&columns, 500);
            let sum: f64 = targets.iter().zip(&scores).map(|(y, score)| loss.value(*y, *score)).sum();
            assert!(sum < former, "{loss:?}: {former} to {sum} with tree {trees}");
            former = sum;
        }
    }
}

#[test]
fn deep_boosting_reproduces_distinct_targets() {
    let (columns, targets) = rows(120, 3);
    let fit = boosting(Loss::Squared, 1, 1.0, growth(50)).fit(&columns, &targets, None);
    for (ours, y) in fit.predict(&columns, 120).iter().zip(&targets) {
        assert!((ours - y).abs() < 1e-5, "{ours} {y}");
    }
}

#[test]
fn a_forest_without_draws_is_the_mean_of_equal_trees_and_one_with_draws_is_not() {
    let (columns, targets) = rows(200, 3);
    let forest = |is_bootstrap, features_by_node| Forest {
        trees: 4,
        growth: Growth { features_by_node, ..growth(3) },
        bins_max: 255,
        is_bootstrap,
        seed: 5,
    };
    let plain = forest(false, None).fit(&columns, &targets);
    assert!(plain.trees.windows(2).all(|pair| pair[0] == pair[1]));
    let single = boosting(Loss::Squared, 1, 1.0, growth(3)).fit(&columns, &targets, None);
    for (ours, single) in plain.predict(&columns, 200).iter().zip(single.predict(&columns, 200)) {
        assert!((ours - single).abs() < 1e-6);
    }
    let drawn = forest(true, Some(1)).fit(&columns, &targets);
    assert!(drawn.trees.windows(2).all(|pair| pair[0] != pair[1]));
    assert_eq!(drawn, forest(true, Some(1)).fit(&columns, &targets));
}

#[test]
fn only_the_order_of_values_matters_to_a_forest() {
    let (columns, targets) = rows(400, 3);
    let stretched: Vec<Vec<f64>> = columns.iter().map(|c| c.iter().map(|v| (3.0 * v).exp() - 7.0).collect()).collect();
    let growth = Growth { features_by_node: Some(2), ..growth(8) };
    let forest = Forest { trees: 5, growth, bins_max: 32, is_bootstrap: true, seed: 3 };
    let (ours, theirs) = (forest.fit(&columns, &targets), forest.fit(&stretched, &targets));
    assert_eq!(ours.predict(&columns, 400), theirs.predict(&stretched, 400));
}

#[test]
fn neither_threads_nor_the_order_of_rows_change_a_tree() {
    // Large enough that histograms are made by several threads.
    let (columns, targets) = rows(9000, 8);
    let turned: Vec<usize> = (0..9000).map(|row| (row * 7 % 9000) ^ 1).collect();
    let pick = |values: &Vec<f64>| turned.iter().map(|row| values[*row]).collect::<Vec<f64>>();
    assert_eq!(turned.iter().collect::<std::collections::BTreeSet<_>>().len(), 9000);
    let fit = |threads: usize, columns: &[Vec<f64>], targets: &[f64]| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        let boosting = boosting(Loss::Tweedie { power: 1.3 }, 2, 0.3, growth(3));
        let offsets = vec![0.1; targets.len()];
        pool.install(|| boosting.fit(columns, targets, Some(&offsets)))
    };
    let targets: Vec<f64> = targets.iter().map(|y| y.max(0.0)).collect();
    let once = fit(1, &columns, &targets);
    assert_eq!(once, fit(4, &columns, &targets));
    assert_eq!(once, fit(2, &columns.iter().map(pick).collect::<Vec<_>>(), &pick(&targets)));
}

#[test]
fn rows_left_out_of_a_tree_are_scored_by_it() {
    // With half of the rows a tree, steps of full size on the others would fail if their scores stood still.
    let (columns, targets) = rows(400, 3);
    let sampled = Boosting { row_share: 0.5, feature_share: 0.6, ..boosting(Loss::Squared, 40, 0.3, growth(4)) };
    let fit = sampled.fit(&columns, &targets, None);
    let left: f64 = fit.predict(&columns, 400).iter().zip(&targets).map(|(p, y)| (p - y).powi(2)).sum();
    let all: f64 = targets.iter().map(|y| (y - fit.start).powi(2)).sum();
    assert!(left < 0.1 * all, "{left} of {all}");
    let features =
        |tree: &Tree| tree.shape().iter().filter_map(|node| node.0).collect::<std::collections::BTreeSet<_>>();
    assert!(fit.trees.iter().all(|tree| features(tree).len() <= 2));
}

#[test]
fn a_tree_read_from_text_is_the_same_and_a_damaged_one_is_refused() {
    let (columns, targets) = rows(300, 3);
    let fit = boosting(Loss::Tweedie { power: 1.5 }, 4, 0.1, growth(4)).fit(
        &columns,
        &targets.iter().map(|y| y.max(0.0)).collect::<Vec<_>>(),
        None,
    );
    let text = serde_json::to_string(&fit).expect("text");
    let again: Ensemble = serde_json::from_str(&text).expect("an ensemble");
    assert_eq!(again.clone().checked().expect("sound").trees, fit.trees);
    for (from, to) in [("\"rights\":[", "\"rights\":[9999,"), ("\"splits\":[", "\"splits\":[44,"), ("[4,", "[400,")] {
        let damaged: Ensemble = serde_json::from_str(&text.replacen(from, to, 1)).expect("an ensemble");
        assert!(damaged == again || damaged.checked().is_none(), "{from}");
    }
    let looped = Ensemble { features: 0, ..again };
    assert_eq!(looped.checked(), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_numbers_give_finite_predictions_within_reason(
        rows in prop::collection::vec((any::<f64>(), prop::num::f64::ANY, 0.0f64..1e12, any::<bool>()), 0..60),
    ) {
        let columns = vec![
            rows.iter().map(|row| row.0).collect::<Vec<f64>>(),
            rows.iter().map(|row| row.1).collect(),
            vec![f64::NAN; rows.len()],
            vec![1.5; rows.len()],
        ];
        let amounts: Vec<f64> = rows.iter().map(|row| if row.3 { row.2 } else { 0.0 }).collect();
        for loss in [Loss::Squared, Loss::Tweedie { power: 1.5 }, Loss::Logistic] {
            let targets = if loss == Loss::Logistic { signs(&amounts) } else { amounts.clone() };
            let fit = boosting(loss, 5, 0.3, growth(4)).fit(&columns, &targets, None);
            prop_assert!(rows.is_empty() || fit.predict(&columns, rows.len()).iter().all(|value| value.is_finite()));
            prop_assert!(fit.checked().is_some() || rows.is_empty());
        }
        let forest = Forest { trees: 3, growth: growth(4), bins_max: 9, is_bootstrap: true, seed: 1 };
        let largest = amounts.iter().copied().fold(0.0, f64::max);
        let predictions = forest.fit(&columns, &amounts).predict(&columns, rows.len());
        prop_assert!(predictions.iter().all(|value| (-1e-6 * largest..=largest * (1.0 + 1e-6)).contains(value)));
    }
}
