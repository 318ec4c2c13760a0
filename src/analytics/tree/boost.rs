//! Gradient boosting: each tree takes a step down the loss that the former ones left.

use super::bins::Binned;
use super::grow::{Growth, draw, grow};
use super::loss::Loss;
use super::nodes::Ensemble;
use super::sums::Gradients;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

/// How to boost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Boosting {
    /// What is made small.
    pub loss: Loss,
    /// Number of trees.
    pub trees: usize,
    /// Shrinkage of each tree.
    pub rate: f64,
    /// Shape of each tree.
    pub growth: Growth,
    /// Share of the rows that each tree sees, drawn without replacement.
    pub row_share: f64,
    /// Share of the features that each tree sees.
    pub feature_share: f64,
    /// Most bins of a feature.
    pub bins_max: usize,
    /// What the draws depend on.
    pub seed: u64,
}

impl Boosting {
    /// Fits to `targets`, one a row of `columns`; `offsets` are scores to start from, which a prediction must add again.
    ///
    /// Stops early when a tree finds nothing to cut in all rows and features, or scores leave the range of numbers.
    #[must_use]
    pub fn fit(&self, columns: &[Vec<f64>], targets: &[f64], offsets: Option<&[f64]>) -> Ensemble {
        let binned = Binned::new(columns, self.bins_max);
        let start = if offsets.is_some() { 0.0 } else { self.loss.start(targets) };
        let mut scores: Vec<f64> = match offsets {
            Some(offsets) => offsets.to_vec(),
            None => vec![start; targets.len()],
        };
        let mut ensemble = Ensemble { loss: self.loss, start, features: columns.len(), trees: Vec::new() };
        if binned.rows != targets.len() || scores.len() != targets.len() {
            return ensemble;
        }
        let all: Vec<usize> = (0..columns.len()).collect();
        let features_by_tree = ((all.len() as f64 * self.feature_share).ceil() as usize).max(1);
        let mut random = Xoshiro256PlusPlus::seed_from_u64(self.seed);
        for _ in 0..self.trees {
            let features = match features_by_tree < all.len() {
                true => draw(&all, features_by_tree, &mut random),
                false => all.clone(),
            };
            let pairs: Vec<(f64, f64)> =
                targets.iter().zip(&scores).map(|(y, score)| self.loss.gradient(*y, *score)).collect();
            let times = (self.row_share < 1.0).then(|| drawn_rows(pairs.len(), self.row_share, &mut random));
            let Some(gradients) = Gradients::new(&pairs, times.as_deref()) else { break };
            let grown = grow(&binned, &gradients, &self.growth, &features, self.rate, &mut random);
            let is_idle = grown.leaves.len() <= 1;
            if is_idle && times.is_none() && features.len() == all.len() && self.growth.features_by_node.is_none() {
                break;
            }
            for (range, value) in &grown.leaves {
                grown.rows[range.clone()].iter().for_each(|row| scores[*row as usize] += value);
            }
            if let Some(times) = times {
                let unseen = scores.iter_mut().enumerate().filter(|(row, _)| times[*row] == 0);
                unseen.for_each(|(row, score)| *score += grown.tree.value(|feature| columns[feature][row]));
            }
            ensemble.trees.push(grown.tree);
        }
        ensemble
    }
}

/// 1 for each row that is drawn, 0 for the others.
fn drawn_rows(rows: usize, share: f64, random: &mut Xoshiro256PlusPlus) -> Vec<u32> {
    let limit = (share.clamp(0.0, 1.0) * u64::MAX as f64) as u64;
    (0..rows).map(|_| u32::from(random.next_u64() <= limit)).collect()
}
