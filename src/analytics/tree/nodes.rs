//! A grown tree and sums of trees: prediction, and a compact form as JSON whose indices are checked before use.

use super::bins::is_known;
use super::loss::Loss;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// A tree, root first, each left child right behind its parent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tree {
    /// Twice the place of the feature, one more if unknown values go left; -1 of a leaf.
    splits: Vec<i32>,
    /// Threshold (what is at most that goes left) of a split, value of a leaf.
    numbers: Vec<f64>,
    /// Place of the right child; 0 of a leaf.
    rights: Vec<u32>,
}

impl Tree {
    /// Adds a leaf; the place of the node.
    pub(super) fn push_leaf(&mut self, value: f64) -> usize {
        self.splits.push(-1);
        self.numbers.push(value);
        self.rights.push(0);
        self.splits.len() - 1
    }

    /// Adds a split, whose left child must come next; the place of the node.
    pub(super) fn push_split(&mut self, feature: usize, threshold: f64, is_missing_left: bool) -> usize {
        self.splits.push(2 * feature as i32 + i32::from(is_missing_left));
        self.numbers.push(threshold);
        self.rights.push(0);
        self.splits.len() - 1
    }

    /// Names the right child of a split.
    pub(super) fn set_right(&mut self, node: usize, right: usize) {
        self.rights[node] = right as u32;
    }

    /// Value of the leaf that a row falls into; `feature` gives its features by place.
    pub fn value(&self, feature: impl Fn(usize) -> f64) -> f64 {
        let mut node = 0;
        loop {
            let split = self.splits[node];
            if split < 0 {
                return self.numbers[node];
            }
            let value = feature(split as usize / 2);
            let is_left = if is_known(value) { value <= self.numbers[node] } else { split & 1 == 1 };
            node = if is_left { node + 1 } else { self.rights[node] as usize };
        }
    }

    /// Number of leaves.
    #[must_use]
    pub fn leaves(&self) -> usize {
        self.splits.iter().filter(|split| **split < 0).count()
    }

    /// Features and thresholds of the splits, and values of the leaves, root first.
    #[must_use]
    pub fn shape(&self) -> Vec<(Option<usize>, f64)> {
        let feature = |split: &i32| usize::try_from(*split).ok().map(|split| split / 2);
        self.splits.iter().map(feature).zip(self.numbers.iter().copied()).collect()
    }

    /// Whether every path ends at a leaf and asks for features below `features` only: stored text may have been changed.
    fn is_sound(&self, features: usize) -> bool {
        let nodes = self.splits.len();
        nodes > 0
            && self.numbers.len() == nodes
            && self.rights.len() == nodes
            && self.numbers.iter().all(|number| number.is_finite())
            && (0..nodes).all(|node| {
                let split = self.splits[node];
                let right = self.rights[node] as usize;
                split < 0 || ((split as usize / 2) < features && node + 1 < nodes && right > node && right < nodes)
            })
    }
}

/// A start and trees whose values are added to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ensemble {
    /// Loss that it was fitted by, which has the link.
    pub loss: Loss,
    /// Score without any tree.
    pub start: f64,
    /// Number of features that it was fitted on.
    pub features: usize,
    /// The trees; leaf values include shrinkage or the division by their number.
    pub trees: Vec<Tree>,
}

impl Ensemble {
    /// An ensemble that was read back from JSON, or nothing when its parts do not fit together.
    #[must_use]
    pub fn checked(self) -> Option<Ensemble> {
        let is_sound = self.start.is_finite() && self.trees.iter().all(|tree| tree.is_sound(self.features));
        is_sound.then_some(self)
    }

    /// Scores of `rows` rows of `columns`, which are those of the fit in the same order; a column that lacks counts as unknown.
    #[must_use]
    pub fn scores(&self, columns: &[Vec<f64>], rows: usize) -> Vec<f64> {
        let width = self.features.max(1);
        let chunks: Vec<usize> = (0..rows).step_by(512).collect();
        let score_chunk = |from: &usize| {
            let upto = (from + 512).min(rows);
            // Rows side by side: a path through a tree reads a few features of one row.
            let mut table = vec![f64::NAN; width * (upto - from)];
            for (feature, column) in columns.iter().take(self.features).enumerate() {
                for (row, value) in column.iter().take(upto).skip(*from).enumerate() {
                    table[row * width + feature] = *value;
                }
            }
            let mut scores = vec![self.start; upto - from];
            for tree in &self.trees {
                for (score, row) in scores.iter_mut().zip(table.chunks(width)) {
                    *score += tree.value(|feature| row[feature]);
                }
            }
            scores
        };
        chunks.par_iter().map(score_chunk).collect::<Vec<_>>().concat()
    }

    /// Predictions of all rows.
    #[must_use]
    pub fn predict(&self, columns: &[Vec<f64>], rows: usize) -> Vec<f64> {
        self.scores(columns, rows).into_iter().map(|score| self.loss.prediction(score)).collect()
    }
}
