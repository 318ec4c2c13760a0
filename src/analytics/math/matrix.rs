//! Small symmetric matrices (two to four parameters): Cholesky factor and inverse.

/// A square matrix by rows.
pub type Matrix = Vec<Vec<f64>>;

/// Lower triangular `L` with `L Lᵀ = matrix`, or `None` when the matrix is not positive definite (or not finite).
#[must_use]
pub fn cholesky(matrix: &Matrix) -> Option<Matrix> {
    let n = matrix.len();
    let mut lower = vec![vec![0.0; n]; n];
    for i in 0..n {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| lower[i][k] * lower[j][k]).sum();
            let rest = matrix[i][j] - known;
            if i == j {
                // Written so that NaN is refused too.
                if !(rest > 0.0 && rest.is_finite()) {
                    return None;
                }
                lower[i][i] = rest.sqrt();
            } else {
                lower[i][j] = rest / lower[j][j];
            }
        }
    }
    Some(lower)
}

/// Inverse of a positive definite matrix, or `None` when it is not one.
#[must_use]
pub fn inverse(matrix: &Matrix) -> Option<Matrix> {
    let n = matrix.len();
    let lower = cholesky(matrix)?;
    let mut inverse = Vec::with_capacity(n);
    for column in 0..n {
        let mut solution = vec![0.0; n];
        for i in 0..n {
            let unit = if i == column { 1.0 } else { 0.0 };
            let known: f64 = (0..i).map(|k| lower[i][k] * solution[k]).sum();
            solution[i] = (unit - known) / lower[i][i];
        }
        for i in (0..n).rev() {
            let known: f64 = (i + 1..n).map(|k| lower[k][i] * solution[k]).sum();
            solution[i] = (solution[i] - known) / lower[i][i];
        }
        // The inverse is symmetric too, so its columns serve as rows.
        inverse.push(solution);
    }
    Some(inverse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverse_times_matrix_is_the_identity() {
        let matrix = vec![vec![4.0, 2.0, 0.6], vec![2.0, 5.0, 1.5], vec![0.6, 1.5, 3.0]];
        let inverse = inverse(&matrix).expect("positive definite");
        for (i, row) in matrix.iter().enumerate() {
            for (j, solution) in inverse.iter().enumerate() {
                let product: f64 = row.iter().zip(solution).map(|(left, right)| left * right).sum();
                let identity = if i == j { 1.0 } else { 0.0 };
                assert!((product - identity).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn indefinite_and_not_finite_matrices_are_refused() {
        assert_eq!(inverse(&vec![vec![1.0, 2.0], vec![2.0, 1.0]]), None);
        assert_eq!(inverse(&vec![vec![0.0]]), None);
        assert_eq!(inverse(&vec![vec![f64::NAN]]), None);
        assert_eq!(cholesky(&vec![vec![f64::INFINITY]]), None);
    }
}
