//! Oracle and property tests of the whole fit.

use super::*;
use proptest::prelude::*;

fn spec(k: Option<usize>) -> ClusterSpec {
    ClusterSpec { algorithm: Algorithm::KMeans, k, k_min: 2, k_max: 6, log: false, starts: 3, seed: 42 }
}

fn frame(columns: &[(&str, Vec<f64>)]) -> Frame {
    let keys = (0..columns[0].1.len()).map(|i| format!("c{i}")).collect();
    Frame { keys, columns: columns.iter().map(|(name, values)| Column::float(name, values.clone())).collect() }
}

fn ids(fit: &ClusterFit) -> Vec<i32> {
    match &fit.columns[0].values {
        Values::Integer(ids) => ids.iter().map(|id| id.unwrap()).collect(),
        other => panic!("{other:?}"),
    }
}

fn confidences(fit: &ClusterFit) -> &[f64] {
    match &fit.columns[1].values {
        Values::Float(values) => values,
        other => panic!("{other:?}"),
    }
}

/// Four blobs of a square, their rows mixed; row `i` is of blob `i % 4`.
fn blobs(rows: usize) -> Frame {
    let wobble = |i: usize, step: usize| ((i * step) % 101) as f64 / 101.0 - 0.5;
    let x = (0..rows).map(|i| [0.0, 10.0, 0.0, 10.0][i % 4] + wobble(i, 37)).collect();
    let y = (0..rows).map(|i| [0.0, 0.0, 20.0, 21.5][i % 4] + wobble(i, 53)).collect();
    frame(&[("recency_days", x), ("monetary", y)])
}

#[test]
fn separate_blobs_are_found_and_numbered_by_the_last_feature() {
    let fit = fit(&blobs(400), &spec(None), None).unwrap();
    assert_eq!(fit.k, 4, "{}", fit.facts);
    let ids = ids(&fit);
    // Blob 3 has the highest mean of "monetary", then 2; blobs 0 and 1 are told apart by a hair, but each is whole.
    assert_eq!((ids[3], ids[2]), (1, 2));
    assert!(ids.iter().enumerate().all(|(i, id)| *id == ids[i % 4]));
    assert!(confidences(&fit).iter().all(|confidence| (0.8..=1.0).contains(confidence)));
}

#[test]
fn facts_have_the_form_that_is_stored() {
    let mut wanted = spec(Some(2));
    wanted.k_max = 3;
    let fit = fit(&frame(&[("a", vec![1.0, 1.0, 1.0, 9.0]), ("b", vec![0.0, 0.0, 0.0, 4.0])]), &wanted, None).unwrap();
    let mut facts = fit.facts.clone();
    for cluster in facts["clusters"].as_array_mut().unwrap() {
        for value in cluster["z"].as_object_mut().unwrap().values_mut() {
            *value = ((value.as_f64().unwrap() * 1e6).round() / 1e6).into();
        }
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&facts).unwrap());
}

#[test]
fn same_seed_same_fit_and_other_seeds_same_numbers() {
    let blobs = blobs(300);
    let first = fit(&blobs, &spec(Some(4)), None).unwrap();
    assert_eq!(first, fit(&blobs, &spec(Some(4)), None).unwrap());
    let other = fit(&blobs, &ClusterSpec { seed: 7, ..spec(Some(4)) }, None).unwrap();
    assert_eq!(ids(&first), ids(&other));
}

#[test]
fn the_order_of_rows_decides_nothing() {
    let blobs = blobs(300);
    let order: Vec<usize> = (0..300).map(|i| (i * 191) % 300).collect();
    let shuffled = Frame {
        keys: order.iter().map(|i| blobs.keys[*i].clone()).collect(),
        columns: blobs
            .columns
            .iter()
            .map(|column| {
                let values = blobs.floats(&column.name).unwrap();
                Column::float(&column.name, order.iter().map(|i| values[*i]).collect())
            })
            .collect(),
    };
    // k = 3 cuts through the blobs, where a fit that heeded the order would show it.
    let (straight, mixed) = (fit(&blobs, &spec(Some(3)), None).unwrap(), fit(&shuffled, &spec(Some(3)), None).unwrap());
    let (straight_ids, mixed_ids) = (ids(&straight), ids(&mixed));
    assert!(order.iter().zip(mixed_ids).all(|(row, id)| straight_ids[*row] == id));
    assert_eq!(straight.facts["quality"], mixed.facts["quality"]);
}

#[test]
fn degenerate_input_has_a_defined_answer() {
    let one = fit(&frame(&[("a", vec![5.0])]), &spec(Some(4)), None).unwrap();
    assert_eq!((one.k, ids(&one), confidences(&one)), (1, vec![1], &[1.0][..]));
    assert_eq!(one.facts["reason"], "k = 1: there is one row only.");
    let alike = fit(&frame(&[("a", vec![5.0; 50]), ("b", vec![0.1; 50])]), &spec(None), None).unwrap();
    assert_eq!((alike.k, alike.facts["reason"].as_str()), (1, Some("k = 1: all rows are alike.")));
    let two: Vec<f64> = (0..500).map(|i| if i % 2 == 0 { 1000.0 } else { 1.0 }).collect();
    let two = fit(&frame(&[("a", two)]), &spec(Some(4)), None).unwrap();
    assert_eq!((two.k, &ids(&two)[..2]), (2, &[1, 2][..]));
    assert_eq!(two.facts["reason"], "k = 2: there are only 2 different rows.");
    assert!(confidences(&two).iter().all(|confidence| *confidence == 1.0));
}

#[test]
fn an_outlier_does_not_break_the_fit() {
    let mut values: Vec<f64> = (0..200).map(f64::from).collect();
    values.push(1e12);
    for log in [true, false] {
        let fit = fit(&frame(&[("a", values.clone())]), &ClusterSpec { log, ..spec(None) }, None).unwrap();
        let ids = ids(&fit);
        assert_eq!((ids[200], ids.iter().filter(|id| **id == 1).count() < 201), (1, true));
    }
}

#[test]
fn what_cannot_be_clustered_is_told() {
    let told = |frame: &Frame, spec: &ClusterSpec| fit(frame, spec, None).unwrap_err().report();
    let bad = frame(&[("a", vec![1.0, f64::NAN, f64::INFINITY]), ("b", vec![1.0, 2.0, 1e200])]);
    insta::assert_snapshot!(told(&bad, &spec(None)));
    assert!(told(&Frame::default(), &spec(None)).contains("There are no rows."));
    let keys_only = Frame { keys: vec!["a".into()], columns: Vec::new() };
    assert!(told(&keys_only, &spec(None)).contains("There are no features."));
    let good = frame(&[("a", vec![1.0, 2.0])]);
    assert!(told(&good, &spec(Some(0))).contains("k is 0."));
    assert!(told(&good, &ClusterSpec { k_min: 5, k_max: 3, ..spec(None) }).contains("no k from k_min = 5"));
    assert!(told(&good, &ClusterSpec { starts: 0, ..spec(None) }).contains("starts is 0."));
}

#[test]
fn many_rows_are_fitted_whole_from_the_sample() {
    let rows = choice::START_ROWS + 3_000;
    let wanted = ClusterSpec { k_max: 4, starts: 1, ..spec(Some(4)) };
    let fit = fit(&blobs(rows), &wanted, None).unwrap();
    let sizes = fit.facts["clusters"].as_array().unwrap().iter().map(|c| c["size"].as_u64().unwrap());
    assert_eq!(sizes.collect::<Vec<_>>(), vec![rows as u64 / 4; 4]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn any_finite_input_gives_finite_output(
        rows in proptest::collection::vec((-1e12..1e12f64, prop_oneof![Just(0.0), 0.0..5.0f64]), 1..40),
        log: bool,
        k in prop_oneof![Just(None), (1..8usize).prop_map(Some)],
    ) {
        let (a, b): (Vec<f64>, Vec<f64>) = rows.into_iter().unzip();
        let count = a.len();
        let fit = fit(&frame(&[("a", a), ("b", b)]), &ClusterSpec { log, k, starts: 1, ..spec(None) }, None).unwrap();
        let ids = ids(&fit);
        prop_assert!(ids.len() == count && ids.iter().all(|id| (1..=fit.k as i32).contains(id)));
        prop_assert!((1..=fit.k as i32).all(|id| ids.contains(&id)));
        prop_assert!(confidences(&fit).iter().all(|confidence| (0.0..=1.0).contains(confidence)));
        prop_assert!(k.is_none_or(|k| fit.k <= k));
        prop_assert_eq!(fit.facts["quality"].as_array().unwrap().iter().filter(|q| q["is_chosen"] == true).count(), 1);
    }
}

#[test]
fn rows_that_no_sample_has_are_clusters_all_the_same() {
    let rows = choice::START_ROWS * 3;
    let values = (0..rows).map(|row| if row < 3 { 10.0 * (row + 1) as f64 } else { 0.0 }).collect();
    let fit = fit(&frame(&[("a", values)]), &spec(Some(4)), None).unwrap();
    assert_eq!(fit.k, 4);
    let chosen = fit.facts["quality"].as_array().unwrap().iter().find(|quality| quality["is_chosen"] == true);
    let chosen = chosen.unwrap();
    assert_eq!(chosen["k"], 4);
    assert!(chosen["inertia_mean"].as_f64().unwrap() < 1e-20, "{chosen}");
}
