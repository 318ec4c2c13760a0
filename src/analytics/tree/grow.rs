//! Growing one tree: the next node is cut where it takes most off the loss, until no cut is allowed.

use super::bins::{Binned, rounded};
use super::nodes::Tree;
use super::split::{self, Rules, Split};
use super::sums::{Gradients, Sums};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::RngCore;
use rayon::prelude::*;
use std::ops::Range;

/// Digits of a leaf's value: a tree is stored as text, and the noise of any fit is far above the seventh digit.
const LEAF_DIGITS: usize = 7;

/// Below so many additions a histogram is made by one thread.
const PARALLEL_MIN: usize = 1 << 16;

/// Which node is cut next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Level by level.
    DepthWise,
    /// The one with the highest gain.
    LeafWise,
}

/// The shape of a tree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Growth {
    /// Which node is cut next.
    pub order: Order,
    /// Most cuts from root to leaf.
    pub depth_max: usize,
    /// Most leaves.
    pub leaves_max: usize,
    /// What each cut must satisfy.
    pub rules: Rules,
    /// Features that each node may choose from, drawn anew; all of the tree's without it.
    pub features_by_node: Option<usize>,
}

/// A grown tree, and where its rows went.
pub struct Grown {
    /// The tree.
    pub tree: Tree,
    /// The rows of the training, leaf by leaf.
    pub rows: Vec<u32>,
    /// Which of `rows` each leaf has, and its value.
    pub leaves: Vec<(Range<usize>, f64)>,
}

/// A node that may be cut.
struct Open {
    node: usize,
    rows: Range<usize>,
    depth: usize,
    split: Split,
    /// Kept for the children; empty where nodes draw their features.
    histogram: Vec<Sums>,
}

/// A node of the tree while it grows.
struct Node {
    rows: Range<usize>,
    sums: Sums,
    cut: Option<(Split, usize, usize)>,
}

struct Grower<'a> {
    binned: &'a Binned,
    gradients: &'a Gradients,
    growth: &'a Growth,
    features: &'a [usize],
    random: &'a mut Xoshiro256PlusPlus,
    rows: Vec<u32>,
    sums: Vec<Sums>,
    /// Cells of one feature in a histogram.
    stride: usize,
}

/// Grows a tree over the rows that `gradients` counts, from `features`; leaf values are multiplied by `rate`.
pub fn grow(
    binned: &Binned,
    gradients: &Gradients,
    growth: &Growth,
    features: &[usize],
    rate: f64,
    random: &mut Xoshiro256PlusPlus,
) -> Grown {
    let rows: Vec<u32> = (0..binned.rows as u32).filter(|row| gradients.rows[*row as usize].count() > 0).collect();
    let sums: Vec<Sums> = rows.iter().map(|row| gradients.rows[*row as usize]).collect();
    let stride = binned.bins_max();
    let mut grower = Grower { binned, gradients, growth, features, random, rows, sums, stride };
    let nodes = grower.nodes();
    let value = |sums: Sums| rounded(rate * growth.rules.leaf_value(gradients, sums), LEAF_DIGITS);
    let mut grown = Grown { tree: Tree::default(), rows: grower.rows, leaves: Vec::new() };
    // Root first, left before right; a right child tells its parent where it is.
    let mut stack: Vec<(usize, Option<usize>)> = vec![(0, None)];
    while let Some((node, right_of)) = stack.pop() {
        let Node { rows, sums, cut } = &nodes[node];
        let place = match cut {
            Some((split, left, right)) => {
                let threshold = binned.columns[split.feature].threshold(split.bin);
                let place = grown.tree.push_split(split.feature, threshold, split.is_missing_left);
                stack.push((*right, Some(place)));
                stack.push((*left, None));
                place
            }
            None => {
                grown.leaves.push((rows.clone(), value(*sums)));
                grown.tree.push_leaf(value(*sums))
            }
        };
        if let Some(parent) = right_of {
            grown.tree.set_right(parent, place);
        }
    }
    grown
}

impl Grower<'_> {
    fn nodes(&mut self) -> Vec<Node> {
        let all = 0..self.rows.len();
        let mut total = Sums::default();
        self.sums.iter().for_each(|sums| total.add(*sums));
        let mut nodes = vec![Node { rows: all.clone(), sums: total, cut: None }];
        let mut open: Vec<Open> = Vec::new();
        if self.may_cut(total, 0) {
            let (histogram, split) = self.measure(&all, total);
            open.extend(split.map(|split| Open { node: 0, rows: all, depth: 0, split, histogram }));
        }
        let mut leaves = 1;
        while leaves < self.growth.leaves_max && !open.is_empty() {
            let next = match self.growth.order {
                Order::DepthWise => 0,
                // The first of equals.
                Order::LeafWise => {
                    (1..open.len()).fold(0, |best, i| if open[i].split.gain > open[best].split.gain { i } else { best })
                }
            };
            let parent = open.remove(next);
            leaves += 1;
            self.cut(parent, &mut nodes, &mut open);
        }
        nodes
    }

    fn may_cut(&self, sums: Sums, depth: usize) -> bool {
        depth < self.growth.depth_max && sums.count() >= 2 * self.growth.rules.rows_min.max(1)
    }

    /// Cuts a node, and puts those of its children that may be cut again among the open ones.
    fn cut(&mut self, parent: Open, nodes: &mut Vec<Node>, open: &mut Vec<Open>) {
        let Open { node, rows, depth, split, mut histogram } = parent;
        let middle = self.partition(&rows, &split);
        let (left, right) = (rows.start..middle, middle..rows.end);
        let (left_node, right_node) = (nodes.len(), nodes.len() + 1);
        nodes.push(Node { rows: left.clone(), sums: split.left, cut: None });
        nodes.push(Node { rows: right.clone(), sums: split.right, cut: None });
        nodes[node].cut = Some((split, left_node, right_node));
        let depth = depth + 1;
        let mut children = [(left_node, left, split.left), (right_node, right, split.right)];
        if self.growth.features_by_node.is_some() {
            for (node, rows, sums) in children {
                if self.may_cut(sums, depth) {
                    let (histogram, split) = self.measure(&rows, sums);
                    open.extend(split.map(|split| Open { node, rows, depth, split, histogram }));
                }
            }
            return;
        }
        if !children.iter().any(|child| self.may_cut(child.2, depth)) {
            return;
        }
        // The smaller child is counted, the larger one is what is left of the parent.
        let is_right_smaller = children[1].1.len() < children[0].1.len();
        if is_right_smaller {
            children.swap(0, 1);
        }
        let [(small_node, small_rows, small_sums), (large_node, large_rows, large_sums)] = children;
        let mut small = vec![Sums::default(); histogram.len()];
        let best = |feature: usize, cells: &[Sums], sums: Sums| {
            let column = &self.binned.columns[feature];
            let may_cut = self.may_cut(sums, depth);
            may_cut.then(|| self.growth.rules.best(self.gradients, feature, column, cells, sums)).flatten()
        };
        let of_feature = |((feature, small), large): ((&usize, &mut [Sums]), &mut [Sums])| {
            let rows = small_rows.clone();
            split::fill(small, &self.binned.columns[*feature], &self.rows[rows.clone()], &self.sums[rows]);
            split::subtract(large, small);
            (best(*feature, small, small_sums), best(*feature, large, large_sums))
        };
        let found: Vec<(Option<Split>, Option<Split>)> = if small_rows.len() * self.features.len() >= PARALLEL_MIN {
            let cells = small.par_chunks_mut(self.stride).zip(histogram.par_chunks_mut(self.stride));
            let features = self.features.par_iter().zip(cells);
            features.map(|(feature, (small, large))| of_feature(((feature, small), large))).collect()
        } else {
            let cells = self.features.iter().zip(small.chunks_mut(self.stride));
            cells.zip(histogram.chunks_mut(self.stride)).map(of_feature).collect()
        };
        let small_split = better(found.iter().map(|pair| pair.0));
        let large_split = better(found.iter().map(|pair| pair.1));
        let small =
            small_split.map(|split| Open { node: small_node, rows: small_rows, depth, split, histogram: small });
        let large = large_split.map(|split| Open { node: large_node, rows: large_rows, depth, split, histogram });
        if is_right_smaller {
            open.extend(large.into_iter().chain(small));
        } else {
            open.extend(small.into_iter().chain(large));
        }
    }

    /// The histograms of a node, and its best cut.
    fn measure(&mut self, rows: &Range<usize>, total: Sums) -> (Vec<Sums>, Option<Split>) {
        let drawn = self.growth.features_by_node.map(|count| draw(self.features, count, self.random));
        let features = drawn.as_deref().unwrap_or(self.features);
        let mut histogram = vec![Sums::default(); self.stride * features.len()];
        let of_feature = |(feature, cells): (&usize, &mut [Sums])| {
            let column = &self.binned.columns[*feature];
            split::fill(cells, column, &self.rows[rows.clone()], &self.sums[rows.clone()]);
            self.growth.rules.best(self.gradients, *feature, column, cells, total)
        };
        let is_large = drawn.is_none() && rows.len() * features.len() >= PARALLEL_MIN;
        let found: Vec<Option<Split>> = if is_large {
            features.par_iter().zip(histogram.par_chunks_mut(self.stride)).map(of_feature).collect()
        } else {
            features.iter().zip(histogram.chunks_mut(self.stride.max(1))).map(of_feature).collect()
        };
        let kept = if drawn.is_some() { Vec::new() } else { histogram };
        (kept, better(found.into_iter()))
    }

    /// Puts rows that go left before those that go right, each in their former order; where the right ones begin.
    fn partition(&mut self, range: &Range<usize>, split: &Split) -> usize {
        let column = &self.binned.columns[split.feature];
        let missing = column.missing();
        let mut right: Vec<(u32, Sums)> = Vec::with_capacity(split.right.count().min(range.len()));
        let mut middle = range.start;
        for place in range.clone() {
            let row = self.rows[place];
            let bin = usize::from(column.bins[row as usize]);
            let is_left = if bin == missing { split.is_missing_left } else { bin <= split.bin };
            if is_left {
                self.rows[middle] = row;
                self.sums[middle] = self.sums[place];
                middle += 1;
            } else {
                right.push((row, self.sums[place]));
            }
        }
        for (place, (row, sums)) in (middle..range.end).zip(right) {
            self.rows[place] = row;
            self.sums[place] = sums;
        }
        middle
    }
}

/// The cut of highest gain, the first of equals.
fn better(splits: impl Iterator<Item = Option<Split>>) -> Option<Split> {
    splits.flatten().fold(None, |best: Option<Split>, split| match best {
        Some(best) if best.gain >= split.gain => Some(best),
        _ => Some(split),
    })
}

/// `count` of `features` (at least one), each as likely as any other, in their own order.
pub(super) fn draw(features: &[usize], count: usize, random: &mut Xoshiro256PlusPlus) -> Vec<usize> {
    let mut left = count.clamp(1, features.len().max(1));
    let mut drawn = Vec::with_capacity(left);
    for (place, feature) in features.iter().enumerate() {
        // Selection sampling, Knuth's algorithm S (TAOCP 3.4.2).
        if below(features.len() - place, random) < left {
            drawn.push(*feature);
            left -= 1;
        }
    }
    drawn
}

/// A whole number from 0 to `limit - 1`.
pub(super) fn below(limit: usize, random: &mut Xoshiro256PlusPlus) -> usize {
    ((u128::from(random.next_u64()) * limit as u128) >> 64) as usize
}
