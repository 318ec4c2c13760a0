//! Real customers against scikit-learn 1.9.1, on the logarithms of recency, frequency and monetary in standard units.

use super::lloyd::{Partition, tightest};
use super::points::Points;
use super::{features, quality, scaled, spread, starts};
use crate::analytics::{Column, Frame};

const ONLINE_RETAIL: &str = include_str!("../../../tests/fixtures/clusters/online_retail.csv");
const RETAIL_ORDERS: &str = include_str!("../../../tests/fixtures/clusters/retail_orders.csv");

/// The rows as they stand in the file, and the points that are clustered, in the same order.
fn read(text: &str) -> (Vec<Vec<f64>>, Points) {
    let number = |field: &str| field.parse::<f64>().unwrap();
    let rows: Vec<Vec<f64>> = text.lines().map(|line| line.split(',').map(number).collect()).collect();
    let column = |place: usize, name: &str| Column::float(name, rows.iter().map(|row| row[place]).collect());
    let columns = vec![column(0, "recency_days"), column(1, "frequency"), column(2, "monetary")];
    let frame = Frame { keys: (0..rows.len()).map(|row| row.to_string()).collect(), columns };
    let order: Vec<usize> = (0..rows.len()).collect();
    let points = scaled(&features(&frame).unwrap(), &order, true).0;
    (rows, points)
}

#[test]
fn no_k_is_wider_than_the_best_of_ten_starts_of_scikit_learn() {
    // KMeans(k, n_init=10, random_state=42).fit(x).inertia_ / len(x) for k = 2 to 10.
    let theirs = [
        (
            ONLINE_RETAIL,
            [
                1.5285960410078387,
                1.1615030133128832,
                0.9539612811820161,
                0.8106140630675815,
                0.7072577376692147,
                0.6255476391076531,
                0.5634304319719378,
                0.5110818606342126,
                0.4727256167719226,
            ],
        ),
        (
            RETAIL_ORDERS,
            [
                2.0093774581840838,
                1.5438137245835617,
                1.3028822711829462,
                1.1514902759685424,
                1.0247633705114971,
                0.94695758619385,
                0.8723784218050173,
                0.8206242232232521,
                0.7641763640326962,
            ],
        ),
    ];
    for (text, inertias) in theirs {
        let points = read(text).1;
        for (k, inertia) in (2..).zip(inertias) {
            let ours = tightest(&points, starts::finalists(&points, k, 10, 42).swap_remove(0)).inertia_mean;
            assert!(ours <= inertia * (1.0 + 1e-12), "k = {k}: {ours} against {inertia}");
        }
    }
}

#[test]
fn the_figures_of_the_same_labels_are_those_of_scikit_learn() {
    // silhouette_score, calinski_harabasz_score and davies_bouldin_score of numpy.digitize(recency_days, [30, 90, 180]).
    let theirs = [
        (ONLINE_RETAIL, 0.0868250830719354, 1089.3622339039307, 2.2619167238069346),
        (RETAIL_ORDERS, 0.08913174561355779, 148.86258754652204, 2.6979265608185976),
    ];
    for (text, silhouette, harabasz, bouldin) in theirs {
        let (rows, points) = read(text);
        let limits = [30.0, 90.0, 180.0];
        let labels: Vec<usize> =
            rows.iter().map(|row| limits.iter().filter(|limit| row[0] >= **limit).count()).collect();
        let partition = labelled(&points, labels, 4);
        let close = |ours: f64, theirs: f64| assert!((ours / theirs - 1.0).abs() < 1e-9, "{ours} against {theirs}");
        close(quality::silhouette(&points, &partition.labels, 4).unwrap(), silhouette);
        close(spread::calinski_harabasz(&points, &partition).unwrap(), harabasz);
        close(spread::davies_bouldin(&points, &partition).unwrap(), bouldin);
    }
}

/// The partition of these labels, whose centroids are the means.
fn labelled(points: &Points, labels: Vec<usize>, k: usize) -> Partition {
    let mut sums = vec![vec![0.0; points.dimensions]; k];
    let mut counts = vec![0.0; k];
    for (row, label) in points.rows().zip(&labels) {
        sums[*label].iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        counts[*label] += 1.0;
    }
    let values = sums.iter().zip(&counts).flat_map(|(sum, count)| sum.iter().map(move |value| value / count)).collect();
    let centroids = Points { values, dimensions: points.dimensions };
    let distances =
        points.rows().zip(&labels).map(|(row, label)| super::points::square_distance(row, centroids.row(*label)));
    let inertia_mean = distances.sum::<f64>() / points.len() as f64;
    Partition { centroids, labels, inertia_mean }
}
