//! Which cluster of a fit is which of an earlier one, so that a cluster keeps its number because it is the same, and a
//! persona its name.

use super::points::square_distance;

/// For each new centroid the place of the former one that it continues, each former one at most once, such that the sum
/// of squared distances is least; `None` for those that are more than there were.
///
/// The assignment problem, solved by shortest augmenting paths (Jonker and Volgenant 1987), in the cube of the number
/// of clusters.
pub(super) fn continued(fresh: &[Vec<f64>], former: &[Vec<f64>]) -> Vec<Option<usize>> {
    let size = fresh.len().max(former.len());
    // Whoever has no partner on the other side is as far from everybody.
    let cost = |row: usize, column: usize| match (fresh.get(row), former.get(column)) {
        (Some(a), Some(b)) => square_distance(a, b),
        _ => 0.0,
    };
    let partner = assign(size, cost);
    (0..fresh.len()).map(|row| Some(partner[row]).filter(|column| *column < former.len())).collect()
}

/// The column of each row in the cheapest one-to-one assignment.
fn assign(size: usize, cost: impl Fn(usize, usize) -> f64) -> Vec<usize> {
    const NOBODY: usize = usize::MAX;
    // The last column stands for "not assigned yet".
    let mut row_of = vec![NOBODY; size + 1];
    let (mut row_price, mut column_price) = (vec![0.0; size], vec![0.0; size + 1]);
    for row in 0..size {
        row_of[size] = row;
        let (mut least, mut before) = (vec![f64::INFINITY; size], vec![size; size]);
        let mut is_done = vec![false; size + 1];
        let mut column = size;
        while row_of[column] != NOBODY {
            is_done[column] = true;
            let here = row_of[column];
            let (mut step, mut next) = (f64::INFINITY, size);
            for other in (0..size).filter(|other| !is_done[*other]) {
                let reduced = cost(here, other) - row_price[here] - column_price[other];
                if reduced < least[other] {
                    (least[other], before[other]) = (reduced, column);
                }
                if least[other] < step {
                    (step, next) = (least[other], other);
                }
            }
            for other in 0..=size {
                if is_done[other] {
                    row_price[row_of[other]] += step;
                    column_price[other] -= step;
                } else if other < size {
                    least[other] -= step;
                }
            }
            column = next;
        }
        while column != size {
            let previous = before[column];
            row_of[column] = row_of[previous];
            column = previous;
        }
        row_of[size] = NOBODY;
    }
    let mut partner = vec![0; size];
    for (column, row) in row_of[..size].iter().enumerate() {
        partner[*row] = column;
    }
    partner
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(values: &[f64]) -> Vec<Vec<f64>> {
        values.iter().map(|value| vec![*value]).collect()
    }

    #[test]
    fn clusters_keep_their_places_and_new_ones_have_none() {
        assert_eq!(continued(&line(&[9.1, 0.2, 5.0]), &line(&[0.0, 5.1, 9.0])), [Some(2), Some(0), Some(1)]);
        assert_eq!(continued(&line(&[9.0, 0.0, 4.0]), &line(&[0.1, 8.0])), [Some(1), Some(0), None]);
        assert_eq!(continued(&line(&[8.0]), &line(&[0.0, 7.0, 9.5])), [Some(1)]);
        assert_eq!(continued(&line(&[1.0]), &[]), [None]);
    }

    /// The least cost by trying every order.
    fn least(costs: &[Vec<f64>], row: usize, taken: &mut Vec<usize>) -> f64 {
        if row == costs.len() {
            return 0.0;
        }
        let mut best = f64::INFINITY;
        for column in 0..costs.len() {
            if !taken.contains(&column) {
                taken.push(column);
                best = best.min(costs[row][column] + least(costs, row + 1, taken));
                taken.pop();
            }
        }
        best
    }

    proptest! {
        #[test]
        fn no_other_assignment_is_cheaper(flat in proptest::collection::vec(0.0..9.0_f64, 1..26)) {
            let size = (flat.len() as f64).sqrt() as usize;
            let costs: Vec<Vec<f64>> = flat.chunks_exact(size).take(size).map(<[f64]>::to_vec).collect();
            let partner = assign(size, |row, column| costs[row][column]);
            let found: f64 = partner.iter().enumerate().map(|(row, column)| costs[row][*column]).sum();
            prop_assert!((found - least(&costs, 0, &mut Vec::new())).abs() < 1e-9);
            let mut columns = partner;
            columns.sort_unstable();
            prop_assert_eq!(columns, (0..size).collect::<Vec<_>>());
        }
    }
}
