//! A random forest: the mean of deep trees, each grown on its own bootstrap sample with features drawn at each node.

use super::bins::Binned;
use super::grow::{Growth, below, grow};
use super::loss::Loss;
use super::nodes::Ensemble;
use super::sums::Gradients;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use rayon::prelude::*;

/// How to grow a forest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forest {
    /// Number of trees.
    pub trees: usize,
    /// Shape of each tree.
    pub growth: Growth,
    /// Most bins of a feature.
    pub bins_max: usize,
    /// Whether each tree sees a bootstrap sample, or all rows.
    pub is_bootstrap: bool,
    /// What the draws depend on.
    pub seed: u64,
}

impl Forest {
    /// Fits the mean of `targets`, one a row of `columns`.
    #[must_use]
    pub fn fit(&self, columns: &[Vec<f64>], targets: &[f64]) -> Ensemble {
        let binned = Binned::new(columns, self.bins_max);
        let start = Loss::Squared.start(targets);
        let mut ensemble = Ensemble { loss: Loss::Squared, start, features: columns.len(), trees: Vec::new() };
        if binned.rows != targets.len() {
            return ensemble;
        }
        let all: Vec<usize> = (0..columns.len()).collect();
        let pairs: Vec<(f64, f64)> = targets.iter().map(|y| Loss::Squared.gradient(*y, start)).collect();
        let tree = |number: usize| {
            // Each tree has a seed of its own, so that threads may take them in any order.
            let mut random = Xoshiro256PlusPlus::seed_from_u64(self.seed.wrapping_add(number as u64));
            let times = self.is_bootstrap.then(|| bootstrap(pairs.len(), &mut random));
            let gradients = Gradients::new(&pairs, times.as_deref())?;
            Some(grow(&binned, &gradients, &self.growth, &all, 1.0 / self.trees as f64, &mut random).tree)
        };
        ensemble.trees = (0..self.trees).into_par_iter().filter_map(tree).collect();
        ensemble
    }
}

/// How often each row is drawn when as many are drawn as there are, with replacement.
fn bootstrap(rows: usize, random: &mut Xoshiro256PlusPlus) -> Vec<u32> {
    let mut times = vec![0; rows];
    (0..rows).for_each(|_| times[below(rows, random)] += 1);
    times
}
